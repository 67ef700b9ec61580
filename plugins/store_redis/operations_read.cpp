// plugins/store_redis/operations_read.cpp -- get, get_many and read: GET or MGET, and records along with them.
#include "operations.hpp"
#include "record_bytes.hpp"

#include <larder/plugin/store.h>
#include <larder/plugin/value.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace larder::store_redis {
namespace {

using plugin::text_of;

// Keys of one MGET: its reply has a limit in bytes, and Redis serves nobody else meanwhile.
constexpr std::size_t most_keys = 512;

void release(larder_value& value) noexcept {
    if (value.release != nullptr) {
        value.release(&value);
    }
    value = larder_value{};
}

class Get final : public Operation {
  public:
    Get(const Workshop& shop, const larder_key& key, const larder_call& call)
        : Operation(shop, call, (call.flags & LARDER_CALL_NO_VALUE) != 0 ? "EXISTS" : "GET"),
          bare_((call.flags & LARDER_CALL_NO_VALUE) != 0) {
        repeatable = true;
        wire.reserve(key.size + 40);
        begin(2);
        word(name());
        Batch::key(text_of(key));
    }
    ~Get() override { release(value_); }

    bool on_reply(std::uint32_t, Reply& reply) override {
        status_ = error_of(reply);
        if (status_ != LARDER_OK) {
            return true;
        }
        if (bare_) {
            status_ = reply.integer() != 0 ? LARDER_OK : LARDER_MISS;
            return reply.type() == Reply::Type::integer;
        }
        if (reply.type() == Reply::Type::string) {
            release(value_);
            reply.take(0, value_);
            return true;
        }
        status_ = LARDER_MISS;
        return reply.type() == Reply::Type::nil;
    }

  protected:
    larder_status result() override {
        auto& count = status_ == LARDER_OK ? shop_.counters.hits : shop_.counters.misses;
        count.fetch_add(1, std::memory_order_relaxed);
        return status_;
    }
    larder_value* value() noexcept override {
        if (bare_) {
            return nullptr;
        }
        given_ = std::exchange(value_, larder_value{});
        return &given_;
    }

  private:
    const bool bare_;
    larder_status status_ = LARDER_OK;
    larder_value value_{}, given_{};
};

class Read final : public Operation {
  public:
    Read(const Workshop& shop, std::span<larder_get_item> items, std::span<larder_record> records,
         const larder_call& call)
        : Operation(shop, call, spreads(shop) ? "GET" : "MGET"), items_(items), records_(records) {
        repeatable = true;
        for (larder_get_item& item : items_) {
            item.value = larder_value{};
            item.status = LARDER_E_IO;
        }
        for (larder_record& record : records_) {
            record.status = LARDER_E_IO;
        }
        write(items_.size(), [&](std::size_t i) { return text_of(items_[i].key); });
        write(records_.size(), [&](std::size_t i) { return text_of(records_[i].key); });
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (spread()) {
            return take(index, reply, 0);
        }
        const std::size_t value_calls = (items_.size() + most_keys - 1) / most_keys;
        const bool of_values = index < value_calls;
        const std::size_t first = (of_values ? index : index - value_calls) * most_keys;
        const std::size_t all = of_values ? items_.size() : records_.size();
        const std::size_t count = std::min(most_keys, all - first);
        const std::size_t begin = of_values ? first : items_.size() + first;
        if (reply.is_error()) {
            const larder_status status = error_of(reply);
            for (std::size_t i = 0; i < count; ++i) {
                (of_values ? items_[first + i].status : records_[first + i].status) = status;
            }
            return true;
        }
        if (!reply.is_flat() || reply.root().size != count) {
            return false;
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (!take(begin + i, reply, i + 1)) {
                return false;
            }
        }
        return true;
    }
    void on_again() noexcept override {
        Operation::on_again();
        drop_values();
    }

  protected:
    larder_status result() override {
        std::uint64_t hits = 0;
        for (const larder_get_item& item : items_) {
            hits += item.status == LARDER_OK ? 1 : 0;
        }
        shop_.counters.hits.fetch_add(hits, std::memory_order_relaxed);
        shop_.counters.misses.fetch_add(items_.size() - hits, std::memory_order_relaxed);
        return LARDER_OK;
    }
    void failed(larder_status status) noexcept override {
        drop_values();
        for (larder_get_item& item : items_) {
            item.status = status;
        }
        for (larder_record& record : records_) {
            record.status = status;
        }
    }

  private:
    static bool spreads(const Workshop& shop) { return shop.topology.spread(); }

    template <class KeyOf>
    void write(std::size_t n, KeyOf key_of) {
        if (spread()) {
            for (std::size_t i = 0; i < n; ++i) {
                begin(2);
                word("GET");
                key(key_of(i));
            }
            return;
        }
        for (std::size_t i = 0; i < n; ++i) {
            if (i % most_keys == 0) {
                begin(1 + std::min(most_keys, n - i));
                word("MGET");
            }
            key(key_of(i));
        }
    }

    // Item i of the reply is what the key `which`, of values and then records, has.
    bool take(std::size_t which, Reply& reply, std::size_t i) {
        const Reply::Item& item = reply.items()[i];
        const bool there = item.type == Reply::Type::string;
        larder_status status = LARDER_MISS;
        if (item.type == Reply::Type::error) {
            status = error_of(reply);
        } else if (!there && item.type != Reply::Type::nil) {
            return false;
        }
        if (which < items_.size()) {
            if (there) {
                reply.take(i, items_[which].value);
                status = LARDER_OK;
            }
            items_[which].status = status;
        } else {
            larder_record& record = records_[which - items_.size()];
            if (there && read_record(item.text(), record)) {
                status = LARDER_OK;
            }
            record.status = status;
        }
        return true;
    }
    void drop_values() noexcept {
        for (larder_get_item& item : items_) {
            release(item.value);
        }
    }

    std::span<larder_get_item> items_;
    std::span<larder_record> records_;
};

}  // namespace

Made make_get(const Workshop& shop, const larder_key& key, const larder_call& call) {
    return std::make_unique<Get>(shop, key, call);
}

Made make_read(const Workshop& shop, std::span<larder_get_item> items,
               std::span<larder_record> records, const larder_call& call) {
    return std::make_unique<Read>(shop, items, records, call);
}

}  // namespace larder::store_redis
