// tests/unit/core/journal_test.cpp -- what the journal has after a crash, a damaged disk and a full one.
#include "kernel/core/journal.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

struct Book {
    TemporaryFolder folder;
    std::string path = folder.file("journal");
    std::unique_ptr<Journal> journal;
    Journal::Opened found;
    std::string problem;

    bool open() {
        journal.reset();
        found = {};
        journal = Journal::open(path, 1700, found, problem);
        return journal != nullptr;
    }
    std::uint64_t put(std::string_view key, std::string_view value) { return journal->add({0, 5, false, "user", key, value}); }
    std::string left() const {
        std::string out;
        for (const JournalWrite& w : found.writes) {
            if (!out.empty()) out += ' ';
            (out += w.key) += w.remove ? "-" : "=";
            out += w.value;
        }
        return out;
    }
    std::string bytes() const {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    // What a crash leaves: the file with these bytes and nobody who has it open.
    void replace(const std::string& with) {
        journal.reset();
        folder.write("journal", with);
    }
    std::size_t aside() const {
        std::size_t n = 0;
        for (const auto& file : std::filesystem::directory_iterator(folder.path()))
            n += file.path().filename().string().find("damaged-1700") != std::string::npos ? 1u : 0u;
        return n;
    }
};

}  // namespace

TEST_CASE("what was synced and not done is there again, in its order", "[journal]") {
    Book book;
    REQUIRE(book.open());
    CHECK(book.left().empty());
    book.put("a", "1");
    const std::uint64_t b = book.put("b", "2");
    book.put("a", "3");
    const std::uint64_t last = book.journal->add({0, 7, true, "user", "c", {}});
    CHECK(book.journal->sync(last));
    book.journal->done(std::span(&b, 1));
    REQUIRE(book.open());
    CHECK(book.left() == "a=1 a=3 c-");
    CHECK(book.found.writes[0].space == "user");
    CHECK(book.found.writes[0].at_ms == 5);
    CHECK(book.found.said.empty());
    CHECK(book.put("d", "") > last);
}

TEST_CASE("a value may hold any bytes and none", "[journal]") {
    Book book;
    REQUIRE(book.open());
    const std::string odd("LJr1\0\xff\n", 7);
    book.put(odd, odd);
    book.journal->sync(book.put("empty", ""));
    REQUIRE(book.open());
    REQUIRE(book.found.writes.size() == 2);
    CHECK(book.found.writes[0].key == odd);
    CHECK(book.found.writes[0].value == odd);
    CHECK_FALSE(book.found.writes[1].remove);
}

TEST_CASE("wherever the file is cut, what stands before the cut is kept and nothing is said", "[journal]") {
    Book book;
    REQUIRE(book.open());
    book.put("a", "first");
    book.put("b", "second");
    book.journal->sync(book.put("c", "third"));
    const std::string whole = book.bytes();
    std::size_t kept = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        INFO("cut at " << size);
        book.replace(whole.substr(0, size));
        REQUIRE(book.open());
        CHECK(book.found.said.empty());
        CHECK(book.found.writes.size() >= kept);
        kept = book.found.writes.size();
        const std::string all = "a=first b=second c=third";
        CHECK(all.substr(0, book.left().size()) == book.left());
    }
    CHECK(kept == 3);
    CHECK(book.aside() == 0);
}

TEST_CASE("a cut tail is gone for good: what is written after it is read after it", "[journal]") {
    Book book;
    REQUIRE(book.open());
    book.journal->sync(book.put("a", "1"));
    const std::string whole = book.bytes();
    book.journal->sync(book.put("b", "2"));
    book.replace(book.bytes().substr(0, whole.size() + 9));
    REQUIRE(book.open());
    book.journal->sync(book.put("c", "3"));
    REQUIRE(book.open());
    CHECK(book.left() == "a=1 c=3");
    book.replace(whole + std::string(300, '\0'));  // what a file system leaves of a file that grew
    REQUIRE(book.open());
    CHECK(book.left() == "a=1");
    CHECK(book.found.said.empty());
}

TEST_CASE("one flipped bit anywhere loses one record at most, and the file as it was is set aside", "[journal]") {
    Book book;
    REQUIRE(book.open());
    book.put("a", "first");
    book.put("b", "second");
    book.journal->sync(book.put("c", "third"));
    const std::string whole = book.bytes();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        INFO("byte " << at);
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
        book.replace(flipped);
        REQUIRE(book.open());
        CHECK(book.found.writes.size() >= 2);
        // A size that leads past the end looks like a record that was being written.
        const bool torn = book.found.said.empty();
        CHECK((torn ? book.left() == "a=first b=second" : book.aside() == 1));
        if (!torn) CHECK(book.found.said[0].find("damaged") != std::string::npos);
        std::filesystem::remove(book.path + ".damaged-1700");
    }
}

TEST_CASE("what is no journal at all is set aside whole", "[journal]") {
    Book book;
    book.folder.write("journal", "my dear diary, today I was a file of another kind");
    REQUIRE(book.open());
    CHECK(book.found.writes.empty());
    CHECK(book.found.said.size() == 1);
    CHECK(book.aside() == 1);
    book.journal->sync(book.put("a", "1"));
    REQUIRE(book.open());
    CHECK(book.left() == "a=1");
}

TEST_CASE("a journal belongs to one process at a time, and a folder that is not there is said", "[journal]") {
    Book book;
    REQUIRE(book.open());
    Journal::Opened ignored;
    std::string problem;
    CHECK(Journal::open(book.path, 1, ignored, problem) == nullptr);
    CHECK(problem.find("another process") != std::string::npos);
    CHECK(Journal::open(book.folder.file("no/journal"), 1, ignored, problem) == nullptr);
    CHECK(problem.find("No such file") != std::string::npos);
}

TEST_CASE("a disk that takes nothing fails those who wait, and the next file has what its owner still has", "[journal]") {
    Book book;
    REQUIRE(book.open());
    CHECK(book.journal->sync(book.put("a", "1")));
    bool full = true;
    book.journal->before_write = [&](std::size_t) { return !full; };
    CHECK_FALSE(book.journal->sync(book.put("b", "2")));
    CHECK(book.journal->broken());
    CHECK_FALSE(book.journal->sync(book.put("c", "3")));
    const std::vector<JournalWrite> mine{{1, 5, false, "user", "a", "1"}, {2, 5, false, "user", "b", "2"}};
    CHECK_FALSE(book.journal->rewrite(mine));
    CHECK(book.journal->broken());
    full = false;
    CHECK(book.journal->rewrite(mine));
    CHECK_FALSE(book.journal->broken());
    CHECK(book.journal->sync(book.put("d", "4")));
    REQUIRE(book.open());
    CHECK(book.left() == "a=1 b=2 d=4");
}

TEST_CASE("many threads that sync share the disk's work, and each finds its own write", "[journal]") {
    Book book;
    REQUIRE(book.open());
    std::size_t writes = 0;
    book.journal->before_write = [&](std::size_t) { return ++writes != 0; };
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i)
                if (!book.journal->sync(book.put("k" + std::to_string(t), std::to_string(i)))) ++failed;
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(writes <= 400);
    REQUIRE(book.open());
    CHECK(book.found.writes.size() == 400);
}
