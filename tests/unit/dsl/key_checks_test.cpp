// tests/unit/dsl/key_checks_test.cpp -- findings about keys, sizes and versions: of policies, and of
// lists of keys that are there.
#include "catch.hpp"
#include "dsl/key_list.hpp"
#include "dsl/key_words.hpp"
#include "unit/dsl/compiling.hpp"

#include <random>

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

using Codes = std::set<std::string>;

struct Listed {
    SourceMap sources;
    std::vector<Diagnostic> found;
    Codes found_codes() const {
        Codes out;
        for (const Diagnostic& d : found) out.insert(d.code);
        return out;
    }
    std::string shown() const { return render_text(sources, found, false); }
};

Listed listed(std::string text, const Policy* policy = nullptr, bool cut = false) {
    Listed out;
    out.sources.add("before", "x\n");
    const FileId id = out.sources.add("keys.txt", std::move(text));
    out.found = check_key_list(out.sources.file(id), policy, cut);
    return out;
}

Codes of_key(const std::string& key) {
    return codes(compiled("namespace menu { key \"" + key + "\"; static }\n"));
}

}  // namespace

TEST_CASE("a word that nothing parts from a value is found, a mark of one letter is not") {
    CHECK(of_key("menuitem{id}") == Codes{"L0328"});
    CHECK(of_key("dashboard_data_{month}") == Codes{"L0328"});
    CHECK(of_key("{id}_data") == Codes{"L0328"});
    for (const char* good : {"item:{id}", "{id}:t{tenant_id}", "stock:{sku}:{warehouse}", "v1-{id}",
                             "{id}:list", "all:t{tenant}", "{function}:user_id:{user_id}", "all"}) {
        CAPTURE(good);
        CHECK(of_key(good).empty());
    }
}

TEST_CASE("special characters in keys are found, those that can be written everywhere are not") {
    for (const char* bad : {"menu item:{id}", "menu&{id}", "caf\xC3\xA9:{id}", "a=b:{id}", "$x", "(a)"})
        CHECK(of_key(bad) == Codes{"L0329"});
    CHECK(of_key("a-b_c.d/e:{id}").empty());
}

TEST_CASE("a key that names one thing in fixed text is found") {
    CHECK(of_key("data_jan") == Codes{"L0334"});
    CHECK(of_key("item123") == Codes{"L0334"});
    CHECK(of_key("top10").empty());
    CHECK(of_key("active").empty());
    CHECK(of_key("march_past:{id}").empty());
}

TEST_CASE("siblings that write one word or one field in two ways are found") {
    const auto two = [](const std::string& a, const std::string& b) {
        return codes(compiled("namespace " + a + "\"; static }\nnamespace " + b + "\"; static }\n"));
    };
    CHECK(two("user { key \"{id}", "users { key \"{page}") == Codes{"L0330"});
    CHECK(two("user_details { key \"{id}", "userDetails { key \"{id}") == Codes{"L0330"});
    CHECK(two("a { key \"{x}:t{tenant}", "b { key \"{x}:n{tenant}") == Codes{"L0330"});
    CHECK(two("a { key \"user:{x}", "b { key \"users:{x}") == Codes{"L0330"});
    CHECK(two("a { key \"{x}:{tenant}", "b { key \"{tenant}:{x}") == Codes{"L0330"});
    CHECK(two("user { key \"{id}", "firm { key \"{id}").empty());
    CHECK(two("a { key \"by_name:{x}", "b { key \"by_mail:{x}").empty());
    CHECK(two("a { key \"{x}:{y}", "b { key \"{z}:{y}").empty());
}

TEST_CASE("values above 1 MB are told of where size is spoken of, and nowhere else") {
    const auto with = [](const std::string& clauses) {
        return codes(compiled("namespace m { key \"{id}\"; static; " + clauses + " }\n"));
    };
    CHECK(with("limit 100MB") == Codes{"L0331"});
    CHECK(with("compress none") == Codes{"L0331"});
    CHECK(with("refuse above 5MB") == Codes{"L0331"});
    CHECK(with("compress brotli above 2MiB") == Codes{"L0331"});
    CHECK(with("ttl 5m").empty());
    CHECK(with("limit 1000 entries").empty());
    CHECK(with("limit 100MB; refuse above 1MB").empty());
    CHECK(with("limit 100MB; compress brotli above 1KiB").empty());
    CHECK(with("compress brotli above 1KiB if env NO or true").empty());
}

TEST_CASE("a version older than two is told of, and a newer one that is left out") {
    const auto with = [](const std::string& version) {
        return codes(compiled("namespace m { key \"{id}\"; static; version " + version + " }\n"));
    };
    CHECK(with("4 accepts 1") == Codes{"L0332", "L0333"});
    CHECK(with("4 accepts 1, 2, 3") == Codes{"L0332"});
    CHECK(with("3 accepts 1") == Codes{"L0333"});
    CHECK(with("2 accepts 1").empty());
    CHECK(with("3 accepts 1, 2").empty());
    CHECK(with("9").empty());
    CHECK(with("9 accepts 8").empty());
}

TEST_CASE("a sliding entry that nothing drops or bounds is told of as such") {
    const std::string menu = "namespace menu { key \"all\" }\non write \"/m\" { drop menu }\n";
    CHECK(codes(compiled(menu + "namespace cart { key \"{id}\"; ttl 30m sliding }\n")) == Codes{"L0316"});
    CHECK(codes(compiled(menu + "namespace cart { key \"{id}\"; ttl 30m sliding at most 4h }\n")) ==
          Codes{"L0303"});
    CHECK(codes(compiled(menu + "namespace cart { key \"{id}\"; ttl 30m sliding; static }\n")).empty());
    CHECK(codes(compiled(menu + "namespace cart { key \"{id}\"; ttl 30m sliding }\n"
                                "on write \"/cart/{id}\" { drop cart \"{id}\" }\n"))
              .empty());
}

TEST_CASE("live numbers turn a pattern that cannot be prepared into a count of what it costs") {
    const std::string policy =
        "namespace stock { key \"{sku}\" }\non event \"x\" (p) { drop stock matching \"*{p}*\" }\n";
    CompileOptions o = plain_options();
    std::uint64_t entries = 1'204'113;
    o.live_entries = [&entries](std::string_view ns) -> std::optional<std::uint64_t> {
        if (ns != "stock") return std::nullopt;
        return entries;
    };
    const Compiled c = compiled(policy, o);
    CHECK(codes(c) == Codes{"L0314"});
    CHECK(rendered(c).find("1204113 entries") != std::string::npos);
    entries = 3;
    CHECK(codes(compiled(policy, o)) == Codes{"L0317"});
    CHECK(codes(compiled(policy)) == Codes{"L0317"});
}

TEST_CASE("unstructured keys of a list are found once for each beginning, with their number") {
    const Listed c = listed("menuitem123\nmenuitem124\r\ndashboard_data_jan\nmenu:item:7\n\n");
    CHECK(c.found_codes() == Codes{"L0328"});
    REQUIRE(c.found.size() == 2);
    CHECK(c.shown().find("keys.txt:1:1") != std::string::npos);
    CHECK(c.shown().find("1 more key like this") != std::string::npos);
    CHECK(c.shown().find("`dashboard_data_jan` has no `:`") != std::string::npos);
}

TEST_CASE("prefixes that are two spellings of one word are found, the rarer one") {
    const Listed c = listed("user:1\nuser:2\nusers:3\nfirm:details:1\nfirm:detail:2\nfirm:detail:3\n");
    REQUIRE(c.found.size() == 2);
    CHECK(c.found_codes() == Codes{"L0330"});
    CHECK(c.found[0].message.find("`users` and `user`") == 0);
    CHECK(c.found[1].message.find("`firm:details` and `firm:detail`") == 0);
    CHECK(listed("user:1\nuser:abc\nfirm:1\nproduct:2\n").found.empty());
}

TEST_CASE("special characters of listed keys are found, larder's own escapes are not") {
    CHECK(listed("user:a%3Ab\nuser:2024-01-15\n").found.empty());
    CHECK(listed("user:a b\nuser:\xFF\nuser:%zz\n").found.size() == 3);
}

TEST_CASE("with a policy, keys that none of its namespaces has are found") {
    const Compiled p = compiled("namespace user { key \"{id}\"; static }\n"
                                "namespace stock { key \"stock:{sku}:{place}\"; static }\n");
    REQUIRE(p.ok());
    CHECK(listed("user:7\nstock:stock:a:b\n", p.policy.get()).found.empty());
    const Listed c = listed("user:7\nstock:a:b\nbasket:1\nbasket:2\n", p.policy.get());
    CHECK(c.found_codes() == Codes{"L0335"});
    CHECK(c.found.size() == 2);
    CHECK(c.shown().find("does not look like keys of `stock`") != std::string::npos);
    CHECK(c.shown().find("no namespace of the policy has keys like `basket:1`") != std::string::npos);
}

TEST_CASE("keys are read as redis-cli prints them and as larder stores them") {
    CHECK(key_of_line("12) \"menu:item:7\"\r") == "menu:item:7");
    CHECK(key_of_line("\"a:b\"") == "a:b");
    CHECK(key_of_line("larder:v:{user_details:42}") == "user_details:42");
    CHECK(key_of_line("larder:l:{user_details:42}").empty());
    CHECK(key_of_line("larder:g:user_details").empty());
    CHECK(key_of_line("user:{x}") == "user:{x}");
    CHECK(key_of_line("12") == "12");
    CHECK(key_of_line("").empty());
}

TEST_CASE("a list that is cut or too varied is not said to have been looked at in whole") {
    CHECK(listed("user:1\n", nullptr, true).found_codes() == Codes{"L0337"});
    std::string many;
    for (int k = 0; k < 12'000; ++k) {
        many += "p";
        for (int n = k + 1; n > 0; n /= 26) many += static_cast<char>('a' + n % 26);
        many += ":1\n";
    }
    CHECK(listed(many).found_codes().count("L0337") == 1);
}

TEST_CASE("any bytes as a list of keys end, and every place is inside the list") {
    const unsigned seed = 7;
    std::mt19937 random(seed);
    const Compiled p = compiled("namespace user { key \"{id}\"; static }\n");
    for (int round = 0; round < 400; ++round) {
        std::string text;
        for (std::size_t n = random() % 300; n > 0; --n)
            text += random() % 3 == 0 ? "\n:v{}\"user%"[random() % 12] : static_cast<char>(random() % 256);
        const Listed c = listed(text, p.policy.get());
        CAPTURE(seed, round);
        for (const Diagnostic& d : c.found) {
            const Source& file = c.sources.file(FileId{1});
            CHECK((d.primary.at.begin >= file.base() && d.primary.at.end <= file.end()));
        }
        CHECK_NOTHROW(c.shown());
    }
}
