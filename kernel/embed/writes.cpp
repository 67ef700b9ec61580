// kernel/embed/writes.cpp -- fill and fail, put, drop, and what else concerns single entries.
#include "kernel/embed/gets.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace larder::embed {
namespace {

constexpr std::uint32_t all_put_flags = LARDER_PUT_ONLY_NEW | LARDER_PUT_ONLY_OVER | LARDER_PUT_KEEP_LIFE | LARDER_PUT_NOTHING_THERE;

std::uint32_t set_flags(std::uint32_t put) {
    std::uint32_t out = 0;
    if ((put & LARDER_PUT_ONLY_NEW) != 0) out |= LARDER_SET_IF_ABSENT;
    if ((put & LARDER_PUT_ONLY_OVER) != 0) out |= LARDER_SET_IF_PRESENT;
    if ((put & LARDER_PUT_KEEP_LIFE) != 0) out |= LARDER_SET_KEEP_TTL;
    if ((put & LARDER_PUT_NOTHING_THERE) != 0) out |= LARDER_SET_ABSENT;
    return out;
}

// One value on its way into the cache: a host's put, or what a lease brought.
class Put final : public Later {
  public:
    // Throws nothing but bad_alloc. What may be answered later is copied.
    Put(larder_kernel* k, std::uint32_t ns, std::string_view key, std::string_view value, const larder_put_args& args, const larder_loop* loop,
        std::uint64_t user, std::uint64_t lease)
        : kernel_(k), key_(key), value_(value), lease_(lease), user_(user), nothing_((args.flags & LARDER_PUT_NOTHING_THERE) != 0) {
        if (loop != nullptr) queue_ = loop->queue;
        std::size_t size = 0;
        for (std::uint32_t i = 0; i < args.nwith; ++i) size += args.with[i].name.n + args.with[i].value.n;
        with_text_.reserve(size);
        const auto kept = [this](larder_str s) {
            const std::size_t at = with_text_.size();
            with_text_ += text(s);
            return bytes({with_text_.data() + at, s.n});
        };
        for (std::uint32_t i = 0; i < args.nwith; ++i) with_.push_back({kept(args.with[i].name), kept(args.with[i].value)});
        item_.ns = ns;
        item_.flags = set_flags(args.flags) | (lease != 0 ? std::uint32_t{LARDER_SET_FENCED} : 0u);
        item_.key = bytes(key_);
        item_.value = bytes(value_);
        item_.ttl_ms = args.ttl_ms;
        item_.with = with_.data();
        item_.with_count = static_cast<std::uint32_t>(with_.size());
    }

    larder_result run() {
        bool later = false;
        {
            const std::lock_guard turn(kernel_->leases.turn(item_.ns, key_));
            if (lease_ != 0) {
                const LeaseBook::Taken taken = kernel_->leases.begin_fill(lease_, kernel_->now_ns());
                if (!taken.found) return refuse(LARDER_R_NO_LEASE, "this lease is over, or never was");
                if (taken.void_) {
                    kept_ = false;
                    item_.status = LARDER_OK;
                    return finish();
                }
            } else {
                looking_again_ = kernel_->leases.begin_put(item_.ns, key_);
            }
            prepare(0, lease_, true);
            try {
                later = kernel_->cache().set_many(&item_, 1, &call_) == LARDER_PENDING;
            } catch (const std::exception&) {
                item_.status = LARDER_E_NOMEM;  // and nobody waits for ever
            }
            if (later && queue_ != nullptr) ticket_ = queue_->begin(user_);
            // One that a full loop cannot tell of is done all the same.
            if (later && !went_away()) later = false;
            if (!later) return finish();
        }
        if (queue_ != nullptr) return LARDER_R_WAIT;
        std::unique_lock lock(mutex_);
        while (!is_landed_) {
            if (kernel_->executor == nullptr) {
                landed_.wait(lock);
                continue;
            }
            lock.unlock();
            const bool ran = kernel_->executor->run() != 0;
            lock.lock();
            if (!ran && !is_landed_) return refuse(LARDER_R_TIMEOUT, "it needs time, and time stands still");
        }
        return result_;
    }

  private:
    void land() noexcept override {
        const larder_result result = finish();
        if (queue_ != nullptr) return deliver(kernel_, *queue_, ticket_, {result, {}, 0});
        const std::lock_guard lock(mutex_);
        result_ = result;
        is_landed_ = true;
        landed_.notify_one();  // under the lock: whoever waits takes the mutex with it
    }

    larder_result finish() noexcept {
        try {
            return lease_ != 0 ? end_fill() : end_put();
        } catch (const std::bad_alloc&) {
            return LARDER_R_NO_MEMORY;
        }
    }

    larder_result end_put() {
        Waiting more = kernel_->leases.end_put(item_.ns, key_);
        wake(kernel_, std::move(looking_again_));
        wake(kernel_, std::move(more));
        if (item_.status == LARDER_EXISTS || item_.status == LARDER_MISS) return LARDER_R_NONE;
        return explained(item_.status);
    }

    larder_result end_fill() {
        LeaseBook::Taken taken = kernel_->leases.end_fill(lease_);
        const bool kept = kept_ && item_.status == LARDER_OK && item_.kept != 0 && !taken.void_;
        wake(kernel_, std::move(taken.late));
        if (item_.status != LARDER_OK) {
            for (const std::shared_ptr<Get>& one : taken.waiting) one->end({LARDER_R_PASS, {}, 0});
            return explained(item_.status);
        }
        if (!kept) {
            wake(kernel_, std::move(taken.waiting));
            return LARDER_R_NONE;
        }
        if (taken.waiting.empty()) return LARDER_R_DONE;
        if (nothing_) {
            for (const std::shared_ptr<Get>& one : taken.waiting) one->end({LARDER_R_ABSENT, {}, 0});
            return LARDER_R_DONE;
        }
        const HeldRef shared(make_ref(std::move(value_)));
        for (const std::shared_ptr<Get>& one : taken.waiting) one->end({LARDER_R_HIT, shared.share(), 0});
        return LARDER_R_DONE;
    }

    larder_result explained(larder_status status) {
        if (status == LARDER_E_INVALID) {
            std::array<char, 512> why{};
            larder_errbuf buffer{why.data(), static_cast<std::uint32_t>(why.size()), 0};
            if (kernel_->cache().check_key(item_.ns, key_, &buffer) != LARDER_OK && buffer.len != 0)
                return refuse(LARDER_R_INVALID, std::string(why.data(), buffer.len));
            return refuse(LARDER_R_INVALID, nothing_ ? "the namespace does not say `absent`, so nothing keeps that there is none"
                                                     : "the policy has no such namespace, or it has no entries of its own");
        }
        return result_of(status);
    }

    larder_kernel* kernel_;
    std::string key_, value_, with_text_;
    std::vector<larder_pair> with_;
    larder_cache_set item_{};
    std::uint64_t lease_, user_, ticket_ = 0;
    bool nothing_, kept_ = true;
    Waiting looking_again_;
    std::shared_ptr<LoopQueue> queue_;
    std::mutex mutex_;  // of a caller that blocks
    std::condition_variable landed_;
    bool is_landed_ = false;  // guarded by mutex_, as result_
    larder_result result_ = LARDER_R_FAILED;
};

bool fits(const larder_put_args* args) {
    if (args == nullptr) return true;
    if (args->size < sizeof(larder_put_args)) {
        refuse(LARDER_R_ABI, "larder_put_args.size is smaller than any version of it: set it to sizeof");
        return false;
    }
    if ((args->flags & ~all_put_flags) == 0 && (args->nwith == 0 || args->with != nullptr)) return true;
    refuse(LARDER_R_INVALID, "larder_put_args has unknown flags, or nwith without with");
    return false;
}

larder_put_args plain_put() {
    larder_put_args out{};
    out.size = sizeof out;
    return out;
}

// What may still be answered of this key, now that its load has failed.
class StaleLook final : public Later {
  public:
    StaleLook(larder_kernel* k, std::uint32_t ns, std::string key, Waiting waiting) : kernel_(k), key_(std::move(key)), waiting_(std::move(waiting)) {
        item_.ns = ns;
        item_.key = bytes(key_);
    }
    // What the caller gets, where it is known at once.
    Outcome run() {
        prepare(LARDER_GET_STALE, 0, true);
        if (kernel_->cache().get_many(&item_, 1, &call_) == LARDER_PENDING && went_away()) return {LARDER_R_DONE, {}, 0};
        return finish();
    }

  private:
    void land() noexcept override { finish(); }
    Outcome finish() noexcept {
        HeldRef held;
        larder_result result = LARDER_R_PASS;
        try {
            if (item_.value.release != nullptr) held.reset(make_ref(item_.value, item_.ttl_ms));
            const SpaceFacts facts = kernel_->facts_of(item_.ns);
            const bool stale = (item_.found & LARDER_FOUND_STALE) != 0;
            const std::uint64_t since = static_cast<std::uint64_t>(item_.ttl_ms < 0 ? -item_.ttl_ms : 0) * 1'000'000;
            if (item_.status == LARDER_OK && (item_.found & LARDER_FOUND_ABSENT) == 0 && (!stale || since < facts.on_error_ns))
                result = stale ? LARDER_R_STALE : LARDER_R_HIT;
        } catch (const std::bad_alloc&) {
            if (item_.value.release != nullptr) item_.value.release(&item_.value);
        }
        for (const std::shared_ptr<Get>& one : waiting_) one->end({result, result == LARDER_R_PASS ? HeldRef() : held.share(), 0});
        waiting_.clear();
        if (result == LARDER_R_PASS) return {LARDER_R_DONE, {}, 0};
        return {LARDER_R_STALE, std::move(held), 0};
    }
    larder_kernel* kernel_;
    std::string key_;
    Waiting waiting_;
    larder_cache_get item_{};
};

}  // namespace

void give_up(larder_kernel* k, std::uint64_t lease) {
    LeaseBook::Taken taken = k->leases.fail(lease, k->now_ns());
    wake(k, std::move(taken.waiting));
}

}  // namespace larder::embed

using namespace larder;
using namespace larder::embed;

larder_result larder_kernel_fill(larder_kernel* k, uint64_t lease, const void* value, size_t n, const larder_put_args* args, larder_loop* loop, uint64_t user) {
    return guarded(k, [&]() -> larder_result {
        const larder_put_args plain = plain_put();
        if (!fits(args)) {
            give_up(k, lease);
            return args->size < sizeof plain ? LARDER_R_ABI : LARDER_R_INVALID;
        }
        std::string key;
        const LeaseBook::Named named = k->leases.named(lease);
        if (lease == 0 || !named.found) return refuse(LARDER_R_NO_LEASE, "this lease is over, or never was");
        larder_put_args made = args == nullptr ? plain : *args;
        made.flags &= LARDER_PUT_NOTHING_THERE;
        const bool nothing = made.flags != 0;
        return std::make_shared<Put>(k, named.ns, named.key, nothing ? std::string_view() : text(static_cast<const char*>(value), n), made, loop, user, lease)->run();
    });
}

larder_result larder_kernel_fail(larder_kernel* k, uint64_t lease, larder_ref** stale) {
    return guarded(k, [&]() -> larder_result {
        if (stale != nullptr) *stale = nullptr;
        LeaseBook::Taken taken = k->leases.fail(lease, k->now_ns());
        if (!taken.found) return refuse(LARDER_R_NO_LEASE, "this lease is over, or never was");
        if (k->facts_of(taken.ns).on_error_ns == 0) {
            for (const std::shared_ptr<Get>& one : taken.waiting) one->end({LARDER_R_PASS, {}, 0});
            return LARDER_R_DONE;
        }
        Outcome outcome = std::make_shared<StaleLook>(k, taken.ns, std::move(taken.key), std::move(taken.waiting))->run();
        if (outcome.result != LARDER_R_STALE || stale == nullptr) return LARDER_R_DONE;
        *stale = outcome.ref.give();
        return LARDER_R_STALE;
    });
}

larder_result larder_kernel_put(larder_kernel* k, int32_t space, const char* key, size_t n, const void* value, size_t m, const larder_put_args* args,
                                larder_loop* loop, uint64_t user) {
    return guarded(k, [&]() -> larder_result {
        if (!fits(args)) return args->size < sizeof(larder_put_args) ? LARDER_R_ABI : LARDER_R_INVALID;
        return std::make_shared<Put>(k, static_cast<std::uint32_t>(space), text(key, n), text(static_cast<const char*>(value), m),
                                     args == nullptr ? plain_put() : *args, loop, user, 0)
            ->run();
    });
}

larder_result larder_kernel_drop(larder_kernel* k, int32_t space, const char* key, size_t n, larder_loop* loop, uint64_t user) {
    return guarded(k, [&]() -> larder_result {
        HeldRef none;
        // A lease that is out keeps its waiters; its value is refused by the cache, as it is older than this.
        return here_or_later(k, loop, user, none, [k, space, owned = std::string(text(key, n))]() -> Outcome {
            larder_cache_key gone{static_cast<std::uint32_t>(space), LARDER_OK, bytes(owned)};
            const larder_status status = k->cache().remove_many(&gone, 1, nullptr);
            const larder_status of_item = status < 0 ? status : gone.status;
            return {of_item == LARDER_OK ? LARDER_R_DONE : of_item == LARDER_MISS ? LARDER_R_NONE : result_of(of_item), {}, 0};
        });
    });
}

larder_result larder_kernel_expire(larder_kernel* k, int32_t space, const char* key, size_t n, int64_t ttl_ms) {
    return guarded(k, [&]() -> larder_result {
        const larder_status status = k->cache().expire(static_cast<std::uint32_t>(space), text(key, n), ttl_ms, 0, nullptr);
        return status == LARDER_MISS ? LARDER_R_NONE : result_of(status);
    });
}

larder_result larder_kernel_ttl(larder_kernel* k, int32_t space, const char* key, size_t n, int64_t* ttl_ms) {
    return guarded(k, [&]() -> larder_result {
        if (ttl_ms == nullptr) return refuse(LARDER_R_INVALID, "ttl_ms is where the answer goes: it may not be NULL");
        larder_cache_get item{};
        item.ns = static_cast<std::uint32_t>(space);
        item.key = bytes(text(key, n));
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = std::uint32_t{LARDER_GET_META} | LARDER_CALL_PEEK;
        k->cache().get_many(&item, 1, &call);
        if (item.status == LARDER_MISS || (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) != 0)) return LARDER_R_NONE;
        if (item.status != LARDER_OK) return result_of(item.status);
        *ttl_ms = item.ttl_ms;
        return LARDER_R_DONE;
    });
}

larder_result larder_kernel_depend(larder_kernel* k, int32_t space, const char* key, size_t n, int32_t on_space, const char* on_key, size_t on_n) {
    return guarded(k, [&]() -> larder_result {
        const larder_status status =
            k->cache().add_dependency(static_cast<std::uint32_t>(space), text(key, n), static_cast<std::uint32_t>(on_space), text(on_key, on_n), nullptr);
        return status == LARDER_MISS ? LARDER_R_NONE : result_of(status);
    });
}

larder_result larder_kernel_keys(larder_kernel* k, int32_t space, const char* glob, size_t n, uint64_t* cursor, uint32_t about, larder_ref** keys) {
    return guarded(k, [&]() -> larder_result {
        if (cursor == nullptr || keys == nullptr) return refuse(LARDER_R_INVALID, "cursor and keys are where the answer goes: neither may be NULL");
        std::string out;
        larder_cache_scan scan{};
        scan.struct_size = sizeof scan;
        scan.ns = space < 0 ? LARDER_NS_NONE : static_cast<std::uint32_t>(space);
        scan.cursor = *cursor;
        scan.count = about == 0 ? 100 : about;
        scan.glob = bytes(text(glob, n));
        scan.ctx = &out;
        scan.on_key = [](void* ctx, std::uint32_t, larder_bytes key) noexcept {
            auto& all = *static_cast<std::string*>(ctx);
            const auto size = static_cast<std::uint32_t>(key.size);
            all.append(reinterpret_cast<const char*>(&size), sizeof size);
            all.append(static_cast<const char*>(key.data), key.size);
        };
        const larder_status status = k->cache().scan(&scan, nullptr);
        if (status != LARDER_OK) return result_of(status);
        *cursor = scan.cursor;
        *keys = make_ref(std::move(out));
        return LARDER_R_DONE;
    });
}
