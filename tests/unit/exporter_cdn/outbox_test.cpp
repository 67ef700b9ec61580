// tests/unit/exporter_cdn/outbox_test.cpp -- what goes into which request, and when.
#include "catch.hpp"
#include "plugins/exporter_cdn/outbox.hpp"

using namespace larder::exporter_cdn;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

Outbox::Limits limits() {
    Outbox::Limits out;
    out.most_waiting = 4;
    out.most_tags = 2;
    out.gather_ns = second / 10;
    out.give_up_ns = 60 * second;
    return out;
}

std::vector<std::string> tags(const Batch& batch) {
    std::vector<std::string> out;
    for (const Purge& purge : batch.tags) {
        out.push_back(purge.tag);
    }
    return out;
}

using Tags = std::vector<std::string>;

}  // namespace

TEST_CASE("purges wait for each other from the first one on, and go by at most so many") {
    Outbox box(limits());
    CHECK_FALSE(box.due_ns());
    CHECK(box.add("a", false, 10 * second));
    CHECK(box.add("b", false, 11 * second));
    CHECK(box.add("c", false, 12 * second));
    CHECK(box.due_ns() == 10 * second + second / 10);
    CHECK(tags(box.take()) == Tags{"a", "b"});
    CHECK(tags(box.take()) == Tags{"c"});
    CHECK_FALSE(box.due_ns());
}

TEST_CASE("a tag that waits is sent once, and hard if it was ever told hard") {
    Outbox box(limits());
    box.add("a", true, 1);
    box.add("a", false, 2);
    box.add("a", true, 3);
    CHECK(box.size() == 1);
    CHECK_FALSE(box.take().soft);
}

TEST_CASE("a request is all soft or all hard") {
    Outbox box(limits());
    box.add("a", true, 1);
    box.add("b", false, 1);
    box.add("c", true, 1);
    const Batch soft = box.take();
    CHECK(soft.soft);
    CHECK(tags(soft) == Tags{"a", "c"});
    const Batch hard = box.take();
    CHECK_FALSE(hard.soft);
    CHECK(tags(hard) == Tags{"b"});
}

TEST_CASE("a request has at most so many bytes of tags, but one that is longer goes alone") {
    Outbox::Limits small = limits();
    small.most_bytes = 8;
    small.most_tags = 10;
    Outbox box(small);
    box.add("aaa", false, 1);
    box.add("bbb", false, 1);
    box.add("cccccccccccc", false, 1);
    CHECK(tags(box.take()) == Tags{"aaa", "bbb"});
    CHECK(tags(box.take()) == Tags{"cccccccccccc"});
    CHECK(box.size() == 0);
}

TEST_CASE("what is over the limit is refused, what waits already is not") {
    Outbox box(limits());
    for (const char* tag : {"a", "b", "c", "d"}) {
        CHECK(box.add(tag, false, 1));
    }
    CHECK_FALSE(box.add("e", false, 1));
    CHECK(box.add("d", false, 1));
    CHECK(box.size() == 4);
}

TEST_CASE("everything takes the place of all that waits, and of what comes before it goes") {
    Outbox box(limits());
    box.add("a", false, 1);
    box.add_everything(2);
    CHECK(box.add("b", false, 3));
    CHECK(box.size() == 1);
    CHECK(box.take().everything);
    CHECK_FALSE(box.due_ns());
}

TEST_CASE("what failed is tried again later and later, behind the others, and given up in the end") {
    Outbox box(limits());
    box.add("a", false, 0);
    std::uint64_t now = 0;
    std::vector<std::uint64_t> pauses;
    std::size_t lost = 0;
    while (lost == 0) {
        Batch batch = box.take();
        lost = box.failed(std::move(batch), now);
        if (lost == 0) {
            pauses.push_back((*box.due_ns() - now) / second);
            now = *box.due_ns();
        }
    }
    CHECK(pauses == std::vector<std::uint64_t>{1, 2, 4, 8, 16, 30});
    CHECK(lost == 1);
    CHECK(box.size() == 0);

    Outbox two(limits());
    two.add("a", false, 0);
    Batch batch = two.take();
    two.add("b", false, 0);
    two.add("a", false, 0);
    CHECK(two.failed(std::move(batch), 0) == 0);
    CHECK(tags(two.take()) == Tags{"b", "a"});
    two.delivered();
    CHECK(two.failures() == 0);
}

TEST_CASE("everything that failed is still everything") {
    Outbox box(limits());
    box.add_everything(0);
    Batch batch = box.take();
    box.add("a", false, 1);
    CHECK(box.failed(std::move(batch), 1) == 0);
    CHECK(box.size() == 1);
    CHECK(box.take().everything);
}
