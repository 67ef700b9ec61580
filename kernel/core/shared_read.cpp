// kernel/core/shared_read.cpp -- asking, judging, and asking once more for what only the entry named.
#include "kernel/core/shared_read.hpp"

#include "kernel/core/mutant.hpp"

#include <algorithm>
#include <condition_variable>

namespace larder {

void SharedRead::expect(std::size_t keys) {
    constexpr std::size_t usual_scopes = 4;
    items_.reserve(keys);
    values_.reserve(keys);
    scopes_.reserve(keys * usual_scopes);
}

void SharedRead::add(const State& s, const Space& space, const FieldedKey& key, bool stays) {
    SharedItem& item = items_.emplace_back();
    item.ns = space.runtime->number;
    item.key = key;
    if (!stays) item.key.canonical = texts_.keep(key.canonical);
    ScopeList scopes;
    entry_scopes(s, space, impl_.names, key, nullptr, 0, scopes);
    item.first_scope = static_cast<std::uint32_t>(scopes_.size());
    item.scopes = static_cast<std::uint32_t>(scopes.ids().size());
    scopes_.insert(scopes_.end(), scopes.ids().begin(), scopes.ids().end());
}

void SharedRead::ask(ScopeId scope) {
    if (std::find(to_ask_.begin(), to_ask_.end(), scope) == to_ask_.end()) to_ask_.push_back(scope);
}

// Most entries of a read have the scopes of one namespace in common: those are looked up once for all.
Authority::Known SharedRead::find(const Authority::Look& look, ScopeId scope, Numbers& out, bool& known) {
    for (std::size_t i = 0; i < commons_; ++i)
        if (common_[i].first == scope) {
            out = common_[i].second;
            known = true;
            return Authority::Known::yes;
        }
    const Authority::Known state = look.known(scope, out);
    known = state == Authority::Known::yes;
    if (known && commons_ < most_common) common_[commons_++] = {scope, out};
    if (state != Authority::Known::no) return state;
    for (const auto& [id, numbers] : at_hand_)
        if (id == scope) {
            out = numbers;
            return Authority::Known::yes;
        }
    return Authority::Known::no;
}

// ---- asking

void SharedRead::ask_first(SharedCall& call) {
    call.items.reserve(items_.size());
    commons_ = 0;
    thread_local std::string whole;
    // Before it is seen what is known and what is held: a change that begins in between makes the answers late.
    asked_at_ = authority_->asking();
    {
        const ReadGuard guard;
        const State& s = *impl_.state.get();
        for (SharedItem& item : items_) {
            item.epoch = impl_.records.epoch();
            const Space* space = s.space(item.ns);
            if (space == nullptr) {  // gone with a reload; each item keeps its place
                call.add_value(authority_->prefix() + ":v:{}");
                continue;
            }
            item.writes = impl_.stripe(item.key).writes.load(std::memory_order_seq_cst);
            space->physical(*authority_, item.key.canonical, whole);
            call.add_value(whole);
        }
    }
    {
        const Authority::Look look(*authority_);
        const bool holds = look.holds_keys();
        for (std::size_t i = 0; holds && i < items_.size(); ++i) {
            const larder_key& key = call.items[i].key;
            items_[i].held = look.holds_key({key.data, key.size});
        }
        for (const SharedItem& item : items_)
            for (const ScopeId scope : scopes_of(item)) {
                Numbers numbers;
                bool known = false;
                if (find(look, scope, numbers, known) == Authority::Known::no) ask(scope);
            }
    }
    for (const ScopeId scope : to_ask_) call.add_record(authority_->record_key(scope));
}

void SharedRead::ask_more(SharedCall& call) {
    for (const ScopeId scope : to_ask_) call.add_record(authority_->record_key(scope));
}

void SharedRead::begin(std::uint64_t now_ns, std::uint64_t deadline_ns, std::function<void()> then) {
    then_ = std::move(then);
    now_ns_ = now_ns;
    deadline_ns_ = deadline_ns;
    call_ = std::make_shared<SharedCall>();
    ask_first(*call_);
    go_on();
}

void SharedRead::go_on() {
    authority_->tier().begin(Tier::Shared::read, call_, 0, now_ns_, deadline_ns_, [self = shared_from_this()](larder_status status) {
        SharedRead& me = *self;
        if (me.answered(*me.call_, status)) {
            const auto then = std::move(me.then_);
            return then();
        }
        me.call_ = std::make_shared<SharedCall>();
        me.ask_more(*me.call_);
        me.go_on();
    });
}

void SharedRead::run(std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Tier& tier = authority_->tier();
    if (tier.waits()) {
        std::optional<SharedCall> call(std::in_place);
        ask_first(*call);
        while (!answered(*call, tier.read_here(*call, now_ns, deadline_ns))) {
            call.emplace();
            ask_more(*call);
        }
        return;
    }
    std::mutex mutex;
    std::condition_variable ready;
    bool done = false;
    begin(now_ns, deadline_ns, [&] {
        const std::lock_guard lock(mutex);
        done = true;
        ready.notify_all();
    });
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return done; });
}

// ---- answers

bool SharedRead::answered(SharedCall& call, larder_status status) {
    if (status == LARDER_OK) take_records(call);
    if (values_.empty()) take_values(call, status);
    to_ask_.clear();
    asked_at_ = authority_->asking();
    constexpr int most_rounds = 3;
    return judge_all() || status != LARDER_OK || ++rounds_ >= most_rounds;
}

void SharedRead::take_records(const SharedCall& call) {
    for (std::size_t i = 0; i < to_ask_.size(); ++i) {
        const larder_record& record = call.records[i];
        if (record.status < 0) continue;
        const Numbers numbers = record.status == LARDER_OK ? Numbers{record.drop, record.expire, record.expired_at_ms} : Numbers{};
        at_hand_.emplace_back(to_ask_[i], numbers);
        if (record.status == LARDER_OK) authority_->learn(to_ask_[i], numbers, asked_at_);
    }
}

void SharedRead::take_values(SharedCall& call, larder_status status) {
    std::uint64_t found = 0;
    values_.reserve(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
        const bool answer = status == LARDER_OK && i < call.items.size();
        items_[i].status = status != LARDER_OK ? status : answer ? call.items[i].status : LARDER_MISS;
        values_.push_back(answer ? call.take(i) : Pinned());
        items_[i].open = items_[i].status == LARDER_OK && values_[i].bytes().data != nullptr;
        found += items_[i].status == LARDER_OK;
    }
    authority_->tier().counters().add(Tier::hits, found);
    authority_->tier().counters().add(Tier::misses, items_.size() - found);
}

// ---- judging

bool SharedRead::judge_all() {
    const ReadGuard guard;
    const State& s = *impl_.state.get();
    commons_ = 0;
    const std::uint64_t now_ns = impl_.clock.mono_ns(), theirs_ms = authority_->now_ms();
    // What takes long and needs no record first: the table's lock is also the pushes'.
    if (rounds_ == 0)
        for (std::size_t i = 0; i < items_.size(); ++i)
            if (items_[i].open) items_[i].open = open(s, items_[i], values_[i], theirs_ms);
    const Authority::Look look(*authority_);
    for (std::size_t i = 0; i < items_.size(); ++i)
        if (const Space* space = s.space(items_[i].ns); items_[i].open && space != nullptr) judge(*space, look, items_[i], values_[i], now_ns, theirs_ms);
    return to_ask_.empty();
}

// Whether the bytes are an entry of this key whose life is not over.
bool SharedRead::open(const State& s, SharedItem& item, Pinned& value, std::uint64_t theirs_ms) {
    const auto closed = [&](Verdict verdict) {
        item.found.verdict = verdict;
        value.reset();
        return false;
    };
    const Space* space = s.space(item.ns);
    if (space == nullptr) return closed(Verdict::gone);
    EnvelopeView& entry = item.found.entry;
    if (open_shared(value.bytes(), item.key.binding, true, entry, item.found.stamp) != EnvelopeView::Verdict::good) return closed(Verdict::damaged);
    const EnvelopeHead& head = entry.head();
    item.id = head.id;
    item.found.newer = head.version > space->ns->version;
    item.over = head.hard_ms != 0 && head.age_ms(theirs_ms * 1'000'000) >= head.hard_ms;
    if (item.over || !space->takes(head.version)) return closed(Verdict::gone);
    if (head.with == 0 && head.scopes == 0) return true;
    // Pairs say other scopes than the key alone does.
    std::vector<std::pair<std::string_view, std::string_view>> pairs;
    std::vector<larder_pair> with;
    entry.with(pairs);
    for (const auto& [name, text] : pairs) with.push_back({bytes_of(name), bytes_of(text)});
    FieldedKey fielded;
    ScopeList scopes;
    if (!make_fields(*space, impl_.names, item.key.canonical, fielded)) return closed(Verdict::gone);
    entry_scopes(s, *space, impl_.names, fielded, with.data(), with.size(), scopes);
    for (std::size_t i = 0; i < head.scopes; ++i) scopes.add(entry.scope(i));
    if (scopes.overflowed()) return closed(Verdict::gone);
    item.first_scope = static_cast<std::uint32_t>(scopes_.size());
    item.scopes = static_cast<std::uint32_t>(scopes.ids().size());
    scopes_.insert(scopes_.end(), scopes.ids().begin(), scopes.ids().end());
    return true;
}

void SharedRead::judge(const Space& space, const Authority::Look& look, SharedItem& item, Pinned& value, std::uint64_t now_ns,
                       std::uint64_t theirs_ms) {
    Found& found = item.found;
    EnvelopeView& entry = found.entry;
    Digest digest;
    bool open = false, told = authority_->trusted();
    std::uint64_t expired_at_ms = 0;
    for (const ScopeId scope : scopes_of(item)) {
        Numbers numbers;
        bool known = false;
        switch (find(look, scope, numbers, known)) {
            case Authority::Known::held: digest.complete = false; break;
            case Authority::Known::no:
                ask(scope);
                open = true;
                break;
            case Authority::Known::yes:
                told = told && known;
                digest.complete = numbers.drop != 0;
                add_numbers(digest, scope, numbers.drop, numbers.expire);
                expired_at_ms = std::max(expired_at_ms, numbers.expired_at_ms);
                break;
        }
        if (!digest.complete) break;
    }
    if (open && digest.complete) return;
    item.open = false;
    const SharedStamp now(digest, space.schema);
    const bool dropped = now.drop != item.found.stamp.drop;
    item.over = dropped && digest.complete && !item.held;
    if (dropped && mutant(Mutant::stale_after_drop)) expired_at_ms = theirs_ms;
    if (item.held || !digest.complete || (dropped && !mutant(Mutant::stale_after_drop)) || (look.holds_keys() && look.holds_key(space.physical(*authority_, item.key.canonical))))
        return;  // its value goes with the read: a store's code is not called under a lock
    // From here on its times are this process's.
    const auto here = [&](std::uint64_t their_ms) {
        const std::uint64_t ago_ns = (theirs_ms - std::min(theirs_ms, their_ms)) * 1'000'000;
        return now_ns - std::min(now_ns - 1, ago_ns);
    };
    const EnvelopeHead& head = entry.head();
    const std::uint64_t age_ms = head.age_ms(theirs_ms * 1'000'000);
    entry.set_created(now_ns - std::min(now_ns - 1, age_ms * 1'000'000));
    found.stale_since_ns = 0;
    if (head.soft_ms != 0 && age_ms >= head.soft_ms) found.stale_since_ns = head.created_ns + head.soft_ms * 1'000'000;
    if (now.expire != item.found.stamp.expire) {
        const std::uint64_t at = here(expired_at_ms);
        found.stale_since_ns = found.stale_since_ns == 0 ? at : std::min(found.stale_since_ns, at);
    }
    found.tier = space.authority_tier;
    found.epoch = item.epoch;
    found.value = std::move(value);
    item.may_stay = told;
    found.verdict = found.stale_since_ns == 0 ? Verdict::live : Verdict::stale;
}

}  // namespace larder
