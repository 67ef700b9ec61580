// kernel/core/authority.cpp -- pushes, asking again, changes and their delivery.
#include "kernel/core/authority.hpp"

#include "kernel/core/mutant.hpp"
#include "kernel/core/shared_call.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>

namespace larder {
namespace {

constexpr std::size_t most_asked_at_once = 512;
constexpr std::size_t most_loads = 65'536;
constexpr std::uint64_t load_life_ns = 30'000'000'000;

// A call of the store that somebody waits for.
class Answer {
  public:
    Tier::Then then() {
        return [state = state_](larder_status status) {
            const std::lock_guard lock(state->mutex);
            state->status = status;
            state->done = true;
            state->ready.notify_all();
        };
    }
    larder_status wait() {
        std::unique_lock lock(state_->mutex);
        state_->ready.wait(lock, [&] { return state_->done; });
        return state_->status;
    }

  private:
    struct State {
        std::mutex mutex;
        std::condition_variable ready;
        bool done = false;
        larder_status status = LARDER_E_TIMEOUT;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::string_view text_of(larder_bytes b) { return {static_cast<const char*>(b.data), b.size}; }

Numbers numbers_in(const larder_record& r) { return {r.drop, r.expire, r.expired_at_ms}; }

}  // namespace

Authority::Authority(std::shared_ptr<Tier> tier, ScopeId root, Clock& clock, Random& random, Executor& executor,
                     Listener listener, Options options)
    : tier_(std::move(tier)),
      store_(*tier_->store().shared),
      root_(root),
      clock_(clock),
      random_(random),
      executor_(executor),
      listener_(std::move(listener)),
      options_(options),
      prefix_(text_of(store_.prefix(tier_->store().sharing()))),
      max_staleness_(store_.max_staleness_ms(tier_->store().sharing())),
      pushed_at_(cells),
      known_(random.next()) {}

void Authority::open() {
    larder_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.changed = &on_changed;
    sink.changed_all = &on_changed_all;
    sink.trust = &on_trust;
    sink.renewed = &on_renewed;
    store_.listen(tier_->store().sharing(), &sink);
}

void Authority::close() { store_.listen(tier_->store().sharing(), nullptr); }

std::uint64_t Authority::now_ms() const noexcept {
    const std::uint64_t theirs = store_.now_ms(tier_->store().sharing());
    return theirs != 0 ? theirs : clock_.wall_ms();
}

std::string Authority::record_key(ScopeId scope) const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string key;
    key.reserve(prefix_.size() + 3 + 16);
    key.append(prefix_).append(":g:");
    for (int shift = 60; shift >= 0; shift -= 4) key += digits[scope >> shift & 15];
    return key;
}

void Authority::note(int severity, std::string text) const {
    if (listener_.note) listener_.note(severity, std::move(text));
}

// ---- pushes

void Authority::on_changed(void* ctx, const larder_bytes* keys, size_t n) noexcept {
    auto& me = *static_cast<Authority*>(ctx);
    try {
        const std::string record = me.prefix_ + ":g:", value = me.prefix_ + ":v:";
        for (std::size_t i = 0; i < n; ++i) {
            const std::string_view key = text_of(keys[i]);
            if (key.starts_with(value)) {
                me.pushes_.fetch_add(1);
                if (me.listener_.touched) me.listener_.touched(key);
            } else if (key.starts_with(record) && key.size() == record.size() + 16) {
                ScopeId scope = 0;
                const char* const end = key.data() + key.size();
                if (std::from_chars(key.data() + record.size(), end, scope, 16).ptr == end && me.pushed(scope) && me.listener_.doubt)
                    me.listener_.doubt(scope);
            }
        }
        me.ask_again();
    } catch (...) {
        on_changed_all(ctx);
    }
}

void Authority::on_changed_all(void* ctx) noexcept {
    auto& me = *static_cast<Authority*>(ctx);
    if (mutant(Mutant::no_flush)) return;
    me.forget_all();
}

void Authority::on_trust(void* ctx, std::int32_t yes) noexcept {
    auto& me = *static_cast<Authority*>(ctx);
    if (me.trusted_.exchange(yes != 0) == (yes != 0)) return;
    if (yes == 0) on_changed_all(ctx);
    // What came into memory meanwhile was kept for a little while without anybody telling of it.
    else if (me.listener_.suspect) me.listener_.suspect();
    me.note(yes != 0 ? LARDER_LOG_INFO : LARDER_LOG_WARN,
            yes != 0 ? me.tier_->store().name + " tells of changes: entries may stay in memory above it"
                     : me.tier_->store().name + " tells of no changes any more: entries in memory above it are asked for there");
    if (yes != 0) me.deliver_soon(std::chrono::nanoseconds(0));
}

void Authority::on_renewed(void* ctx, std::int32_t older) noexcept {
    auto& me = *static_cast<Authority*>(ctx);
    on_changed_all(ctx);
    try {
        const std::uint64_t now = me.clock_.mono_ns();
        std::vector<std::pair<ScopeId, Waiting>> changes;
        std::vector<std::string> keys;
        {
            const std::lock_guard lock(me.mutex_);
            ++me.counts_.renewed;
            me.tier_->ramp().begin();
            for (const Sent& sent : me.sent_) {
                if (now - std::min(now, sent.at_ns) > static_cast<std::uint64_t>(me.options_.replay_window.count())) continue;
                for (const auto& [scope, waiting] : sent.changes) changes.emplace_back(scope, me.renumbered(waiting));
                keys.insert(keys.end(), sent.keys.begin(), sent.keys.end());
            }
            me.counts_.replayed += changes.size() + keys.size();
        }
        if (older != 0) changes.emplace_back(me.root_, me.numbers_for({me.root_, false}));
        me.put_off(changes, std::move(keys));
        me.note(LARDER_LOG_WARN, me.tier_->store().name + " was taken over by another server" +
                                     (older != 0 ? " with other data: everything is dropped" : ": the changes of the last while are sent again"));
        me.deliver_soon(std::chrono::nanoseconds(0));
    } catch (...) {
        // Without memory nothing is sent again; what was there is asked for anyway.
    }
}

// Doubts stay: what was told of is not served as stale either.
void Authority::forget_all() {
    const std::lock_guard lock(mutex_);
    all_pushed_at_.store(pushes_.fetch_add(1) + 1);
    ++streams_;
    if (listener_.suspect) listener_.suspect();
}

// REQUIRES: mutex_ held, as the next ones.
void Authority::forget(ScopeId scope) {
    if (listener_.changed) listener_.changed(scope, true);
    known_.erase(scope);
    believe(scope);
}

void Authority::believe(ScopeId scope) {
    if (doubted_.erase(scope) == 0) return;
    to_ask_.erase(scope);
    doubt_count_.store(doubted_.size());
}

void Authority::doubt(ScopeId scope) {
    doubted_.insert(scope);
    doubt_count_.store(doubted_.size());
}

// What the store says now; entries that were judged by other numbers are told.
void Authority::remember(Remembered& at, const Numbers& numbers, ScopeId scope) {
    if (at.numbers != numbers && listener_.changed) listener_.changed(scope, at.numbers.drop != numbers.drop);
    at.numbers = numbers;
    believe(scope);
}

// True: it was known, and is doubted from now on.
bool Authority::pushed(ScopeId scope) {
    const std::lock_guard lock(mutex_);
    ++counts_.pushes;
    pushed_cell(scope).store(pushes_.fetch_add(1) + 1);
    // Nothing carries what was never read or has been forgotten.
    if (!known_.contains(scope)) return false;
    to_ask_.insert(scope);
    doubt(scope);
    return true;
}

// One call at a time, for all that were pushed meanwhile.
void Authority::ask_again() {
    auto call = std::make_shared<SharedCall>();
    std::vector<ScopeId> asked;
    std::uint64_t began = 0;
    {
        const std::lock_guard lock(mutex_);
        if (asking_again_) return;
        began = asking();
        // What this node changes just now is asked for when the store has it.
        for (auto at = to_ask_.begin(); at != to_ask_.end() && asked.size() < most_asked_at_once;) {
            if (held(*at)) {
                ++at;
                continue;
            }
            asked.push_back(*at);
            call->add_record(record_key(*at));
            at = to_ask_.erase(at);
        }
        if (asked.empty()) return;
        asking_again_ = true;
    }
    const std::uint64_t now = clock_.mono_ns();
    tier_->begin(Tier::Shared::read, call, 0, now, now + 1'000'000'000, [self = shared_from_this(), call, asked, began](larder_status status) {
        Authority& me = *self;
        {
            const std::lock_guard lock(me.mutex_);
            me.asking_again_ = false;
            for (std::size_t i = 0; i < asked.size(); ++i) {
                const ScopeId scope = asked[i];
                ++me.counts_.verified;
                Remembered* const at = me.known_.find(scope);
                if (at == nullptr) continue;
                // Pushed or changed once more meanwhile: it is asked for once more.
                if (me.pushed_cell(scope).load() > began) {
                    if (me.doubted_.contains(scope)) me.to_ask_.insert(scope);
                    continue;
                }
                const bool there = status == LARDER_OK && call->records[i].status == LARDER_OK;
                if (!there) {
                    me.forget(scope);
                    continue;
                }
                me.remember(*at, numbers_in(call->records[i]), scope);
                if (me.all_pushed_at_.load() <= began) at->streams = me.streams_;
            }
            if (me.to_ask_.empty()) return;
        }
        me.executor_.post(true, [self] { self->ask_again(); });
    });
}

// ---- reading

Authority::Known Authority::known(ScopeId scope, Numbers& out) const { return Look(*this).known(scope, out); }

Authority::Known Authority::known_locked(ScopeId scope, Numbers& out) const {
    if (held(scope) && !mutant(Mutant::no_hold)) return Known::held;
    if (!trusted()) return Known::no;
    const Remembered* const at = known_.find(scope);
    if (at == nullptr || at->streams != streams_ || (!doubted_.empty() && doubted_.contains(scope))) return Known::no;
    out = at->numbers;
    return Known::yes;
}

bool Authority::stand(std::span<const std::pair<ScopeId, Numbers>> numbers) const {
    return std::all_of(numbers.begin(), numbers.end(), [this](const auto& one) {
        Numbers now;
        return known(one.first, now) == Known::yes && now == one.second;
    });
}

bool Authority::doubts(std::span<const ScopeId> scopes) const {
    if (doubt_count_.load() == 0) return false;
    const std::lock_guard lock(mutex_);
    return std::any_of(scopes.begin(), scopes.end(), [this](ScopeId scope) { return doubted_.contains(scope); });
}

bool Authority::holds_key(std::string_view key) const {
    const Look look(*this);
    return look.holds_keys() && look.holds_key(std::string(key));
}

bool Authority::holds_key_locked(const std::string& key) const {
    return !mutant(Mutant::no_hold) && (held_keys_.contains(key) || outbox_keys_.contains(key));
}

void Authority::learn(ScopeId scope, const Numbers& numbers, std::uint64_t asked_at) {
    const std::lock_guard lock(mutex_);
    const bool late = pushed_cell(scope).load() > asked_at || all_pushed_at_.load() > asked_at;
    if (!trusted() || (late && !mutant(Mutant::late_fill))) return;
    if (Remembered* const at = known_.find(scope); at != nullptr) {
        remember(*at, numbers, scope);
        at->streams = streams_;
        return;
    }
    if (known_.size() >= options_.records) forget(known_.any());
    known_.emplace(scope, Remembered{numbers, streams_});
}

// ---- loading

std::vector<std::pair<ScopeId, Numbers>> Authority::numbers_of(std::span<const ScopeId> scopes, bool fresh, std::uint64_t now_ns,
                                                               std::uint64_t deadline_ns) {
    std::vector<std::pair<ScopeId, Numbers>> out;
    std::vector<std::size_t> missing;
    auto call = std::make_shared<SharedCall>();
    const std::uint64_t asked_at = asking();
    for (const ScopeId scope : scopes) {
        Numbers numbers;
        const Known state = known(scope, numbers);
        if (state == Known::held) return {};
        if (state == Known::no || fresh) {
            missing.push_back(out.size());
            call->add_record(record_key(scope), random_.next() | 1, random_.next() | 1);
        }
        out.emplace_back(scope, numbers);
    }
    if (missing.empty()) return out;
    Answer answer;
    tier_->begin(Tier::Shared::make, call, record_life_ms_.load(), now_ns, deadline_ns, answer.then());
    if (answer.wait() != LARDER_OK) return {};
    for (std::size_t i = 0; i < missing.size(); ++i) {
        if (call->records[i].status != LARDER_OK) return {};
        out[missing[i]].second = numbers_in(call->records[i]);
        learn(out[missing[i]].first, out[missing[i]].second, asked_at);
    }
    return out;
}

std::uint64_t Authority::begin_load(std::string_view key, std::span<const ScopeId> scopes, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (holds_key(key)) return 0;
    const std::uint64_t token = random_.next() | 1;
    auto call = std::make_shared<SharedCall>();
    call->add_key(key);
    Answer leased;
    tier_->begin_lease(call, token, load_life_ns / 1'000'000, now_ns, deadline_ns, leased.then());
    auto stamp = std::make_shared<LoadStamp>();
    stamp->scopes = numbers_of(scopes, false, now_ns, deadline_ns);
    stamp->until_ns = now_ns + load_life_ns;
    // EXISTS: another loads, and what it fills is newer than what we would.
    const larder_status status = leased.wait();
    if (status == LARDER_EXISTS) return 0;
    if (status == LARDER_OK && stamp->scopes.size() == scopes.size()) {
        const std::lock_guard lock(mutex_);
        if (loads_.size() >= most_loads) std::erase_if(loads_, [now_ns](const auto& load) { return load.second->until_ns < now_ns; });
        if (loads_.size() < most_loads) {
            loads_[token] = std::move(stamp);
            return token;
        }
    }
    // Nobody will fill by it: given back, also where it is not known to have been given.
    end_load(key, token, clock_.mono_ns());
    return 0;
}

std::shared_ptr<const LoadStamp> Authority::stamp_of(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto at = loads_.find(token);
    if (at == loads_.end()) return nullptr;
    auto stamp = std::move(at->second);
    loads_.erase(at);
    return stamp;
}

void Authority::end_load(std::string_view key, std::uint64_t token, std::uint64_t now_ns) {
    stamp_of(token);
    auto call = std::make_shared<SharedCall>();
    call->add_key(key);
    tier_->begin_lease(call, token, 0, now_ns, 0, [](larder_status) {});
}

// ---- changing

Authority::Waiting Authority::numbers_for(const Change& change) {
    Waiting made;
    made.expire = change.expire;
    made.numbers = {change.expire ? 0 : random_.next() | 1, random_.next() | 1, change.expire ? now_ms() : 0};
    return made;
}

// The same change with numbers that nobody has seen: what is sent again may come after a later change of another
// node, and by the old numbers what was stamped between the two would be valid again.
Authority::Waiting Authority::renumbered(const Waiting& waiting) {
    return {waiting.expire, {waiting.expire ? 0 : random_.next() | 1, random_.next() | 1, waiting.numbers.expired_at_ms}};
}

bool Authority::change(std::span<const Change> changes, std::vector<std::string> keys, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    std::vector<std::pair<ScopeId, Waiting>> made;
    {
        const std::lock_guard lock(mutex_);
        for (const Change& change : changes) {
            made.emplace_back(change.scope, numbers_for(change));
            ++held_[change.scope];
            pushed_cell(change.scope).store(pushes_.fetch_add(1) + 1);
            // Also what was copied into memory since the caller changed the records of this process.
            if (!change.expire) {
                forget(change.scope);
                continue;
            }
            if (listener_.changed) listener_.changed(change.scope, false);
            Remembered* const at = known_.find(change.scope);
            if (at == nullptr) continue;
            // What is expired may still be served as stale, so it is followed on; doubted until its own echo is there.
            at->numbers.expire = made.back().second.numbers.expire;
            at->numbers.expired_at_ms = made.back().second.numbers.expired_at_ms;
            doubt(change.scope);
        }
        for (const std::string& key : keys) ++held_keys_[key];
    }
    const bool sent = send(made, keys, now_ns, deadline_ns);
    if (!sent) put_off(made, keys);
    tell_touched(keys);
    {
        const std::lock_guard lock(mutex_);
        const auto release = [](auto& held, const auto& what) {
            if (const auto at = held.find(what); at != held.end() && --at->second == 0) held.erase(at);
        };
        for (const auto& [scope, waiting] : made) {
            release(held_, scope);
            settle(scope);
        }
        for (const std::string& key : keys) release(held_keys_, key);
    }
    if (!sent) deliver_soon(options_.retry);
    else ask_again();
    return sent;
}

// REQUIRES: mutex_ held. A change of this scope has been sent: what was asked for before may be older than it.
void Authority::settle(ScopeId scope) {
    pushed_cell(scope).store(pushes_.fetch_add(1) + 1);
    if (doubted_.contains(scope)) to_ask_.insert(scope);
}

// As their push does, which may be lost with its stream: what was read before they were removed, and comes
// after that, is not copied up.
void Authority::tell_touched(std::span<const std::string> keys) const {
    if (!listener_.touched) return;
    for (const std::string& key : keys) listener_.touched(key);
}

bool Authority::send(const std::vector<std::pair<ScopeId, Waiting>>& changes, const std::vector<std::string>& keys, std::uint64_t now_ns,
                     std::uint64_t deadline_ns) {
    auto call = std::make_shared<SharedCall>();
    for (const auto& [scope, waiting] : changes)
        call->add_record(record_key(scope), waiting.numbers.drop, waiting.numbers.expire, waiting.numbers.expired_at_ms);
    for (const std::string& key : keys) call->add_key(key);
    Answer answer;
    tier_->begin_change(call, record_life_ms_.load(), now_ns, deadline_ns, answer.then());
    if (answer.wait() != LARDER_OK) return false;
    const bool whole = std::all_of(call->records.begin(), call->records.end(), [](const larder_record& r) { return r.status >= 0; });
    if (!whole) return false;
    const std::lock_guard lock(mutex_);
    const auto old = [&](const Sent& sent) { return now_ns - std::min(now_ns, sent.at_ns) > static_cast<std::uint64_t>(options_.replay_window.count()); };
    constexpr std::size_t most_sent = 4096;
    if (sent_.size() >= most_sent) std::erase_if(sent_, old);
    if (sent_.size() < most_sent) sent_.push_back({now_ns, changes, keys});
    return true;
}

void Authority::put_off(const std::vector<std::pair<ScopeId, Waiting>>& changes, std::vector<std::string> keys) {
    const std::lock_guard lock(mutex_);
    for (const auto& [scope, waiting] : changes) {
        const auto [at, fresh] = outbox_.try_emplace(scope, waiting);
        // A drop outlasts an expire.
        if (!fresh && !waiting.expire) at->second = waiting;
    }
    for (std::string& key : keys) outbox_keys_.insert(std::move(key));
    if (outbox_.size() + outbox_keys_.size() <= options_.outbox) return;
    ++counts_.overflows;
    outbox_.clear();
    outbox_keys_.clear();
    outbox_[root_] = numbers_for({root_, false});
    forget(root_);
}

void Authority::deliver_soon(std::chrono::nanoseconds in) {
    {
        const std::lock_guard lock(mutex_);
        if (delivering_ || (outbox_.empty() && outbox_keys_.empty())) return;
        delivering_ = true;
    }
    executor_.after(in, [weak = weak_from_this(), &executor = executor_] {
        executor.post(true, [weak] {
            if (const auto self = weak.lock()) self->deliver();
        });
    });
}

void Authority::deliver() {
    std::vector<std::pair<ScopeId, Waiting>> changes;
    std::vector<std::string> keys;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = outbox_.begin(); at != outbox_.end() && changes.size() < most_asked_at_once; ++at) {
            at->second = renumbered(at->second);
            changes.push_back(*at);
        }
        for (auto at = outbox_keys_.begin(); at != outbox_keys_.end() && keys.size() < most_asked_at_once; ++at) keys.push_back(*at);
    }
    const bool sent = send(changes, keys, clock_.mono_ns(), 0);
    if (sent) tell_touched(keys);
    bool more = false;
    {
        const std::lock_guard lock(mutex_);
        delivering_ = false;
        if (sent) {
            for (const auto& [scope, waiting] : changes)
                if (const auto at = outbox_.find(scope); at != outbox_.end() && at->second.numbers == waiting.numbers) {
                    outbox_.erase(at);
                    // Its numbers are others than those that were put off, and its echo may be lost.
                    if (known_.contains(scope)) doubt(scope);
                    settle(scope);
                }
            for (const std::string& key : keys) outbox_keys_.erase(key);
        }
        more = !outbox_.empty() || !outbox_keys_.empty();
    }
    if (sent) ask_again();
    if (more) deliver_soon(sent ? std::chrono::nanoseconds(0) : options_.retry);
}

Authority::Counts Authority::counts() const {
    const std::lock_guard lock(mutex_);
    Counts c = counts_;
    c.known = known_.size();
    c.outbox = outbox_.size() + outbox_keys_.size();
    return c;
}

}  // namespace larder
