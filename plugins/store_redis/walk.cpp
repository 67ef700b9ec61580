// plugins/store_redis/walk.cpp -- see walk.hpp.
#include "walk.hpp"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace larder::store_redis {
namespace {

constexpr std::uint32_t keys_a_step = 256;
constexpr unsigned cursor_bits = 40;

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t n = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return text.empty() ? std::nullopt : std::optional(n);
}

// Steps on one server after another. Each step is an exchange; what comes next is decided on the loop.
class Walk : public Exchange {
  public:
    using Ended = std::function<void(larder_status)>;

    Walk(const Workshop& shop, const larder_call& call, std::string pattern)
        : shop_(shop), pattern_(std::move(pattern)), until_ns_(call.deadline_ns) {
        lane = Lane::side;
    }
    virtual ~Walk() = default;

    // Takes itself over when it answers OK.
    larder_status begin(std::size_t server, std::uint64_t cursor, Ended ended) {
        ended_ = std::move(ended);
        server_ = server;
        cursor_ = cursor;
        return ask_for_keys();
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (reply.is_error()) {
            shop_.journal.trouble(name(), shop_.options.endpoint.text(), reply.text());
            failed_ = true;
            refused_ = reply.text().substr(0, 6) == "NOPERM";
            return true;
        }
        if (!keys_asked_) {
            return on_answer(index, reply);
        }
        // [cursor, [keys]]
        const auto& items = reply.items();
        if (items.size() < 3 || items[0].type != Reply::Type::array || items[0].size != 2 ||
            items[2].type != Reply::Type::array || items.size() != items[2].size + std::size_t{3}) {
            return false;
        }
        const std::optional<std::uint64_t> next = number(items[1].text());
        if (!next || *next >> cursor_bits != 0) {
            return false;
        }
        cursor_ = *next;
        keys_.clear();
        for (std::size_t i = 3; i < items.size(); ++i) {
            keys_.emplace_back(items[i].text());
        }
        return true;
    }
    void on_end(larder_status status) noexcept override {
        if (status == LARDER_OK && failed_) {
            status = refused_ ? LARDER_E_UNSUPPORTED : LARDER_E_IO;  // the server is well
        }
        try {
            if (status == LARDER_OK) {
                status = next();
                if (status == LARDER_PENDING) {
                    return;
                }
            }
        } catch (...) {
            status = LARDER_E_NOMEM;
        }
        const Ended told = std::move(ended_);
        finish();      // it may be gone now,
        told(status);  // or be the waiting thread's again
    }
    const char* name() const noexcept override { return "SCAN"; }

    std::size_t server_number() const noexcept { return server_; }
    std::uint64_t cursor() const noexcept { return cursor_; }

  protected:
    // What to do with keys_: writes commands, or none. Their answers go to on_answer.
    virtual void write_for_keys() = 0;
    virtual bool on_answer(std::uint32_t index, Reply& reply) = 0;
    // Whether to go on when a server has no more keys, or this step has been worked on.
    virtual bool goes_on() = 0;
    // Somebody else's, or its own.
    virtual void finish() noexcept = 0;

    void command(std::initializer_list<std::string_view> words) {
        write_head(wire, words.size());
        for (const std::string_view word : words) {
            write_word(wire, word);
        }
        ++replies;
    }

    const Workshop& shop_;
    std::vector<std::string> keys_;
    std::uint32_t step_ = keys_a_step;

  private:
    larder_status send() {
        Server* const server = shop_.topology.server(server_);
        if (server == nullptr) {
            return LARDER_E_INVALID;
        }
        deadline_ns = shop_.loop.now_ns() + shop_.options.command_timeout_ns;
        if (until_ns_ != 0) {
            deadline_ns = std::min(deadline_ns, until_ns_);
        }
        sent_again = false;
        resent = 0;
        return server->send(*this);
    }
    larder_status ask_for_keys() {
        keys_asked_ = true;
        repeatable = true;
        wire.clear();
        replies = 0;
        command({"SCAN", std::to_string(cursor_), "MATCH", pattern_, "COUNT", std::to_string(step_)});
        return send();
    }
    // PENDING: a further exchange is under way. OK: it is over.
    larder_status next() {
        if (keys_asked_) {
            keys_asked_ = false;
            repeatable = false;
            wire.clear();
            replies = 0;
            write_for_keys();
            if (replies != 0) {
                const larder_status status = send();
                return status == LARDER_OK ? LARDER_PENDING : status;
            }
        }
        if (!goes_on()) {
            return LARDER_OK;
        }
        if (cursor_ == 0 && shop_.topology.server(++server_) == nullptr) {
            return LARDER_OK;
        }
        const larder_status status = ask_for_keys();
        return status == LARDER_OK ? LARDER_PENDING : status;
    }

    const std::string pattern_;
    const std::uint64_t until_ns_;
    Ended ended_;
    std::size_t server_ = 0;
    std::uint64_t cursor_ = 0;
    bool keys_asked_ = true, failed_ = false, refused_ = false;
};

// A thread waits for the end of a walk that is its own.
class Gate {
  public:
    void open(larder_status status) {
        const std::lock_guard lock(mutex_);
        status_ = status;
        wakes_.notify_one();
    }
    larder_status wait() {
        std::unique_lock lock(mutex_);
        wakes_.wait(lock, [&] { return status_.has_value(); });
        return *status_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable wakes_;
    std::optional<larder_status> status_;
};

struct Seen {
    std::string key;
    std::uint64_t size = 0;
    std::int64_t ttl_ms = -1;
};

// One step: keys, and then the size and time left of each, if wanted.
class Look final : public Walk {
  public:
    Look(const Workshop& shop, const larder_call& call, const larder_scan& scan)
        : Walk(shop, call, shop.options.prefix + ":v:*"), keys_only_((scan.flags & LARDER_SCAN_KEYS) != 0) {
        if (scan.count != 0) {
            step_ = scan.count;
        }
    }
    std::vector<Seen> seen;

  protected:
    void write_for_keys() override {
        if (keys_only_) {
            for (std::string& key : keys_) {
                seen.push_back({std::move(key), 0, -1});
            }
            return;
        }
        for (const std::string& key : keys_) {
            command({"STRLEN", key});
            command({"PTTL", key});
        }
        seen.resize(keys_.size());
    }
    bool on_answer(std::uint32_t index, Reply& reply) override {
        Seen& one = seen[index / 2];
        if (index % 2 == 0) {
            one.key = keys_[index / 2];
            one.size = static_cast<std::uint64_t>(std::max<std::int64_t>(reply.integer(), 0));
        } else {
            one.ttl_ms = reply.integer();
        }
        return reply.type() == Reply::Type::integer;
    }
    bool goes_on() override { return false; }
    void finish() noexcept override {}

  private:
    const bool keys_only_;
};

class Clear final : public Walk {
  public:
    Clear(const Workshop& shop, const larder_call& call)
        : Walk(shop, call, shop.options.prefix + ":*") {
        step_ = 1000;
    }

  protected:
    void write_for_keys() override {
        if (shop_.topology.spread()) {
            for (const std::string& key : keys_) {
                command({"UNLINK", key});
            }
            return;
        }
        if (!keys_.empty()) {
            write_head(wire, 1 + keys_.size());
            write_word(wire, "UNLINK");
            for (const std::string& key : keys_) {
                write_word(wire, key);
            }
            ++replies;
        }
    }
    bool on_answer(std::uint32_t, Reply& reply) override {
        return reply.type() == Reply::Type::integer;
    }
    bool goes_on() override { return true; }
    void finish() noexcept override { delete this; }
};

}  // namespace

larder_status scan(const Workshop& shop, larder_scan& scan, const larder_call& call) {
    if (shop.loop.here()) {
        return LARDER_E_INVALID;
    }
    constexpr std::uint64_t mask = (std::uint64_t{1} << cursor_bits) - 1;
    const std::size_t server = scan.cursor >> cursor_bits;
    Look look(shop, call, scan);
    const auto gate = std::make_shared<Gate>();
    const larder_status begun =
        look.begin(server, scan.cursor & mask, [gate](larder_status status) { gate->open(status); });
    const larder_status status = begun == LARDER_OK ? gate->wait() : begun;
    if (status != LARDER_OK) {
        return status;
    }
    std::uint64_t next = look.cursor();
    std::size_t at = server;
    if (next == 0) {
        at = shop.topology.server(server + 1) != nullptr ? server + 1 : 0;
    }
    scan.cursor = at << cursor_bits | next;
    for (const Seen& one : look.seen) {
        if (one.ttl_ms == -2) {
            continue;  // gone meanwhile
        }
        larder_key key{};
        key.data = one.key.data();
        key.size = static_cast<std::uint32_t>(one.key.size());
        key.ns = UINT32_MAX;
        if (scan.on_key(scan.ctx, &key, one.size, one.ttl_ms) != 0) {
            break;
        }
    }
    return LARDER_OK;
}

larder_status clear(const Workshop& shop, const larder_call& call) {
    auto walk = std::make_unique<Clear>(shop, call);
    Walk& me = *walk;
    if (call.done != nullptr) {
        const larder_status begun = me.begin(0, 0, [done = call.done, ctx = call.done_ctx](
                                                       larder_status status) { done(ctx, status, nullptr); });
        if (begun != LARDER_OK) {
            return begun;
        }
        static_cast<void>(walk.release());
        return LARDER_PENDING;
    }
    if (shop.loop.here()) {
        return LARDER_E_INVALID;
    }
    const auto gate = std::make_shared<Gate>();
    const larder_status begun =
        me.begin(0, 0, [gate](larder_status status) { gate->open(status); });
    if (begun != LARDER_OK) {
        return begun;
    }
    static_cast<void>(walk.release());
    return gate->wait();
}

}  // namespace larder::store_redis
