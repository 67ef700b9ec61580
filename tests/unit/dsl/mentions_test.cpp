// tests/unit/dsl/mentions_test.cpp -- every name a text says, the words a place takes, and the outline.
#include "catch.hpp"
#include "dsl/mentions.hpp"
#include "dsl/outline.hpp"
#include "dsl/wanted.hpp"
#include "unit/dsl/parsing.hpp"

#include <boost/pfr.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

using namespace larder::dsl;
using larder::test::Parsing;
using larder::test::read_file;
using Kind = Mention::Kind;

namespace {

struct Mentions {
    Parsing parsing;
    std::vector<Mention> all;

    explicit Mentions(const std::string& text)
        : parsing(text), all(mentions_of(*parsing.sources, parsing.parsed.tree)) {
        join_scopes(all);
    }
    // What stands at each mention of that kind, "name=text"; a declaration with a `!`.
    std::vector<std::string> of(Kind kind) const {
        std::vector<std::string> out;
        for (const Mention& m : all)
            if (m.kind == kind)
                out.push_back((m.declares ? "!" : "") + m.name + "=" + std::string(parsing.sources->text(m.at)));
        return out;
    }
};

// The places of all names of a tree.
class Names {
  public:
    std::vector<ast::Name> all;

    void operator()(const ast::Name& name) { all.push_back(name); }
    template <class T>
    void operator()(const std::vector<T>& list) {
        for (const T& element : list) (*this)(element);
    }
    template <class T>
    void operator()(const boost::optional<T>& maybe) {
        if (maybe) (*this)(*maybe);
    }
    template <class T>
    void operator()(const boost::spirit::x3::forward_ast<T>& node) {
        (*this)(node.get());
    }
    template <class Node>
    void operator()(const Node& node) {
        if constexpr (requires { typename Node::base_type; }) {
            boost::apply_visitor([this](const auto& held) { (*this)(held); }, node.get());
        } else if constexpr (!std::is_arithmetic_v<Node> && !std::is_enum_v<Node> &&
                             !std::is_same_v<Node, std::string_view>) {
            boost::pfr::for_each_field(node, [this](const auto& field) { (*this)(field); });
        }
    }
};

using Texts = std::vector<std::string>;

std::set<std::string> words(const std::string& before) {
    const auto found = wanted_behind(before).words;
    return {found.begin(), found.end()};
}

std::set<std::string> things(const std::string& before) {
    const auto found = wanted_behind(before).things;
    return {found.begin(), found.end()};
}

}  // namespace

TEST_CASE("a namespace is mentioned by its segments, each with its whole name") {
    const Mentions m(
        "namespace menu { namespace item { key \"{id}\" } }\nnamespace a.b { key \"{id}\" }\n"
        "on write \"/x\" { drop menu.item, a }\nprofile p { namespace menu { ttl 1m } }\n");
    CHECK(m.of(Kind::namespace_) == Texts{"!menu=menu", "!menu.item=item", "a=a", "!a.b=b", "menu=menu",
                                          "menu.item=item", "a=a", "menu=menu"});
    CHECK(m.of(Kind::profile) == Texts{"!p=p"});
}

TEST_CASE("captures belong to their item, of all namespaces those that defaults speak of") {
    const Mentions m(
        "defaults { with tenant }\nnamespace a { key \"{id}:{tenant}\" }\nnamespace b { key \"{id}:{tenant}\" }\n"
        "on PUT \"/a/{id}\" { let t = header \"T\"; drop a \"{id}:{t}\" }\n");
    std::set<std::string> ids, tenants;
    for (const Mention& one : m.all) {
        if (one.kind != Kind::capture) continue;
        if (one.name == "id") ids.insert(one.scope);
        if (one.name == "tenant") tenants.insert(one.scope);
    }
    CHECK(ids.size() == 3);
    CHECK(tenants.size() == 1);
}

TEST_CASE("a tag is one tag whatever its captures are called, and so is an event") {
    const Mentions m(
        "namespace a { key \"{id}\"; tag \"x:{id}\" }\non event \"e\" (n) { drop tag \"x:{n}\" }\n"
        "test \"t\" { event \"e\" with n = \"1\" }\n");
    CHECK(m.of(Kind::tag) == Texts{"!x:{}=x:{id}", "x:{}=x:{n}"});
    CHECK(m.of(Kind::event) == Texts{"!e=e", "e=e"});
    CHECK(std::count_if(m.all.begin(), m.all.end(), [](const Mention& one) {
              return one.kind == Kind::capture && one.scope == "event e" && one.name == "n";
          }) == 3);
}

TEST_CASE("every name of every policy of the tree is mentioned, but those of options and plugins") {
    std::size_t seen = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::string(LARDER_SOURCE_DIR) + "/tests/policy")) {
        if (entry.path().extension() != ".larder") continue;
        const Mentions m(read_file(entry.path().string()));
        std::set<std::string> spaces;
        for (const Mention& one : m.all)
            if (one.kind == Kind::namespace_ && one.declares) spaces.insert(one.name);
        Names names;
        names(m.parsing.parsed.tree);
        for (const ast::Name& name : names.all) {
            if (spaces.count(std::string(name.text)) == 0) continue;
            ++seen;
            CAPTURE(entry.path().string(), name.text, name.at.begin);
            CHECK(std::any_of(m.all.begin(), m.all.end(), [&](const Mention& one) {
                return one.at.begin >= name.at.begin && one.at.end == name.at.end;
            }));
        }
    }
    CHECK(seen > 100);
}

TEST_CASE("the words a place takes are those of the grammar there") {
    CHECK(words("").count("namespace") == 1);
    CHECK(words("larder 1\nnamespace a {\n  ").count("ttl") == 1);
    CHECK(words("larder 1\nnamespace a {\n  ").count("drop") == 0);
    CHECK(words("namespace a { stale 5m while ") == std::set<std::string>{"error", "revalidating"});
    CHECK(words("namespace a { ttl 5m ").count("jitter") == 1);
    CHECK(words("namespace a { ttl 5m ").count("key") == 0);
    CHECK(wanted_behind("namespace a { ttl 5m ").end_of_line);
    CHECK(things("namespace a { ttl ") == std::set<std::string>{"a duration like `30s` or `1h30m`"});
    CHECK(things("on write \"/x\" { drop ").count("a namespace") == 1);
    CHECK(things("breaker ").count("a name") == 1);
}

TEST_CASE("errors above a place do not change what it takes") {
    CHECK(words("namespace a { tll 5m; key }\nnamespace b {\n  ").count("ttl") == 1);
    CHECK(words("namespace a {\nnamespace b {\n  ").count("ttl") == 1);
    CHECK(words("on on on {\n drop x\n}\non write \"/x\" {\n ").count("drop") == 1);
}

TEST_CASE("an outline has the items with the lines they take") {
    const std::string text =
        "larder 1\nlet a = 5m  # c\nnamespace menu {\n  # }\n  namespace item { key \"{\\\"}\" }\n}\n"
        "on write \"/x/{id}\" status 201 { drop menu }\nprofile p { let a = 1m }\n";
    const Parsing parsing(text);
    const auto items = outline_of(*parsing.sources, parsing.parsed.tree);
    Texts got;
    for (const OutlineItem& item : items)
        got.push_back(item.name + "|" + std::string(parsing.sources->text(item.at)).substr(0, 12) + "|" +
                      std::to_string(parsing.sources->place(item.at.end).line));
    CHECK(got == Texts{"a|let a = 5m|2", "menu|namespace me|6", "write \"/x/{id}\" status 201|on write \"/x|7",
                       "p|profile p { |8"});
    REQUIRE(items[1].children.size() == 1);
    CHECK(items[1].children[0].name == "item");
    CHECK(items[3].children.size() == 1);
}

TEST_CASE("what did not parse has no outline, and the rest has") {
    const Parsing parsing("namespace a {\n  key\nnamespace b { key \"{id}\" }\non x\nlet c = 1\n");
    const auto items = outline_of(*parsing.sources, parsing.parsed.tree);
    Texts got;
    for (const OutlineItem& item : items) got.push_back(item.name);
    CHECK(std::count(got.begin(), got.end(), "b") == 1);
    CHECK(std::count(got.begin(), got.end(), "c") == 1);
}
