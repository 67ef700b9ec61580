// tests/unit/core/shared_envelope_test.cpp -- the form of shared stores: what is written comes back, and is 52
// bytes; what was changed is found out.
#include "kernel/core/shared_envelope.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <cstring>
#include <memory>

namespace larder {
namespace {

using Verdict = EnvelopeView::Verdict;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::uint64_t binding = 0x1122'3344'5566'7788, schema = 4'711;
const std::vector<ScopeId> no_scopes, some_scopes{11, 22};
const Pairs some_pairs{{"user", "42"}, {"lang", "de"}};

Digest some_digest() {
    Digest digest;
    digest.drop = 0xD0D1'D2D3'D4D5'D6D7;
    digest.expire = 0xE0E1'E2E3'E4E5'E6E7;
    return digest;
}

Envelope plain() {
    Envelope envelope;
    envelope.head.id = 0xFEDC'BA98'7654'3210;
    envelope.head.created_ns = 1'700'000'000'123'000'000;
    envelope.head.soft_ms = 60'000;
    envelope.head.hard_ms = 90'000;
    envelope.head.raw_size = 5;
    envelope.binding = binding;
    return envelope;
}

Envelope rich() {
    Envelope envelope = plain();
    envelope.head.flags = envelope_sliding | envelope_dated;
    envelope.head.codec = 2;
    envelope.head.raw_size = 70'000;
    envelope.head.version = 300;
    envelope.dictionary = 7;
    envelope.cost_us = 1'234'567;
    envelope.with = some_pairs;
    return envelope;
}

std::string encoded(const Envelope& envelope, std::string_view payload = "hello", std::span<const ScopeId> own = {}) {
    std::string out = "what was there before";
    encode_shared(envelope, SharedStamp(some_digest(), schema), own, payload, out);
    return out;
}

// Opens a copy that is exactly as long as it should be, so that a sanitizer sees any step outside.
struct Opened {
    explicit Opened(std::string_view stored, bool verify = true, std::uint64_t bound = binding) : bytes(new char[stored.size() + 1]) {
        std::memcpy(bytes.get(), stored.data(), stored.size());
        verdict = open_shared({bytes.get(), stored.size()}, bound, verify, view, stamp);
    }
    std::unique_ptr<char[]> bytes;
    EnvelopeView view;
    SharedStamp stamp;
    Verdict verdict;
};

}  // namespace

TEST_CASE("a plain entry of a shared store is its value and 52 bytes") {
    const Opened opened(encoded(plain()));
    REQUIRE(encoded(plain()).size() == 52 + 5);
    REQUIRE(opened.verdict == Verdict::good);
    const EnvelopeHead& head = opened.view.head();
    REQUIRE(head.id == plain().head.id);
    REQUIRE(head.created_ns == plain().head.created_ns);
    REQUIRE(head.soft_ms == 60'000);
    REQUIRE(head.hard_ms == 90'000);
    REQUIRE(head.raw_size == 5);
    REQUIRE(head.stored_size == 5);
    REQUIRE(head.version == 1);
    REQUIRE(head.flags == 0);
    REQUIRE(head.codec == 0);
    REQUIRE(opened.view.payload() == "hello");
    REQUIRE(opened.stamp.drop == some_digest().drop + schema);
    REQUIRE(opened.stamp.expire == (some_digest().expire & SharedStamp::expire_mask));
}

TEST_CASE("what an entry of a shared store has beyond that comes back as it was written") {
    const std::string stored = encoded(rich(), std::string_view("\0 packed \xFF", 10), some_scopes);
    const Opened opened(stored);
    REQUIRE(opened.verdict == Verdict::good);
    const EnvelopeView& out = opened.view;
    REQUIRE(out.head().flags == (envelope_sliding | envelope_dated));
    REQUIRE(out.head().codec == 2);
    REQUIRE(out.head().raw_size == 70'000);
    REQUIRE(out.head().version == 300);
    REQUIRE(out.dictionary() == 7);
    REQUIRE(out.cost_us() == 1'234'567);
    REQUIRE(out.head().scopes == 2);
    REQUIRE(out.scope(0) == 11);
    REQUIRE(out.scope(1) == 22);
    Pairs pairs;
    REQUIRE(out.with(pairs));
    REQUIRE(pairs == some_pairs);
    REQUIRE(out.payload() == std::string_view("\0 packed \xFF", 10));
}

TEST_CASE("the bytes of an entry of a shared store are the documented ones") {
    // Stores outlive the program: what changes here needs another magic.
    const std::string stored = encoded(plain());
    REQUIRE(stored.substr(0, 4) == std::string("L2\0\0", 4));
    REQUIRE(stored[16] == '\x10');  // id, its low byte first
    REQUIRE(stored[23] == '\xFE');
    REQUIRE(stored.substr(30, 8) == std::string("\x60\xEA\0\0\x90\x5F\x01\0", 8));
    REQUIRE(stored[46] == '\xE7');
    std::uint64_t check = 0;
    std::uint32_t life = 0;
    std::memcpy(&check, stored.data() + 4, sizeof check);
    std::memcpy(&life, stored.data() + 12, sizeof life);
    REQUIRE(check == 0xC6C3'F94B'B5B4'FF19);
    REQUIRE(life == 0x1CAD'E7C6);
}

TEST_CASE("lives of 49 days are exact, longer ones lose less than a second, none stays none") {
    const auto lives = [](std::uint64_t soft, std::uint64_t hard) {
        Envelope envelope = plain();
        envelope.head.soft_ms = soft;
        envelope.head.hard_ms = hard;
        const Opened opened(encoded(envelope));
        REQUIRE(opened.view.head().created_ns == envelope.head.created_ns);
        return std::pair(opened.view.head().soft_ms, opened.view.head().hard_ms);
    };
    REQUIRE(lives(0, 0) == std::pair<std::uint64_t, std::uint64_t>(0, 0));
    REQUIRE(lives(1, UINT32_MAX) == std::pair<std::uint64_t, std::uint64_t>(1, UINT32_MAX));
    REQUIRE(lives(1, 5'000'000'999) == std::pair<std::uint64_t, std::uint64_t>(1'000, 5'000'000'000));
    REQUIRE(lives(0, 5'000'000'999) == std::pair<std::uint64_t, std::uint64_t>(0, 5'000'000'000));
    REQUIRE(lives(UINT64_MAX, UINT64_MAX).second == std::uint64_t{UINT32_MAX} * 1'000);
}

TEST_CASE("a shared entry of another key is damage") {
    REQUIRE(Opened(encoded(plain()), true, binding + 1).verdict == Verdict::damaged);
    REQUIRE(Opened(encoded(rich()), true, binding ^ 1).verdict == Verdict::damaged);
}

TEST_CASE("a shared entry of another schema has another drop stamp, and is no damage") {
    const Opened opened(encoded(plain()));
    REQUIRE(opened.stamp.drop != SharedStamp(some_digest(), schema + 1).drop);
}

TEST_CASE("other people's bytes and other layouts of a shared entry are foreign") {
    const std::string texts[] = {"", "L", "hello", "LDR1" + std::string(200, 'x'), "L3" + std::string(200, 'x'), std::string(500, '\0')};
    for (const std::string& text : texts) {
        INFO(text);
        REQUIRE(Opened(text).verdict == Verdict::foreign);
        REQUIRE(Opened(text, false).verdict == Verdict::foreign);
    }
}

TEST_CASE("every single changed, lost or added byte of a shared entry is found") {
    for (const std::string& stored : {encoded(plain()), encoded(rich(), "packed", some_scopes)}) {
        for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
            std::string changed = stored;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
            INFO("byte " << bit / 8);
            REQUIRE(Opened(changed).verdict != Verdict::good);
        }
        for (std::size_t size = 0; size < stored.size(); ++size) REQUIRE(Opened(stored.substr(0, size)).verdict != Verdict::good);
        REQUIRE(Opened(stored + '\0').verdict == Verdict::damaged);
    }
}

TEST_CASE("a touch gives a shared entry another life and nothing else; that of another entry is damage") {
    std::string stored = encoded(rich(), "packed", some_scopes);
    EnvelopeHead head = Opened(stored).view.head();
    head.created_ns = 99'000'000;
    head.soft_ms = 1;
    head.hard_ms = 2;
    unsigned char patch[shared_patch_size];
    encode_shared_patch(head, patch);
    std::memcpy(stored.data() + shared_patch_offset, patch, sizeof patch);
    const Opened opened(stored);
    REQUIRE(opened.verdict == Verdict::good);
    REQUIRE(opened.view.head().created_ns == 99'000'000);
    REQUIRE(opened.view.head().soft_ms == 1);
    REQUIRE(opened.view.head().hard_ms == 2);
    REQUIRE(opened.view.head().id == rich().head.id);
    REQUIRE(opened.view.payload() == "packed");
    head.id += 1;
    encode_shared_patch(head, patch);
    std::memcpy(stored.data() + shared_patch_offset, patch, sizeof patch);
    REQUIRE(Opened(stored).verdict == Verdict::damaged);
}

TEST_CASE("200,000 mutations of shared entries: none is good, and nothing outside of one is read") {
    const std::uint64_t seed = 1'701;
    SeededRandom random(seed);
    const std::string originals[] = {encoded(plain()), encoded(rich(), "packed", some_scopes)};
    std::uint64_t sum = 0;
    for (int round = 0; round < 200'000; ++round) {
        const std::string& original = originals[random.next() % 2];
        std::string bytes = original;
        for (std::uint64_t n = random.next() % 4 + 1; n > 0 && !bytes.empty(); --n) {
            std::size_t at = random.next() % bytes.size();
            if (random.next() % 2 == 0) at = random.next() % 4 == 0 ? 3 : std::min<std::size_t>(at, 52 + random.next() % 12);
            at = std::min(at, bytes.size() - 1);
            switch (random.next() % 4) {
                case 0: bytes[at] = static_cast<char>(random.next()); break;
                case 1: bytes[at] = static_cast<char>(random.next() % 2 == 0 ? 0xFF : 0); break;
                case 2: bytes.resize(at); break;
                default: bytes.insert(at, 1, static_cast<char>(random.next())); break;
            }
        }
        INFO("seed " << seed << ", round " << round);
        if (const bool good = Opened(bytes).verdict == Verdict::good; good != (bytes == original)) REQUIRE(good == (bytes == original));
        const Opened unverified(bytes, false);
        if (unverified.verdict != Verdict::good) continue;
        for (const char c : unverified.view.payload()) sum += static_cast<unsigned char>(c);
        for (std::size_t i = 0; i < unverified.view.head().scopes; ++i) sum += unverified.view.scope(i);
        Pairs pairs;
        unverified.view.with(pairs);
        for (const auto& [name, text] : pairs) sum += name.size() + text.size();
    }
    SUCCEED("sum " << sum);
}

TEST_CASE("an entry of a shared store in unaligned memory is read the same") {
    const std::string stored = encoded(rich(), "packed", some_scopes);
    const auto memory = std::make_unique<char[]>(stored.size() + 8);
    for (std::size_t shift = 0; shift < 8; ++shift) {
        std::memcpy(memory.get() + shift, stored.data(), stored.size());
        EnvelopeView view;
        SharedStamp stamp;
        REQUIRE(open_shared({memory.get() + shift, stored.size()}, binding, true, view, stamp) == Verdict::good);
        REQUIRE(view.payload() == "packed");
    }
}

}  // namespace larder
