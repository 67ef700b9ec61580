// tests/unit/loader/guard_test.cpp -- tables made whole, and what becomes of a plugin that does not
// keep its word.
#include "kernel/loader/plugin_guard.hpp"
#include "kernel/loader/plugin_registry.hpp"
#include "tests/catch.hpp"
#include "tests/unit/loader/test_services.hpp"

#include <unistd.h>

#include <stdexcept>

using namespace larder::loader;
using larder::test::contains;
using larder::test::planted;
using larder::test::TestServices;

namespace {

// A plugin whose answers the test chooses.
struct Liar {
    larder_status status = LARDER_OK;
    larder_value value{};
    std::size_t size = 0;
    bool throws = false;
    const Crumb* seen = nullptr;
    void act() {
        seen = current_crumb;
        if (throws) {
            throw std::runtime_error("planted");
        }
    }
};
Liar& liar(void* self) { return *static_cast<Liar*>(self); }

// As a plugin's C++ compiler would hand it over that was told to forget noexcept.
template <class To, class From>
To forget(From from) {
    return reinterpret_cast<To>(reinterpret_cast<void (*)()>(from));
}

larder_status lying_get(void* self, const larder_key*, const larder_call*, larder_value* out) {
    liar(self).act();
    *out = liar(self).value;
    return liar(self).status;
}
larder_status lying_compress(void* self, larder_bytes, void*, std::size_t* size) {
    liar(self).act();
    *size = liar(self).size;
    return liar(self).status;
}
std::size_t lying_bound(void* self, std::size_t) {
    liar(self).act();
    return 7;
}
void lying_cancel(void* self, void*) { liar(self).act(); }

struct Guards {
    TestServices services;
    HostTable host{services, "org.larder.liar"};
    GuardRecord record{host.host(), "org.larder.liar 1.0.0", "store.l1"};
    Liar plugin;
    larder_store_v1 store_table = [] {
        larder_store_v1 t{};
        t.struct_size = sizeof t;
        t.get = forget<decltype(t.get)>(&lying_get);
        t.cancel = forget<decltype(t.cancel)>(&lying_cancel);
        return t;
    }();
    larder_compressor_v1 codec_table = [] {
        larder_compressor_v1 t{};
        t.struct_size = sizeof t;
        t.codec_id = 200;
        t.bound = forget<decltype(t.bound)>(&lying_bound);
        t.compress = forget<decltype(t.compress)>(&lying_compress);
        return t;
    }();
    Guarded<larder_store_v1> store{record, &store_table, &plugin};
    Guarded<larder_compressor_v1> codec{record, &codec_table, &plugin};

    larder_status get(larder_done_fn done = nullptr) {
        const larder_key key{"k", 1, 0, 0};
        larder_call call = larder::test::plain_call();
        call.done = done;
        larder_value value{};
        return store.table().get(store.self(), &key, &call, &value);
    }
    larder_status compress(std::size_t room) {
        return codec.table().compress(codec.self(), {}, nullptr, &room);
    }
};

}  // namespace

TEST_CASE("honest answers pass unchanged", "[loader]") {
    Guards guards;
    guards.plugin.value = {"v", 1, nullptr, nullptr};
    for (const larder_status status :
         {LARDER_OK, LARDER_MISS, LARDER_EXISTS, LARDER_E_INVALID, LARDER_E_EXCEPTION}) {
        guards.plugin.status = status;
        CHECK(guards.get() == status);
    }
    guards.plugin.status = LARDER_PENDING;
    CHECK(guards.get([](void*, larder_status, larder_value*) noexcept {}) == LARDER_PENDING);
    guards.plugin.status = LARDER_OK;
    guards.plugin.size = 10;
    CHECK(guards.compress(10) == LARDER_OK);
    CHECK(guards.services.lines.empty());
}

TEST_CASE("each lie is an error of that call, counted and logged", "[loader]") {
    Guards guards;
    SECTION("a status nobody knows") {
        for (const larder_status status : {4, 1000, -18, INT32_MIN}) {
            guards.plugin.status = status;
            CHECK(guards.get() == LARDER_E_INTERNAL);
        }
        CHECK(guards.record.count(Sin::unknown_status) == 4);
    }
    SECTION("PENDING where there is nobody to tell") {
        guards.plugin.status = LARDER_PENDING;
        CHECK(guards.get() == LARDER_E_INTERNAL);
        CHECK(guards.record.count(Sin::pending) == 1);
    }
    SECTION("a value without bytes") {
        guards.plugin.value.size = 5;
        CHECK(guards.get() == LARDER_E_CORRUPT);
        CHECK(guards.record.count(Sin::value) == 1);
    }
    SECTION("a value too large to be one") {
        guards.plugin.value = {"v", SIZE_MAX / 2, nullptr, nullptr};
        CHECK(guards.get() == LARDER_E_CORRUPT);
        CHECK(guards.record.count(Sin::value) == 1);
    }
    SECTION("more bytes than there was room for") {
        guards.plugin.size = 11;
        CHECK(guards.compress(10) == LARDER_E_CORRUPT);
        CHECK(guards.record.count(Sin::size) == 1);
    }
    REQUIRE_FALSE(guards.services.lines.empty());
    CHECK_THAT(guards.services.lines[0], contains("org.larder.liar: store.l1: "));
}

TEST_CASE("what counts what a session plugin ended is no room for bytes", "[loader]") {
    const Guards guards;
    larder_session_v1 theirs{};
    theirs.struct_size = sizeof theirs;
    theirs.destroy_user = [](void*, larder_bytes, std::uint64_t* count,
                             const larder_call*) noexcept -> larder_status {
        if (count != nullptr) {
            *count = 3;
        }
        return LARDER_OK;
    };
    GuardRecord record{guards.host.host(), "org.larder.sessions 1.0.0", "session.s"};
    int self = 0;
    Guarded<larder_session_v1> session(record, &theirs, &self);
    const larder_call call = larder::test::plain_call();
    std::uint64_t ended = 0;
    CHECK(session.table().destroy_user(session.self(), {"u", 1}, &ended, &call) == LARDER_OK);
    CHECK(ended == 3);
    CHECK(session.table().destroy_user(session.self(), {"u", 1}, nullptr, &call) == LARDER_OK);
    CHECK(record.count(Sin::size) == 0);
}

TEST_CASE("a host that is closed answers whoever still asks", "[loader]") {
    TestServices services;
    HostTable& table = HostTable::lasting(services, "org.larder.late");
    const larder_host* const host = table.host();
    const auto* executor =
        static_cast<const larder_executor_api*>(host->service(host, LARDER_SVC_EXECUTOR));
    REQUIRE(executor != nullptr);
    host->log(host, LARDER_LOG_ERROR, "x", 1);
    CHECK(services.lines.size() == 1);
    table.close();
    host->log(host, LARDER_LOG_ERROR, "x", 1);
    CHECK(services.lines.size() == 1);
    CHECK(host->mono_ns(host) == 0);
    CHECK(host->wall_ms(host) == 0);
    CHECK(host->service(host, LARDER_SVC_CACHE) == nullptr);
    CHECK(executor->cancel(host, 1) == LARDER_E_CLOSED);
    void* const memory = host->alloc(host, 10, 8);
    CHECK(memory != nullptr);
    host->free(host, memory, 10);
}

TEST_CASE("an exception ends in the guard, whatever the function returns", "[loader]") {
    Guards guards;
    guards.plugin.throws = true;
    CHECK(guards.get() == LARDER_E_EXCEPTION);
    CHECK(guards.codec.table().bound(guards.codec.self(), 5) == 0);
    guards.store.table().cancel(guards.store.self(), nullptr);
    CHECK(guards.record.count(Sin::exception) == 3);
    CHECK(guards.services.lines[0] == "org.larder.liar: store.l1: get let an exception out");
    CHECK(current_crumb == nullptr);
}

TEST_CASE("an exception of a loaded plugin ends in the guard", "[loader]") {
    TestServices services;
    PluginRegistry registry{{{planted}, true}};
    std::string problem;
    const auto found = registry.find(Kind::store, "throws", problem);
    REQUIRE(found.has_value());
    const auto store = registry.make(*found, OptionValues("l1"), "store.l1", services, problem);
    INFO(problem);
    REQUIRE(store != nullptr);
    const larder_key key{"k", 1, 0, 0};
    const larder_call call = larder::test::plain_call();
    larder_value value{};
    CHECK(store->table<larder_store_v1>().get(store->self(), &key, &call, &value) ==
          LARDER_E_EXCEPTION);
    CHECK(store->sins() == 1);
}

TEST_CASE("the breadcrumb names plugin, instance and operation while a call runs", "[loader]") {
    Guards guards;
    static const Crumb outer{"outer", "gateway.g", "request"};
    {
        const detail::CrumbScope scope(&outer);
        CHECK(guards.get() == LARDER_OK);
        CHECK(current_crumb == &outer);
    }
    REQUIRE(guards.plugin.seen != nullptr);
    CHECK(std::string(guards.plugin.seen->operation) == "get");
    CHECK(std::string(guards.plugin.seen->instance) == "store.l1");
    CHECK(std::string(guards.plugin.seen->plugin) == "org.larder.liar 1.0.0");
    CHECK(current_crumb == nullptr);

    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    write_crumb(ends[1]);
    const detail::CrumbScope scope(guards.plugin.seen);
    write_crumb(ends[1]);
    ::close(ends[1]);
    char text[128] = {};
    CHECK(::read(ends[0], text, sizeof text - 1) > 0);
    ::close(ends[0]);
    CHECK(std::string(text) == "in store.l1 get (org.larder.liar 1.0.0)\n");
}

TEST_CASE("a table of three slots is whole, with stubs behind them", "[loader]") {
    Guards guards;
    larder_compressor_v1 old = guards.codec_table;
    old.struct_size = offsetof(larder_compressor_v1, train);
    old.decompress = old.compress;
    // Garbage where the older table has ended.
    old.train = forget<decltype(old.train)>(&lying_cancel);
    CHECK(missing_slot<larder_compressor_v1>(&old, 0).empty());
    CHECK(missing_slot<larder_compressor_v1>(&old, LARDER_COMP_CAP_DICTIONARY) == "train");
    const larder_compressor_v1 whole = whole_table<larder_compressor_v1>(&old);
    CHECK(whole.codec_id == 200);
    CHECK(whole.compress == old.compress);
    std::size_t size = 0;
    CHECK(whole.train(nullptr, nullptr, 0, nullptr, &size) == LARDER_E_UNSUPPORTED);
}

TEST_CASE("a size that ends within a slot ends before it", "[loader]") {
    Guards guards;
    larder_store_v1 odd = guards.store_table;
    odd.put = forget<decltype(odd.put)>(&lying_get);
    odd.struct_size = offsetof(larder_store_v1, put) + 4;
    CHECK(missing_slot<larder_store_v1>(&odd, 0) == "put");
    const larder_store_v1 whole = whole_table<larder_store_v1>(&odd);
    CHECK(whole.put(nullptr, nullptr, nullptr, nullptr) == LARDER_E_UNSUPPORTED);
}

TEST_CASE("every slot of every kind is in the kernel's list", "[loader]") {
    // A slot is a pointer; what is not one in the tables is their eight bytes of head.
    const auto covers = []<class Table>(Table) {
        return sizeof(Table) == 8 + slot_count<Table> * sizeof(void*);
    };
    CHECK(covers(larder_store_v1{}));
    CHECK(covers(larder_compressor_v1{}));
    CHECK(covers(larder_warmer_v1{}));
    CHECK(covers(larder_invalidator_v1{}));
    CHECK(covers(larder_session_v1{}));
    CHECK(covers(larder_exporter_v1{}));
    CHECK(covers(larder_gateway_v1{}));
}
