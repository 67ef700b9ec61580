// dsl/mentions.cpp -- every name that a policy text says, with its place.
//
// One walk() for each node of the tree and none for "the rest": a node that is added to the language
// does not compile until somebody has said which names it holds.
#include "dsl/mentions.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace larder::dsl {
namespace {

using Kind = Mention::Kind;

class Walk {
  public:
    Walk(const SourceMap& sources, std::vector<Mention>& out) : sources_(sources), out_(out) {}

    void walk(const ast::Policy& tree) {
        for (const ast::Item& item : tree) walk(item);
    }

  private:
    // ---- what a name is said with

    template <class Variant>
        requires requires { typename Variant::base_type; }
    void walk(const Variant& node) {
        boost::apply_visitor([this](const auto& held) { this->walk(held); }, node.get());
    }
    template <class T>
    void walk(const boost::spirit::x3::forward_ast<T>& node) {
        walk(node.get());
    }
    template <class T>
    void walk(const std::vector<T>& nodes) {
        for (const T& node : nodes) walk(node);
    }
    template <class T>
    void walk(const ast::Maybe<T>& node) {
        if (node) walk(*node);
    }
    void walk(const ast::Broken&) {}

    void say(Kind kind, Span at, std::string name, bool declares = false) {
        out_.push_back({kind, declares, at, std::move(name), {}});
    }
    void name(Kind kind, const ast::Name& n, bool declares = false) {
        say(kind, n.at, std::string(n.text), declares);
    }
    void capture(Span at, std::string_view n, bool declares) {
        out_.push_back({Kind::capture, declares, at, std::string(n), scope_});
    }

    // menu.item: the last segment is the namespace, those before it the ones it lies in.
    void space(const ast::Name& n, bool declares = false) {
        const std::string prefix = declares && !outer_.empty() ? outer_ + "." : std::string();
        std::size_t begin = 0;
        while (begin <= n.text.size()) {
            const std::size_t dot = std::min(n.text.find('.', begin), n.text.size());
            const auto offset = [&](std::size_t i) { return n.at.begin + static_cast<std::uint32_t>(i); };
            say(Kind::namespace_, {offset(begin), offset(dot)}, prefix + std::string(n.text.substr(0, dot)),
                declares && dot == n.text.size());
            begin = dot + 1;
        }
    }

    // The place of a view into the text.
    Span place_of(std::string_view part, Span near) const {
        const Source& file = sources_.file_at(near.begin);
        const auto begin = file.base() + static_cast<std::uint32_t>(part.data() - file.text().data());
        return {begin, begin + static_cast<std::uint32_t>(part.size())};
    }
    static Span between_quotes(const ast::Text& text) { return {text.at.begin + 1, text.at.end - 1}; }

    void captures(const ast::Text& text, bool declares = false) {
        for (const ast::Piece& piece : text.pieces)
            if (piece.kind == ast::Piece::Kind::capture || piece.kind == ast::Piece::Kind::rest)
                capture(place_of(piece.text, text.at), piece.text, declares);
    }
    void captures(const ast::Maybe<ast::Text>& text) {
        if (text) captures(*text);
    }
    void tag(const ast::Text& text, bool declares = false) {
        say(Kind::tag, between_quotes(text), shape_of(text), declares);
        captures(text);
    }
    void event(const ast::Text& text, bool declares = false) {
        say(Kind::event, between_quotes(text), shape_of(text), declares);
    }
    static std::string scope_of_event(const ast::Text& text) { return "event " + shape_of(text); }
    static std::string scope_of_space(std::string_view space) {
        return "namespace " + std::string(space.substr(0, space.find('.')));
    }

    void walk(const ast::Scalar& value) {
        if (!value.let_name.empty())
            say(Kind::constant, place_of(value.let_name, value.at), std::string(value.let_name));
    }
    void walk(const ast::EnvName&) {}
    void walk(const ast::Option& option) { walk(option.values); }

    // ---- clauses

    void walk(const ast::KeyClause& c) { captures(c.pattern, true); }
    void walk(const ast::TagClause& c) {
        for (const ast::Text& text : c.tags) tag(text, true);
    }
    void walk(const ast::WithClause& c) {
        for (const ast::Name& n : c.names) capture(n.at, n.text, true);
    }
    void walk(const ast::DateCondition& c) {
        capture({c.capture.at.begin + 1, c.capture.at.end - 1}, c.capture.text, false);
        walk(c.distance);
    }
    void walk(const ast::TtlClause& c) {
        walk(c.ttl), walk(c.jitter), walk(c.at_most), walk(c.when);
    }
    void walk(const ast::StalePart& p) { walk(p.window); }
    void walk(const ast::StaleClause& c) { walk(c.parts); }
    void walk(const ast::AbsentClause& c) { walk(c.ttl); }
    void walk(const ast::Tier& t) {
        name(Kind::store, t.store);
        walk(t.ttl), walk(t.enabled);
    }
    void walk(const ast::TiersClause& c) { walk(c.tiers); }
    void walk(const ast::CompressClause& c) { walk(c.above), walk(c.options), walk(c.enabled); }
    void walk(const ast::LimitClause& c) {
        walk(c.amount);
        if (c.store) name(Kind::store, *c.store);
    }
    void walk(const ast::RefuseClause& c) { walk(c.above); }
    void walk(const ast::EvictClause&) {}
    void walk(const ast::NeverStoreClause&) {}
    void walk(const ast::LogClause& c) { walk(c.slower); }
    void walk(const ast::VersionClause& c) { walk(c.number), walk(c.accepts); }
    void walk(const ast::MemberValue& m) { walk(m.value); }
    void walk(const ast::MoveStep&) {}
    void walk(const ast::DefaultStep& s) { walk(s.value); }
    void walk(const ast::LeaveOutStep&) {}
    void walk(const ast::MigrateClause& c) { walk(c.from), walk(c.to), walk(c.steps); }
    void walk(const ast::DependsClause& c) {
        space(c.on);
        captures(c.key);
    }
    void walk(const ast::RemovePart& p) { captures(p.address); }
    void walk(const ast::WriteClause& c) {
        walk(c.delay);
        captures(c.address);
        walk(c.remove);
    }
    void walk(const ast::SourceClause& c) {
        captures(c.address);
        walk(c.options);
    }
    void walk(const ast::FlagClause& c) { walk(c.wait); }

    void walk(const ast::Namespace& n) {
        const std::string outer = outer_, scope = scope_;
        const bool is_declared = !in_profile_;
        space(n.id, is_declared);
        outer_ = (outer.empty() ? "" : outer + ".") + std::string(n.id.text);
        scope_ = scope_of_space(outer_);
        walk(n.body);
        outer_ = outer;
        scope_ = scope;
    }
    void walk(const ast::Defaults& d) {
        scope_ = scope_of_defaults;
        walk(d.body);
        scope_.clear();
    }

    // ---- rules

    void walk(const ast::HttpTrigger& t) { captures(t.route, true); }
    void walk(const ast::EventTrigger& t) {
        event(t.event, true);
        scope_ = scope_of_event(t.event);
        captures(t.event, true);
        for (const ast::Name& n : t.params) capture(n.at, n.text, true);
    }
    void walk(const ast::DropTrigger& t) {
        space(t.of);
        if (t.key) captures(*t.key, true);
    }
    void walk(const ast::PluginTrigger& t) {
        captures(t.topic, true);
        for (const ast::Name& n : t.params) capture(n.at, n.text, true);
    }
    void walk(const ast::NsTarget& t) {
        space(t.ns);
        captures(t.key);
    }
    void walk(const ast::TagTarget& t) { tag(t.tag); }
    void walk(const ast::EverythingTarget&) {}
    void walk(const ast::DropAction& a) { walk(a.targets); }
    void walk(const ast::TakeAction& a) { capture(a.id.at, a.id.text, true); }
    void walk(const ast::ServeAction& a) {
        space(a.ns);
        captures(a.key);
    }
    void walk(const ast::WarmAction& a) {
        for (const ast::Name& n : a.ids) space(n);
    }
    void walk(const ast::EndAction& a) {
        name(Kind::session, a.session);
        captures(a.user);
    }
    void walk(const ast::Rule& rule) {
        scope_ = "rule at " + std::to_string(rule.kw.at.begin);
        walk(rule.when);
        walk(rule.body);
        scope_.clear();
    }

    // ---- what runs

    void walk(const ast::StoreClause& c) { name(Kind::store, c.store); }
    void walk(const ast::PerUserClause& c) { walk(c.count); }
    void walk(const ast::CookieClause&) {}
    void walk(const ast::Session& s) {
        name(Kind::session, s.id, true);
        walk(s.body);
    }
    void walk(const ast::StartupClause&) {}
    void walk(const ast::EveryClause& c) { walk(c.period), walk(c.jitter); }
    void walk(const ast::BetweenClause&) {}
    void walk(const ast::FromClause& c) {
        captures(c.address);
        walk(c.options);
    }
    void walk(const ast::ForClause& c) { capture(c.var.at, c.var.text, true); }
    void walk(const ast::AtMostClause& c) { walk(c.count); }
    void walk(const ast::PriorityClause& c) { walk(c.priority); }
    void walk(const ast::LearnClause& c) {
        walk(c.window), walk(c.hits), walk(c.priority), walk(c.enabled);
    }
    void walk(const ast::Warm& w) {
        space(w.id);
        // What no `for` gives is a field of the namespace's key.
        std::set<std::string_view> own;
        for (const ast::WarmClause& clause : w.body)
            if (const auto* f = boost::get<ast::ForClause>(&clause.get())) own.insert(f->var.text);
        const std::size_t first = out_.size();
        scope_ = "warm at " + std::to_string(w.kw.at.begin);
        captures(w.key);
        walk(w.enabled);
        walk(w.body);
        for (std::size_t i = first; i < out_.size(); ++i)
            if (out_[i].kind == Kind::capture && own.count(out_[i].name) == 0)
                out_[i].scope = scope_of_space(w.id.text);
        scope_.clear();
    }
    void walk(const ast::Compare& c) {
        for (const ast::Name& n : c.of) {
            space(n);
            name(Kind::store, n);
        }
        if (c.op.value != ast::Relation::is) walk(c.limit);
    }
    void walk(const ast::Alert& a) {
        walk(a.when);
        walk(a.hold);
    }
    void walk(const ast::BreakerClause& c) { walk(c.amount); }
    void walk(const ast::RampClause& c) { walk(c.loads), walk(c.every); }
    void walk(const ast::Breaker& b) {
        name(Kind::store, b.store);
        walk(b.body);
    }

    void walk(const ast::RefuseShare& r) {
        walk(r.above);
        for (const ast::Name& n : r.of) space(n);
    }
    void walk(const ast::WatchPart& p) { walk(p.when), walk(p.hold); }
    void walk(const ast::WatchClause& w) { walk(w.parts); }
    void walk(const ast::Guards& g) { walk(g.body); }

    // ---- tests and guarantees

    void bindings(const std::vector<ast::Binding>& with, std::string scope) {
        scope_ = std::move(scope);
        for (const ast::Binding& b : with) capture(b.id.at, b.id.text, false);
        scope_.clear();
    }
    void walk(const ast::PutStep& s) {
        space(s.ns);
        walk(s.version), walk(s.holding);
        bindings(s.with, scope_of_space(s.ns.text));
    }
    void walk(const ast::LoadStep& s) {
        space(s.ns);
        bindings(s.with, scope_of_space(s.ns.text));
    }
    void walk(const ast::HttpStep&) {}  // which rules take its values depends on the request
    void walk(const ast::EventStep& s) {
        event(s.event);
        bindings(s.with, scope_of_event(s.event));
    }
    void walk(const ast::AfterStep& s) { walk(s.wait); }
    void walk(const ast::TodayStep&) {}
    void walk(const ast::StoreStep& s) { name(Kind::store, s.store); }
    void walk(const ast::ExpectStep& s) {
        walk(s.targets);
        if (s.store) name(Kind::store, *s.store);
    }
    void walk(const ast::ExpectBreaker& s) { name(Kind::store, s.store); }
    void walk(const ast::ExpectValue& s) {
        space(s.ns);
        walk(s.holding);
    }
    void walk(const ast::ExpectRule&) {}
    void walk(const ast::ExpectNoRule&) {}
    void walk(const ast::ExpectEnded& s) { name(Kind::session, s.session); }
    void walk(const ast::Test& t) {
        if (t.profile) name(Kind::profile, *t.profile);
        walk(t.steps);
    }
    void walk(const ast::Promise& p) {
        scope_ = "promise at " + std::to_string(p.kw.at.begin);
        walk(p.when);
        walk(p.targets);
        scope_.clear();
    }
    void walk(const ast::AgePromise& p) {
        space(p.ns);
        walk(p.limit);
    }
    void walk(const ast::Guarantee& g) { walk(g.promises); }

    // ---- the file

    void walk(const ast::Edition&) {}
    void walk(const ast::Use& u) { say(Kind::file, between_quotes(u.path), shape_of(u.path)); }
    void walk(const ast::Let& l) {
        name(Kind::constant, l.id, !in_profile_);
        walk(l.value);
    }
    void walk(const ast::Profile& p) {
        name(Kind::profile, p.id, true);
        in_profile_ = true;
        walk(p.body);
        in_profile_ = false;
    }

    const SourceMap& sources_;
    std::vector<Mention>& out_;
    std::string outer_;  // the namespace that is being read
    std::string scope_;  // of captures
    bool in_profile_ = false;
};

bool is_of_namespaces(const std::string& scope) { return scope.starts_with("namespace "); }

}  // namespace

std::string shape_of(const ast::Text& text) {
    std::string out;
    for (const ast::Piece& piece : text.pieces) {
        switch (piece.kind) {
            case ast::Piece::Kind::capture:
                out += "{}";
                break;
            case ast::Piece::Kind::rest:
                out += "{...}";
                break;
            default:
                out += piece.text;
        }
    }
    return out;
}

std::vector<Mention> mentions_of(const SourceMap& sources, const ast::Policy& tree) {
    std::vector<Mention> out;
    Walk(sources, out).walk(tree);
    std::stable_sort(out.begin(), out.end(),
                     [](const Mention& a, const Mention& b) { return a.at.begin < b.at.begin; });
    return out;
}

void join_scopes(std::vector<Mention>& mentions) {
    std::set<std::string> of_defaults;
    for (const Mention& m : mentions)
        if (m.kind == Kind::capture && m.scope == scope_of_defaults) of_defaults.insert(m.name);
    for (Mention& m : mentions)
        if (m.kind == Kind::capture && is_of_namespaces(m.scope) && of_defaults.count(m.name) != 0)
            m.scope = scope_of_defaults;
}

}  // namespace larder::dsl
