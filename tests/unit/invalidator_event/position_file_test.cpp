// tests/unit/invalidator_event/position_file_test.cpp -- what is written is read again, and nothing else is believed.
#include "plugins/invalidator_event/position_file.hpp"

#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace larder::invalidator_event;
using larder::test::TemporaryFolder;

TEST_CASE("an id is two numbers in the order of a stream, and nothing else is one") {
    CHECK(StreamId::read("1763671234567-12") == StreamId{1763671234567, 12});
    CHECK(StreamId::read("18446744073709551615-18446744073709551615")->text() ==
          "18446744073709551615-18446744073709551615");
    CHECK(*StreamId::read("2-0") > *StreamId::read("1-99"));
    CHECK(*StreamId::read("9-1") < *StreamId::read("10-0"));
    for (const char* bad : {"", "-", "1", "1-", "-1", "1-2-3", "1-2 ", "a-1", "18446744073709551616-0"}) {
        INFO(bad);
        CHECK_FALSE(StreamId::read(bad));
    }
}

TEST_CASE("positions that are saved are loaded, whatever bytes a key has, by their owner alone") {
    const TemporaryFolder folder;
    const PositionFile file(folder.file("positions"));
    PositionFile::Positions positions, again;
    std::string why;
    REQUIRE(file.load(again, why));
    CHECK(again.empty());
    positions = {{"orders", {17, 3}}, {"a b%\n\xff", {1, 0}}, {"x", {}}};
    REQUIRE(file.save(positions, why));
    REQUIRE(file.load(again, why));
    CHECK(again == positions);
    struct stat about {};
    REQUIRE(::stat(file.path().c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    positions.erase("x");
    REQUIRE(file.save(positions, why));
    REQUIRE(file.load(again, why));
    CHECK(again == positions);
    CHECK(std::distance(std::filesystem::directory_iterator(std::filesystem::path(file.path()).parent_path()),
                        {}) == 1);
}

TEST_CASE("a file that holds anything else is told and none of it is believed") {
    const TemporaryFolder folder;
    const std::string rows[] = {"", "junk", "larder positions 2\n", "larder positions 1\n1-1",
                                "larder positions 1\n1-1 a\nx b\n", "larder positions 1\n1-1\n",
                                "larder positions 1\n1-1 a%z\n", "larder positions 1\n1-1 \n",
                                std::string(2 << 20, 'x')};
    for (const std::string& text : rows) {
        INFO(text.substr(0, 60));
        const PositionFile file(folder.file("positions"));
        std::ofstream(file.path(), std::ios::trunc) << text;
        PositionFile::Positions positions{{"left", {1, 1}}};
        std::string why;
        CHECK_FALSE(file.load(positions, why));
        CHECK_FALSE(why.empty());
        CHECK(positions.empty());
    }
}

TEST_CASE("a folder that cannot be written is told, and no path keeps nothing") {
    const TemporaryFolder folder;
    std::string why;
    CHECK_FALSE(PositionFile(folder.file("none/positions")).save({{"a", {1, 1}}}, why));
    CHECK_FALSE(why.empty());
    CHECK(PositionFile("").save({{"a", {1, 1}}}, why));
    PositionFile::Positions positions;
    CHECK(PositionFile("").load(positions, why));
}
