// plugins/store_redis/operations_records.cpp -- make and change: what a drop or an expire is, in the store.
#include "operations.hpp"
#include "record_bytes.hpp"

#include <larder/plugin/value.hpp>

#include <algorithm>
#include <string>

namespace larder::store_redis {
namespace {

using plugin::text_of;

class MakeRecords final : public Operation {
  public:
    MakeRecords(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
                const larder_call& call)
        : Operation(shop, call, "make of a record"), records_(records) {
        ordered = true;
        for (larder_record& record : records_) {
            record.status = LARDER_E_IO;
            script(make_script(), 1, 2);
            key(text_of(record.key));
            word(record_bytes(record));
            number(ttl_ms);
        }
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        larder_record& record = records_[index];
        if (reply.is_error()) {
            record.status = error_of(reply);
            status_ = record.status != LARDER_OK ? record.status : status_;
            return true;
        }
        // Somebody else may have written there; that is his record, and none.
        record.status = read_record(reply.text(), record) ? LARDER_OK : LARDER_E_CORRUPT;
        status_ = record.status != LARDER_OK ? record.status : status_;
        return reply.type() == Reply::Type::string;
    }

  protected:
    larder_status result() override { return status_; }
    void failed(larder_status status) noexcept override {
        for (larder_record& record : records_) {
            record.status = status;
        }
    }

  private:
    std::span<larder_record> records_;
    larder_status status_ = LARDER_OK;
};

class Change final : public Operation {
  public:
    Change(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
           std::span<const larder_key> keys, std::uint32_t wanted, const larder_call& call)
        : Operation(shop, call, "change of records"), records_(records), wanted_(wanted) {
        ordered = true;
        for (larder_record& record : records_) {
            record.status = LARDER_E_IO;
            if (record.drop == 0) {
                script(expire_script(), 1, 2);
                key(text_of(record.key));
                word(expire_bytes(record));
                number(ttl_ms);
                continue;
            }
            begin(6);
            word("SET");
            key(text_of(record.key));
            word(record_bytes(record));
            word("XX");
            word("PX");
            number(ttl_ms);
        }
        begin_stage();
        for (const larder_key& name : keys) {
            const std::string lease = lease_of(text_of(name));
            if (!lease.empty()) {
                remove(lease);
            }
        }
        begin_stage();
        for (const larder_key& name : keys) {
            remove(text_of(name));
        }
        if (wanted_ == 0 || replies == 0) {
            return;
        }
        // It makes its connection wait, and counts what that connection wrote: so both on a side one.
        lane = Lane::side;
        const std::uint64_t now = shop.loop.now_ns();
        const std::uint64_t left_ms = (deadline_ns - std::min(deadline_ns, now)) / 1'000'000;
        // Redis looks at it ten times a second, and its answer needs time, too.
        constexpr std::uint64_t slack_ms = 120;
        wait_ms = std::max<std::uint64_t>(left_ms - std::min(left_ms / 2, slack_ms), 1);
        if (spread()) {
            replicas = wanted_;
            return;
        }
        waits_at_ = replies;
        begin(3);
        word("WAIT");
        number(wanted_);
        number(wait_ms);
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (index == waits_at_) {
            on_replicas(reply.is_error() ? 0 : reply.integer());
            return reply.is_error() || reply.type() == Reply::Type::integer;
        }
        const larder_status error = error_of(reply);
        if (error != LARDER_OK) {
            status_ = error;
        }
        if (index >= records_.size()) {
            return reply.is_error() || reply.type() == Reply::Type::integer;
        }
        larder_record& record = records_[index];
        if (reply.is_error()) {
            record.status = error;
            return true;
        }
        if (record.drop == 0) {
            record.status = reply.integer() == 1 ? LARDER_OK : LARDER_MISS;
            return reply.type() == Reply::Type::integer;
        }
        record.status = reply.is_ok() ? LARDER_OK : LARDER_MISS;
        return reply.is_ok() || reply.type() == Reply::Type::nil;
    }
    void on_replicas(std::int64_t reached) override {
        if (reached < static_cast<std::int64_t>(wanted_)) {
            short_ = true;
        }
    }

  protected:
    larder_status result() override {
        return status_ == LARDER_OK && short_ ? LARDER_E_TIMEOUT : status_;
    }

  private:
    void remove(std::string_view name) {
        begin(2);
        word("DEL");
        key(name);
    }

    std::span<larder_record> records_;
    const std::uint32_t wanted_;
    std::uint32_t waits_at_ = UINT32_MAX;
    bool short_ = false;
    larder_status status_ = LARDER_OK;
};

}  // namespace

Made make_records(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
                  const larder_call& call) {
    return std::make_unique<MakeRecords>(shop, records, ttl_ms, call);
}
Made make_change(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
                 std::span<const larder_key> keys, std::uint32_t replicas, const larder_call& call) {
    return std::make_unique<Change>(shop, records, ttl_ms, keys, replicas, call);
}

}  // namespace larder::store_redis
