// plugins/warmer_predictive/patterns.cpp -- see patterns.hpp.
#include "patterns.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace larder::warmer_predictive {
namespace {

constexpr std::uint32_t day = 1440, together = 45;
constexpr std::size_t longest_key = 256, recent_visits = 16;
constexpr std::uint64_t follows_within_ms = 60'000;
constexpr double follows_often = 0.7;
constexpr std::size_t around = sizeof(void*) * 6;  // of an entry in a hash table

std::uint32_t minutes(std::uint64_t ms) { return static_cast<std::uint32_t>(ms / 60'000); }

std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

void put_text(std::string_view text, std::string& out) {
    const auto size = static_cast<std::uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

bool take_text(std::string_view& in, std::string& out) {
    std::uint32_t size = 0;
    if (in.size() < sizeof size) return false;
    std::memcpy(&size, in.data(), sizeof size);
    in.remove_prefix(sizeof size);
    if (in.size() < size) return false;
    out.assign(in.substr(0, size));
    in.remove_prefix(size);
    return true;
}

}  // namespace

Patterns::Patterns(std::size_t memory) : memory_(memory), sketch_(rows * width) {}

std::uint64_t Patterns::hash_of(std::uint16_t space, std::string_view key) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ space;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return mix(hash);
}

std::uint64_t Patterns::dice() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }

std::uint16_t Patterns::space_of(std::string_view name) {
    if (const auto known = find_space(name)) return *known;
    spaces_.emplace_back(name);
    return static_cast<std::uint16_t>(spaces_.size() - 1);
}

std::optional<std::uint16_t> Patterns::find_space(std::string_view name) const {
    const auto at = std::find(spaces_.begin(), spaces_.end(), name);
    if (at == spaces_.end()) return std::nullopt;
    return static_cast<std::uint16_t>(at - spaces_.begin());
}

std::size_t Patterns::bytes() const { return sketch_.size() + key_bytes_ + entries_.capacity() * sizeof(Entry) + index_.size() * around + index_.bucket_count() * sizeof(void*); }

std::uint32_t Patterns::estimate(std::uint64_t hash) const {
    std::uint32_t least = 255;
    for (std::size_t row = 0; row < rows; ++row) least = std::min<std::uint32_t>(least, sketch_[row * width + mix(hash + row) % width]);
    return least;
}

std::uint32_t Patterns::count(std::uint64_t hash, std::uint32_t weight) {
    const std::uint32_t before = estimate(hash), now = std::min<std::uint32_t>(255, before + weight);
    for (std::size_t row = 0; row < rows; ++row) {
        auto& cell = sketch_[row * width + mix(hash + row) % width];
        cell = static_cast<std::uint8_t>(std::max<std::uint32_t>(cell, now));
    }
    if (++counted_ >= width * 2) {
        counted_ = 0;
        for (auto& cell : sketch_) cell = static_cast<std::uint8_t>(cell / 2);
    }
    return before;
}

Patterns::Entry* Patterns::find(std::string_view space, std::string_view key) {
    const auto number = find_space(space);
    if (!number) return nullptr;
    const auto [from, to] = index_.equal_range(hash_of(*number, key));
    for (auto at = from; at != to; ++at)
        if (entries_[at->second].space == *number && entries_[at->second].key == key) return &entries_[at->second];
    return nullptr;
}

std::optional<std::uint32_t> Patterns::place_of(std::uint64_t hash) const {
    const auto at = index_.find(hash);
    if (at == index_.end()) return std::nullopt;
    return at->second;
}

Patterns::Entry* Patterns::admit(std::uint16_t space, std::string_view key, std::uint64_t hash) {
    const std::size_t one = sizeof(Entry) + key.size() + around + 2 * sizeof(void*);
    if (entries_.empty()) entries_.reserve(std::max<std::size_t>(64, (memory_ - std::min(memory_, sketch_.size())) / (sizeof(Entry) + around + 64)));
    if (bytes() + one <= memory_ && entries_.size() < entries_.capacity()) {
        entries_.push_back({space, std::string(key), {}});
        key_bytes_ += entries_.back().key.capacity();
        index_.emplace(hash, static_cast<std::uint32_t>(entries_.size() - 1));
        return &entries_.back();
    }
    if (entries_.empty()) return nullptr;
    std::size_t least = 0;
    std::uint32_t fewest = UINT32_MAX;
    for (int i = 0; i < 8; ++i) {
        const std::size_t at = dice() % entries_.size();
        const std::uint32_t seen = entries_[at].profile.visit_count();
        if (seen < fewest) {
            fewest = seen;
            least = at;
        }
    }
    if (fewest > estimate(hash)) return nullptr;
    Entry& out = entries_[least];
    const auto [from, to] = index_.equal_range(hash_of(out.space, out.key));
    for (auto at = from; at != to; ++at)
        if (at->second == least) {
            index_.erase(at);
            break;
        }
    key_bytes_ -= out.key.capacity();
    out = {space, std::string(key), {}};
    key_bytes_ += out.key.capacity();
    index_.emplace(hash, static_cast<std::uint32_t>(least));
    return &out;
}

void Patterns::add(const Seen& seen) {
    if (seen.key.size() > longest_key) return;
    const std::uint16_t space = space_of(seen.space);
    Entry* entry = find(seen.space, seen.key);
    if (entry == nullptr) {
        const std::uint64_t hash = hash_of(space, seen.key);
        if (count(hash, 1) == 0) return;
        entry = admit(space, seen.key, hash);
        if (entry == nullptr) return;
    }
    const std::uint32_t before = entry->profile.visit_count();
    entry->profile.add(minutes(seen.at_ms), seen.weight, seen.gap_min);
    if (seen.cost_us != 0) entry->profile.add_cost(seen.cost_us);
    if (entry->profile.visit_count() != before) follow(static_cast<std::uint32_t>(entry - entries_.data()), seen.at_ms);
}

void Patterns::follow(std::uint32_t entry, std::uint64_t at_ms) {
    const std::uint64_t hash = hash_of(entries_[entry].space, entries_[entry].key);
    std::vector<std::uint32_t> told;
    for (const Visit& visit : recent_) {
        if (visit.entry == entry || visit.at_ms + follows_within_ms < at_ms || visit.entry >= entries_.size()) continue;
        if (std::find(told.begin(), told.end(), visit.entry) != told.end()) continue;
        told.push_back(visit.entry);
        auto& followers = entries_[visit.entry].profile.followers;
        auto known = std::find_if(followers.begin(), followers.end(), [&](const Profile::Follower& f) { return f.count != 0 && f.key == hash; });
        if (known == followers.end()) {
            known = std::min_element(followers.begin(), followers.end(), [](const auto& a, const auto& b) { return a.count < b.count; });
            *known = {hash, known->count, known->count};  // Space-Saving: it goes on from the count of the rarest
        }
        ++known->count;
    }
    recent_.push_back({entry, at_ms});
    if (recent_.size() > recent_visits) recent_.pop_front();
}

void Patterns::cost(std::string_view space, std::string_view key, std::uint32_t cost_us) {
    if (Entry* entry = find(space, key); entry != nullptr && cost_us != 0) entry->profile.add_cost(cost_us);
}

void Patterns::made(std::string_view space, std::string_view key) {
    ++score_.made;
    if (Entry* entry = find(space, key)) ++entry->profile.made;
}

void Patterns::used(std::string_view space, std::string_view key) {
    ++score_.used;
    if (Entry* entry = find(space, key)) {
        ++entry->profile.used;
        entry->profile.saved_us += entry->profile.cost_us();
        score_.saved_us += entry->profile.cost_us();
    }
}

std::uint32_t Patterns::priority(const Profile& profile, const Verdict& verdict, std::uint32_t accesses) const {
    if (verdict.type == AccessType::irregular || verdict.type == AccessType::burst) return 0;
    const double often = std::min(3.0, std::log10(std::max(1.0, static_cast<double>(accesses))));
    const double dear = profile.cost_us() == 0 ? 1.0 : std::min(2.0, profile.cost_us() / 50'000.0);
    double out = 5 * verdict.predictability + often + dear;
    if (profile.made >= 6 && profile.used * 2 < profile.made) out -= 4;  // it was not worth it
    return static_cast<std::uint32_t>(std::clamp(std::lround(out), 0l, 10l));
}

// Minutes at which it should be made, within the horizon. Two thirds of the ttl after one another where it is in use
// all the time: what is fresh by then is left as it is by who makes it.
void Patterns::dues(const Profile& profile, const Verdict& verdict, std::uint32_t now, const Rules& rules, std::vector<std::uint32_t>& out) const {
    const std::uint32_t end = now + std::max<std::uint32_t>(rules.horizon_min, 1);
    const double ttl = rules.ttl_min == 0 ? 1440.0 : rules.ttl_min;
    const auto lead = static_cast<std::uint32_t>(std::clamp(2 * verdict.spread_min + 1.5, 1.0, std::max(1.0, ttl * 0.45)));
    const auto add = [&](std::uint32_t at) {
        if (at >= now && at < end) out.push_back(at);
    };
    if (verdict.type == AccessType::periodic) {
        std::uint32_t next = profile.last_visit() + verdict.period_min;
        while (next < now) next += verdict.period_min;
        for (; next < end + lead; next += verdict.period_min) add(next - std::min(next - std::min(next, now), lead));
        return;
    }
    // While it is in use: again before it ends, as long as most lives of it are used.
    const auto step = static_cast<std::uint32_t>(std::max(1.0, ttl * 0.45));
    if (verdict.type == AccessType::constant) {
        for (std::uint32_t at = now; at < end; at += step)
            if (profile.in_hour_of_day(at % day / 60, now) * ttl / 60 >= 0.8) add(at);
        return;
    }
    for (const std::uint16_t start : verdict.starts) {
        const std::uint32_t today = now / day * day + start, slack = lead + together;
        for (const std::uint32_t begins : {today - std::min(today, day), today, today + day}) {
            // Its use of that day began already, or is expected.
            const bool began = profile.last_start() + slack >= begins && profile.last_start() <= begins + slack && profile.last_start() <= now;
            const std::uint32_t from = began ? profile.last_start() : begins;
            const auto until = from + static_cast<std::uint32_t>(std::max(0.0, profile.use_min() - ttl * 0.55));
            if (!began && begins + lead >= now) add(begins - std::min(begins - std::min(begins, now), lead));
            for (std::uint32_t at = from + step; at <= until; at += step) add(at);
        }
    }
}

std::vector<PlannedKey> Patterns::plan(std::string_view space, std::uint64_t now_ms, const Rules& rules, std::size_t most) const {
    std::vector<PlannedKey> out;
    const auto number = find_space(space);
    if (!number) return out;
    const std::uint16_t wanted = *number;
    const std::uint32_t now = minutes(now_ms);
    std::vector<std::uint32_t> at;
    std::vector<bool> planned(entries_.size());
    std::vector<std::pair<std::uint32_t, std::size_t>> along;  // follower, of which of `out`
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const Entry& entry = entries_[i];
        if (entry.space != wanted) continue;
        const std::uint32_t accesses = entry.profile.accesses(now, rules.window_min);
        if (accesses < rules.min_accesses) continue;
        const Verdict verdict = entry.profile.judge(now, rules.window_min, rules.ttl_min);
        const std::uint32_t rank = priority(entry.profile, verdict, accesses);
        if (rank < std::max(rules.min_priority, 1u)) continue;
        at.clear();
        dues(entry.profile, verdict, now, rules, at);
        std::sort(at.begin(), at.end());
        at.erase(std::unique(at.begin(), at.end()), at.end());
        for (const std::uint32_t minute : at) {
            planned[i] = true;
            out.push_back({entry.key, minute == now ? 0 : std::uint64_t{minute} * 60'000, rank, entry.profile.cost_us()});
            for (const Profile::Follower& f : entry.profile.followers)
                if (f.sure() >= 5 && f.sure() >= follows_often * entry.profile.visit_count())
                    if (const auto place = place_of(f.key)) along.emplace_back(*place, out.size() - 1);
        }
    }
    for (const auto& [follower, of] : along) {
        const Entry& entry = entries_[follower];
        if (planned[follower] || entry.space != wanted) continue;
        out.push_back({entry.key, out[of].due_ms, out[of].priority, entry.profile.cost_us()});
    }
    std::stable_sort(out.begin(), out.end(), [](const PlannedKey& a, const PlannedKey& b) { return a.priority > b.priority; });
    if (most != 0 && out.size() > most) out.resize(most);
    return out;
}

std::vector<Pattern> Patterns::list(std::string_view space, std::uint64_t now_ms, const Rules& rules, std::size_t most) const {
    std::vector<Pattern> out;
    const auto number = find_space(space);
    const std::uint32_t now = minutes(now_ms);
    Rules far = rules;
    far.horizon_min = day;
    for (const Entry& entry : entries_) {
        if (!number || entry.space != *number) continue;
        Pattern one;
        one.accesses = entry.profile.accesses(now, rules.window_min);
        if (one.accesses < rules.min_accesses) continue;
        one.space = spaces_[entry.space];
        one.key = entry.key;
        one.verdict = entry.profile.judge(now, rules.window_min, rules.ttl_min);
        one.priority = priority(entry.profile, one.verdict, one.accesses);
        one.cost_us = entry.profile.cost_us();
        one.made = entry.profile.made;
        one.used = entry.profile.used;
        if (one.verdict.type == AccessType::daily || one.verdict.type == AccessType::periodic) {
            std::vector<std::uint32_t> at;
            dues(entry.profile, one.verdict, now, far, at);
            if (!at.empty()) one.next_ms = std::uint64_t{*std::min_element(at.begin(), at.end())} * 60'000;
        }
        for (const Profile::Follower& f : entry.profile.followers) {
            const double share = entry.profile.visit_count() == 0 ? 0 : std::min(1.0, static_cast<double>(f.sure()) / entry.profile.visit_count());
            const auto place = f.sure() >= 5 && share > one.follower_share ? place_of(f.key) : std::nullopt;
            if (!place) continue;
            one.follower_share = share;
            one.follower = entries_[*place].key;
        }
        out.push_back(std::move(one));
    }
    std::stable_sort(out.begin(), out.end(), [](const Pattern& a, const Pattern& b) { return a.priority != b.priority ? a.priority > b.priority : a.accesses > b.accesses; });
    if (most != 0 && out.size() > most) out.resize(most);
    return out;
}

std::uint32_t Patterns::proposed_threshold(std::string_view space, std::uint64_t now_ms, const Rules& rules) const {
    std::array<Score, 11> of{};
    for (const Pattern& one : list(space, now_ms, rules, 0)) {
        of[one.priority].made += one.made;
        of[one.priority].used += one.used;
    }
    Score sum;
    std::uint32_t proposed = rules.min_priority;
    bool known = false;
    for (std::uint32_t rank = 11; rank-- > 1;) {
        sum.made += of[rank].made;
        sum.used += of[rank].used;
        if (sum.made < 20 || of[rank].made == 0) continue;
        if (sum.success() < 0.9) return known ? proposed : std::min(10u, rank + 1);
        proposed = rank;
        known = true;
    }
    return proposed;
}

std::string Patterns::save() const {
    std::string out;
    const auto count = static_cast<std::uint32_t>(entries_.size());
    out.append(reinterpret_cast<const char*>(&count), sizeof count);
    out.append(reinterpret_cast<const char*>(&score_), sizeof score_);
    for (const Entry& entry : entries_) {
        put_text(spaces_[entry.space], out);
        put_text(entry.key, out);
        entry.profile.write(out);
    }
    return out;
}

bool Patterns::load(std::string_view text) {
    std::uint32_t count = 0;
    Score score;
    if (text.size() < sizeof count + sizeof score) return false;
    std::memcpy(&count, text.data(), sizeof count);
    std::memcpy(&score, text.data() + sizeof count, sizeof score);
    text.remove_prefix(sizeof count + sizeof score);
    struct Read {
        std::string space, key;
        Profile profile;
    };
    std::vector<Read> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        Read one;
        if (!take_text(text, one.space) || !take_text(text, one.key) || one.key.size() > longest_key || !one.profile.read(text)) return false;
        all.push_back(std::move(one));
    }
    if (!text.empty()) return false;
    for (Read& one : all) {
        const std::uint16_t space = space_of(one.space);
        if (Entry* entry = admit(space, one.key, hash_of(space, one.key))) entry->profile = one.profile;
    }
    score_ = score;
    return true;
}

}  // namespace larder::warmer_predictive
