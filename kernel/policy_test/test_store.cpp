// kernel/policy_test/test_store.cpp -- the store of one test, behind the table of store.h.
#include "kernel/policy_test/test_store.hpp"

#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

namespace larder::policy_test {

StoreHandle TestStore::handle(std::string name) {
    StoreHandle out;
    out.name = std::move(name);
    out.plugin = "test";
    out.table = &table();
    out.self = this;
    out.caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_ZERO_COPY | LARDER_STORE_CAP_TTL |
               LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_MARK;
    return out;
}

TestStore::Shared* TestStore::find(const larder_key& key) {
    const auto shelf = shelves_.find(key.ns);
    if (shelf == shelves_.end()) return nullptr;
    const auto entry = shelf->second.find(std::string(key.data, key.size));
    if (entry == shelf->second.end()) return nullptr;
    if (entry->second->until_ns == 0 || clock_.mono_ns() < entry->second->until_ns)
        return &entry->second;
    shelf->second.erase(entry);
    return nullptr;
}

void TestStore::set_deadline(Block& block, std::uint64_t ttl_ms) const {
    block.until_ns = ttl_ms == 0 ? 0 : clock_.mono_ns() + ttl_ms * 1'000'000;
    if (!block.headed) return;
    constexpr std::uint64_t mask = (std::uint64_t{1} << LARDER_HEAD_DEADLINE_BITS) - 1;
    std::atomic_ref<std::uint64_t> word(block.words[offsetof(larder_head, deadline) / 8]);
    word.store((word.load() & ~mask) | (block.until_ns / 1'000'000 & mask));
}

larder_status TestStore::get(void* p, const larder_key* key, const larder_call*,
                             larder_value* out) noexcept {
    TestStore& s = self(p);
    if (s.fails_) return LARDER_E_IO;
    Shared* const block = s.find(*key);
    if (block == nullptr) return LARDER_MISS;
    ++s.found_;
    out->data = (*block)->data();
    out->size = (*block)->size;
    out->pin = new Shared(*block);
    out->release = [](larder_value* v) noexcept { delete static_cast<Shared*>(v->pin); };
    return LARDER_OK;
}

larder_status TestStore::put(void* p, const larder_key* key, const larder_put* put,
                             const larder_call*) noexcept {
    TestStore& s = self(p);
    if (s.fails_) return LARDER_E_IO;
    const Shared* const old = s.find(*key);
    if ((put->flags & LARDER_PUT_IF_ABSENT) != 0 && old != nullptr) return LARDER_EXISTS;
    if ((put->flags & LARDER_PUT_IF_VERSION) != 0 &&
        (old == nullptr ? 0 : (*old)->version) != put->if_version)
        return LARDER_E_CONFLICT;
    auto block = std::make_shared<Block>();
    block->words.resize(put->value.size / 8 + 1);
    std::memcpy(block->data(), put->value.data, put->value.size);
    block->size = put->value.size;
    block->version = put->version;
    block->headed = (put->flags & LARDER_PUT_HEADED) != 0;
    if ((put->flags & LARDER_PUT_KEEP_TTL) != 0 && old != nullptr)
        block->until_ns = (*old)->until_ns;
    else
        s.set_deadline(*block, put->ttl_ms);
    s.shelves_[key->ns][std::string(key->data, key->size)] = std::move(block);
    return LARDER_OK;
}

larder_status TestStore::remove(void* p, const larder_key* key, std::uint64_t if_version,
                                const larder_call*) noexcept {
    TestStore& s = self(p);
    if (s.fails_) return LARDER_E_IO;
    const Shared* const old = s.find(*key);
    if (old == nullptr) return LARDER_MISS;
    if (if_version != 0 && (*old)->version != if_version) return LARDER_E_CONFLICT;
    s.shelves_[key->ns].erase(std::string(key->data, key->size));
    return LARDER_OK;
}

larder_status TestStore::touch(void* p, const larder_key* key, const larder_touch* touch,
                               const larder_call*) noexcept {
    TestStore& s = self(p);
    if (s.fails_) return LARDER_E_IO;
    Shared* const entry = s.find(*key);
    if (entry == nullptr) return LARDER_MISS;
    if (touch->if_version != 0 && (*entry)->version != touch->if_version)
        return LARDER_E_CONFLICT;
    const std::size_t end = touch->patch_offset + touch->patch.size;
    if (end > (*entry)->size) return LARDER_E_INVALID;
    auto changed = std::make_shared<Block>(**entry);  // who has the old one pinned keeps it
    if (touch->patch.size != 0)
        std::memcpy(changed->data() + touch->patch_offset, touch->patch.data, touch->patch.size);
    s.set_deadline(*changed, touch->ttl_ms);
    *entry = std::move(changed);
    return LARDER_OK;
}

larder_status TestStore::clear_ns(void* p, std::uint32_t ns, const larder_call*) noexcept {
    TestStore& s = self(p);
    if (s.fails_) return LARDER_E_IO;
    if (ns == UINT32_MAX) s.shelves_.clear();
    else
        s.shelves_.erase(ns);
    return LARDER_OK;
}

const larder_store_v1& TestStore::table() {
    static const larder_store_v1 made = [] {
        larder_store_v1 v{};
        v.struct_size = sizeof v;
        v.get = &get;
        v.put = &put;
        v.remove = &remove;
        v.touch = &touch;
        v.visit = [](void*, const larder_key*, const larder_call*,
                     void (*)(void*, larder_bytes) noexcept,
                     void*) noexcept -> larder_status { return LARDER_E_UNSUPPORTED; };
        v.get_many = [](void* p, larder_get_item* items, std::size_t n,
                        const larder_call* call) noexcept -> larder_status {
            for (std::size_t i = 0; i < n; ++i)
                items[i].status = get(p, &items[i].key, call, &items[i].value);
            return LARDER_OK;
        };
        v.clear_ns = &clear_ns;
        v.limits = [](void*, std::uint32_t, std::uint64_t, std::uint64_t) noexcept -> larder_status {
            return LARDER_OK;
        };
        v.stats = [](void* p, std::uint32_t ns, larder_store_stats* out) noexcept -> larder_status {
            for (const auto& [shelf, entries] : self(p).shelves_)
                if (ns == UINT32_MAX || ns == shelf) out->entries += entries.size();
            return LARDER_OK;
        };
        return v;
    }();
    return made;
}

}  // namespace larder::policy_test
