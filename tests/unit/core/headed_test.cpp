// tests/unit/core/headed_test.cpp -- the short form comes back as it was written, and is small.
#include "kernel/core/headed.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <memory>
#include <thread>
#include <vector>

namespace larder {
namespace {

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
constexpr std::uint64_t hash = 0xFEDC'BA98'7654'3210, now_ns = 7'000'000'000;

// As a store keeps it: aligned, with the deadline in its place.
struct Stored {
    Stored(const std::string& bytes, std::uint64_t deadline_ms) : size(bytes.size()), words(std::make_unique<std::uint64_t[]>(bytes.size() / 8 + 1)) {
        std::memcpy(words.get(), bytes.data(), bytes.size());
        if (size >= sizeof(larder_head)) words[2] |= deadline_ms;
    }
    larder_bytes bytes() const { return {words.get(), size}; }
    std::size_t size;
    std::unique_ptr<std::uint64_t[]> words;
};

Envelope plain() {
    Envelope envelope;
    envelope.head.mark = 900;
    envelope.head.id = headed_id(now_ns, 5);
    envelope.head.created_ns = now_ns;
    envelope.head.soft_ms = envelope.head.hard_ms = 60'000;
    envelope.head.raw_size = 5;
    return envelope;
}

std::string encoded(const Envelope& envelope, bool aged = false, std::uint64_t capped_ms = 60'000) {
    std::string out = "what was there before";
    encode_headed(envelope, envelope.scopes, hash, 3, aged, capped_ms, "value", out);
    return out;
}

}  // namespace

TEST_CASE("a plain entry costs its head of 24 bytes and nothing else") {
    const std::string bytes = encoded(plain());
    REQUIRE(bytes.size() == 24 + 5);
    const Stored stored(bytes, 67'000);
    EnvelopeView view;
    REQUIRE(EnvelopeView::open_headed(stored.bytes(), hash, view));
    REQUIRE(view.payload() == "value");
    REQUIRE(view.head().mark == 900);
    REQUIRE(view.head().id == headed_id(now_ns, 5));
    REQUIRE(view.head().created_ns == now_ns);
    REQUIRE(view.head().soft_ms == 60'000);
    REQUIRE(view.head().hard_ms == 60'000);
    REQUIRE(view.head().version == 1);
    REQUIRE(view.head().raw_size == 5);
    REQUIRE(HeadedWords(stored.bytes().data).mark().generation() == 3);
}

TEST_CASE("every combination of what an entry may have comes back as it was written") {
    const std::vector<std::uint64_t> scopes{11, 22, 33};
    const Pairs pairs{{"user", "42"}, {"", ""}};
    for (unsigned what = 0; what < 512; ++what) {
        INFO("combination " << what);
        const auto has = [what](unsigned bit) { return (what >> bit & 1) != 0; };
        Envelope in = plain();
        in.head.flags = static_cast<std::uint8_t>((has(0) ? envelope_absent : 0) | (has(1) ? envelope_sliding : 0) | (has(2) ? envelope_dated : 0));
        if (has(3)) in.head.hard_ms = 90'000;
        if (has(4)) in.head.id = 0xFFFF'FFFF'0000'0001;
        if (has(5)) { in.head.codec = 2; in.head.raw_size = 4'000; }
        if (has(6)) { in.head.version = 9; in.dictionary = 8; in.cost_us = 7; }
        if (has(7)) in.scopes = scopes;
        if (has(8)) in.with = pairs;
        const Stored stored(encoded(in, has(4), in.head.hard_ms), now_ns / 1'000'000 + in.head.hard_ms);
        EnvelopeView out;
        REQUIRE(EnvelopeView::open_headed(stored.bytes(), hash, out));
        REQUIRE(out.head().flags == in.head.flags);
        REQUIRE(out.head().id == in.head.id);
        REQUIRE(out.head().created_ns == now_ns);
        REQUIRE(out.head().soft_ms == 60'000);
        REQUIRE(out.head().hard_ms == in.head.hard_ms);
        REQUIRE(out.head().codec == in.head.codec);
        REQUIRE(out.head().raw_size == in.head.raw_size);
        REQUIRE(out.head().version == in.head.version);
        REQUIRE(out.dictionary() == in.dictionary);
        REQUIRE(out.cost_us() == in.cost_us);
        REQUIRE(std::vector<std::uint64_t>(out.scopes().begin(), out.scopes().end()) == (has(7) ? scopes : std::vector<std::uint64_t>{}));
        Pairs with;
        out.with(with);
        REQUIRE(with == (has(8) ? pairs : Pairs{}));
        REQUIRE(out.payload() == "value");
    }
}

TEST_CASE("an entry that a tier keeps for less than its life says its true ends") {
    const Stored stored(encoded(plain(), false, 10'000), now_ns / 1'000'000 + 10'000);
    EnvelopeView view;
    REQUIRE(EnvelopeView::open_headed(stored.bytes(), hash, view));
    REQUIRE(view.head().soft_ms == 60'000);
    REQUIRE(view.head().hard_ms == 60'000);
}

TEST_CASE("an entry without a time limit has none when it comes back") {
    Envelope in = plain();
    in.head.soft_ms = in.head.hard_ms = 0;
    const Stored stored(encoded(in, false, 0), 0);
    REQUIRE(stored.size == 24 + 5);
    EnvelopeView view;
    REQUIRE(EnvelopeView::open_headed(stored.bytes(), hash, view));
    REQUIRE(view.head().soft_ms == 0);
    REQUIRE(view.head().hard_ms == 0);
}

TEST_CASE("the entry of another key is damage") {
    const Stored stored(encoded(plain()), 67'000);
    EnvelopeView view;
    REQUIRE_FALSE(EnvelopeView::open_headed(stored.bytes(), hash ^ (std::uint64_t{1} << 63), view));
}

TEST_CASE("100,000 mutations of the short form: nothing outside of it is read") {
    const std::uint64_t seed = 4'711;
    SeededRandom random(seed);
    Envelope rich = plain();
    const std::vector<std::uint64_t> scopes{1, 2, 3};
    const Pairs pairs{{"user", "42"}, {"lang", "de"}};
    rich.scopes = scopes;
    rich.with = pairs;
    rich.head.codec = 2;
    rich.head.hard_ms = 99'000;
    const std::string originals[] = {encoded(plain()), encoded(rich, true)};
    for (int round = 0; round < 100'000; ++round) {
        std::string bytes = originals[random.next() % 2];
        for (std::uint64_t n = random.next() % 4 + 1; n > 0 && !bytes.empty(); --n) {
            const std::size_t at = random.next() % bytes.size();
            if (random.next() % 3 == 0) bytes.resize(at);
            else bytes[at] = static_cast<char>(random.next());
        }
        // Exactly as long as it says, so that a sanitizer sees a step outside.
        const std::unique_ptr<char[]> exact(new char[bytes.size() + 1]);
        std::memcpy(exact.get(), bytes.data(), bytes.size());
        EnvelopeView view;
        if (!EnvelopeView::open_headed({exact.get(), bytes.size()}, hash, view)) continue;
        std::uint64_t sum = view.payload().size();
        for (const std::uint64_t scope : view.scopes()) sum += scope;
        for (const char c : view.payload()) sum += static_cast<unsigned char>(c);
        Pairs with;
        view.with(with);
        if (view.payload().size() > bytes.size()) REQUIRE(sum == 0);
    }
    SUCCEED("seed " << seed);
}

TEST_CASE("many readers mark an entry while others open it, and its flags stay") {
    const Stored stored(encoded(plain()), 67'000);
    std::vector<std::thread> readers;
    std::atomic<int> wrong{0};
    for (std::uint64_t i = 0; i < 3; ++i)
        readers.emplace_back([&, i] {
            for (std::uint64_t n = 0; n < 5'000; ++n) {
                EnvelopeView view;
                if (!EnvelopeView::open_headed(stored.bytes(), hash, view) || view.head().mark >= 30'000) ++wrong;
                view.store_mark(i * 10'000 + n);
                if (HeadedWords(stored.bytes().data).mark().generation() != 3) ++wrong;
            }
        });
    for (auto& reader : readers) reader.join();
    REQUIRE(wrong == 0);
}

}  // namespace larder
