// tests/unit/sdk/border_test.cpp -- what the types of the border do not let through.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/cpp.hpp>

#include <stdexcept>
#include <type_traits>

using namespace larder::plugin;

namespace {

using MayThrow = larder_status (*)(void*, const larder_key*, const larder_call*, larder_value*);
using KeepsQuiet = larder_status (*)(void*, const larder_key*, const larder_call*,
                                     larder_value*) noexcept;
using GetSlot = decltype(larder_store_v1::get);
// A function that may throw does not go into a slot: the compiler of a plugin refuses it.
static_assert(!std::is_assignable_v<GetSlot&, MayThrow>);
static_assert(std::is_assignable_v<GetSlot&, KeepsQuiet>);
static_assert(!std::is_assignable_v<decltype(larder_value::release)&, void (*)(larder_value*)>);
static_assert(!std::is_assignable_v<decltype(larder_component::destroy)&, void (*)(void*)>);

// Throws whatever the test says, wherever it is called.
struct Thrower {
    static constexpr const char* name = "thrower";
    static constexpr std::uint64_t caps = 0;
    static inline int what = 0;

    Thrower(Host, const Config& config) { act(config.has("in_create")); }
    void start() { act(true); }
    void stop(std::uint64_t) { act(true); }
    larder_status get(const larder_key&, const larder_call&, Reply) { return act(true); }
    larder_status put(const larder_key&, const larder_put&, const larder_call&) {
        return act(true);
    }
    larder_status remove(const larder_key&, std::uint64_t, const larder_call&) { return act(true); }
    larder_status touch(const larder_key&, const larder_touch&, const larder_call&) {
        return act(true);
    }
    void cancel(void*) { act(true); }

    static larder_status act(bool now) {
        if (now) {
            switch (what) {
                case 1:
                    throw Error(LARDER_E_DENIED, "no entry");
                case 2:
                    throw std::bad_alloc();
                case 3:
                    throw std::runtime_error("planted");
                case 4:
                    throw 4;
                default:
                    break;
            }
        }
        return LARDER_OK;
    }
};

}  // namespace

TEST_CASE("whatever is thrown becomes a status, and its text is kept", "[sdk]") {
    const std::tuple<int, larder_status, const char*> sins[] = {
        {1, LARDER_E_DENIED, "no entry"},
        {2, LARDER_E_NOMEM, "out of memory"},
        {3, LARDER_E_EXCEPTION, "planted"},
        {4, LARDER_E_EXCEPTION, "an exception of unknown type"},
    };
    for (const auto& [what, status, text] : sins) {
        larder::test::FakeHost host;
        Thrower::what = what;
        larder::test::FakeConfig config;
        {
            config.set("in_create", true);
            const larder::test::FakeInstance refused(host, Store<Thrower>::value, config);
            CHECK(refused.created() == status);
            CHECK(refused.reason() == text);
        }
        larder::test::FakeInstance store(host, Store<Thrower>::value, larder::test::FakeConfig());
        REQUIRE(store.created() == LARDER_OK);
        CHECK(store.start() == status);
        CHECK(store.reason() == text);
        const auto& table = store.table<larder_store_v1>();
        const larder_key key{"k", 1, 0, 0};
        larder_call call{};
        call.struct_size = sizeof call;
        larder_value value{};
        CHECK(table.get(store.self(), &key, &call, &value) == status);
        CHECK(host.logged(text));
        table.cancel(store.self(), nullptr);
        CHECK(store.stop() == status);
        CHECK(host.lines().size() == 3);
    }
    Thrower::what = 0;
}

TEST_CASE("a slot that a class does not have is NULL, one that it has is not", "[sdk]") {
    const larder_store_v1& table = StoreKind<Thrower>::table;
    CHECK(table.struct_size == sizeof table);
    CHECK(table.get != nullptr);
    CHECK(table.cancel != nullptr);
    CHECK(table.visit == nullptr);
    CHECK(table.scan == nullptr);
    CHECK(Store<Thrower>::value.start != nullptr);
    CHECK(Store<Thrower>::value.health == nullptr);
    CHECK(Store<Thrower>::value.reconfigure == nullptr);
}

TEST_CASE("an error text longer than the caller's buffer is cut, and ends with NUL", "[sdk]") {
    char text[6] = {'x', 'x', 'x', 'x', 'x', 'x'};
    larder_errbuf err{text, 5, 0};
    detail::tell(nullptr, &err, "too long");
    CHECK(std::string(text) == "too ");
    CHECK(err.len == 4);
    CHECK(text[5] == 'x');
}
