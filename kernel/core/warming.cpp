// kernel/core/warming.cpp -- runs, their turns and their schedules.
#include "kernel/core/warming.hpp"

#include "kernel/core/warm_days.hpp"

#include <larder/plugin/warmer.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace larder {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000, minute_ns = 60 * second_ns, day_ms = 86'400'000;
constexpr std::uint32_t most_attempts = 3, most_failures = 8;
constexpr std::uint64_t burst_ns = 20'000'000;  // a budget may be used this much later

// Whether `wall_ms` is in the warm's hours, and when they begin next.
bool is_open(const dsl::Warm& warm, std::uint64_t wall_ms) {
    if (!warm.between) return true;
    const auto minute = static_cast<std::uint16_t>(wall_ms % day_ms / 60'000);
    const auto [from, to] = *warm.between;
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

std::uint64_t until_open_ms(const dsl::Warm& warm, std::uint64_t wall_ms) {
    const std::uint64_t begins = std::uint64_t{warm.between->first} * 60'000, now = wall_ms % day_ms;
    return begins > now ? begins - now : begins + day_ms - now;
}

std::uint64_t ns_of(Ms time) { return static_cast<std::uint64_t>(time.count()) * 1'000'000; }

bool is_trouble(larder_status status) { return status != LARDER_E_INVALID && status != LARDER_E_DENIED && status != LARDER_E_TOO_LARGE && status != LARDER_E_CONFIG; }

std::string_view problem_of(larder_status status) {
    switch (status) {
        case LARDER_E_IO: return "the source does not answer";
        case LARDER_E_TIMEOUT: return "the source took too long";
        case LARDER_E_CLOSED: return "the source failed and is left alone for a while";
        case LARDER_E_INVALID: return "the source has no use for that key";
        case LARDER_E_DENIED: return "the source does not allow it";
        case LARDER_E_BUSY: return "the source is busy";
        case LARDER_E_TOO_LARGE: return "the value is too large";
        case LARDER_E_CONFIG: return "its source is not configured, or answers something else";
        default: return "the source failed";
    }
}

}  // namespace

// ---- its policy

std::string Warming::head_of(const dsl::Policy& policy, const dsl::Warm& warm) {
    return policy.namespaces[warm.ns].name + (warm.key.empty() ? "" : " \"" + warm.key + "\"");
}

std::string Warming::same_of(const dsl::Policy& policy, const dsl::Warm& warm) {
    return head_of(policy, warm) + "\n" + warm.source + "\n" + warm.address + "\n" + std::to_string(warm.every.value_or(Ms{0}).count()) + "\n" +
           (warm.between ? std::to_string(warm.between->first) + "-" + std::to_string(warm.between->second) : "");
}

Warming::Warming(Parts parts, const Options& options) : parts_(std::move(parts)), options_(options) {}

Warming::~Warming() { stop(); }

void Warming::configure(const Options& options) {
    const std::lock_guard<std::mutex> lock(mutex_);
    options_ = options;
    pump();
}

void Warming::install(std::shared_ptr<const dsl::Policy> policy) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    ++generation_;
    policy_ = std::move(policy);
    std::map<std::string, Planned> before;
    before.swap(planned_);
    for (auto& [same, planned] : before)
        if (planned.timer != 0) parts_.timers->cancel(planned.timer);
    std::vector<std::string> now;
    for (std::uint32_t i = 0; i < policy_->warms.size(); ++i) {
        const dsl::Warm& warm = policy_->warms[i];
        const std::string same = same_of(*policy_, warm);
        now.push_back(same);
        if (!warm.enabled) continue;
        const auto known = before.find(same);
        if (known == before.end()) {
            planned_[same];
            schedule(i, true);
            if (warm.at_startup) queue_one(i, LARDER_WARM_STARTUP, false);
        } else {
            planned_[same].at_ns = known->second.at_ns;
            schedule(i, false);
        }
    }
    const std::vector<RunPtr> present = active_;
    for (const RunPtr& run : present) {
        const auto at = std::find(now.begin(), now.end(), run->same);
        if (at == now.end() && !run->same.empty()) end(run, WarmRun::State::closed);
    }
    pump();
}

// ---- when

std::uint64_t Warming::delay_ns(const dsl::Warm& warm, bool first) const {
    const std::uint64_t wall = parts_.clock->wall_ms();
    // Earlier only: a jitter never makes what was warmed in time end before the next time.
    const auto chance = static_cast<double>(parts_.random->next() >> 11) * 0x1p-53;
    std::uint64_t delay = 0;
    if (warm.every) delay = static_cast<std::uint64_t>(static_cast<double>(ns_of(*warm.every)) * (1.0 - warm.jitter * chance));
    if (!warm.between) return delay;
    const std::uint64_t opens = until_open_ms(warm, wall) * 1'000'000;
    if (!warm.every) return opens;  // once, when its hours begin
    if (first && is_open(warm, wall)) return delay;
    return is_open(warm, wall + delay / 1'000'000) ? delay : opens;
}

void Warming::schedule(std::uint32_t number, bool anew) {
    const dsl::Warm& warm = policy_->warms[number];
    if (!warm.every && !warm.between) return;
    Planned& planned = planned_[same_of(*policy_, warm)];
    const std::uint64_t now = parts_.clock->mono_ns();
    if (anew || planned.at_ns == 0) planned.at_ns = now + delay_ns(warm, anew);
    const std::uint64_t delay = planned.at_ns > now ? planned.at_ns - now : 0;
    planned.timer = parts_.timers->after(std::chrono::nanoseconds(delay), [this, generation = generation_, number] { due(generation, number); });
}

void Warming::due(std::uint64_t generation, std::uint32_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_ || generation != generation_) return;
    if (is_open(policy_->warms[number], parts_.clock->wall_ms())) queue_one(number, LARDER_WARM_SCHEDULE, false);
    planned_[same_of(*policy_, policy_->warms[number])].at_ns = 0;
    schedule(number, false);
    pump();
}

// ---- which

Warming::RunPtr Warming::make(std::uint32_t number, std::uint32_t reason, bool force) {
    const dsl::Warm& warm = policy_->warms[number];
    auto run = std::make_shared<Run>();
    run->policy = policy_;
    run->number = number;
    run->same = same_of(*policy_, warm);
    run->force = force;
    run->told.space = policy_->namespaces[warm.ns].name;
    run->told.head = head_of(*policy_, warm);
    run->told.where = warm.where.file + ":" + std::to_string(warm.where.line);
    run->told.reason = reason;
    run->told.priority = warm.priority;
    run->told.asked_ms = parts_.clock->wall_ms();
    run->told.id = next_id_++;
    if (parts_.cache->ns_find(run->told.space, &run->ns) != LARDER_OK) return nullptr;
    if (!parts_.cache->has_source(run->ns, warm.source)) return nullptr;
    for (const dsl::WarmItem& item : warm.items)
        if (!item.key.empty()) {
            run->todo.push_back({item.key, item.values, 0, 0});
            put_days(run->todo.back().key, run->todo.back().values, run->told.asked_ms);
        }
    run->planned = !warm.learn_window || !parts_.foresee;
    if (run->todo.empty() && run->planned) return nullptr;
    run->told.total = run->told.left = run->todo.size();
    return run;
}

std::uint64_t Warming::queue_one(std::uint32_t number, std::uint32_t reason, bool force) {
    if (stopped_ || !policy_->warms[number].enabled) return 0;
    const std::string same = same_of(*policy_, policy_->warms[number]);
    for (const RunPtr& run : active_) {
        if (run->same != same) continue;
        // A forecast goes on until the next one is due: that one waits for its end.
        const bool waits = run->began_ns == 0, goes_on = reason == LARDER_WARM_SCHEDULE && !run->warm().learn_window;
        if (waits || goes_on) {
            run->force = run->force || force;
            return run->told.id;
        }
    }
    RunPtr run = make(number, reason, force);
    if (run == nullptr) return 0;
    active_.push_back(run);
    return run->told.id;
}

std::vector<std::uint64_t> Warming::queue(const dsl::Policy& of, const std::vector<std::uint32_t>& warms, std::uint32_t reason, bool force) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::uint64_t> out;
    if (policy_ == nullptr) return out;
    for (std::uint32_t number : warms) {
        if (&of != policy_.get()) {  // replaced at this moment: the same one of the new policy
            const std::string same = same_of(of, of.warms[number]);
            const auto at = std::find_if(policy_->warms.begin(), policy_->warms.end(), [&](const dsl::Warm& warm) { return same_of(*policy_, warm) == same; });
            if (at == policy_->warms.end()) continue;
            number = static_cast<std::uint32_t>(at - policy_->warms.begin());
        }
        const std::uint64_t id = queue_one(number, reason, force);
        if (id != 0 && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
    pump();
    return out;
}

std::vector<std::uint64_t> Warming::queue_under(dsl::NamespaceIndex ns, std::uint32_t reason, bool force) {
    const std::shared_ptr<const dsl::Policy> policy = parts_.cache->policy();
    if (policy == nullptr) return {};
    std::vector<std::uint32_t> warms;
    std::vector<dsl::NamespaceIndex> reach;
    if (ns != dsl::none) reach = policy->under(ns);
    for (std::uint32_t i = 0; i < policy->warms.size(); ++i)
        if (ns == dsl::none || std::find(reach.begin(), reach.end(), policy->warms[i].ns) != reach.end()) warms.push_back(i);
    return queue(*policy, warms, reason, force);
}

bool Warming::reload(std::uint32_t ns, std::string_view key) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (stopped_ || reloads_ >= most_reloads) return false;
        ++reloads_;
    }
    const auto done = [this] {
        const std::lock_guard<std::mutex> lock(mutex_);
        --reloads_;
    };
    const bool taken = parts_.workers->post(true, [this, ns, key = std::string(key), done] {
        WarmAsk ask;
        ask.ns = ns;
        ask.key = key;
        ask.reason = LARDER_WARM_AFTER_INVALIDATION;
        parts_.cache->warm(ask, nullptr);
        done();
    });
    if (!taken) done();
    return taken;
}

// ---- how

void Warming::begin(const RunPtr& run) {
    run->began_ns = parts_.clock->mono_ns();
    run->told.began_ms = parts_.clock->wall_ms();
    run->told.state = WarmRun::State::going;
    if (run->planned) return;
    run->planning = true;
    if (parts_.workers->post(true, [this, run] { fill(run); })) return;
    run->planning = false;
    run->planned = true;
}

void Warming::fill(const RunPtr& run) {
    std::size_t most = 0;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        most = options_.planned;
    }
    std::vector<Foreseen> foreseen = parts_.foresee(run->ns, run->warm(), most);
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::uint64_t now = parts_.clock->mono_ns(), wall = parts_.clock->wall_ms();
    std::stable_sort(foreseen.begin(), foreseen.end(), [](const Foreseen& a, const Foreseen& b) {
        return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.priority > b.priority;
    });
    for (Foreseen& one : foreseen)
        run->todo.push_back({std::move(one.key), {}, one.due_ms > wall ? now + (one.due_ms - wall) * 1'000'000 : 0, 0});
    run->told.total += foreseen.size();
    run->told.left += foreseen.size();
    run->planned = true;
    run->planning = false;
    pump();
    changed_.notify_all();
}

void Warming::wake_at(std::uint64_t at_ns) {
    if (wake_timer_ != 0 && wake_ns_ <= at_ns) return;
    if (wake_timer_ != 0) parts_.timers->cancel(wake_timer_);
    const std::uint64_t now = parts_.clock->mono_ns();
    wake_ns_ = at_ns;
    wake_timer_ = parts_.timers->after(std::chrono::nanoseconds(at_ns > now ? at_ns - now : 0), [this] {
        const std::lock_guard<std::mutex> lock(mutex_);
        wake_timer_ = 0;
        if (!stopped_) pump();
    });
}

void Warming::pump() {
    if (stopped_) return;
    const std::uint64_t now = parts_.clock->mono_ns(), wall = parts_.clock->wall_ms();
    const std::vector<RunPtr> present = active_;
    for (const RunPtr& run : present) {
        const bool only_in_hours = run->told.reason == LARDER_WARM_SCHEDULE;
        if (only_in_hours && run->began_ns != 0 && !is_open(run->warm(), wall)) end(run, WarmRun::State::closed);
        else if (run->began_ns != 0 && run->planned && !run->planning && run->todo.empty() && run->going == 0) end(run, WarmRun::State::done);
    }
    std::uint64_t wake = UINT64_MAX;
    while (going_ < options_.at_once) {
        RunPtr best;
        std::vector<std::string_view> seen;
        for (const RunPtr& run : active_) {
            if (std::find(seen.begin(), seen.end(), run->same) != seen.end()) continue;  // after the one before it
            seen.push_back(run->same);
            if (run->began_ns == 0) begin(run);
            if (run->planning || run->todo.empty() || run->going >= run->warm().at_once) continue;
            std::uint64_t at = std::max(run->paused_until_ns, run->todo.front().due_ns);
            if (run->warm().per_second != 0) at = std::max(at, run->next_ns);
            if (options_.per_second != 0) at = std::max(at, next_of_source_[run->warm().source]);
            if (at > now) {
                wake = std::min(wake, at);
                continue;
            }
            if (best == nullptr || run->told.priority > best->told.priority) best = run;
        }
        if (best == nullptr) break;
        const auto spend = [&](std::uint64_t& next, std::uint64_t per_second) {
            if (per_second != 0) next = std::max(next, now - std::min(now, burst_ns)) + second_ns / per_second;
        };
        spend(best->next_ns, best->warm().per_second);
        if (options_.per_second != 0) spend(next_of_source_[best->warm().source], options_.per_second);
        Item item = std::move(best->todo.front());
        best->todo.pop_front();
        ++best->going;
        ++going_;
        if (!parts_.workers->post(true, [this, best, item] { load(best, item); })) {
            --best->going;
            --going_;
            best->todo.push_front(std::move(item));
            wake = std::min(wake, now + second_ns / 10);
            break;
        }
    }
    if (wake != UINT64_MAX) wake_at(wake);
}

void Warming::load(const RunPtr& run, Item item) {
    const dsl::Warm& warm = run->warm();
    std::vector<larder_pair> fields, options;
    std::vector<std::string> texts;
    const auto bytes = [](std::string_view text) { return larder_bytes{text.data(), text.size()}; };
    for (std::size_t i = 0; i < warm.names.size() && i < item.values.size(); ++i) fields.push_back({bytes(warm.names[i]), bytes(item.values[i])});
    texts.reserve(warm.options.size());
    for (const dsl::Option& option : warm.options) {
        std::string& text = texts.emplace_back();
        for (const std::string& value : option.values) (text += text.empty() ? "" : " ") += value;
        options.push_back({bytes(option.name), bytes(text)});
    }
    WarmAsk ask;
    ask.ns = run->ns;
    ask.key = item.key;
    ask.source = warm.source;
    ask.address = warm.address;
    ask.fields = fields;
    ask.options = options;
    ask.priority = run->told.priority;
    ask.force = run->force;
    const auto& ttl = run->policy->namespaces[warm.ns].ttl;
    const bool foreseen = warm.learn_window.has_value();
    ask.reason = foreseen ? std::uint32_t{LARDER_WARM_PREDICTED} : run->told.reason;
    // What lives past the next time is left as it is; what came after a drop is as good as new.
    if (run->told.reason == LARDER_WARM_AFTER_INVALIDATION) ask.lasting = Ms{0};
    else if (warm.every && !foreseen) ask.lasting = *warm.every;
    else if (ttl) ask.lasting = ttl->ttl / 2;
    const Warmed done = parts_.cache->warm(ask, nullptr);
    const std::lock_guard<std::mutex> lock(mutex_);
    --run->going;
    --going_;
    if (!run->told.over()) account(*run, std::move(item), done);
    if (!run->told.over() && run->failures >= most_failures) end(run, WarmRun::State::gave_up);
    pump();
    changed_.notify_all();
}

void Warming::account(Run& run, Item item, const Warmed& done) {
    WarmRun& told = run.told;
    if (done.is == Warmed::Is::failed && is_trouble(done.status)) {
        told.problem = problem_of(done.status);
        const std::uint32_t shift = std::min<std::uint32_t>(run.failures, 6);
        ++run.failures;
        const std::uint64_t pause = std::min(minute_ns, second_ns << shift);
        run.paused_until_ns = parts_.clock->mono_ns() + pause / 2 + parts_.random->next() % (pause / 2);
        if (++item.attempts < most_attempts) {
            run.todo.push_back(std::move(item));
            return;
        }
    } else if (done.is != Warmed::Is::fresh && done.is != Warmed::Is::flying) {
        run.failures = 0;
    }
    --told.left;
    told.bytes += done.bytes;
    told.load_us += done.took_us;
    switch (done.is) {
        case Warmed::Is::loaded: ++told.loaded; break;
        case Warmed::Is::absent: ++told.absent; break;
        case Warmed::Is::fresh: ++told.fresh; break;
        case Warmed::Is::flying: ++told.flying; break;
        case Warmed::Is::lost: ++told.lost; break;
        case Warmed::Is::failed:
            ++told.failed;
            told.problem = problem_of(done.status);
            break;
    }
}

void Warming::end(const RunPtr& run, WarmRun::State state) {
    WarmRun& told = run->told;
    told.state = state;
    told.ended_ms = parts_.clock->wall_ms();
    told.took_ms = run->began_ns == 0 ? 0 : (parts_.clock->mono_ns() - run->began_ns) / 1'000'000;
    run->todo.clear();
    active_.erase(std::remove(active_.begin(), active_.end(), run), active_.end());
    over_.push_front(told);
    if (over_.size() > kept) over_.pop_back();
    if (parts_.note) parts_.note(told.failed != 0 || state == WarmRun::State::gave_up ? LARDER_LOG_WARN : LARDER_LOG_INFO, warm_text({told}));
    const bool by_itself = run->warm().every || run->warm().between;
    const auto planned = planned_.find(run->same);
    if (state == WarmRun::State::gave_up && told.reason == LARDER_WARM_STARTUP && !by_itself && planned != planned_.end()) {
        const auto again = [this, generation = generation_, number = run->number] {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (stopped_ || generation != generation_) return;
            queue_one(number, LARDER_WARM_STARTUP, false);
            pump();
        };
        planned->second.at_ns = parts_.clock->mono_ns() + minute_ns;
        planned->second.timer = parts_.timers->after(std::chrono::nanoseconds(minute_ns), again);
    }
    changed_.notify_all();
}

// ---- its beginning and its end

bool Warming::startup_over() const {
    return std::none_of(active_.begin(), active_.end(), [](const RunPtr& run) { return run->told.reason == LARDER_WARM_STARTUP; });
}

bool Warming::wait_startup(Ms at_most) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, at_most, [this] { return stopped_ || startup_over(); });
}

void Warming::stop() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (auto& [same, planned] : planned_)
        if (planned.timer != 0) parts_.timers->cancel(planned.timer);
    if (wake_timer_ != 0) parts_.timers->cancel(wake_timer_);
    for (const RunPtr& run : active_) run->todo.clear();
    changed_.notify_all();
}

}  // namespace larder
