// dsl/policy.cpp -- finding a namespace by its name, and the namespace a full key belongs to.
#include "dsl/policy.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

// FNV-1a over a name in which `.` and `:` are one, so that "menu:item" and "menu.item" meet.
constexpr std::uint64_t hash_begin = 0xCBF29CE484222325ULL;
constexpr char level(char c) { return c == '.' ? ':' : c; }
constexpr std::uint64_t hash_step(std::uint64_t h, char c) {
    return (h ^ static_cast<unsigned char>(level(c))) * 0x100000001B3ULL;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return level(x) == level(y); });
}

std::string_view head_of(const Template& text) {
    if (text.pieces.empty() || text.pieces.front().kind != Piece::Kind::literal) return {};
    return text.pieces.front().text;
}

bool begin_alike(const Template& a, const Template& b) {
    const std::string_view x = head_of(a), y = head_of(b);
    const std::size_t n = std::min(x.size(), y.size());
    return x.substr(0, n) == y.substr(0, n);
}

}  // namespace

std::vector<NamespaceIndex> widened(const Policy& policy, const Change& change) {
    if (change.kind != TargetKind::tag) return {change.ns};
    std::vector<NamespaceIndex> out;
    const auto alike = [&change](const Template& tag) { return begin_alike(tag, change.text); };
    for (NamespaceIndex i = 0; i < policy.namespaces.size(); ++i) {
        const Namespace& n = policy.namespaces[i];
        if (std::any_of(n.tags.begin(), n.tags.end(), alike) ||
            std::any_of(n.late_tags.begin(), n.late_tags.end(), alike))
            out.push_back(i);
    }
    return out;
}

bool Rule::fires_on(std::uint32_t code) const {
    return std::any_of(status.begin(), status.end(),
                       [code](const StatusRange& r) { return r.from <= code && code <= r.to; });
}

std::optional<NamespaceIndex> Policy::find(std::string_view name) const {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) return std::nullopt;
    return it->second;
}

std::optional<Resolved> Policy::resolve(std::string_view full_key) const {
    if (by_prefix_.empty()) return std::nullopt;
    std::optional<Resolved> best;
    std::uint64_t hash = hash_begin;
    const std::size_t end = std::min(full_key.size(), longest_name_ + 1);
    for (std::size_t i = 0; i < end; ++i) {
        if (full_key[i] == ':') {
            const std::string_view name = full_key.substr(0, i);
            for (std::size_t slot = hash & (by_prefix_.size() - 1); by_prefix_[slot].ns != none;
                 slot = (slot + 1) & (by_prefix_.size() - 1)) {
                const Prefix& p = by_prefix_[slot];
                if (p.hash != hash || !same_name(namespaces[p.ns].name, name)) continue;
                best = Resolved{p.ns, static_cast<std::uint32_t>(i + 1)};
                break;
            }
        }
        hash = hash_step(hash, full_key[i]);
    }
    return best;
}

std::vector<NamespaceIndex> Policy::under(NamespaceIndex ns) const {
    std::vector<NamespaceIndex> out{ns};
    for (std::size_t k = 0; k < out.size(); ++k) {
        const auto& children = namespaces[out[k]].children;
        out.insert(out.end(), children.begin(), children.end());
    }
    return out;
}

void Policy::index() {
    std::size_t size = 16;
    while (size < namespaces.size() * 2) size *= 2;
    by_prefix_.assign(size, {});
    by_name_.clear();
    longest_name_ = 0;
    for (NamespaceIndex i = 0; i < namespaces.size(); ++i) {
        const Namespace& n = namespaces[i];
        by_name_.emplace(n.name, i);
        if (!n.key) continue;
        longest_name_ = std::max(longest_name_, n.name.size());
        std::uint64_t hash = hash_begin;
        for (const char c : n.name) hash = hash_step(hash, c);
        std::size_t slot = hash & (size - 1);
        while (by_prefix_[slot].ns != none) slot = (slot + 1) & (size - 1);
        by_prefix_[slot] = {hash, i};
    }
}

}  // namespace larder::dsl
