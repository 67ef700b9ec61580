// kernel/core/cache_why.cpp -- the history of one entry, from its copies and the log of removals.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/entry_history.hpp"
#include "kernel/core/shared_read.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace larder {
namespace {

std::string span_text(std::uint64_t ms) {
    constexpr std::pair<const char*, std::uint64_t> units[] = {
        {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}};
    if (ms < 1'000) return std::to_string(ms) + "ms";
    std::string out;
    int parts = 0;
    for (const auto& [unit, size] : units) {
        if (ms < size || parts == 2) continue;
        out += std::to_string(ms / size) + unit;
        ms %= size;
        ++parts;
    }
    return out;
}

std::string moment_text(std::uint64_t at_ms, std::uint64_t now_ms) {
    const std::time_t seconds = static_cast<std::time_t>(at_ms / 1000);
    std::tm parts{};
    std::array<char, 32> text{};
    gmtime_r(&seconds, &parts);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &parts);
    return span_text(now_ms - std::min(now_ms, at_ms)) + " ago (" + text.data() + ")";
}

bool is_there(const EntryCopy& copy) { return copy.is == EntryCopy::Is::live || copy.is == EntryCopy::Is::stale; }

std::string copy_text(const EntryCopy& c, std::uint64_t now_ms) {
    switch (c.is) {
        case EntryCopy::Is::missing: return "not there";
        case EntryCopy::Is::unknown: return "does not answer";
        case EntryCopy::Is::dead: return "dead, not reclaimed yet";
        case EntryCopy::Is::damaged: return "damaged";
        case EntryCopy::Is::stale:
        case EntryCopy::Is::live: break;
    }
    std::string out = c.is == EntryCopy::Is::live ? "live" : "stale";
    out += c.absent ? ", says that there is nothing" : ", " + std::to_string(c.raw_bytes) + " bytes";
    if (c.compressed) out += " in " + std::to_string(c.stored_bytes) + " compressed";
    out += c.load_us != 0 ? ", loaded in " + std::to_string(c.load_us) + " us " : ", put ";
    out += moment_text(c.made_ms, now_ms);
    out += c.left_ms < 0 ? ", no time limit" : ", " + span_text(static_cast<std::uint64_t>(c.left_ms)) + " left";
    return out + ", " + std::to_string(c.scopes) + " scopes can drop it";
}

}  // namespace

bool EntryHistory::present() const { return std::any_of(copies.begin(), copies.end(), is_there); }

std::string EntryHistory::text() const {
    std::string out = key + "\n";
    for (const EntryCopy& c : copies) out += "  " + c.tier + ": " + copy_text(c, now_ms) + "\n";
    if (reads != 0) out += "  read about " + std::to_string(reads) + " times (one read in a thousand is counted)\n";
    if (removal) {
        out += std::string("  last ") + (removal->expire ? "expired " : "dropped ") + moment_text(removal->at_ms, now_ms) +
               " with " + removal->what + " by " + removal->cause + "\n";
    } else if (present()) {
        out += "  none of the last 4096 removals was about it\n";
    } else {
        out += "  never seen, as far as is remembered: it was not put, or ended by its ttl, or was evicted; none of the "
               "last 4096 removals was about it\n";
    }
    return out;
}

std::optional<EntryHistory> Cache::history(std::uint32_t ns, std::string_view raw) const {
    EntryHistory out;
    {
        const ReadGuard guard;
        const State& s = *impl_->state.get();
        const Space* space = s.space(ns);
        EntryKey key;
        if (space == nullptr || !space->keeps_entries() || !find_key(*space, impl_->names, raw, key)) return std::nullopt;
        out.key = shown_key(*space, key.canonical);
        out.now_ms = impl_->clock.wall_ms();
        const std::uint64_t now = impl_->clock.mono_ns(), epoch = impl_->records.epoch();
        for (const SpaceTier& use : space->tiers) {
            EntryCopy& copy = out.copies.emplace_back();
            copy.tier = use.tier->store().name;
            Found found;
            Verdict verdict = Verdict::gone;
            if (space->authority != nullptr && &use == &space->tiers[space->authority_tier]) {
                FieldedKey fielded;
                if (!make_fields(*space, impl_->names, key.canonical, fielded)) continue;
                const auto read = impl_->shared_read(s, *space);
                read->add(s, *space, fielded);
                read->run(now, 0);
                SharedItem& item = read->items().front();
                found = std::move(item.found);
                if (found.verdict != Verdict::live && found.verdict != Verdict::stale) {
                    copy.is = item.status < 0 ? EntryCopy::Is::unknown : item.id == 0 ? EntryCopy::Is::missing : EntryCopy::Is::dead;
                    continue;
                }
                verdict = found.verdict;
            } else {
                const larder_status answer = use.tier->get(key.store_key(space->runtime->shelf), LARDER_CALL_PEEK, now, 0, found.value);
                if (answer != LARDER_OK) {
                    copy.is = answer < 0 ? EntryCopy::Is::unknown : EntryCopy::Is::missing;
                    continue;
                }
                verdict = impl_->judge(*space, key, *use.tier, found.value.bytes(), now, epoch, found.entry, found.stale_since_ns);
            }
            if (verdict == Verdict::damaged || verdict == Verdict::gone) {
                copy.is = verdict == Verdict::gone ? EntryCopy::Is::dead : EntryCopy::Is::damaged;
                continue;
            }
            const EnvelopeHead& head = found.entry.head();
            copy.is = verdict == Verdict::live ? EntryCopy::Is::live : EntryCopy::Is::stale;
            copy.made_ms = out.now_ms - std::min(out.now_ms, head.age_ms(now));
            copy.left_ms = impl_->ttl_left(head, now);
            copy.raw_bytes = head.raw_size;
            copy.stored_bytes = head.stored_size;
            copy.compressed = head.codec != 0;
            copy.absent = (head.flags & envelope_absent) != 0;
            copy.load_us = found.entry.cost_us();
            copy.scopes = head.scopes + (use.tier->headed() ? space->chain.size() : 0);
        }
        for (const HotKey& hot : hot_keys())
            if (hot.space == space->ns->name && hot.key == raw) out.reads = hot.reads;
    }
    out.removal = removal(ns, raw);
    return out;
}

std::string Cache::explain_entry(std::uint32_t ns, std::string_view raw) const {
    const auto found = history(ns, raw);
    return found ? found->text() : std::string();
}

}  // namespace larder
