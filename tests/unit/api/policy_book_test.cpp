// tests/unit/api/policy_book_test.cpp -- which policies ran, over restarts, crashes and damaged folders.
#include "catch.hpp"
#include "kernel/api/policy_book.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>

using namespace larder;
using api::PolicyBook;
using api::StateFolder;
using test::contains;

namespace {

const std::string a = "aaaaaaaaaaaaaaaa", b = "bbbbbbbbbbbbbbbb", c = "cccccccccccccccc", d = "dddddddddddddddd";

PolicyRecord record(const std::string& id, const std::string& origin = "apply") { return {id, 5, origin, "ann", {{{"p.larder", "text of " + id}}}}; }

struct Opened {
    std::vector<std::string> complaints;
    std::unique_ptr<PolicyBook> book;

    explicit Opened(const std::string& folder, std::size_t keep = 10) {
        std::string problem;
        auto state = folder.empty() ? nullptr : StateFolder::open(folder, problem);
        INFO(problem);
        if (!folder.empty()) REQUIRE(state);
        book = std::make_unique<PolicyBook>(std::move(state), keep, [this](const std::string& line) { complaints.push_back(line); });
    }
};

std::vector<std::string> ids(const PolicyBook& book) {
    std::vector<std::string> out;
    for (const PolicyRecord& one : book.kept()) out.push_back(one.id);
    return out;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("what ran before is kept newest first, the last few of it") {
    Opened o("", 2);
    CHECK(o.book->begin(record(a, "files")).empty());
    o.book->replace(record(b), false);
    o.book->replace(record(c), false);
    CHECK(ids(*o.book) == Ids{b, a});
    o.book->replace(record(d), false);
    CHECK(ids(*o.book) == Ids{c, b});
    o.book->replace(record(d), false);  // the same again
    CHECK(ids(*o.book) == Ids{c, b});
    CHECK(o.book->running().id == d);
}

TEST_CASE("going back forgets what is newer than where it goes") {
    Opened o("");
    o.book->begin(record(a, "files"));
    for (const auto& id : {b, c, d}) o.book->replace(record(id), false);
    CHECK(o.book->go_back(b, record(b, "rollback")));
    CHECK(o.book->running().id == b);
    CHECK(o.book->running().origin == "rollback");
    CHECK(o.book->running().texts.files.at(0).second == "text of " + b);
    CHECK(ids(*o.book) == Ids{a});
    CHECK_FALSE(o.book->go_back(c, record(c, "rollback")));
    CHECK(o.book->go_back("", record(a, "rollback")));
    CHECK_FALSE(o.book->go_back("", record(a, "rollback")));
}

TEST_CASE("a restart with the same policy has nothing to say, and what was kept is kept") {
    const test::TemporaryFolder folder;
    {
        Opened o(folder.file("state"));
        o.book->begin(record(a, "files"));
        o.book->replace(record(b), true);
        o.book->settle();
        o.book->save();
    }
    Opened o(folder.file("state"));
    CHECK(o.book->begin(record(b, "files")).empty());
    CHECK(ids(*o.book) == Ids{a});
    CHECK(o.book->find(a)->texts.files.at(0).second == "text of " + a);
    CHECK(o.complaints.empty());
}

TEST_CASE("a restart that finds another policy in the files says which one ran, whether it was watched, and keeps it") {
    const test::TemporaryFolder folder;
    {
        Opened o(folder.file("state"));
        o.book->begin(record(a, "files"));
        o.book->replace(record(b), true);
        o.book->save();
    }
    Opened o(folder.file("state"));
    const std::string said = o.book->begin(record(a, "files"));
    CHECK_THAT(said, contains(b) && contains("apply by ann") && contains("still being watched") && contains("larder rollback"));
    CHECK(ids(*o.book) == Ids{b});
    CHECK(o.book->running().id == a);
}

TEST_CASE("a folder whose files are damaged is begun anew, and that is said") {
    const test::TemporaryFolder folder;
    {
        Opened o(folder.file("state"));
        o.book->begin(record(a, "files"));
        o.book->replace(record(b), false);
        o.book->replace(record(c), false);
        o.book->save();
    }
    SECTION("the index") {
        folder.write("state/policies.json", "{\"running\": [");
        Opened o(folder.file("state"));
        CHECK(o.book->begin(record(a, "files")).empty());
        CHECK(ids(*o.book).empty());
        REQUIRE(o.complaints.size() == 1);
        CHECK_THAT(o.complaints[0], contains("cannot be read"));
    }
    SECTION("one policy") {
        folder.write("state/policy-" + b + ".json", "\xff\x00");
        Opened o(folder.file("state"));
        o.book->begin(record(d, "files"));
        CHECK(ids(*o.book) == Ids{c, a});
        REQUIRE(o.complaints.size() == 1);
    }
    SECTION("an index of other things") {
        folder.write("state/policies.json", "{\"running\":{\"id\":\"../../etc/passwd\"},\"kept\":[1,{\"id\":5},null]}");
        Opened o(folder.file("state"));
        CHECK(o.book->begin(record(a, "files")).empty());
        CHECK(ids(*o.book).empty());
    }
}

TEST_CASE("policies that are kept no more leave the folder") {
    const test::TemporaryFolder folder;
    Opened o(folder.file("state"), 1);
    o.book->begin(record(a, "files"));
    o.book->replace(record(b), false);
    o.book->save();
    o.book->replace(record(c), false);
    o.book->save();
    CHECK_FALSE(std::filesystem::exists(folder.file("state/policy-" + a + ".json")));
    CHECK(std::filesystem::exists(folder.file("state/policy-" + b + ".json")));
}

TEST_CASE("a folder belongs to one kernel at a time, and a half-written file is never read") {
    const test::TemporaryFolder folder;
    std::string problem;
    auto first = StateFolder::open(folder.file("state"), problem);
    REQUIRE(first);
    CHECK_FALSE(StateFolder::open(folder.file("state"), problem));
    CHECK_THAT(problem, contains("another kernel"));
    REQUIRE(first->write("x", "whole", problem));
    folder.write("state/x.new", "ha");
    first.reset();
    const auto again = StateFolder::open(folder.file("state"), problem);
    REQUIRE(again);
    CHECK(again->read("x", 100) == "whole");
    CHECK_FALSE(again->read("x", 4));
    CHECK(again->names() == std::vector<std::string>{"x"});
}

TEST_CASE("texts that are no policy are refused before they are read") {
    const auto complaint = [](std::vector<std::pair<std::string, std::string>> files) { return api::complaint_about({std::move(files)}); };
    CHECK(complaint({{"p.larder", "larder 1\n"}}).empty());
    CHECK_FALSE(complaint({}).empty());
    CHECK_FALSE(complaint({{"", "x"}}).empty());
    CHECK_FALSE(complaint({{"a\nb", "x"}}).empty());
    CHECK_FALSE(complaint({{"p", "x"}, {"p", "y"}}).empty());
    CHECK_FALSE(complaint({{"p", std::string(api::most_policy_bytes + 1, ' ')}}).empty());
    CHECK_FALSE(complaint(std::vector<std::pair<std::string, std::string>>(65, {"p", "x"})).empty());
}

TEST_CASE("texts find each other by the path that `use` comes to, and no file of the machine") {
    PolicyTexts texts;
    texts.files = {{"policies/main.larder", "use \"shared/house.larder\"\nnamespace n { key \"{id}\"; ttl short; static }\n"},
                   {"policies/shared/house.larder", "let short = 1m\n"}};
    CHECK(api::compile_texts(texts, {}).ok());
    texts.files[0].second = "use \"../../../../etc/hostname\"\n";
    const auto refused = api::compile_texts(texts, {});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(dsl::render_text(*refused.sources, refused.found, false), contains("L0213"));
}
