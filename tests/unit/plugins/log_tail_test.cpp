// tests/unit/plugins/log_tail_test.cpp -- following a log through all that is done to logs.
#include "plugins/invalidator_route/log_tail.hpp"

#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace larder::test;
using larder::invalidator_route::LogTail;

namespace {

struct Followed {
    TemporaryFolder folder;
    std::string path = folder.file("access.log");
    LogTail tail{path};
    std::uint64_t now_ns = 0;

    std::vector<std::string> read() {
        std::vector<std::string> lines;
        while (tail.read(now_ns, [&](std::string_view line) { lines.emplace_back(line); })) {
        }
        return lines;
    }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("only what is added after the start is read") {
    Followed f;
    append(f.path, "old\nolder\n");
    f.tail.open_at_end();
    REQUIRE(f.read().empty());
    append(f.path, "a\nb\n");
    REQUIRE(f.read() == Lines{"a", "b"});
    REQUIRE(f.read().empty());
}

TEST_CASE("a line that was half written at the start is not taken for a whole one") {
    Followed f;
    append(f.path, "old\nhalf of a li");
    f.tail.open_at_end();
    append(f.path, "ne\nnew\n");
    REQUIRE(f.read() == Lines{"new"});
}

TEST_CASE("a line is read when it is complete") {
    Followed f;
    append(f.path, "");
    f.tail.open_at_end();
    append(f.path, "par");
    REQUIRE(f.read().empty());
    append(f.path, "tial\nnext");
    REQUIRE(f.read() == Lines{"partial"});
    append(f.path, "\n");
    REQUIRE(f.read() == Lines{"next"});
}

TEST_CASE("a file that appears later is read from its beginning") {
    Followed f;
    f.tail.open_at_end();
    REQUIRE_FALSE(f.tail.open());
    REQUIRE(f.read().empty());
    append(f.path, "first\n");
    REQUIRE(f.read() == Lines{"first"});
    REQUIRE(f.tail.open());
}

TEST_CASE("no line is lost or read twice when a log is rotated by renaming") {
    Followed f;
    append(f.path, "old\n");
    f.tail.open_at_end();
    append(f.path, "a\n");
    std::filesystem::rename(f.path, f.path + ".1");
    append(f.path + ".1", "b\n");
    REQUIRE(f.read() == Lines{"a", "b"});
    // The server reopens; another worker of it still writes to the old file.
    append(f.path, "c\n");
    append(f.path + ".1", "d\n");
    auto lines = f.read();
    std::sort(lines.begin(), lines.end());
    REQUIRE(lines == Lines{"c", "d"});
    append(f.path + ".1", "late\n");
    append(f.path, "e\n");
    lines = f.read();
    std::sort(lines.begin(), lines.end());
    REQUIRE(lines == Lines{"e", "late"});
    // After five seconds nobody writes there any more.
    f.now_ns += 5'000'000'000;
    REQUIRE(f.read().empty());
    append(f.path + ".1", "too late\n");
    append(f.path, "f\n");
    REQUIRE(f.read() == Lines{"f"});
}

TEST_CASE("two rotations between two looks lose nothing that still has a file") {
    Followed f;
    append(f.path, "");
    f.tail.open_at_end();
    append(f.path, "a\n");
    std::filesystem::rename(f.path, f.path + ".1");
    append(f.path, "b\n");
    REQUIRE(f.read() == Lines{"a", "b"});
    append(f.path, "c\n");
    std::filesystem::rename(f.path, f.path + ".2");
    append(f.path, "d\n");
    REQUIRE(f.read() == Lines{"c", "d"});
}

TEST_CASE("a log that is copied and truncated begins again") {
    Followed f;
    append(f.path, "old old old\n");
    f.tail.open_at_end();
    append(f.path, "a\nhalf");
    REQUIRE(f.read() == Lines{"a"});
    std::filesystem::resize_file(f.path, 0);
    append(f.path, "b\n");
    REQUIRE(f.read() == Lines{"b"});
}

TEST_CASE("a line over 64 KiB is skipped and counted, also across a rotation") {
    Followed f;
    append(f.path, "");
    f.tail.open_at_end();
    append(f.path, std::string(70'000, 'x') + "\nshort\n");
    REQUIRE(f.read() == Lines{"short"});
    REQUIRE(f.tail.too_long() == 1);
    std::filesystem::rename(f.path, f.path + ".1");
    append(f.path, std::string(200'000, 'x') + "\n");
    REQUIRE(f.read().empty());
    f.now_ns += 6'000'000'000;
    REQUIRE(f.read().empty());
    REQUIRE(f.tail.too_long() == 2);
}

TEST_CASE("a burst of five MiB arrives whole, in bounded pieces") {
    Followed f;
    append(f.path, "");
    f.tail.open_at_end();
    std::string burst;
    int written = 0;
    for (; burst.size() < 5u << 20; ++written) {
        burst += "line " + std::to_string(written) + "\n";
    }
    append(f.path, burst);
    int looks = 0, seen = 0;
    for (bool more = true; more; ++looks) {
        more = f.tail.read(0, [&](std::string_view line) {
            REQUIRE(line == "line " + std::to_string(seen));
            ++seen;
        });
    }
    REQUIRE(seen == written);
    REQUIRE(looks >= 5);
}

TEST_CASE("what is no regular file is not read, and does not block") {
    Followed f;
    REQUIRE(::mkfifo(f.path.c_str(), 0600) == 0);
    f.tail.open_at_end();
    REQUIRE(f.read().empty());
    REQUIRE_FALSE(f.tail.open());
}
