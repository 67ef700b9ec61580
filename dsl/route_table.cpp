// dsl/route_table.cpp -- the segment trie.
//
// A route goes into the trie segment by segment as long as its segments stay within their `/`: a
// literal, any one segment, or a part of one (`create*`). What comes then hangs at the node it was
// reached by: nothing (the route ends), `/**`, a last `{rest...}`, or an odd tail with a `**` in
// it, which RouteGlob judges against the text that is left. A path reaches a node in one way only,
// so no rule is found twice, and no more nodes are visited than there are.
//
// Literal edges live in one table of (node, hash of the segment); a node with a single one compares
// it directly. The segments of a path are cut once, when the first node at that depth asks.
#include "dsl/route_table.hpp"

#include "dsl/route_glob.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>

namespace larder::dsl {

namespace {

using Kind = RouteToken::Kind;
constexpr std::uint32_t no_node = UINT32_MAX;
constexpr std::size_t max_depth = 32;  // segments in the trie; the rest of a longer route is a tail

template <class Word>
std::uint64_t load(const char* from) {
    Word out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

// Quick and not secret: only the policy's own segments are stored, and a request that collides with
// one costs a comparison.
std::uint32_t hash_of(std::string_view s) {
    constexpr std::uint64_t prime = 0x9E3779B97F4A7C15ULL;
    const char* p = s.data();
    const std::size_t n = s.size();
    std::uint64_t h = n * prime;
    if (n >= 8) {
        for (std::size_t i = 0; i + 8 < n; i += 8) {
            h = (h ^ load<std::uint64_t>(p + i)) * prime;
            h ^= h >> 29;
        }
        h = (h ^ load<std::uint64_t>(p + n - 8)) * prime;
    } else if (n >= 4) {
        h = (h ^ (load<std::uint32_t>(p) << 32 | load<std::uint32_t>(p + n - 4))) * prime;
    } else if (n > 0) {
        h = (h ^ (load<std::uint8_t>(p) << 16 | load<std::uint8_t>(p + n / 2) << 8 |
                  load<std::uint8_t>(p + n - 1))) *
            prime;
    }
    return static_cast<std::uint32_t>(h >> 32);
}

// Slots of one list in a pool.
struct Range {
    std::uint32_t begin = 0, end = 0;
};

}  // namespace

struct RouteTable::Trie {
    // A rule at the place where its route leaves the trie.
    struct End {
        std::uint32_t rule = 0;
        MethodSet methods = 0;
        std::uint16_t captures = 0;
        std::uint32_t glob = no_node;  // needed for the captures, or for the tail
        Range plan;                    // else: slot k is segment plans[begin + k]
    };
    struct Part {  // an edge for a part of a segment
        RouteSegment tokens;
        std::uint32_t child = no_node;
    };
    // While routes are added.
    struct Draft {
        std::map<std::string, std::uint32_t, std::less<>> literals;
        std::uint32_t any = no_node;
        std::map<std::string, Part> parts;  // by their text, so that equal ones share
        std::vector<End> here, below, rest, tails;
    };
    struct Node {
        std::uint32_t only_text = 0, only_size = 0,
                      only_child = no_node;  // the single literal edge
        std::uint32_t any = no_node;
        bool many = false;  // several literal edges: in the table
        Range parts, here, below, rest, tails;
    };
    struct Edge {
        std::uint32_t node = no_node, hash = 0, text = 0, size = 0, child = no_node;
    };

    std::vector<Draft> drafts{2};  // 0: paths that begin with `/`; 1: the others
    std::vector<RouteGlob> globs;
    std::vector<std::uint16_t> plans;

    std::vector<Node> nodes;
    std::vector<End> ends;
    std::vector<Part> parts;
    std::vector<Edge> edges;  // open addressing, a power of two
    std::string texts;

    std::uint32_t child(std::uint32_t at, const RouteSegment& segment);
    void add(std::uint32_t rule, MethodSet methods, RouteGlob route);
    void flatten();
    void flatten_literals(std::uint32_t at);
    Range pool(const std::vector<End>& list);
    std::size_t slot_of(std::uint32_t node, std::uint32_t hash) const {
        return (hash ^ (node * 0x85EBCA6BU)) & (edges.size() - 1);
    }
};

namespace {

bool crosses(const RouteSegment& s) {
    return std::any_of(s.begin(), s.end(), [](const RouteToken& t) { return t.crosses(); });
}

bool is_any(const RouteSegment& s) {
    return s.size() == 1 && (s[0].kind == Kind::capture || s[0].kind == Kind::segment);
}

std::string shape_of(const RouteSegment& s) {
    std::string out;
    for (const RouteToken& t : s) {
        out += static_cast<char>('0' + static_cast<int>(t.kind));
        out += t.text;
        out += '/';
    }
    return out;
}

}  // namespace

std::uint32_t RouteTable::Trie::child(std::uint32_t at, const RouteSegment& segment) {
    const auto fresh = static_cast<std::uint32_t>(drafts.size());
    std::uint32_t* edge = nullptr;
    if (is_any(segment)) {
        edge = &drafts[at].any;
    } else if (segment.empty() || (segment.size() == 1 && segment[0].kind == Kind::literal)) {
        const std::string& text = segment.empty() ? std::string() : segment[0].text;
        edge = &drafts[at].literals.try_emplace(text, no_node).first->second;
    } else {
        Part& part = drafts[at].parts[shape_of(segment)];
        part.tokens = segment;
        edge = &part.child;
    }
    if (*edge != no_node) return *edge;
    *edge = fresh;
    drafts.emplace_back();  // last: it moves what `edge` points into
    return fresh;
}

void RouteTable::Trie::add(std::uint32_t rule, MethodSet methods, RouteGlob route) {
    const std::vector<RouteSegment>& segments = route.segments();
    assert(route.captures() <= max_captures);
    End end{rule, methods, route.captures(), no_node, {}};
    bool simple = true;
    std::vector<std::uint16_t> plan(route.captures(), 0);
    std::uint32_t at = route.absolute() ? 0 : 1;
    std::size_t k = 0;
    for (; k < segments.size() && k < max_depth && !crosses(segments[k]); ++k) {
        const RouteSegment& s = segments[k];
        if (is_any(s)) {
            if (s[0].keeps()) plan[s[0].slot] = static_cast<std::uint16_t>(k);
        } else if (s.size() > 1) {
            simple = false;
        }
        at = child(at, s);
    }
    const bool ended = k == segments.size();
    const bool last = k + 1 == segments.size() && segments[k].size() == 1;
    const bool below = last && segments[k][0].kind == Kind::tail;
    const bool rest = last && segments[k][0].kind == Kind::rest;
    if (rest) plan[segments[k][0].slot] = static_cast<std::uint16_t>(k);
    if ((!simple && end.captures > 0) || !(ended || below || rest)) {
        end.glob = static_cast<std::uint32_t>(globs.size());
        globs.push_back(std::move(route));
    } else {
        end.plan.begin = static_cast<std::uint32_t>(plans.size());
        plans.insert(plans.end(), plan.begin(), plan.end());
        end.plan.end = static_cast<std::uint32_t>(plans.size());
    }
    Draft& node = drafts[at];
    (ended ? node.here : below ? node.below : rest ? node.rest : node.tails).push_back(end);
}

Range RouteTable::Trie::pool(const std::vector<End>& list) {
    Range out{static_cast<std::uint32_t>(ends.size()), 0};
    ends.insert(ends.end(), list.begin(), list.end());
    out.end = static_cast<std::uint32_t>(ends.size());
    return out;
}

void RouteTable::Trie::flatten_literals(std::uint32_t at) {
    Node& node = nodes[at];
    const auto& literals = drafts[at].literals;
    node.many = literals.size() > 1;
    for (const auto& [text, to] : literals) {
        const auto place = static_cast<std::uint32_t>(texts.size());
        const auto size = static_cast<std::uint32_t>(text.size());
        texts += text;
        if (!node.many) {
            node.only_text = place;
            node.only_size = size;
            node.only_child = to;
            return;
        }
        const std::uint32_t hash = hash_of(text);
        std::size_t slot = slot_of(at, hash);
        while (edges[slot].child != no_node) slot = (slot + 1) & (edges.size() - 1);
        edges[slot] = {at, hash, place, size, to};
    }
}

void RouteTable::Trie::flatten() {
    std::size_t literals = 0;
    for (const Draft& d : drafts) literals += d.literals.size();
    std::size_t size = 16;
    while (size < literals * 2) size *= 2;
    edges.assign(size, {});
    nodes.assign(drafts.size(), {});
    ends.clear();
    parts.clear();
    texts.clear();
    for (std::uint32_t at = 0; at < drafts.size(); ++at) {
        Node& node = nodes[at];
        const Draft& draft = drafts[at];
        flatten_literals(at);
        node.any = draft.any;
        node.parts.begin = static_cast<std::uint32_t>(parts.size());
        for (const auto& [_, part] : draft.parts) parts.push_back(part);
        node.parts.end = static_cast<std::uint32_t>(parts.size());
        node.here = pool(draft.here);
        node.below = pool(draft.below);
        node.rest = pool(draft.rest);
        node.tails = pool(draft.tails);
    }
}

namespace {

// One segment of the path that is matched. Left as it is until it is cut: there are many of them,
// and most paths need few.
struct Cut {
    std::uint32_t begin, size;
};

template <class Trie>
class Walk {
  public:
    Walk(const Trie& trie, MethodSet method, std::string_view path, RouteMatches& out)
        : trie_(trie), method_(method), path_(path), out_(out) {}

    void run() {
        const bool absolute = !path_.empty() && path_[0] == '/';
        const std::size_t begin = absolute ? 1 : 0;
        visit(absolute ? 0 : 1, 0, begin, begin == path_.size() && absolute);
        if (count_ > hits_.size()) return report(more_.data(), more_.size());
        report(hits_.data(), count_);
    }

  private:
    // `begin`: where segment `depth` begins. `done`: there is none.
    void visit(std::uint32_t at, std::size_t depth, std::size_t begin, bool done) {
        const auto& node = trie_.nodes[at];
        found(node.below, no_rest);
        globbed(node.tails);
        if (done) return found(node.here, no_rest);
        if (node.rest.begin != node.rest.end && begin < path_.size()) {
            cut(depth, begin);
            found(node.rest, static_cast<std::uint32_t>(depth));
        }
        if (depth == max_depth) return;
        const bool has_literals = node.many || node.only_child != no_node;
        if (!has_literals && node.any == no_node && node.parts.begin == node.parts.end) return;
        const Cut& segment = cut(depth, begin);
        const std::string_view text = path_.substr(segment.begin, segment.size);
        const std::size_t end = begin + segment.size;
        const bool last = end == path_.size();
        const auto go = [&](std::uint32_t child) { visit(child, depth + 1, end + 1, last); };
        if (node.many) {
            if (const std::uint32_t to = find(at, hash_of(text), text); to != no_node) go(to);
        } else if (node.only_child != no_node && equal(text, node.only_text, node.only_size)) {
            go(node.only_child);
        }
        if (node.any != no_node && segment.size > 0) go(node.any);
        for (std::uint32_t k = node.parts.begin; k < node.parts.end; ++k) {
            if (takes(trie_.parts[k].tokens, text)) go(trie_.parts[k].child);
        }
    }

    const Cut& cut(std::size_t depth, std::size_t begin) {
        if (depth == known_) {
            const void* slash = begin == path_.size()
                                    ? nullptr
                                    : std::memchr(path_.data() + begin, '/', path_.size() - begin);
            const std::size_t end =
                slash ? static_cast<std::size_t>(static_cast<const char*>(slash) - path_.data())
                      : path_.size();
            cuts_[depth] = {static_cast<std::uint32_t>(begin),
                            static_cast<std::uint32_t>(end - begin)};
            ++known_;
        }
        return cuts_[depth];
    }

    bool equal(std::string_view text, std::uint32_t place, std::uint32_t size) const {
        return text.size() == size &&
               std::memcmp(text.data(), trie_.texts.data() + place, size) == 0;
    }

    // Most parts are `create*`, which their beginning decides.
    static bool takes(const RouteSegment& part, std::string_view text) {
        if (part[0].kind == Kind::literal) {
            if (!text.starts_with(part[0].text)) return false;
            if (part.size() == 2 && part[1].kind == Kind::star) return true;
        }
        return segment_matches(part, text);
    }

    std::uint32_t find(std::uint32_t node, std::uint32_t hash, std::string_view text) const {
        std::size_t slot = trie_.slot_of(node, hash);
        for (;; slot = (slot + 1) & (trie_.edges.size() - 1)) {
            const auto& e = trie_.edges[slot];
            if (e.child == no_node) return no_node;
            if (e.node == node && e.hash == hash && equal(text, e.text, e.size)) return e.child;
        }
    }

    bool wants(MethodSet methods) const { return methods == 0 || (methods & method_) != 0; }

    // A rule that matches, before its captures are written: sixteen bytes, so that sorting is
    // cheap.
    struct Hit {
        std::uint32_t rule, end, rest;
    };
    static constexpr std::uint32_t no_rest = UINT32_MAX;

    // `rest`: the segment from which on the last capture takes everything.
    void found(Range list, std::uint32_t rest) {
        for (std::uint32_t k = list.begin; k < list.end; ++k) {
            if (wants(trie_.ends[k].methods)) add({trie_.ends[k].rule, k, rest});
        }
    }

    void globbed(Range list) {
        for (std::uint32_t k = list.begin; k < list.end; ++k) {
            const auto& e = trie_.ends[k];
            if (wants(e.methods) && trie_.globs[e.glob].match(path_, nullptr))
                add({e.rule, k, no_rest});
        }
    }

    void add(Hit hit) {
        if (count_ < hits_.size()) {
            hits_[count_++] = hit;
            return;
        }
        if (count_ == hits_.size()) {
            more_.assign(hits_.begin(), hits_.end());
            ++count_;
        }
        more_.push_back(hit);
    }

    void report(Hit* hits, std::size_t count) {
        std::sort(hits, hits + count, [](const Hit& a, const Hit& b) { return a.rule < b.rule; });
        for (std::size_t k = 0; k < count; ++k) fill(hits[k]);
    }

    void fill(const Hit& hit) {
        const auto& e = trie_.ends[hit.end];
        RouteMatch& m = out_.emplace_back();
        m.rule = hit.rule;
        m.count = e.captures;
        if (e.captures == 0) return;
        if (e.glob != no_node) {
            trie_.globs[e.glob].match(path_, m.captures.data());
            return;
        }
        for (std::uint32_t p = e.plan.begin; p < e.plan.end; ++p) {
            const Cut& c = cuts_[trie_.plans[p]];
            m.captures[p - e.plan.begin] = path_.substr(c.begin, c.size);
        }
        if (hit.rest != no_rest)
            m.captures[e.captures - std::size_t{1}] = path_.substr(cuts_[hit.rest].begin);
    }

    const Trie& trie_;
    MethodSet method_;
    std::string_view path_;
    RouteMatches& out_;
    std::array<Cut, max_depth + 1> cuts_;
    std::size_t known_ = 0;
    std::array<Hit, 32> hits_;
    std::size_t count_ = 0;  // above hits_.size(): all of them are in more_
    static thread_local std::vector<Hit> more_;
};

template <class Trie>
thread_local std::vector<typename Walk<Trie>::Hit> Walk<Trie>::more_;

}  // namespace

RouteTable::RouteTable() : trie_(std::make_unique<Trie>()) { trie_->flatten(); }
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

void RouteTable::add(std::uint32_t rule, MethodSet methods, const Template& route) {
    trie_->add(rule, methods, RouteGlob(route, methods != 0));
}

void RouteTable::finish() { trie_->flatten(); }

void RouteTable::match(MethodSet method, std::string_view path, RouteMatches& out) const {
    out.clear();
    Walk<Trie>(*trie_, method, path, out).run();
}

MethodSet method_of(std::string_view name) {
    if (name == "GET") return method_get;
    if (name == "HEAD") return method_head;
    if (name == "POST") return method_post;
    if (name == "PUT") return method_put;
    if (name == "PATCH") return method_patch;
    if (name == "DELETE") return method_delete;
    if (name == "OPTIONS") return method_options;
    return 0;
}

std::string method_names(MethodSet set) {
    if (set == method_write) return "write";
    std::string out;
    for (const char* name : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        if ((set & method_of(name)) == 0) continue;
        if (!out.empty()) out += ", ";
        out += name;
    }
    return out;
}

}  // namespace larder::dsl
