// kernel/kit/checks_store.cpp -- LPR-101 to 119: what single functions of a store promise.
#include "kernel/kit/store_rig.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

std::string numbered(const char* what, int n) { return std::string(what) + std::to_string(n); }

void round_trip(Subject& subject) {
    StoreRig store(subject);
    std::string every_byte;
    for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
    for (const std::string& value : {every_byte, std::string(), std::string("x"), subject.random_bytes(4096), subject.random_bytes(70'000)}) {
        store.must_put("key", value);
        require(store.text("key") == value, "a value of " + std::to_string(value.size()) + " bytes comes back as another one");
    }
    const std::string large = subject.random_bytes(1 << 20);
    const larder_status status = store.put("large", large);
    require(status == LARDER_OK || status == LARDER_E_TOO_LARGE, "a put of 1 MiB answers " + status_text(status));
    if (status == LARDER_OK) require(store.text("large") == large, "a value of 1 MiB comes back as another one");
    // Keys are bytes, too.
    for (const std::string& key : {every_byte, std::string(1, '\0'), std::string("a\0b", 3), std::string("a"), std::string(600, 'k')}) {
        const std::string value = "of " + std::to_string(key.size());
        const larder_status kept = store.put(key, value);
        require(kept == LARDER_OK || kept == LARDER_E_INVALID || kept == LARDER_E_TOO_LARGE, "a put under an odd key answers " + status_text(kept));
        if (kept == LARDER_OK) require(store.text(key) == value, "a key of " + std::to_string(key.size()) + " bytes leads to another value");
    }
    store.no_sins();
}

void miss(Subject& subject) {
    StoreRig store(subject);
    larder_value value{};
    std::memset(static_cast<void*>(&value), 0x5A, sizeof value);
    const larder_value before = value;
    Edge key(store.physical("nobody put this"));
    const larder_key where = StoreRig::key_of(key);
    const larder_call call = subject.call();
    const larder_status status = store.table().get(store.self(), &where, &call, &value);
    require(status == LARDER_MISS, "a get of what is not there answers " + status_text(status));
    require(std::memcmp(&value, &before, sizeof value) == 0, "a miss writes to the value");
    store.no_sins();
}

void removed(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "value");
    store.must_put("other", "stays");
    require(store.remove("key") == LARDER_OK, "a remove of what is there does not answer OK");
    require(!store.text("key"), "what was removed is still got");
    require(store.remove("key") == LARDER_MISS, "a remove of what is not there does not answer MISS");
    require(store.text("other") == "stays", "a remove takes another key along");
    store.must_put("key", "again");
    require(store.text("key") == "again", "a key that was removed cannot be put again");
    store.no_sins();
}

void many(Subject& subject) {
    StoreRig store(subject);
    constexpr int count = 1000;
    for (int n = 0; n < count; ++n) store.must_put(numbered("k", n), numbered("value ", n));
    int there = 0;
    for (int n = 0; n < count; ++n) {
        const auto found = store.text(numbered("k", n));
        if (!found) continue;
        ++there;
        require(*found == numbered("value ", n), "a key leads to another key's value");
    }
    require(there == count || store.can(LARDER_STORE_CAP_BOUNDED), "of 1000 entries " + std::to_string(count - there) + " are lost, and the store is not `bounded`");
    store.no_sins();
}

void namespaces(Subject& subject) {
    StoreRig store(subject);
    if (store.can(LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_PERSISTENT)) skip("it is given whole keys");
    store.must_put("key", "of seven", 7);
    store.must_put("key", "of eight", 8);
    require(store.text("key", 7) == "of seven" && store.text("key", 8) == "of eight", "the same key of two namespaces is one entry");
    require(store.remove("key", 0, 7) == LARDER_OK, "remove fails");
    require(store.text("key", 8) == "of eight", "a remove in one namespace takes another's entry");
    store.no_sins();
}

void pinned(Subject& subject) {
    StoreRig store(subject);
    const std::string first(3000, 'a');
    store.must_put("key", first);
    plugin::Value one, two, three;
    require(store.get("key", one) == LARDER_OK && store.get("key", two) == LARDER_OK && store.get("key", three) == LARDER_OK, "a get fails");
    store.must_put("key", std::string(3000, 'b'));
    require(one.text() == first, "a value that is held changes when its entry is overwritten");
    require(store.remove("key") == LARDER_OK, "remove fails");
    for (int n = 0; n < 2000; ++n) static_cast<void>(store.put(numbered("churn", n % 50), std::string(2900 + static_cast<std::size_t>(n % 200), 'c')));
    require(two.text() == first, "a value that is held changes when its entry is removed and others come");
    // Whoever holds it gives it back, on whichever thread.
    std::thread([held = std::move(two)]() mutable { held.reset(); }).join();
    require(three.text() == first, "giving back one value spoils another");
    three.reset();
    one.reset();
    store.no_sins();
}

void unknown_flags(Subject& subject) {
    StoreRig store(subject);
    constexpr std::uint32_t unknown = 1u << 31;
    require(store.put("key", "value", {.flags = unknown, .call_flags = unknown}) == LARDER_OK, "a put with a flag that is not known yet fails");
    plugin::Value value;
    require(store.get("key", value, 7, unknown) == LARDER_OK, "a get with a flag that is not known yet fails");
    require(value.text() == "value", "a get with a flag that is not known yet has another value");
    store.no_sins();
}

void if_absent(Subject& subject) {
    StoreRig store(subject);
    require(store.put("key", "first", {.flags = LARDER_PUT_IF_ABSENT}) == LARDER_OK, "IF_ABSENT of what is not there fails");
    const larder_status second = store.put("key", "second", {.flags = LARDER_PUT_IF_ABSENT});
    require(second == LARDER_EXISTS, "IF_ABSENT of what is there answers " + status_text(second));
    require(store.text("key") == "first", "IF_ABSENT replaced an entry");
    store.no_sins();
}

// Stores that several processes share read the version where the envelope has it: 8 bytes behind the first 16, little endian.
std::string of_version(std::uint64_t version, const std::string& text) {
    std::string out(16, 'e');
    for (int n = 0; n < 8; ++n) out += static_cast<char>(version >> (8 * n) & 0xFF);
    return out + text;
}

void versions(Subject& subject) {
    StoreRig store(subject);
    if (!store.can(LARDER_STORE_CAP_VERSION)) skip("it has no `version`");
    const auto put = [&](std::string_view key, std::uint64_t version, std::uint32_t flags = 0, std::uint64_t if_version = 0) {
        return store.put(key, of_version(version, "x"), {.flags = flags, .version = version, .if_version = if_version});
    };
    const auto holds = [&](std::string_view key, std::uint64_t version) { return store.text(key) == of_version(version, "x"); };
    require(put("key", 11) == LARDER_OK, "a put fails");
    const larder_status wrong = put("key", 12, LARDER_PUT_IF_VERSION, 10);
    require(wrong == LARDER_E_CONFLICT, "IF_VERSION with another version answers " + status_text(wrong));
    require(holds("key", 11), "IF_VERSION with another version replaced the entry");
    const larder_status right = put("key", 12, LARDER_PUT_IF_VERSION, 11);
    require(right == LARDER_OK, "IF_VERSION with the current version answers " + status_text(right));
    require(holds("key", 12), "IF_VERSION with the current version did not replace the entry");
    require(put("new", 13, LARDER_PUT_IF_VERSION, 0) == LARDER_OK, "IF_VERSION 0 of what is not there fails");
    require(put("new", 14, LARDER_PUT_IF_VERSION, 0) == LARDER_E_CONFLICT, "IF_VERSION 0 of what is there is no conflict");
    require(store.remove("key", 11) == LARDER_E_CONFLICT, "a remove of another version is no conflict");
    require(holds("key", 12), "a remove of another version removed the entry");
    require(store.remove("key", 12) == LARDER_OK, "a remove of the current version fails");
    store.no_sins();
}

void ttl(Subject& subject) {
    StoreRig store(subject);
    if (!store.can(LARDER_STORE_CAP_TTL)) skip("it has no `ttl`");
    require(store.put("short", "x", {.ttl_ms = 60}) == LARDER_OK && store.put("long", "y", {.ttl_ms = 3'600'000}) == LARDER_OK && store.put("ever", "z") == LARDER_OK, "a put with a ttl fails");
    require(store.text("long") == "y", "an entry with an hour to live is not there");
    subject.host().advance(Ms(1000));
    bool gone = false;
    for (int n = 0; n < 300 && !gone; ++n) {
        gone = !store.text("short");
        if (!gone) std::this_thread::sleep_for(Ms(10));  // a server has a clock of its own
    }
    require(gone, "an entry is got long after its ttl");
    require(store.text("long") == "y" && store.text("ever") == "z", "an entry is gone before its ttl");
    store.no_sins();
}

void visits(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "the value");
    Edge key(store.physical("key")), absent(store.physical("nobody's"));
    struct Seen {
        std::string text;
        int times = 0;
        std::thread::id thread{};
    } seen;
    const auto look = [](void* ctx, larder_bytes value) noexcept {
        auto& me = *static_cast<Seen*>(ctx);
        me.text = plugin::text_of(value);
        ++me.times;
        me.thread = std::this_thread::get_id();
    };
    const larder_call call = subject.call();
    const larder_key where = StoreRig::key_of(key), nowhere = StoreRig::key_of(absent);
    const larder_status status = store.table().visit(store.self(), &where, &call, look, &seen);
    StoreRig::optional(status, "visit");
    require(status == LARDER_OK && seen.times == 1 && seen.text == "the value", "visit does not show what get shows, once");
    require(seen.thread == std::this_thread::get_id(), "visit shows the value on another thread");
    require(store.table().visit(store.self(), &nowhere, &call, look, &seen) == LARDER_MISS && seen.times == 1, "visit of what is not there shows something");
    store.no_sins();
}

void batches(Subject& subject) {
    StoreRig store(subject);
    constexpr std::size_t count = 40;
    for (std::size_t n = 0; n < count; n += 2) store.must_put(numbered("k", static_cast<int>(n)), numbered("v", static_cast<int>(n)));
    std::vector<std::unique_ptr<Edge>> keys;
    std::vector<larder_get_item> items(count);
    std::vector<larder_key> plain;
    for (std::size_t n = 0; n < count; ++n) {
        keys.push_back(std::make_unique<Edge>(std::string_view(store.physical(numbered("k", static_cast<int>(n))))));
        items[n].key = StoreRig::key_of(*keys[n]);
        items[n].status = LARDER_E_INTERNAL;
        plain.push_back(items[n].key);
    }
    const larder_call call = subject.call();
    const larder_status status = store.table().get_many(store.self(), items.data(), items.size(), &call);
    StoreRig::optional(status, "get_many");
    require(status == LARDER_OK, "get_many answers " + status_text(status));
    for (std::size_t n = 0; n < count; ++n) {
        plugin::Value value(&items[n].value);
        if (n % 2 == 0)
            require(items[n].status == LARDER_OK && value.text() == numbered("v", static_cast<int>(n)), "get_many mixes up its items");
        else
            require(items[n].status == LARDER_MISS, "get_many does not say MISS of what is not there");
    }
    const larder_status gone = store.table().remove_many(store.self(), plain.data(), plain.size(), &call);
    if (gone == LARDER_E_UNSUPPORTED) return;
    require(gone == LARDER_OK, "remove_many answers " + status_text(gone));
    require(!store.text("k0") && !store.text("k38"), "remove_many leaves entries");
    store.no_sins();
}

void scans(Subject& subject) {
    StoreRig store(subject);
    if (!store.can(LARDER_STORE_CAP_SCAN)) skip("it has no `scan`");
    std::set<std::string> put;
    for (int n = 0; n < 300; ++n) {
        store.must_put(numbered("k", n), "v");
        put.insert(store.physical(numbered("k", n)));
    }
    struct Seen {
        std::set<std::string> keys;
        int left = -1;
    } seen;
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = UINT32_MAX;
    scan.count = 20;
    scan.ctx = &seen;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
        auto& me = *static_cast<Seen*>(ctx);
        me.keys.insert(std::string(plugin::text_of(*key)));
        return me.left > 0 && --me.left == 0 ? 1 : 0;
    };
    const larder_call call = subject.call(Ms(30'000));
    int turns = 0;
    do {
        const larder_status status = store.table().scan(store.self(), &scan, &call);
        require(status == LARDER_OK, "scan answers " + status_text(status));
        require(++turns < 100'000, "scan does not come to an end");
    } while (scan.cursor != 0);
    for (const std::string& key : put) require(seen.keys.contains(key), "scan does not see " + key);
    seen.keys.clear();
    seen.left = 3;
    scan.cursor = 0;
    scan.count = 1000;
    require(store.table().scan(store.self(), &scan, &call) == LARDER_OK, "scan fails when it is told to stop");
    require(seen.keys.size() < put.size(), "scan goes on when it is told to stop");
    store.no_sins();
}

void clears(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "seven", 7);
    store.must_put("key", "eight", 8);
    const larder_call call = subject.call();
    const larder_status status = store.table().clear_ns(store.self(), 7, &call);
    StoreRig::optional(status, "clear_ns");
    require(status == LARDER_OK, "clear_ns answers " + status_text(status));
    require(!store.text("key", 7), "clear_ns leaves entries");
    require(store.text("key", 8) == "eight", "clear_ns of one namespace takes another's entries");
    require(store.table().clear_ns(store.self(), UINT32_MAX, &call) == LARDER_OK && !store.text("key", 8), "clear_ns of all leaves entries");
    store.no_sins();
}

void statistics(Subject& subject) {
    StoreRig store(subject);
    larder_store_stats before{}, after{};
    before.struct_size = after.struct_size = sizeof before;
    StoreRig::optional(store.table().stats(store.self(), UINT32_MAX, &before), "stats");
    for (int n = 0; n < 10; ++n) store.must_put(numbered("k", n), "value");
    require(store.table().stats(store.self(), UINT32_MAX, &after) == LARDER_OK, "stats fails");
    if (!store.can(LARDER_STORE_CAP_SHARED)) {
        require(after.entries == before.entries + 10, "after 10 puts stats has " + std::to_string(after.entries - before.entries) + " entries more");
        require(after.bytes > before.bytes, "after 10 puts stats has no more bytes");
    }
    larder_store_stats shorter{};
    shorter.struct_size = offsetof(larder_store_stats, evictions);
    shorter.evictions = shorter.errors = 77;
    require(store.table().stats(store.self(), UINT32_MAX, &shorter) == LARDER_OK && shorter.evictions == 77 && shorter.errors == 77, "stats writes past the struct_size it was given");
    store.no_sins();
}

void touches(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "0123456789");
    Edge key(store.physical("key")), absent(store.physical("nobody's")), patch(std::string_view("abc"));
    const larder_key where = StoreRig::key_of(key), nowhere = StoreRig::key_of(absent);
    const larder_call call = subject.call();
    const larder_touch change{sizeof(larder_touch), 2, 0, 0, patch.bytes()};
    const larder_status status = store.table().touch(store.self(), &where, &change, &call);
    StoreRig::optional(status, "touch");
    require(status == LARDER_OK, "touch answers " + status_text(status));
    require(store.text("key") == "01abc56789", "touch does not write its patch at its place");
    const larder_touch past{sizeof(larder_touch), 9, 0, 0, patch.bytes()};
    require(store.table().touch(store.self(), &where, &past, &call) == LARDER_E_INVALID, "a patch past the value's end is not refused");
    require(store.text("key") == "01abc56789", "a patch that was refused changed the value");
    require(store.table().touch(store.self(), &nowhere, &change, &call) == LARDER_MISS, "touch of what is not there is no MISS");
    store.no_sins();
}

constexpr Requirement all[] = {
    {"LPR-101", Kind::store, "What is got is what was put: any bytes, any size, any key; nothing borrowed is kept or read past its end.", "wrong values", round_trip},
    {"LPR-102", Kind::store, "A miss is MISS and touches nothing.", "garbage is served", miss},
    {"LPR-103", Kind::store, "A remove removes one key, and says whether it was there.", "values that were dropped", removed},
    {"LPR-104", Kind::store, "Many keys are kept apart.", "another key's value", many},
    {"LPR-105", Kind::store, "The same key of two namespaces is two entries.", "another namespace's value", namespaces},
    {"LPR-106", Kind::store, "A value that is held stays as it was, whatever becomes of its entry; any thread gives it back.", "values change while they are sent", pinned},
    {"LPR-107", Kind::store, "Flags that are not known are ignored.", "a newer kernel cannot use it", unknown_flags},
    {"LPR-108", Kind::store, "IF_ABSENT replaces nothing.", "two loaders think they won", if_absent},
    {"LPR-109", Kind::store, "With `version`, IF_VERSION replaces and removes only the version named.", "lost updates", versions},
    {"LPR-110", Kind::store, "With `ttl`, an entry past its end is a miss, and none before.", "old values", ttl},
    {"LPR-111", Kind::store, "visit shows what get would, once, on the caller's thread.", "wrong values", visits},
    {"LPR-112", Kind::store, "get_many and remove_many work on each of their items.", "another key's value", batches},
    {"LPR-113", Kind::store, "With `scan`, a walk sees every entry, ends, and stops when told to.", "drops that miss entries", scans},
    {"LPR-114", Kind::store, "clear_ns clears its namespace and no other.", "values of a dropped namespace", clears},
    {"LPR-115", Kind::store, "stats add up, and write no further than they may.", "memory is overwritten", statistics},
    {"LPR-116", Kind::store, "touch writes its patch at its place, inside the value.", "wrong values", touches},
};

}  // namespace

std::span<const Requirement> store_requirements() { return all; }

}  // namespace larder::kit
