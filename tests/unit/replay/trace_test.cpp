// tests/unit/replay/trace_test.cpp -- traces: what is written is read, and any bytes end in a sentence.
#include "kernel/replay/pseudonyms.hpp"
#include "kernel/replay/siphash.hpp"
#include "kernel/replay/trace_reader.hpp"
#include "kernel/replay/trace_writer.hpp"

#include "dsl/compile.hpp"
#include "tests/catch.hpp"

#include <random>
#include <string>
#include <vector>

using namespace larder;
using namespace larder::replay;

namespace {

Operation get(std::uint64_t at_ms, std::string_view key, Outcome outcome = Outcome::hit) {
    Operation op;
    op.at_ms = at_ms;
    op.space = 0;
    op.key = key;
    op.outcome = outcome;
    op.ttl_ms = 1234;
    op.size = 77;
    return op;
}

std::string some_trace() {
    TraceHead head;
    head.began_ms = 1'700'000'000'123;
    head.sample = 16;
    head.fingerprint = 99;
    head.stores = {{"l1", 4096}};
    TraceWriter writer(head);
    writer.space(0, "item", 60'000);
    writer.write(get(5, "a"));
    Operation put;
    put.kind = OperationKind::put;
    put.at_ms = 7;
    put.space = 0;
    put.key = "b";
    put.fill = true;
    put.size = 300;
    put.cost_us = 12'000;
    put.ttl_ms = -1;
    const Given with[] = {{dsl::Origin::header, "category", "5"}};
    put.given = with;
    writer.write(put);
    Operation request;
    request.kind = OperationKind::request;
    request.at_ms = 9;
    request.method = "PUT";
    request.path = "/items/b";
    request.query = "x=1";
    request.status = 201;
    const Given lets[] = {{dsl::Origin::json, "id", "b"}, {dsl::Origin::cookie, "sid", "s"}};
    request.given = lets;
    writer.write(request);
    Operation ask;
    ask.kind = OperationKind::ask;
    ask.at_ms = 9;
    ask.method = "GET";
    ask.path = "/items/b";
    ask.served = true;
    ask.space = 0;
    ask.key = "b";
    writer.write(ask);
    Operation event;
    event.kind = OperationKind::event;
    event.at_ms = 10;
    event.key = "imported";
    event.given = with;
    writer.write(event);
    Operation change;
    change.kind = OperationKind::change;
    change.at_ms = 11;
    change.action = 1;
    change.target = 2;
    change.space = 0;
    change.key = "a*";
    writer.write(change);
    Operation lost;
    lost.kind = OperationKind::lost;
    lost.at_ms = 12;
    lost.count = 3;
    writer.write(lost);
    writer.reloaded(13, 100);
    writer.write(get(20, "a"));
    return writer.take();
}

std::vector<OperationKind> kinds_of(TraceReader& trace) {
    std::vector<OperationKind> out;
    for (Operation op; trace.next(op);) out.push_back(op.kind);
    return out;
}

SipKey key_of(std::uint64_t n) { return {n, n + 1}; }

std::shared_ptr<const dsl::Policy> policy(const std::string& text) {
    auto made = dsl::compile_text("test.larder", text, {});
    INFO(dsl::render_text(*made.sources, made.found, false));
    REQUIRE(made.ok());
    return made.policy;
}

std::string hidden(const Pseudonyms& names, std::string_view text) {
    std::string out;
    names.text(text, out);
    return out;
}

}  // namespace

TEST_CASE("SipHash is the published one") {
    // The authors' test vector: key 00..0f, input 00..0e.
    std::string input;
    for (char c = 0; c < 15; ++c) input += c;
    CHECK(siphash({0x0706050403020100u, 0x0f0e0d0c0b0a0908u}, input) == 0xa129ca6149be45e5u);
}

TEST_CASE("what is written into a trace is read from it") {
    const std::string text = some_trace();
    TraceReader trace(text);
    REQUIRE(trace.open());
    CHECK(trace.head().began_ms == 1'700'000'000'123);
    CHECK(trace.head().sample == 16);
    CHECK(trace.head().fingerprint == 99);
    REQUIRE(trace.head().stores.size() == 1);
    CHECK(trace.head().stores[0].second == 4096);
    Operation op;
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::get);
    CHECK(op.key == "a");
    CHECK(op.at_ms == 5);
    CHECK(op.fresh_text);
    CHECK(op.ttl_ms == 1234);
    CHECK(op.size == 77);
    REQUIRE(trace.spaces().size() == 1);
    CHECK(trace.spaces()[0].name == "item");
    CHECK(trace.spaces()[0].ttl_ms == 60'000);
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::put);
    CHECK(op.fill);
    CHECK_FALSE(op.negative);
    CHECK(op.size == 300);
    CHECK(op.cost_us == 12'000);
    CHECK(op.ttl_ms == -1);
    REQUIRE(op.given.size() == 1);
    CHECK(op.given[0].name == "category");
    CHECK(op.given[0].value == "5");
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::request);
    CHECK(op.method == "PUT");
    CHECK(op.path == "/items/b");
    CHECK(op.query == "x=1");
    CHECK(op.status == 201);
    REQUIRE(op.given.size() == 2);
    CHECK(op.given[1].origin == dsl::Origin::cookie);
    CHECK(op.given[1].value == "s");
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::ask);
    CHECK(op.served);
    CHECK(op.key == "b");
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::event);
    CHECK(op.key == "imported");
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::change);
    CHECK(op.action == 1);
    CHECK(op.target == 2);
    CHECK(op.key == "a*");
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::lost);
    CHECK(op.count == 3);
    REQUIRE(trace.next(op));
    CHECK(op.kind == OperationKind::reloaded);
    REQUIRE(trace.next(op));
    CHECK_FALSE(op.fresh_text);
    CHECK(op.key == "a");
    CHECK_FALSE(trace.next(op));
    CHECK(trace.problem().empty());
}

TEST_CASE("a key that comes again costs a few bytes") {
    TraceWriter writer({});
    writer.space(0, "item", 0);
    writer.write(get(0, "a-key-of-some-length-that-is-a-pseudonym"));
    static_cast<void>(writer.take());
    for (std::uint64_t i = 0; i < 1000; ++i) writer.write(get(i, "a-key-of-some-length-that-is-a-pseudonym"));
    CHECK(writer.take().size() < 1000 * 7);
}

TEST_CASE("a trace that was cut off is read up to the last whole block, and says where it ends") {
    TraceWriter writer({});
    writer.space(0, "item", 0);
    writer.write(get(0, "a"));
    const std::string first = writer.take();
    writer.write(get(1, "b"));
    const std::string whole = first + writer.take();
    for (std::size_t size = first.size() + 1; size < whole.size(); ++size) {
        const std::string cut = whole.substr(0, size);
        TraceReader trace(cut);
        REQUIRE(trace.open());
        CHECK(kinds_of(trace).size() == 1);
        CHECK(trace.problem().find("at byte " + std::to_string(first.size())) == 0);
        CHECK(trace.problem().find("cut off") != std::string::npos);
    }
}

TEST_CASE("a changed byte is found by its block's checksum, and nothing of that block is used") {
    const std::string text = some_trace();
    for (std::size_t at = trace_magic.size(); at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 0x10);
        TraceReader trace(changed);
        if (trace.open()) CHECK(kinds_of(trace).empty());
        CHECK_FALSE(trace.problem().empty());
    }
}

TEST_CASE("any bytes behind a right checksum end in a sentence with their place") {
    std::mt19937_64 random(11);
    const std::string good = some_trace();
    for (int round = 0; round < 20'000; ++round) {
        std::string payload = good.substr(trace_magic.size() + block_head);
        for (int i = 0; i < 1 + round % 5; ++i) payload[random() % payload.size()] = static_cast<char>(random());
        if (round % 4 == 0) payload.resize(1 + random() % payload.size());
        const std::uint64_t sum = siphash({0, 0}, payload);
        std::string text(trace_magic);
        for (int i = 0; i < 4; ++i) text += static_cast<char>(payload.size() >> (8 * i) & 0xff);
        for (int i = 0; i < 8; ++i) text += static_cast<char>(sum >> (8 * i) & 0xff);
        text += payload;
        TraceReader trace(text);
        std::size_t seen = 0;
        if (trace.open())
            for (Operation op; trace.next(op);) seen += 1 + op.key.size() + op.given.size();
        CHECK(seen < 200'000);
        if (!trace.problem().empty()) CHECK(trace.problem().find("at byte ") == 0);
    }
}

TEST_CASE("no trace and a trace of another version are refused") {
    TraceReader none("hello");
    CHECK_FALSE(none.open());
    CHECK(none.problem().find("no trace") != std::string::npos);
    std::string text = some_trace();
    const std::size_t payload = trace_magic.size() + block_head;
    text[payload + 1] = 9;
    const std::uint64_t sum = siphash({0, 0}, std::string_view(text).substr(payload));
    for (int i = 0; i < 8; ++i) text[trace_magic.size() + 4 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (8 * i) & 0xff);
    TraceReader newer(text);
    CHECK_FALSE(newer.open());
    CHECK(newer.problem().find("another version") != std::string::npos);
}

TEST_CASE("a pseudonym is the same for the same word, another for another key, and says nothing of its length") {
    const Pseudonyms one(key_of(1)), two(key_of(2));
    CHECK(hidden(one, "anna") == hidden(one, "anna"));
    CHECK(hidden(one, "anna") != hidden(one, "ann"));
    CHECK(hidden(one, "anna") != hidden(two, "anna"));
    CHECK(hidden(one, "a").size() == Pseudonyms::length);
    CHECK(hidden(one, "a-very-long-word").size() == 4 * Pseudonyms::length + 3);
}

TEST_CASE("what stands between words stays, so fields and cut patterns stay what they are") {
    const Pseudonyms names(key_of(1));
    const std::string key = hidden(names, "2024-01-31:anna");
    CHECK(key.starts_with(hidden(names, "2024-01") + "-"));
    CHECK(key.ends_with(":" + hidden(names, "anna")));
}

TEST_CASE("words of the policy stay, in keys and in paths; what a capture takes is the field of the key") {
    const auto with = policy(R"(larder 1
namespace stock { key "stock:{sku}:{warehouse}"; ttl 1m }
on write "/v1.0/stock/{sku}/all" { drop stock matching "stock:{sku}:*" }
)");
    Pseudonyms names(key_of(1));
    names.know(*with);
    std::string path, key;
    names.path("/v1.0/stock/A1%2Fb/all", path);
    const std::string sku = hidden(names, "A1/b");
    CHECK(path == "/v1.0/stock/" + hidden(names, "A1") + "%2F" + hidden(names, "b") + "/all");
    names.key(*with->namespaces[0].key, "stock:A1/b:berlin", key);
    CHECK(key == "stock:" + sku + ":" + hidden(names, "berlin"));
    CHECK(key.find("berlin") == std::string::npos);
}

TEST_CASE("a query keeps its shape, decoded before and encoded after") {
    const Pseudonyms names(key_of(1));
    std::string out;
    names.query("a=x%20y&b", out);
    CHECK(out == hidden(names, "a") + "=" + hidden(names, "x") + "%20" + hidden(names, "y") + "&" + hidden(names, "b"));
}

TEST_CASE("dates stay where the policy compares them with today, and nowhere else") {
    Pseudonyms plain(key_of(1));
    CHECK(hidden(plain, "2024-01-31").find("2024") == std::string::npos);
    const auto with = policy(R"(larder 1
namespace report { key "{day}:{user}"; ttl 1m; ttl 1h when {day} before today }
on write "/report/{user}" { drop report }
)");
    Pseudonyms dated(key_of(1));
    dated.know(*with);
    CHECK(hidden(dated, "2024-01-31:anna").starts_with("2024-01-31:"));
    CHECK(hidden(dated, "2024-013").find("2024-013") == std::string::npos);
}
