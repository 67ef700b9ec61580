// tests/fuzz/envelope_fuzz.cpp -- any bytes as an envelope: read within bounds, and what is good is
// exactly what writing it again gives.
//
// The input is opened as it is, and once more behind a good magic and format, because chance finds
// those seldom. Unverified, nearly every length is tried that the hashes would refuse.
#include "kernel/core/envelope.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

using namespace larder;
using Verdict = EnvelopeView::Verdict;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

void require(bool held) {
    if (!held) std::abort();
}

// The envelope that a view shows, written anew.
std::string written_again(const EnvelopeView& view) {
    std::vector<std::uint64_t> scopes;
    for (std::size_t i = 0; i < view.head().scopes; ++i) scopes.push_back(view.scope(i));
    Pairs pairs;
    require(view.with(pairs) == (view.head().with != 0));
    require(pairs.size() == view.head().with);
    Envelope envelope;
    envelope.head = view.head();
    envelope.binding = view.binding();
    envelope.schema = view.schema();
    envelope.drop_digest = view.drop_digest();
    envelope.expire_digest = view.expire_digest();
    envelope.dictionary = view.dictionary();
    envelope.cost_us = view.cost_us();
    envelope.ban_epoch = view.ban_epoch();
    envelope.ban_number = view.ban_number();
    envelope.scopes = scopes;
    envelope.with = pairs;
    std::string out;
    encode_envelope(envelope, view.payload(), out);
    return out;
}

void try_bytes(const char* data, std::size_t size) {
    // Exactly as long as the input, so that a step outside is seen.
    const std::unique_ptr<char[]> bytes(new char[size]);
    if (size != 0) std::memcpy(bytes.get(), data, size);
    const larder_bytes stored{bytes.get(), size};
    const std::string_view original(bytes.get(), size);
    EnvelopeView view;
    if (EnvelopeView::open(stored, true, true, view) == Verdict::good)
        require(written_again(view) == original);
    if (EnvelopeView::open(stored, false, false, view) != Verdict::good) return;
    // Its hashes may be wrong, but its parts are there: with hashes of its own it is good.
    const std::string repaired = written_again(view);
    require(repaired.size() == size);
    EnvelopeView again;
    require(EnvelopeView::open({repaired.data(), repaired.size()}, true, true, again) ==
            Verdict::good);
    require(again.payload() == view.payload());
    require(written_again(again) == repaired);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    try_bytes(bytes.data(), bytes.size());
    const std::string_view start("LDR1\x01");
    if (bytes.size() < start.size()) return 0;
    bytes.replace(0, start.size(), start);
    try_bytes(bytes.data(), bytes.size());
    // Once more with a size that adds up, where there is room for one.
    if (bytes.size() < envelope_fixed) return 0;
    bytes[62] = static_cast<char>(static_cast<unsigned char>(bytes[62]) % (max_scopes + 1));
    bytes[63] = static_cast<char>(static_cast<unsigned char>(bytes[63]) % 3);
    const std::size_t fixed = envelope_fixed + 8 * static_cast<unsigned char>(bytes[62]);
    if (bytes.size() >= fixed && bytes[63] == 0) {
        const auto payload = static_cast<std::uint32_t>(bytes.size() - fixed);
        std::memcpy(bytes.data() + 52, &payload, sizeof payload);
    }
    try_bytes(bytes.data(), bytes.size());
    return 0;
}
