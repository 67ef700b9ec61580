// kernel/core/entry_scopes.cpp -- what an entry goes with: its scopes, and the same as texts for caches in front.
//
// One walk, each_scope(), says which changes concern an entry: of its namespace and those around it, of its
// tags, of the patterns it matches, of what it depends on. entry_scopes() makes numbers of them, which validity
// is judged by; entry_names() makes texts, which a CDN is told. Two walks could disagree.
#include "kernel/core/space.hpp"

#include <algorithm>

namespace larder {
namespace {

bool has_values(const dsl::Template& text, const Parameters& values) {
    return std::all_of(text.pieces.begin(), text.pieces.end(), [&](const dsl::Piece& piece) {
        return (piece.kind != dsl::Piece::Kind::variable && piece.kind != dsl::Piece::Kind::rest) ||
               values[piece.slot].data() != nullptr;
    });
}

// Beyond the chain of the namespace itself. Sink: tag, late_of, patterns, chain, key, bans_of, any_of.
template <class Sink>
void each_scope(const State& state, const Space& space, const FieldedKey& key, const larder_pair* with, std::size_t with_count, Sink& out) {
    const dsl::Namespace& ns = *space.ns;
    Parameters values;
    for (std::size_t i = 0; i < key.fields.count; ++i) values[i] = key.fields.value[i];
    for (std::size_t i = ns.fields; i < ns.parameters.size() && i < values.size(); ++i)
        for (std::size_t w = 0; w < with_count; ++w) {
            const std::string_view name{static_cast<const char*>(with[w].name.data), with[w].name.size};
            if (name == ns.parameters[i])
                values[i] = {with[w].value.size == 0 ? "" : static_cast<const char*>(with[w].value.data), with[w].value.size};
        }

    std::string text;
    const auto fill = [&](const dsl::Template& t) -> const std::string& {
        text.clear();
        t.fill(values, text);
        return text;
    };
    bool late_missing = false;
    const auto add_tag = [&](const dsl::Template& tag) {
        if (has_values(tag, values)) out.tag(fill(tag));
        else late_missing = true;
    };
    // A name that came several times: its tags once more for each value that is not the last.
    const auto add_tags_of_others = [&](const std::vector<dsl::Template>& tags) {
        for (std::size_t i = ns.fields; i < ns.parameters.size() && i < values.size(); ++i) {
            const std::string_view last = values[i];
            for (std::size_t w = 0; w < with_count; ++w) {
                const std::string_view name{static_cast<const char*>(with[w].name.data), with[w].name.size};
                const std::string_view value{static_cast<const char*>(with[w].value.data), with[w].value.size};
                if (name != ns.parameters[i] || value.data() == last.data() || value.empty()) continue;
                values[i] = value;
                for (const dsl::Template& tag : tags)
                    if (tag.uses(static_cast<std::uint16_t>(i)) && has_values(tag, values)) out.tag(fill(tag));
            }
            values[i] = last;
        }
    };
    for (const auto& tag : ns.tags) add_tag(tag);
    for (const auto& tag : ns.late_tags) add_tag(tag);
    add_tags_of_others(ns.late_tags);
    if (late_missing) out.late_of(ns);
    out.patterns(ns, key.canonical);

    for (const dsl::Dependency& dependency : ns.depends) {
        const dsl::Namespace& on = state.policy->namespaces[dependency.on];
        out.chain(on);
        bool determined = dependency.key.has_value() && has_values(*dependency.key, values);
        late_missing = false;
        for (const auto& tag : dependency.tags) add_tag(tag);
        for (const auto& tag : dependency.late_tags) add_tag(tag);
        add_tags_of_others(dependency.late_tags);
        if (determined) {
            const std::string on_key = fill(*dependency.key);
            out.key(on, on_key);
            out.patterns(on, on_key);
            out.bans_of(on);
            if (late_missing) out.late_of(on);
        } else {
            out.any_of(on);
        }
    }
}

struct Numbers {
    const dsl::Policy& policy;
    const ScopeNames& names;
    ScopeList& out;

    void chain(const dsl::Namespace& ns) { for (const dsl::NamespaceIndex i : ns.chain) out.add(names.namespace_(policy.namespaces[i].name)); }
    void tag(std::string_view text) { out.add(names.tag(text)); }
    void late_of(const dsl::Namespace& ns) { out.add(names.late_of(ns.name)); }
    void key(const dsl::Namespace& ns, std::string_view canonical) { out.add(names.key(ns.name, canonical)); }
    void bans_of(const dsl::Namespace& ns) { out.add(names.bans_of(ns.name)); }
    void any_of(const dsl::Namespace& ns) { out.add(names.any_of(ns.name)); }
    void patterns(const dsl::Namespace& ns, std::string_view canonical) {
        for (const dsl::Pattern& pattern : ns.patterns) {
            if (!pattern.bounded()) continue;
            const std::string shape = pattern.shape();
            ScopeList found;
            const bool all = pattern.bindings(canonical, [&](std::string_view tuple) { found.add(names.pattern(ns.name, shape, tuple)); });
            if (!all) {
                out.add(names.overflow(ns.name, shape));
            } else {
                for (const ScopeId scope : found.ids()) out.add(scope);
            }
        }
    }
};

// Patterns have no name of their own: whoever is told by names is told of the whole namespace.
struct Texts {
    const dsl::Policy& policy;
    const std::function<void(std::string_view)>& out;
    bool all = true;  // every change that concerns the entry has a name

    void chain(const dsl::Namespace& ns) { for (const dsl::NamespaceIndex i : ns.chain) out(policy.namespaces[i].name); }
    void tag(std::string_view text) { out(dsl::unescape(text)); }
    void late_of(const dsl::Namespace&) { all = false; }
    void key(const dsl::Namespace& ns, std::string_view canonical) { out(ns.name + ':' + dsl::unescape(canonical)); }
    void bans_of(const dsl::Namespace&) {}
    void any_of(const dsl::Namespace& ns) { out(ns.name + ":*"); }
    void patterns(const dsl::Namespace&, std::string_view) {}
};

}  // namespace

void entry_scopes(const State& state, const Space& space, const ScopeNames& names, const FieldedKey& key,
                  const larder_pair* with, std::size_t with_count, ScopeList& out) {
    for (const ScopeId scope : space.chain) out.add(scope);
    if (!space.has_scopes) return;
    Numbers numbers{*state.policy, names, out};
    each_scope(state, space, key, with, with_count, numbers);
}

bool entry_names(const State& state, const Space& space, const FieldedKey& key, const larder_pair* with, std::size_t with_count,
                 const std::function<void(std::string_view)>& out) {
    Texts texts{*state.policy, out};
    texts.chain(*space.ns);
    texts.key(*space.ns, key.canonical);
    if (space.has_scopes) each_scope(state, space, key, with, with_count, texts);
    return texts.all;
}

}  // namespace larder
