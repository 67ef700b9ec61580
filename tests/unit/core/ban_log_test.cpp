// tests/unit/core/ban_log_test.cpp -- what a ban catches, how many there may be, when they retire.
#include "kernel/core/ban_log.hpp"

#include "catch.hpp"
#include "kernel/core/snapshot.hpp"

#include <atomic>
#include <thread>

namespace larder {
namespace {

using Verdict = BanLog::Verdict;

Ban ban(std::uint32_t ns, std::string glob, bool expire = false, std::uint64_t retires_ns = 0) {
    Ban made;
    made.ns = ns;
    made.glob = std::move(glob);
    made.expire = expire;
    made.retires_ns = retires_ns;
    return made;
}

}  // namespace

TEST_CASE("a ban catches what matches, in its namespace, made before it") {
    BanLog log(99);
    REQUIRE(log.epoch() == 99);
    REQUIRE(log.number() == 0);
    REQUIRE(log.add(ban(1, "2024-*:berlin"), 1'000));
    REQUIRE(log.number() == 1);
    REQUIRE(log.judge(1, "2024-01:berlin", 0, nullptr) == Verdict::dropped);
    REQUIRE(log.judge(1, "2024-01:paris", 0, nullptr) == Verdict::clear);
    REQUIRE(log.judge(2, "2024-01:berlin", 0, nullptr) == Verdict::clear);
    REQUIRE(log.judge(1, "2024-01:berlin", 1, nullptr) == Verdict::clear);
}

TEST_CASE("a ban that expires says since when, the first one if there are several") {
    BanLog log(1);
    log.add(ban(1, "a*", true), 1'000);
    log.add(ban(1, "*b", true), 2'000);
    std::uint64_t at = 0;
    REQUIRE(log.judge(1, "ab", 0, &at) == Verdict::expired);
    REQUIRE(at == 1'000);
    REQUIRE(log.judge(1, "ab", 1, &at) == Verdict::expired);
    REQUIRE(at == 2'000);
    REQUIRE(log.judge(1, "xb", 0, &at) == Verdict::expired);
    REQUIRE(at == 2'000);
}

TEST_CASE("a drop is a drop whatever expired before or after it") {
    BanLog log(1);
    log.add(ban(1, "*", true), 1'000);
    log.add(ban(1, "k*", false), 2'000);
    log.add(ban(1, "*", true), 3'000);
    REQUIRE(log.judge(1, "key", 0, nullptr) == Verdict::dropped);
    REQUIRE(log.judge(1, "key", 2, nullptr) == Verdict::expired);
}

TEST_CASE("a full log refuses the next ban and keeps those it has") {
    BanLog log(1);
    for (std::size_t i = 0; i < max_bans; ++i) REQUIRE(log.add(ban(1, std::to_string(i)), 1));
    REQUIRE_FALSE(log.add(ban(1, "one more"), 1));
    REQUIRE(log.number() == max_bans);
    REQUIRE(log.live(1) == max_bans);
    REQUIRE(log.judge(1, "0", 0, nullptr) == Verdict::dropped);
    REQUIRE(log.judge(1, "one more", 0, nullptr) == Verdict::clear);
}

TEST_CASE("bans retire at their time, and make room without taking numbers back") {
    BanLog log(1);
    for (std::size_t i = 0; i < max_bans; ++i) log.add(ban(1, "x", false, i % 2 == 0 ? 100 : 0), 1);
    REQUIRE(log.live(99) == max_bans);
    REQUIRE(log.live(100) == max_bans / 2);
    REQUIRE(log.list().size() == max_bans / 2);
    REQUIRE(log.add(ban(2, "y"), 100));
    REQUIRE(log.number() == max_bans + 1);
    REQUIRE(log.list().back().number == max_bans + 1);
    REQUIRE(log.list().back().at_ns == 100);
}

TEST_CASE("a full log whose bans are due takes the next one by itself") {
    BanLog log(1);
    for (std::size_t i = 0; i < max_bans; ++i) log.add(ban(1, "x", false, 50), 1);
    REQUIRE_FALSE(log.add(ban(1, "y"), 49));
    REQUIRE(log.add(ban(1, "y"), 50));
    REQUIRE(log.live(50) == 1);
}

TEST_CASE("a ban meets every entry until it is settled, then those verified before it") {
    BanLog log(1);
    REQUIRE(log.judge_after(1, "x", 10, nullptr) == Verdict::clear);
    const std::uint64_t number = log.add(ban(1, "x"), 1);
    REQUIRE(log.judge_after(1, "x", 1'000, nullptr) == Verdict::dropped);
    log.settle(number, 20);
    REQUIRE(log.judge_after(1, "x", 19, nullptr) == Verdict::dropped);
    REQUIRE(log.judge_after(1, "x", 20, nullptr) == Verdict::clear);
    REQUIRE(log.judge_after(1, "y", 19, nullptr) == Verdict::clear);
    REQUIRE(log.judge_after(2, "x", 19, nullptr) == Verdict::clear);
}

TEST_CASE("who has seen a ban's number is caught by it, while bans come and retire") {
    BanLog log(1);
    std::atomic<bool> done{false};
    std::atomic<int> missed{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
        readers.emplace_back([&] {
            while (!done.load(std::memory_order_relaxed)) {
                const std::uint64_t number = log.number();
                if (number == 0) continue;
                // Bans catch everything and live for 100 numbers: the newest is always among them.
                if (log.judge(7, "key", number - 1, nullptr) != Verdict::dropped) ++missed;
                if (log.list().empty()) ++missed;
            }
        });
    for (std::uint64_t i = 1; i <= 5'000; ++i) log.add(ban(7, "*", false, i + 100), i);
    done = true;
    for (auto& reader : readers) reader.join();
    REQUIRE(missed == 0);
    detail::reclaim();
}

}  // namespace larder
