// kernel/core/dictionary_home.cpp -- see dictionary_home.hpp.
#include "kernel/core/dictionary_home.hpp"

#include "kernel/core/raw_bytes.hpp"
#include "kernel/core/shared_envelope.hpp"

#include <cstdio>

namespace larder {
namespace {

constexpr std::string_view space_name = "#dictionary";
// What a payload begins with: u16 codec, u16 0, u32 number; a dictionary's bytes follow.
constexpr std::size_t payload_head = 8;
constexpr std::size_t most_bytes = std::size_t{4} << 20;

std::string head_of(std::uint16_t codec, std::uint32_t id) {
    unsigned char bytes[payload_head] = {};
    store(bytes, codec);
    store(bytes + 4, id);
    return {reinterpret_cast<const char*>(bytes), payload_head};
}

DictionaryHome::Current read_head(std::string_view payload) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(payload.data());
    return {load<std::uint16_t>(bytes), load<std::uint32_t>(bytes + 4)};
}

}  // namespace

std::string DictionaryHome::name_of(std::uint32_t id) const {
    char hex[10];
    std::snprintf(hex, sizeof hex, ":%08x", id);
    return options_.space + (id == 0 ? "" : hex);
}

std::uint64_t DictionaryHome::binding(const std::string& name) const { return names_.binding(space_name, name); }

// The kernel's own: of no namespace, so no limit holds and clearing one does not take it away.
larder_key DictionaryHome::key_of(const std::string& whole) const { return {whole.data(), static_cast<std::uint32_t>(whole.size()), 0, binding(whole)}; }

larder_status DictionaryHome::read(const std::string& name, std::string& payload) const {
    const std::string whole = options_.prefix + ":v:{" + std::string(space_name) + ":" + name + "}";
    const std::uint64_t now_ns = clock_.mono_ns();
    Pinned value;
    const larder_status status = options_.tier->get(key_of(whole), LARDER_CALL_PEEK, now_ns, now_ns + options_.timeout_ns, value);
    if (status != LARDER_OK) return status;
    EnvelopeView entry;
    SharedStamp stamp;
    if (open_shared(value.bytes(), binding(name), true, entry, stamp) != EnvelopeView::Verdict::good || entry.payload().size() < payload_head ||
        entry.payload().size() > most_bytes)
        return LARDER_MISS;
    payload = entry.payload();
    return LARDER_OK;
}

bool DictionaryHome::write(const std::string& name, std::string_view payload) const {
    const std::string whole = options_.prefix + ":v:{" + std::string(space_name) + ":" + name + "}";
    const std::uint64_t now_ns = clock_.mono_ns();
    Envelope envelope;
    envelope.head.id = random_.next() | 1;
    envelope.head.created_ns = clock_.wall_ms() * 1'000'000;
    envelope.head.soft_ms = envelope.head.hard_ms = options_.life_ms;
    envelope.head.raw_size = envelope.head.stored_size = static_cast<std::uint32_t>(payload.size());
    envelope.binding = binding(name);
    std::string bytes;
    encode_shared(envelope, SharedStamp(), {}, payload, bytes);
    larder_put put{};
    put.struct_size = sizeof put;
    put.version = envelope.head.id;
    put.ttl_ms = options_.life_ms;
    put.value = {bytes.data(), bytes.size()};
    return options_.tier->put(key_of(whole), put, now_ns, now_ns + options_.timeout_ns) == LARDER_OK;
}

larder_status DictionaryHome::load(std::uint32_t id, std::shared_ptr<const Dictionary>& out) const {
    std::string payload;
    const larder_status status = read(name_of(id), payload);
    if (status != LARDER_OK) return status;
    auto found = std::make_shared<const Dictionary>(read_head(payload).codec, payload.substr(payload_head));
    if (id == 0 || found->id != id) return LARDER_MISS;
    out = std::move(found);
    return LARDER_OK;
}

larder_status DictionaryHome::current(Current& out) const {
    std::string payload;
    const larder_status status = read(name_of(0), payload);
    if (status != LARDER_OK) return status;
    out = read_head(payload);
    return out.id != 0 ? larder_status{LARDER_OK} : larder_status{LARDER_MISS};
}

bool DictionaryHome::save(const Dictionary& dictionary) const {
    return write(name_of(dictionary.id), head_of(dictionary.codec, dictionary.id) + dictionary.bytes);
}

bool DictionaryHome::set_current(const Current& current) const { return write(name_of(0), head_of(current.codec, current.id)); }

bool DictionaryHome::keep(const Dictionary& dictionary) const {
    const std::string whole = options_.prefix + ":v:{" + std::string(space_name) + ":" + name_of(dictionary.id) + "}";
    const std::uint64_t now_ns = clock_.mono_ns();
    larder_touch touch{};
    touch.struct_size = sizeof touch;
    touch.ttl_ms = options_.life_ms;
    if (options_.tier->touch(key_of(whole), touch, now_ns, now_ns + options_.timeout_ns) == LARDER_OK) return true;
    return save(dictionary);
}

}  // namespace larder
