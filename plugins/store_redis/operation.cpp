// plugins/store_redis/operation.cpp -- see operation.hpp.
#include "operation.hpp"

#include <larder/plugin/store.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace larder::store_redis {

// A thread that waits. It lives as long as the thread, so whoever wakes it may still be in here when it
// is gone.
struct Operation::Waiter {
    std::mutex mutex;
    std::condition_variable wakes;
    bool ended = false;
    larder_status status = LARDER_OK;

    static Waiter& mine() {
        thread_local Waiter waiter;
        waiter.ended = false;
        return waiter;
    }
    void end(larder_status with) noexcept {
        const std::lock_guard lock(mutex);
        ended = true;
        status = with;
        wakes.notify_one();
    }
    larder_status wait() {
        std::unique_lock lock(mutex);
        wakes.wait(lock, [&] { return ended; });
        return status;
    }
};

Operation::Operation(const Workshop& shop, const larder_call& call, const char* name)
    : Batch(shop.topology.spread()),
      shop_(shop),
      name_(name),
      done_(call.done),
      done_ctx_(call.done_ctx) {
    const std::uint64_t now = LARDER_HAS(&call, now_ns) && call.now_ns != 0 ? call.now_ns
                                                                             : shop.loop.now_ns();
    deadline_ns = now + shop.options.command_timeout_ns;
    if (call.deadline_ns != 0) {
        deadline_ns = std::min(deadline_ns, call.deadline_ns);
    }
    tag = call.done != nullptr ? call.done_ctx : nullptr;
}

larder_status Operation::run(std::unique_ptr<Operation> operation, larder_value* value) {
    Operation& me = *operation;
    me.finish_writing();
    if (me.deadline_ns <= me.shop_.loop.now_ns()) {
        return LARDER_E_TIMEOUT;
    }
    if (me.done_ != nullptr) {
        const larder_status status = me.shop_.topology.run(me);
        if (status != LARDER_OK) {
            return status;
        }
        static_cast<void>(operation.release());
        return LARDER_PENDING;
    }
    if (me.shop_.loop.here()) {
        return LARDER_E_INVALID;  // it would wait for itself
    }
    Waiter& waiter = Waiter::mine();
    me.waiter_ = &waiter;
    me.out_ = value;
    // It may have ended, and gone, when this returns.
    const larder_status status = me.shop_.topology.run_here(me);
    if (status != LARDER_OK) {
        return status;
    }
    static_cast<void>(operation.release());
    return waiter.wait();
}

void Operation::on_end(larder_status status) noexcept {
    if (status == LARDER_OK) {
        try {
            if (noscript_ && !std::exchange(spelled_, true)) {
                spell_scripts_out();
                on_again();
                status = shop_.topology.run(*this);
                if (status == LARDER_OK) {
                    return;
                }
            } else {
                status = result();
            }
        } catch (...) {
            status = LARDER_E_NOMEM;
        }
    }
    finish(status);
}

void Operation::finish(larder_status status) noexcept {
    const std::unique_ptr<Operation> ended(this);
    if (status < 0) {
        shop_.counters.errors.fetch_add(1, std::memory_order_relaxed);
        failed(status);
    }
    larder_value* const answer = status == LARDER_OK ? value() : nullptr;
    if (waiter_ != nullptr) {
        if (answer != nullptr && out_ != nullptr) {
            *out_ = *answer;
        } else if (answer != nullptr && answer->release != nullptr) {
            answer->release(answer);
        }
        waiter_->end(status);
    } else {
        done_(done_ctx_, status, answer);
    }
}

// ---- scripts ------------------------------------------------------------------------------------

void Operation::script(const Script& script, std::size_t keys, std::size_t arguments) {
    begin(3 + keys + arguments);
    scripts_.emplace_back(static_cast<std::uint32_t>(wire.size()), &script);
    word("EVALSHA");
    word(script.digest);
    number(keys);
}

// EVAL with the text in the place of EVALSHA with the digest.
void Operation::spell_scripts_out() {
    std::uint32_t moved = 0;
    for (const auto& [where, script] : scripts_) {
        std::string by_digest, by_text;
        write_word(by_digest, "EVALSHA");
        write_word(by_digest, script->digest);
        write_word(by_text, "EVAL");
        write_word(by_text, script->text);
        const std::uint32_t at = where + moved;
        wire.replace(at, by_digest.size(), by_text);
        const auto longer = static_cast<std::uint32_t>(by_text.size() - by_digest.size());
        move_commands(at, longer);
        moved += longer;
    }
}

// ---- errors -------------------------------------------------------------------------------------

larder_status Operation::error_of_text(std::string_view text) noexcept {
    const std::string_view code = text.substr(0, text.find(' '));
    if (code == "NOPERM" || code == "NOAUTH" || code == "WRONGPASS") {
        return LARDER_E_DENIED;
    }
    if (code == "OOM") {
        return LARDER_E_NOMEM;
    }
    if (code == "WRONGTYPE") {
        return LARDER_E_CORRUPT;
    }
    return LARDER_E_IO;  // LOADING, READONLY, BUSY, MISCONF, CLUSTERDOWN, ...
}

larder_status Operation::error_of(const Reply& reply) {
    if (!reply.is_error()) {
        return LARDER_OK;
    }
    if (reply.text().starts_with("NOSCRIPT") && !spelled_) {
        noscript_ = true;
        return LARDER_OK;
    }
    shop_.journal.trouble(name_, shop_.options.endpoint.text(), reply.text());
    return error_of_text(reply.text());
}

std::string Operation::lease_of(std::string_view key) const {
    const std::string& prefix = shop_.options.prefix;
    if (!key.starts_with(prefix)) {
        return {};
    }
    const std::string_view rest = key.substr(prefix.size());
    // A session record has no lease; but scripts name two keys, and in a cluster both are of one slot.
    if (!rest.starts_with(":v:") && !rest.starts_with(":s:")) {
        return {};
    }
    std::string lease(key);
    lease[prefix.size() + 1] = 'l';
    return lease;
}

}  // namespace larder::store_redis
