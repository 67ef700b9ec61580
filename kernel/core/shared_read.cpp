// kernel/core/shared_read.cpp -- asking, judging, and asking once more for what only the entry named.
#include "kernel/core/shared_read.hpp"

#include "kernel/core/mutant.hpp"

#include <algorithm>
#include <condition_variable>

namespace larder {

void SharedRead::add(const State& s, const Space& space, const FieldedKey& key) {
    SharedItem item;
    item.ns = space.runtime->number;
    item.canonical = key.canonical;
    ScopeList scopes;
    entry_scopes(s, space, impl_.names, key, nullptr, 0, scopes);
    item.declared.assign(scopes.ids().begin(), scopes.ids().end());
    items_.push_back(std::move(item));
}

void SharedRead::ask(ScopeId scope) {
    if (std::find(to_ask_.begin(), to_ask_.end(), scope) == to_ask_.end()) to_ask_.push_back(scope);
}

// Most entries of a read have the scopes of one namespace in common: those are looked up once for all.
Authority::Known SharedRead::look(ScopeId scope, Numbers& out, bool& known) {
    for (const auto& [id, numbers] : common_)
        if (id == scope) {
            out = numbers;
            known = true;
            return Authority::Known::yes;
        }
    const Authority::Known state = authority_->known(scope, out);
    known = state == Authority::Known::yes;
    if (known && common_.size() < most_common) common_.emplace_back(scope, out);
    if (state != Authority::Known::no) return state;
    for (const auto& [id, numbers] : at_hand_)
        if (id == scope) {
            out = numbers;
            return Authority::Known::yes;
        }
    return Authority::Known::no;
}

void SharedRead::begin(std::uint64_t now_ns, std::uint64_t deadline_ns, std::function<void()> then) {
    then_ = std::move(then);
    now_ns_ = now_ns;
    deadline_ns_ = deadline_ns;
    call_ = std::make_shared<SharedCall>();
    common_.clear();
    // Before it is seen what is known and what is held: a change that begins in between makes the answers late.
    asked_at_ = authority_->asking();
    {
        const ReadGuard guard;
        const State& s = *impl_.state.get();
        for (SharedItem& item : items_) {
            item.epoch = impl_.records.epoch();
            EntryKey key;
            const Space* space = s.space(item.ns);
            if (space == nullptr) {  // gone with a reload; each item keeps its place
                call_->add_value(authority_->prefix() + ":v:{}");
                continue;
            }
            bind_key(*space, impl_.names, item.canonical, key);
            item.writes = impl_.stripe(key).writes.load(std::memory_order_seq_cst);
            const std::string whole = space->physical(*authority_, item.canonical);
            item.held = authority_->holds_key(whole);
            call_->add_value(whole);
            for (const ScopeId scope : item.declared) {
                Numbers numbers;
                bool known = false;
                if (look(scope, numbers, known) == Authority::Known::no) ask(scope);
            }
        }
    }
    for (const ScopeId scope : to_ask_) call_->add_record(authority_->record_key(scope));
    authority_->tier().begin(Tier::Shared::read, call_, 0, now_ns_, deadline_ns_,
                             [self = shared_from_this()](larder_status status) { self->answered(status); });
}

void SharedRead::run(std::uint64_t now_ns, std::uint64_t deadline_ns) {
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

void SharedRead::answered(larder_status status) {
    const bool first = values_.empty();
    if (status == LARDER_OK) {
        for (std::size_t i = 0; i < to_ask_.size(); ++i) {
            const larder_record& record = call_->records[i];
            if (record.status < 0) continue;
            const Numbers numbers = record.status == LARDER_OK ? Numbers{record.drop, record.expire, record.expired_at_ms} : Numbers{};
            at_hand_.emplace_back(to_ask_[i], numbers);
            if (record.status == LARDER_OK) authority_->learn(to_ask_[i], numbers, asked_at_);
        }
    }
    if (first) {
        std::uint64_t found = 0;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            items_[i].status = status != LARDER_OK ? status : i < call_->items.size() ? call_->items[i].status : LARDER_MISS;
            values_.push_back(status == LARDER_OK && i < call_->items.size() ? call_->take(i) : Pinned());
            found += items_[i].status == LARDER_OK;
        }
        authority_->tier().counters().add(Tier::hits, found);
        authority_->tier().counters().add(Tier::misses, items_.size() - found);
    }
    to_ask_.clear();
    asked_at_ = authority_->asking();
    constexpr int most_rounds = 3;
    if (judge_all() || status != LARDER_OK || ++rounds_ >= most_rounds) {
        const auto then = std::move(then_);
        then();
        return;
    }
    call_ = std::make_shared<SharedCall>();
    for (const ScopeId scope : to_ask_) call_->add_record(authority_->record_key(scope));
    authority_->tier().begin(Tier::Shared::read, call_, 0, now_ns_, deadline_ns_,
                             [self = shared_from_this()](larder_status again) { self->answered(again); });
}

bool SharedRead::judge_all() {
    const ReadGuard guard;
    const State& s = *impl_.state.get();
    common_.clear();
    const std::uint64_t now_ns = impl_.clock.mono_ns(), theirs_ms = authority_->now_ms();
    for (std::size_t i = 0; i < items_.size(); ++i) {
        SharedItem& item = items_[i];
        if (item.status != LARDER_OK || item.found.verdict != Verdict::gone || !values_[i].bytes().data) continue;
        const Space* space = s.space(item.ns);
        EntryKey key;
        if (space == nullptr) continue;
        bind_key(*space, impl_.names, item.canonical, key);
        Found& found = item.found;
        EnvelopeView& entry = found.entry;
        const auto is = [&](Verdict verdict) {
            found.verdict = verdict;
            if (verdict == Verdict::gone) values_[i].reset();
        };
        if (EnvelopeView::open(values_[i].bytes(), true, true, entry) != EnvelopeView::Verdict::good || entry.binding() != key.binding) {
            is(Verdict::damaged);
            continue;
        }
        item.id = entry.head().id;
        if (item.held || entry.schema() != space->schema || entry.head().version != space->ns->version || (authority_->holds_keys() && authority_->holds_key(space->physical(*authority_, item.canonical)))) {
            is(Verdict::gone);
            continue;
        }
        const std::uint64_t age_ms = entry.head().age_ms(theirs_ms * 1'000'000);
        if (entry.head().hard_ms != 0 && age_ms >= entry.head().hard_ms) {
            is(Verdict::gone);
            continue;
        }
        Digest digest;
        bool open = false, told = authority_->trusted();
        std::uint64_t expired_at_ms = 0;
        for (std::size_t n = 0; n < entry.head().scopes && digest.complete; ++n) {
            Numbers numbers;
            bool known = false;
            switch (look(entry.scope(n), numbers, known)) {
                case Authority::Known::held: digest.complete = false; break;
                case Authority::Known::no:
                    ask(entry.scope(n));
                    open = true;
                    break;
                case Authority::Known::yes:
                    told = told && known;
                    digest.complete = numbers.drop != 0;
                    add_numbers(digest, entry.scope(n), numbers.drop, numbers.expire);
                    expired_at_ms = std::max(expired_at_ms, numbers.expired_at_ms);
                    break;
            }
        }
        const bool dropped = !open && digest.drop != entry.drop_digest();
        if (dropped && mutant(Mutant::stale_after_drop)) expired_at_ms = theirs_ms;
        if (!digest.complete || (dropped && !mutant(Mutant::stale_after_drop))) {
            is(Verdict::gone);
            continue;
        }
        if (open) continue;
        // From here on its times are this process's.
        const auto here = [&](std::uint64_t their_ms) {
            const std::uint64_t ago_ns = (theirs_ms - std::min(theirs_ms, their_ms)) * 1'000'000;
            return now_ns - std::min(now_ns - 1, ago_ns);
        };
        entry.set_created(now_ns - std::min(now_ns - 1, age_ms * 1'000'000));
        found.stale_since_ns = 0;
        if (entry.head().soft_ms != 0 && age_ms >= entry.head().soft_ms) found.stale_since_ns = entry.head().created_ns + entry.head().soft_ms * 1'000'000;
        if (digest.expire != entry.expire_digest()) {
            const std::uint64_t at = here(expired_at_ms);
            found.stale_since_ns = found.stale_since_ns == 0 ? at : std::min(found.stale_since_ns, at);
        }
        found.tier = space->authority_tier;
        found.epoch = item.epoch;
        found.value = std::move(values_[i]);
        item.may_stay = told;
        is(found.stale_since_ns == 0 ? Verdict::live : Verdict::stale);
    }
    return to_ask_.empty();
}

}  // namespace larder
