// plugins/store_lmdb/spill_store.cpp -- see spill_store.hpp.
#include "spill_store.hpp"

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace larder::store_lmdb {
namespace {

constexpr std::size_t number_bytes = 4;

std::array<char, number_bytes> number_of(std::uint32_t ns) noexcept {
    return {static_cast<char>(ns >> 24), static_cast<char>(ns >> 16), static_cast<char>(ns >> 8), static_cast<char>(ns)};
}

std::uint32_t number_in(std::string_view key) noexcept {
    std::uint32_t ns = 0;
    for (std::size_t i = 0; i < number_bytes; ++i) {
        ns = ns << 8 | static_cast<unsigned char>(key[i]);
    }
    return ns;
}

// The key in the file, for the time of one call: what it begins carries its own copy.
class Whole {
  public:
    explicit Whole(const larder_key& key) {
        text_.reserve(number_bytes + key.size);
        text_.append(number_of(key.ns).data(), number_bytes).append(key.data, key.size);
        key_ = key;
        key_.data = text_.data();
        key_.size = static_cast<std::uint32_t>(text_.size());
    }
    operator const larder_key&() const noexcept { return key_; }

  private:
    std::string text_;
    larder_key key_{};
};

}  // namespace

larder_status SpillStore::get(const larder_key& key, const larder_call& call, plugin::Reply out) {
    return store_.get(Whole(key), call, out);
}

larder_status SpillStore::visit(const larder_key& key, const larder_call& call, plugin::Visitor visitor) {
    return store_.visit(Whole(key), call, visitor);
}

larder_status SpillStore::put(const larder_key& key, const larder_put& put, const larder_call& call) {
    return key.size == 0 ? larder_status{LARDER_E_INVALID} : store_.put(Whole(key), put, call);
}

larder_status SpillStore::remove(const larder_key& key, std::uint64_t if_version, const larder_call& call) {
    return store_.remove(Whole(key), if_version, call);
}

larder_status SpillStore::touch(const larder_key& key, const larder_touch& touch, const larder_call& call) {
    return store_.touch(Whole(key), touch, call);
}

larder_status SpillStore::clear_ns(std::uint32_t ns, const larder_call& call) {
    const auto number = number_of(ns);
    return store_.clear_begin(ns == UINT32_MAX ? std::string() : std::string(number.data(), number.size()), call);
}

// All of the file is walked for each namespace: keys lie in the order in which they came.
larder_status SpillStore::scan(larder_scan& scan, const larder_call& call) {
    larder_scan all = scan;
    all.ns = UINT32_MAX;
    all.ctx = &scan;
    all.on_key = [](void* ctx, const larder_key* key, std::uint64_t size, std::int64_t ttl_ms) noexcept -> std::int32_t {
        const larder_scan& asked = *static_cast<larder_scan*>(ctx);
        const std::string_view text(key->data, key->size);
        if (text.size() < number_bytes) {
            return 0;
        }
        const std::uint32_t ns = number_in(text);
        if (asked.ns != UINT32_MAX && asked.ns != ns) {
            return 0;
        }
        const larder_key shown{text.data() + number_bytes, static_cast<std::uint32_t>(text.size() - number_bytes), ns, 0};
        return asked.on_key(asked.ctx, &shown, size, ttl_ms);
    };
    const larder_status status = store_.scan(all, call);
    scan.cursor = all.cursor;
    return status;
}

larder_status SpillStore::stats(std::uint32_t ns, larder_store_stats& out) { return store_.stats(ns, out); }

}  // namespace larder::store_lmdb
