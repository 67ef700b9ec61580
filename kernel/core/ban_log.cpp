// kernel/core/ban_log.cpp -- the live bans as one snapshot, newest last.
#include "kernel/core/ban_log.hpp"

#include "dsl/pattern.hpp"
#include "kernel/core/snapshot.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace larder {

struct BanLog::Log {
    using Bans = std::vector<Ban>;  // by number

    explicit Log(std::uint64_t random_epoch) : epoch(random_epoch) {
        live.replace(std::make_unique<Bans>());
    }

    // The bans that are still live. REQUIRES: mutex held, so that nobody replaces what is read.
    Bans remaining(std::uint64_t now_ns) const {
        const ReadGuard guard;
        const Bans& now = *live.get();
        Bans kept;
        kept.reserve(now.size() + 1);
        std::copy_if(now.begin(), now.end(), std::back_inserter(kept), [&](const Ban& ban) {
            return ban.retires_ns == 0 || ban.retires_ns > now_ns;
        });
        return kept;
    }

    template <class Newer>
    Verdict judge(std::uint32_t ns, std::string_view key, std::uint64_t* at_ns, Newer&& newer) const;

    const std::uint64_t epoch;
    std::mutex mutex;  // of writers
    Snapshot<Bans> live;
    std::atomic<std::uint64_t> number{0};  // rises after the snapshot that has the ban
};

BanLog::BanLog(std::uint64_t epoch) : log_(std::make_unique<Log>(epoch)) {}
BanLog::~BanLog() = default;

std::uint64_t BanLog::epoch() const noexcept { return log_->epoch; }

std::uint64_t BanLog::number() const noexcept {
    return log_->number.load(std::memory_order_acquire);
}

std::uint64_t BanLog::add(Ban ban, std::uint64_t now_ns) {
    const std::lock_guard lock(log_->mutex);
    Log::Bans bans = log_->remaining(now_ns);
    if (bans.size() >= max_bans) return 0;
    const std::uint64_t number = log_->number.load(std::memory_order_relaxed) + 1;
    ban.number = number;
    ban.at_ns = now_ns;
    bans.push_back(std::move(ban));
    log_->live.replace(std::make_unique<Log::Bans>(std::move(bans)));
    log_->number.store(number, std::memory_order_release);
    return number;
}

void BanLog::settle(std::uint64_t number, std::uint64_t epoch) {
    const std::lock_guard lock(log_->mutex);
    Log::Bans bans = log_->remaining(0);
    for (Ban& ban : bans)
        if (ban.number == number) ban.epoch = epoch;
    log_->live.replace(std::make_unique<Log::Bans>(std::move(bans)));
}

// `newer`: whether a ban came after the entry.
template <class Newer>
BanLog::Verdict BanLog::Log::judge(std::uint32_t ns, std::string_view key, std::uint64_t* at_ns, Newer&& newer) const {
    const ReadGuard guard;
    const Bans& bans = *live.get();
    Verdict verdict = Verdict::clear;
    // From the newest back, so that of several expires the first one's time stays.
    for (auto ban = bans.rbegin(); ban != bans.rend(); ++ban) {
        if (ban->ns != ns || !newer(*ban) || !dsl::glob_match(ban->glob, key)) continue;
        if (!ban->expire) return Verdict::dropped;
        verdict = Verdict::expired;
        if (at_ns != nullptr) *at_ns = ban->at_ns;
    }
    return verdict;
}

BanLog::Verdict BanLog::judge(std::uint32_t ns, std::string_view key, std::uint64_t since,
                              std::uint64_t* at_ns) const {
    if (number() <= since) return Verdict::clear;
    return log_->judge(ns, key, at_ns, [since](const Ban& ban) { return ban.number > since; });
}

BanLog::Verdict BanLog::judge_after(std::uint32_t ns, std::string_view key, std::uint64_t epoch,
                                    std::uint64_t* at_ns) const {
    if (number() == 0) return Verdict::clear;
    return log_->judge(ns, key, at_ns, [epoch](const Ban& ban) { return ban.epoch == 0 || ban.epoch > epoch; });
}

std::size_t BanLog::live(std::uint64_t now_ns) {
    const std::lock_guard lock(log_->mutex);
    Log::Bans kept = log_->remaining(now_ns);
    const std::size_t count = kept.size();
    bool retired = false;
    {
        const ReadGuard guard;
        retired = count != log_->live.get()->size();
    }
    if (retired) log_->live.replace(std::make_unique<Log::Bans>(std::move(kept)));
    return count;
}

std::vector<Ban> BanLog::list() const {
    const ReadGuard guard;
    return *log_->live.get();
}

}  // namespace larder
