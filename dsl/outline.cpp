// dsl/outline.cpp -- what a policy text consists of.
//
// The tree knows where an item begins, not where it ends. The braces tell, and texts and comments are
// passed over as the lexer does.
#include "dsl/outline.hpp"

#include "dsl/parse_state.hpp"

#include <algorithm>
#include <utility>

namespace larder::dsl {
namespace {

using Kind = OutlineItem::Kind;

// Behind the statement that begins at `i`.
const char* end_of_item(const char* i, const char* last) {
    std::size_t open = 0;
    const char* word = i;  // behind the last word
    while (i != last) {
        if (*i == '"') {
            i = word = grammar::past_text(i, last);
            continue;
        }
        if (*i == '#') {
            i = grammar::line_end_of(i, last);
            continue;
        }
        if (*i == '{') ++open;
        if (*i == '}') {
            if (open == 0) return word;
            if (--open == 0) return i + 1;
        }
        if (open == 0 && (*i == '\n' || *i == ';')) return word;
        ++i;
        if (i[-1] != ' ' && i[-1] != '\t' && i[-1] != '\r' && i[-1] != '\n') word = i;
    }
    return word;
}

class Outline {
  public:
    explicit Outline(const SourceMap& sources) : sources_(sources) {}

    std::vector<OutlineItem> of(const ast::Policy& tree) {
        for (const ast::Item& item : tree) take(item);
        return std::move(out_);
    }

  private:
    template <class Variant>
    void take(const Variant& node) {
        boost::apply_visitor([this](const auto& held) { this->item(held); }, node.get());
    }

    void item(const ast::Broken&) {}
    void item(const ast::Edition&) {}
    void item(const ast::Use& u) { add(Kind::use, u.kw, u.path.at, inner(u.path)); }
    void item(const ast::Let& l) { add(Kind::constant, l.kw, l.id.at, l.id.text); }
    void item(const boost::spirit::x3::forward_ast<ast::Profile>& p) {
        const ast::Profile& profile = p.get();
        OutlineItem& made = add(Kind::profile, profile.kw, profile.id.at, profile.id.text);
        made.children = Outline(sources_).of(profile.body);
    }
    void item(const ast::Defaults& d) { add(Kind::defaults, d.kw, d.kw, "defaults"); }
    void item(const ast::Namespace& n) {
        const std::size_t mine = out_.size();
        add(Kind::namespace_, n.kw, n.id.at, n.id.text);
        Outline inside(sources_);
        for (const ast::Clause& clause : n.body)
            if (const auto* nested =
                    boost::get<boost::spirit::x3::forward_ast<ast::Namespace>>(&clause.get()))
                inside.item(nested->get());
        out_[mine].children = std::move(inside.out_);
    }
    void item(const ast::Rule& r) {
        OutlineItem& made = add(Kind::rule, r.kw, r.kw, {});
        // From behind `on` to the `{`, on its line.
        const std::string_view text = sources_.text(made.at);
        std::size_t end = 0;
        while (end < text.size() && text[end] != '\n' &&
               !(text[end] == '{' && end > 0 && text[end - 1] == ' '))
            end = text[end] == '"' ? static_cast<std::size_t>(
                                         grammar::past_text(text.data() + end, text.data() + text.size()) -
                                         text.data())
                                   : end + 1;
        const std::string_view head = text.substr(0, end);
        const std::size_t first = head.find_first_not_of(" \t", made.name_at.size());
        if (first == std::string_view::npos) return;
        const std::size_t last = head.find_last_not_of(" \t\r");
        made.name = std::string(head.substr(first, last + 1 - first));
    }
    void item(const ast::Session& s) { add(Kind::session, s.kw, s.id.at, s.id.text); }
    void item(const ast::Warm& w) { add(Kind::warm, w.kw, w.id.at, w.id.text); }
    void item(const ast::Alert& a) { add(Kind::alert, a.kw, a.id.at, a.id.text); }
    void item(const ast::Breaker& b) { add(Kind::breaker, b.kw, b.store.at, b.store.text); }
    void item(const ast::Guards& g) { add(Kind::guard, g.kw, g.kw, "guard"); }
    void item(const ast::Test& t) { add(Kind::test, t.kw, t.title.at, inner(t.title)); }
    void item(const ast::Guarantee& g) { add(Kind::guarantee, g.kw, g.title.at, inner(g.title)); }

    std::string_view inner(const ast::Text& text) const {
        return sources_.text({text.at.begin + 1, text.at.end - 1});
    }

    OutlineItem& add(Kind kind, Span from, Span name_at, std::string_view name) {
        const Source& file = sources_.file_at(from.begin);
        const char* const begin = file.text().data();
        const char* const end = end_of_item(begin + (from.begin - file.base()), begin + file.text().size());
        OutlineItem made{kind, std::string(name), {from.begin, 0}, name_at, {}};
        made.at.end = std::max(file.base() + static_cast<std::uint32_t>(end - begin), name_at.end);
        out_.push_back(std::move(made));
        return out_.back();
    }

    const SourceMap& sources_;
    std::vector<OutlineItem> out_;
};

}  // namespace

std::vector<OutlineItem> outline_of(const SourceMap& sources, const ast::Policy& tree) {
    return Outline(sources).of(tree);
}

}  // namespace larder::dsl
