// tests/unit/dsl/parser_hostile_test.cpp -- texts nobody meant well with: random damage, and shapes
// that made the parser of some other language recurse, rescan or allocate without bound.
#include "catch.hpp"
#include "unit/dsl/parsing.hpp"

#include <boost/pfr.hpp>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

using namespace larder::dsl;
using larder::test::Parsing;
using larder::test::read_file;

namespace {

// Under a sanitizer everything takes twenty times as long and shows the same.
#ifdef LARDER_SANITIZED
constexpr std::size_t share = 16;
#else
constexpr std::size_t share = 1;
#endif

// Walks a whole tree; every span must lie in the file, every view in its text.
class SpanCheck {
  public:
    explicit SpanCheck(const Source& source) : source_(source) {}

    bool good() const { return good_; }

    void operator()(Span span) {
        good_ = good_ && span.begin <= span.end &&
                ((span.begin == 0 && span.end == 0) ||
                 (span.begin >= source_.base() && span.end <= source_.end()));
    }
    void operator()(std::string_view text) {
        const std::string_view all = source_.text();
        good_ = good_ && (text.empty() || (text.data() >= all.data() &&
                                           text.data() + text.size() <= all.data() + all.size()));
    }
    template <class T>
    void operator()(const std::vector<T>& list) {
        for (const T& element : list) {
            (*this)(element);
        }
    }
    template <class T>
    void operator()(const boost::optional<T>& maybe) {
        if (maybe) {
            (*this)(*maybe);
        }
    }
    template <class T>
    void operator()(const boost::spirit::x3::forward_ast<T>& node) {
        (*this)(node.get());
    }
    template <class Node>
    void operator()(const Node& node) {
        if constexpr (requires { typename Node::base_type; }) {
            boost::apply_visitor([this](const auto& held) { (*this)(held); }, node.get());
        } else if constexpr (std::is_same_v<Node, ast::Keyword>) {
            (*this)(node.at);
            (*this)(node.doc);
        } else if constexpr (!std::is_arithmetic_v<Node> && !std::is_enum_v<Node>) {
            boost::pfr::for_each_field(node, [this](const auto& field) { (*this)(field); });
        }
    }

  private:
    const Source& source_;
    bool good_ = true;
};

bool all_spans_inside(const SourceMap& sources, const Parsed& parsed) {
    SpanCheck check(sources.file(FileId{0}));
    check(parsed.tree);
    for (const Diagnostic& found : parsed.found) {
        check(found.primary.at);
        for (const Label& label : found.more) {
            check(label.at);
        }
        if (found.fix) {
            check(found.fix->at);
        }
    }
    for (const Allow& allow : parsed.allows) {
        check(allow.at);
        check(allow.reason);
        check(allow.code);
    }
    return check.good();
}

// The parts of a policy between its blank lines.
std::vector<std::string> items_of(const std::string& policy) {
    std::vector<std::string> items;
    for (std::size_t begin = 0; begin < policy.size();) {
        const std::size_t blank = policy.find("\n\n", begin);
        const std::size_t end = blank == std::string::npos ? policy.size() : blank + 2;
        items.push_back(policy.substr(begin, end - begin));
        begin = end;
    }
    return items;
}

std::vector<std::vector<std::string>> sample_policies() {
    const std::string dir = std::string(LARDER_SOURCE_DIR) + "/tests/policy/syntax/";
    return {items_of(read_file(dir + "accepted.larder")),
            items_of(read_file(dir + "broken.larder")),
            items_of(read_file(dir + "recovery.larder"))};
}

class Mutator {
  public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    // One to three neighbouring items of a policy, damaged in one to four places.
    std::string mutate(const std::vector<std::string>& items) {
        const std::size_t begin = below(items.size());
        const std::size_t end = std::min(items.size(), begin + 1 + below(3));
        std::string text;
        for (std::size_t i = begin; i < end; ++i) {
            text += items[i];
        }
        for (std::size_t n = 1 + below(4); n > 0 && !text.empty(); --n) {
            change(text);
        }
        return text;
    }

  private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

    void change(std::string& text) {
        static const std::vector<std::string> bits{"{",
                                                   "}",
                                                   "\"",
                                                   "\n",
                                                   ";",
                                                   ",",
                                                   "->",
                                                   "namespace ",
                                                   "on ",
                                                   "ttl ",
                                                   "5m",
                                                   "*",
                                                   "{x}",
                                                   "#",
                                                   "##",
                                                   "env ",
                                                   "or ",
                                                   "(",
                                                   ")",
                                                   "\\",
                                                   "\xff",
                                                   std::string(1, '\0'),
                                                   "99999999999999999999h",
                                                   "1.5.5",
                                                   "-",
                                                   "\n}\n",
                                                   "\nlet ",
                                                   "when {",
                                                   "if ",
                                                   "\r\n",
                                                   "# allow L0303: x\n",
                                                   "\xEF\xBB\xBF",
                                                   "…",
                                                   "limit ",
                                                   "status 2xx"};
        switch (below(4)) {
            case 0:
                text.erase(below(text.size()), 1 + below(8));
                break;
            case 1:
                text.insert(below(text.size()), bits[below(bits.size())]);
                break;
            case 2:
                text[below(text.size())] = static_cast<char>(below(256));
                break;
            default:
                const std::string copy = text.substr(below(text.size()), below(60));
                text.insert(below(text.size()), copy);
        }
    }

    std::mt19937 random_;
};

std::string repeated(const std::string& part, std::size_t times) {
    std::string text;
    text.reserve(part.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        text += part;
    }
    return text;
}

}  // namespace

TEST_CASE("whatever is done to a policy, every span stays inside the file") {
    const char* given = std::getenv("LARDER_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : 20;
    INFO("LARDER_SEED=" << seed);
    const auto samples = sample_policies();
    Mutator mutator(seed);
    std::size_t clean = 0;
    for (std::size_t i = 0; i < 200'000 / share; ++i) {
        const std::string text = mutator.mutate(samples[i % samples.size()]);
        const Parsing parsing(text);
        clean += parsing.found().empty() ? 1 : 0;
        if (!all_spans_inside(*parsing.sources, parsing.parsed)) {
            CAPTURE(i, text);
            FAIL("a span leaves the file");
        }
        // Rendering is dearer than parsing: every 50th will do.
        if (i % 50 == 0 && parsing.shown().size() > 200'000) {
            CAPTURE(i, text);
            FAIL("the messages are longer than anybody reads");
        }
    }
    // Otherwise the mutations are so wild that nothing interesting is reached.
    CHECK(clean > 2000 / share);
}

TEST_CASE("hostile texts end soon, with a bounded number of messages") {
    struct Row {
        std::string name, text;
        std::size_t most;  // messages
    };
    constexpr std::size_t mib = std::size_t{1} << 20;
    const std::vector<Row> table{
        {"a million braces", repeated("{", 1'000'000 / share), 1},
        {"nested blocks on one line", repeated("namespace a {", 600'000 / share), 2},
        {"nested blocks", repeated("namespace a {\n ", 500'000 / share), 2},
        {"nested option blocks", "warm a {" + repeated(" from x \"y\" { ", 500'000 / share), 3},
        {"8 MiB of one word", std::string(8 * mib / share, 'x'), 1},
        {"8 MiB of quotes", std::string(8 * mib / share, '"'), 1},
        {"8 MiB of digits", "let a = " + std::string(8 * mib / share - 100, '9'), 1},
        {"8 MiB of 0xFF", repeated("\xff\n", 4 * mib / share), 101},
        {"8 MiB of NUL", std::string(8 * mib / share, '\0'), 1},
        {"items without end", repeated("on\n", 2'700'000 / share), 101},
        {"unknown words on one line", "namespace a {\n" + repeated("x;", 4'000'000 / share), 101},
        {"bad heads", repeated("on !{\n", 1'300'000 / share), 101},
        {"bad heads in a block", "profile p {\n" + repeated("namespace !\n", 600'000 / share), 101},
        {"bad bytes in every head", repeated("on x \"\xff\" {\n", 600'000 / share), 101},
        {"a value far behind its word", "let x = 5" + std::string(8'000'000 / share, ' ') + "y", 1},
        {"captures in one text", "let x = \"" + repeated("{a}*", 2'000'000 / share) + "\"", 0},
        {"documentation of nothing", repeated("## d\n", 1'600'000 / share), 0},
        {"comments that allow", repeated("# allow L0303: x\n", 490'000 / share), 0},
        {"comments behind an error", "on x\n" + repeated("#\n", 4'000'000 / share), 1},
        {"statements without end", "namespace a {\n" + repeated("ttl 1m\n", 1'100'000 / share), 1},
        {"open texts", "namespace a {\n" + repeated("key \"x\n", 1'100'000 / share), 101},
        {"unclosed captures", "namespace a {\n" + repeated("key \"{x\n", 1'000'000 / share), 101},
    };
    for (const Row& row : table) {
        CAPTURE(row.name);
        REQUIRE(row.text.size() <= SourceMap::max_file_bytes);
        // Time of this process, not of the clock on the wall: the machine may be busy.
        const std::clock_t begin = std::clock();
        const Parsing parsing(row.text);
        const std::string shown = parsing.shown();
        const double seconds =
            static_cast<double>(std::clock() - begin) / static_cast<double>(CLOCKS_PER_SEC);
        CAPTURE(parsing.found().size(), shown.size(), seconds);
        CHECK(parsing.found().size() <= row.most);
        CHECK(shown.size() < 200'000);
        CHECK(all_spans_inside(*parsing.sources, parsing.parsed));
        CHECK(seconds < 1.0);
    }
}

TEST_CASE("a file that is too long is not read at all") {
    const Parsing parsing(std::string(9 << 20, '\n') + "nonsense");
    CHECK(parsing.places() == std::vector<std::string>{"L0111@1:1"});
    CHECK(parsing.parsed.tree.empty());
}

TEST_CASE("a file of the greatest length is read to its end") {
    const std::string last = "\nnonsense";
    std::string text(SourceMap::max_file_bytes - last.size(), '#');
    text += last;
    CHECK(Parsing(text).places() == std::vector<std::string>{"L0102@2:1"});
}

TEST_CASE("of very many errors a hundred are told and the rest is counted") {
    const Parsing parsing("namespace a {\n" + repeated("  x\n", 150) + "}\n");
    REQUIRE(parsing.found().size() == max_errors + 1);
    CHECK(parsing.found().back().severity == Severity::note);
    CHECK(parsing.found().back().message == "50 more errors");
    CHECK(Parsing("namespace a {\n" + repeated("  x\n", 100) + "}\n").found().size() == 100);
    CHECK(Parsing("namespace a {\n" + repeated("  x\n", 101) + "}\n").found().back().message ==
          "1 more error");
}

TEST_CASE("blocks are sixteen deep and not deeper") {
    const auto nested = [](std::size_t depth) {
        return repeated("namespace a { ", depth) + "ttl 5m" + repeated(" }", depth) + "\n";
    };
    CHECK(Parsing(nested(16)).shown().empty());
    const Parsing deep(nested(17) + "let x 5\n");
    REQUIRE(deep.found().size() == 2);
    CHECK(deep.found()[0].code == "L0108");
    CHECK(deep.places()[1] == "L0101@2:7");
}
