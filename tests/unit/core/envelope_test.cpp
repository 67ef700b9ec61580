// tests/unit/core/envelope_test.cpp -- what is written comes back, and what was changed is found
// out.
#include "kernel/core/envelope.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace larder {
namespace {

using Verdict = EnvelopeView::Verdict;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

const std::vector<std::uint64_t> some_scopes{11, 22, 33};
const Pairs some_pairs{{"user", "42"}, {"", ""}, {"lang", "de"}};

Envelope some_envelope() {
    Envelope envelope;
    envelope.head.flags = envelope_sliding;
    envelope.head.codec = 2;
    envelope.head.id = 0xFEDC'BA98'7654'3210;
    envelope.head.created_ns = 1'000;
    envelope.head.soft_ms = 60'000;
    envelope.head.hard_ms = 90'000;
    envelope.head.raw_size = 4'000;
    envelope.head.version = 3;
    envelope.binding = 101;
    envelope.schema = 102;
    envelope.drop_digest = 103;
    envelope.expire_digest = 104;
    envelope.dictionary = 105;
    envelope.cost_us = 106;
    envelope.ban_epoch = 107;
    envelope.ban_number = 108;
    envelope.scopes = some_scopes;
    envelope.with = some_pairs;
    return envelope;
}

std::string encoded(const Envelope& envelope, std::string_view payload) {
    std::string out = "what was there before";
    encode_envelope(envelope, payload, out);
    return out;
}

// Opens a copy that is exactly as long as it should be, so that a sanitizer sees any step outside.
struct Opened {
    explicit Opened(std::string_view stored, bool check = true, bool checksum = true)
        : bytes(new char[stored.size()]) {
        if (!stored.empty()) std::memcpy(bytes.get(), stored.data(), stored.size());
        verdict = EnvelopeView::open({bytes.get(), stored.size()}, check, checksum, view);
    }
    std::unique_ptr<char[]> bytes;
    EnvelopeView view;
    Verdict verdict;
};

// Reads all that open() promised is there.
void touch_everything(const EnvelopeView& view) {
    static volatile std::uint64_t sink = 0;
    auto touch = [](std::string_view text) {
        for (const char byte : text) sink = sink + static_cast<unsigned char>(byte);
    };
    Pairs pairs;
    view.with(pairs);
    for (const auto& [name, value] : pairs) {
        touch(name);
        touch(value);
    }
    for (std::size_t i = 0; i < view.head().scopes; ++i) sink = sink + view.scope(i);
    sink = sink + view.binding() + view.schema() + view.ban_number();
    touch(view.payload());
}

}  // namespace

TEST_CASE("an envelope comes back as it was written") {
    const Envelope in = some_envelope();
    const std::string payload("\0 some \xFF payload", 16);
    const Opened opened(encoded(in, payload));
    REQUIRE(opened.verdict == Verdict::good);
    const EnvelopeView& out = opened.view;
    REQUIRE(out.head().flags == in.head.flags);
    REQUIRE(out.head().codec == in.head.codec);
    REQUIRE(out.head().id == in.head.id);
    REQUIRE(out.head().created_ns == in.head.created_ns);
    REQUIRE(out.head().soft_ms == in.head.soft_ms);
    REQUIRE(out.head().hard_ms == in.head.hard_ms);
    REQUIRE(out.head().raw_size == in.head.raw_size);
    REQUIRE(out.head().stored_size == payload.size());
    REQUIRE(out.head().version == in.head.version);
    REQUIRE(out.head().scopes == 3);
    REQUIRE(out.head().with == 3);
    REQUIRE(out.binding() == 101);
    REQUIRE(out.schema() == 102);
    REQUIRE(out.drop_digest() == 103);
    REQUIRE(out.expire_digest() == 104);
    REQUIRE(out.dictionary() == 105);
    REQUIRE(out.cost_us() == 106);
    REQUIRE(out.ban_epoch() == 107);
    REQUIRE(out.ban_number() == 108);
    REQUIRE(out.scope(0) == 11);
    REQUIRE(out.scope(2) == 33);
    Pairs pairs;
    REQUIRE(out.with(pairs));
    REQUIRE(pairs == some_pairs);
    REQUIRE(out.payload() == payload);
}

TEST_CASE("an envelope without payload, scopes and pairs is 128 bytes, and good") {
    Envelope envelope = some_envelope();
    envelope.scopes = {};
    envelope.with = {};
    const std::string stored = encoded(envelope, "");
    REQUIRE(stored.size() == envelope_fixed);
    const Opened opened(stored);
    REQUIRE(opened.verdict == Verdict::good);
    REQUIRE(opened.view.payload().empty());
    Pairs pairs;
    REQUIRE_FALSE(opened.view.with(pairs));
}

TEST_CASE("an envelope holds 48 scopes, 255 pairs and a name of 65,535 bytes") {
    const std::vector<std::uint64_t> scopes(max_scopes, 9);
    const std::string long_name(65'535, 'n');
    Pairs pairs(255, {"name", "value"});
    pairs[100] = {long_name, "v"};
    Envelope envelope = some_envelope();
    envelope.scopes = scopes;
    envelope.with = pairs;
    const Opened opened(encoded(envelope, "payload"));
    REQUIRE(opened.verdict == Verdict::good);
    REQUIRE(opened.view.head().scopes == max_scopes);
    Pairs out;
    opened.view.with(out);
    REQUIRE(out == pairs);
    REQUIRE(opened.view.payload() == "payload");
}

TEST_CASE("the bytes of an envelope are the documented ones") {
    // Stores outlive the program: what changes here needs a new format number.
    const std::string stored = encoded(some_envelope(), "hello");
    REQUIRE(stored.substr(0, 8) == std::string("LDR1\x01\x04\x02\x00", 8));
    REQUIRE(stored[16] == '\x10');  // id, its low byte first
    REQUIRE(stored[23] == '\xFE');
    REQUIRE(stored[52] == '\x05');   // stored size
    REQUIRE(stored[60] == '\x03');   // value version
    REQUIRE(stored[128] == '\x0B');  // first scope
    REQUIRE(stored.substr(152, 12) == std::string("\x04\x00\x02\x00\x00\x00user42", 12));
    std::uint32_t check = 0;
    std::uint64_t checksum = 0;
    std::memcpy(&check, stored.data() + 56, sizeof check);
    std::memcpy(&checksum, stored.data() + 96, sizeof checksum);
    REQUIRE(check == 0x8CA4'AA0F);
    REQUIRE(checksum == 0x54B2'3B83'61C9'FB80);
}

TEST_CASE("other people's bytes are foreign, not damaged") {
    std::string next_format = encoded(some_envelope(), "x");
    next_format[4] = 2;
    const std::string texts[] = {"",
                                 "L",
                                 "LDR1",
                                 "hello",
                                 R"({"json": true})",
                                 std::string(500, '\0'),
                                 std::string("LDR2") + std::string(200, 'x'),
                                 next_format};
    for (const std::string& text : texts) {
        INFO(text);
        REQUIRE(Opened(text).verdict == Verdict::foreign);
        REQUIRE(Opened(text, false, false).verdict == Verdict::foreign);
    }
}

TEST_CASE("an envelope that lost or gained bytes is never good, even if nothing is verified") {
    const std::string stored = encoded(some_envelope(), "some payload");
    for (std::size_t size = 0; size < stored.size(); ++size)
        REQUIRE(Opened(stored.substr(0, size), false, false).verdict != Verdict::good);
    REQUIRE(Opened(stored + '\0', false, false).verdict == Verdict::damaged);
    REQUIRE(Opened(stored + stored, false, false).verdict == Verdict::damaged);
}

TEST_CASE(
    "every single changed bit is found: in the head by the check word, else by the checksum") {
    const std::string stored = encoded(some_envelope(), "some payload");
    for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
        std::string changed = stored;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        const std::size_t at = bit / 8;
        INFO("byte " << at);
        REQUIRE(Opened(changed, true, true).verdict != Verdict::good);
        if (at < envelope_head) REQUIRE(Opened(changed, true, false).verdict != Verdict::good);
    }
}

TEST_CASE("the head of one entry before the body of another is damage") {
    Envelope one = some_envelope(), other = some_envelope();
    other.head.id = 77;
    const std::string a = encoded(one, "payload A"), b = encoded(other, "payload B");
    const std::string spliced = a.substr(0, envelope_head) + b.substr(envelope_head);
    REQUIRE(Opened(spliced, true, false).verdict == Verdict::good);
    REQUIRE(Opened(spliced, true, true).verdict == Verdict::damaged);
}

TEST_CASE("an envelope that names more scopes than there may be is damage") {
    // Written by hand, with lengths that add up: encode() would refuse.
    const std::vector<std::uint64_t> scopes(max_scopes, 1);
    Envelope envelope = some_envelope();
    envelope.scopes = scopes;
    envelope.with = {};
    std::string stored = encoded(envelope, std::string(8, 'p'));
    stored[62] = static_cast<char>(max_scopes + 1);
    stored[52] = 0;
    REQUIRE(Opened(stored, false, false).verdict == Verdict::damaged);
}

TEST_CASE("random bytes behind a good magic are read within their bounds and never taken") {
    const std::uint64_t seed = 4'711;
    SeededRandom random(seed);
    for (int round = 0; round < 50'000; ++round) {
        std::string bytes(random.next() % 400, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.next());
        const std::string_view start("LDR1\x01");
        std::copy_n(start.begin(), std::min(start.size(), bytes.size()), bytes.begin());
        INFO("seed " << seed << ", round " << round);
        REQUIRE(Opened(bytes, true, true).verdict != Verdict::good);
        const Opened unverified(bytes, false, false);
        if (unverified.verdict == Verdict::good) touch_everything(unverified.view);
    }
}

TEST_CASE("200,000 mutations of good envelopes: none with a changed covered byte is good") {
    const std::uint64_t seed = 1'701;
    SeededRandom random(seed);
    const std::string originals[] = {encoded(some_envelope(), "some payload"),
                                     encoded(some_envelope(), ""), [] {
                                         Envelope plain;
                                         plain.head.id = 1;
                                         return encoded(plain, std::string(300, 'z'));
                                     }()};
    const std::size_t interesting[] = {4, 48, 52, 60, 62, 63, 128, 152, 154, 158};
    for (int round = 0; round < 200'000; ++round) {
        const std::string& original = originals[random.next() % std::size(originals)];
        std::string bytes = original;
        for (std::uint64_t n = random.next() % 4 + 1; n > 0; --n) {
            if (bytes.empty()) break;
            std::size_t at = random.next() % bytes.size();
            if (random.next() % 2 == 0) at = std::min(at, interesting[random.next() % 10]);
            switch (random.next() % 4) {
                case 0:
                    bytes[at] = static_cast<char>(random.next());
                    break;
                case 1:
                    bytes[at] = static_cast<char>(random.next() % 2 == 0 ? 0xFF : 0);
                    break;
                case 2:
                    bytes.resize(at);
                    break;
                default:
                    bytes.insert(at, 1, static_cast<char>(random.next()));
                    break;
            }
        }
        const bool same = bytes == original;
        const bool same_head = bytes.compare(0, envelope_head, original, 0, envelope_head) == 0;
        INFO("seed " << seed << ", round " << round);
        const bool good = Opened(bytes, true, true).verdict == Verdict::good;
        if (good != same) REQUIRE(good == same);
        const Opened checked(bytes, true, false);
        if (checked.verdict == Verdict::good && !same_head) REQUIRE(same_head);
        const Opened unverified(bytes, false, false);
        if (unverified.verdict == Verdict::good) touch_everything(unverified.view);
    }
    SUCCEED("200,000 rounds");
}

TEST_CASE("a touch patch gives the envelope its new head and nothing else") {
    Envelope envelope = some_envelope();
    std::string stored = encoded(envelope, "payload");
    EnvelopeHead head = Opened(stored).view.head();
    head.created_ns = 99;
    head.soft_ms = 1;
    head.hard_ms = 2;
    unsigned char patch[envelope_patch_size];
    encode_patch(head, patch);
    std::memcpy(stored.data() + envelope_patch_offset, patch, sizeof patch);
    const Opened opened(stored);
    REQUIRE(opened.verdict == Verdict::good);
    REQUIRE(opened.view.head().created_ns == 99);
    REQUIRE(opened.view.head().soft_ms == 1);
    REQUIRE(opened.view.head().hard_ms == 2);
    REQUIRE(opened.view.head().id == envelope.head.id);
    REQUIRE(opened.view.payload() == "payload");
}

TEST_CASE("an envelope in unaligned memory is read the same") {
    const std::string stored = encoded(some_envelope(), "payload");
    const auto memory = std::make_unique<char[]>(stored.size() + 8);
    for (std::size_t shift = 0; shift < 8; ++shift) {
        std::memcpy(memory.get() + shift, stored.data(), stored.size());
        EnvelopeView view;
        REQUIRE(EnvelopeView::open({memory.get() + shift, stored.size()}, true, true, view) ==
                Verdict::good);
        REQUIRE(view.payload() == "payload");
    }
}

}  // namespace larder
