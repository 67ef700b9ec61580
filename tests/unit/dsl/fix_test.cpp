// tests/unit/dsl/fix_test.cpp -- remedies applied: what is certain unasked, what is a guess when asked, nothing worse.
#include "catch.hpp"
#include "dsl/fix.hpp"
#include "unit/dsl/compiling.hpp"

#include <filesystem>
#include <string>

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

Fixed fixed(const std::string& text, bool guesses = false) {
    FixOptions options;
    options.compile = plain_options();
    options.guesses = guesses;
    return fix_text("p.larder", text, options);
}

std::string in_namespace(const std::string& clause) {
    return "namespace item { key \"{id}\"; static; " + clause + " }\n";
}

}  // namespace

TEST_CASE("what can have been meant in one way only is fixed unasked") {
    CHECK(fixed(in_namespace("ttl 5mins")).text == in_namespace("ttl 5m"));
    CHECK(fixed(in_namespace("ttl 20 ms")).text == in_namespace("ttl 20ms"));
    CHECK(fixed(in_namespace("ttl 20 minutes")).text == in_namespace("ttl 20m"));
    CHECK(fixed(in_namespace("ttl 5m jitter 10")).text == in_namespace("ttl 5m jitter 10%"));
    CHECK(fixed(in_namespace("ttl 5m slidng")).text == in_namespace("ttl 5m sliding"));
    CHECK(fixed(in_namespace("encript")).text == in_namespace("encrypt"));
    const std::string item = "namespace item { key \"{id}\" }\n";
    CHECK(fixed(item + "on DELTE \"/x\" { drop item }\n").text == item + "on DELETE \"/x\" { drop item }\n");
    CHECK(fixed(item + "on event \"x\" (id) { drop item \"{id}*\" }\n").text ==
          item + "on event \"x\" (id) { drop item matching \"{id}*\" }\n");
}

TEST_CASE("a guess is left alone, and counted, until it is asked for") {
    const std::string text = "namespace user_details { key \"{id}\" }\non event \"x\" { drop user_detials }\n";
    const Fixed plain = fixed(text);
    CHECK(plain.text == text);
    CHECK(plain.applied.empty());
    CHECK(plain.guesses_left == 1);
    CHECK(plain.errors == 1);
    const Fixed guessed = fixed(text, true);
    CHECK(guessed.text == "namespace user_details { key \"{id}\" }\non event \"x\" { drop user_details }\n");
    CHECK(guessed.errors == 0);
    REQUIRE(guessed.applied.size() == 1);
    CHECK(guessed.applied[0].where == "p.larder:2:21");
    CHECK(guessed.applied[0].code == "L0202");
    CHECK(guessed.applied[0].before == "user_detials");
    CHECK(guessed.applied[0].after == "user_details");
}

TEST_CASE("a remedy for the syntax uncovers the next, until none is left") {
    const Fixed made = fixed("namespace item { key \"{id}\"; tll 5mins }\non event \"x\" (id) { drop itme \"{di}\" }\n", true);
    CHECK(made.text == "namespace item { key \"{id}\"; ttl 5m }\non event \"x\" (id) { drop item \"{id}\" }\n");
    CHECK(made.errors == 0);
    CHECK(made.applied.size() == 4);
}

TEST_CASE("a text without remedies comes back as it was, byte for byte") {
    for (const char* text : {"", "larder 1\r\n", "namespace a { ttl 300 }\n", "\x80\xFF{{{\"", "on on on"}) {
        const Fixed made = fixed(text, true);
        CAPTURE(text);
        CHECK(made.text == text);
        CHECK(made.applied.empty());
    }
}

TEST_CASE("an allow that silences nothing is a guess, and goes with its line or from behind its statement") {
    const std::string rest = "on event \"x\" { drop a }\n";
    CHECK(fixed("# kept\n# allow L0303: so\nnamespace a { key \"{id}\" }\n" + rest, true).text ==
          "# kept\nnamespace a { key \"{id}\" }\n" + rest);
    CHECK(fixed("namespace a { key \"{id}\" }  # allow L0303: so\n" + rest, true).text ==
          "namespace a { key \"{id}\" }\n" + rest);
}

TEST_CASE("a rule that drops too much is given the key that it knows, when guesses are asked for") {
    const std::string item = "namespace item { key \"{id}\" }\n";
    CHECK(fixed(item + "on PUT \"/i/{id}\" { drop item }\n", true).text ==
          item + "on PUT \"/i/{id}\" { drop item \"{id}\" }\n");
}

TEST_CASE("a text in the one style stays in it") {
    const Fixed made = fixed("let a = 5mins\nlet bb = 6s\n");
    CHECK(made.text == "let a = 5m\nlet bb = 6s\n");
    CHECK(fixed("let a  = 5mins\nlet bb = 6s\n").text == "let a  = 5m\nlet bb = 6s\n");
    CHECK(fixed("namespace item { key \"{id}\" }\n\non PSOT \"/x\"   { drop item }\non write \"/y\" { drop item }\n").errors == 0);
}

TEST_CASE("no policy of the tree is left with more errors than it had, guesses or not") {
    struct Errors {
        std::size_t of_syntax = 0, all = 0;
    };
    const auto errors = [](const std::string& text) {
        Errors out;
        for (const Diagnostic& d : compiled(text).found) {
            out.all += d.severity == Severity::error ? 1 : 0;
            out.of_syntax += d.code.starts_with("L01") && d.severity == Severity::error ? 1 : 0;
        }
        return out;
    };
    std::size_t seen = 0, changed = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(LARDER_SOURCE_DIR) + "/tests/policy")) {
        if (entry.path().extension() != ".larder") continue;
        ++seen;
        const std::string text = file_text(entry.path().string());
        const Errors before = errors(text);
        for (const bool guesses : {false, true}) {
            const Fixed made = fixed(text, guesses);
            const Errors after = errors(made.text);
            CAPTURE(entry.path().string(), guesses, made.text);
            CHECK((after.of_syntax < before.of_syntax ||
                   (after.of_syntax == before.of_syntax && after.all <= before.all)));
            changed += made.text != text ? 1 : 0;
        }
    }
    CHECK(seen >= 10);
    CHECK(changed >= 2);
}

TEST_CASE("a text that its remedies would make worse is left alone, and that is said") {
    // As `item` it would be a key of which nothing gives either value.
    const std::string text =
        "namespace item { key \"{x}:{y}\" }\non event \"e\" { drop itme \"{aaaa}:{bbbb}\" }\n";
    const Fixed made = fixed(text, true);
    CHECK(made.worse);
    CHECK(made.text == text);
    CHECK(made.applied.empty());
    CHECK(made.errors == 1);
}
