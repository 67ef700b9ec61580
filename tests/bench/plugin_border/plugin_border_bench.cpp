// tests/bench/plugin_border/plugin_border_bench.cpp -- what the border to a plugin costs: ns per
// get of a store that does nothing.
//
//   bench_plugin_border [rounds]
//
// The minimum over the rounds, 4000 unless said, of 16 Ki gets each over 1024 keys: rounds so short
// that some run undisturbed even on a busy machine. What is compared: the same class called
// directly (inlined, and through a function that is not), virtually, through the plugin's own C
// table, and through the guarded table that the kernel calls.
#include "kernel/loader/plugin_registry.hpp"
#include "tests/bench/plugin_border/null_store.hpp"
#include "tests/support/quiet_services.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace larder::loader;

// The same store as a C++ interface, for comparison.
class Interface {
  public:
    virtual ~Interface() = default;
    virtual larder_status get(const larder_key& key, const larder_call& call,
                              larder_value* out) = 0;
};
class Virtual final : public Interface {
  public:
    larder_status get(const larder_key& key, const larder_call& call, larder_value* out) override {
        return store_.get(key, call, larder::plugin::Reply(out));
    }

  private:
    NullStore store_{
        "................................................................................"
        "........................................................"};
};

// With a second one the compiler cannot guess which is meant.
class Other final : public Interface {
  public:
    larder_status get(const larder_key&, const larder_call&, larder_value*) override {
        return LARDER_MISS;
    }
};

constexpr std::size_t gets = 16'384;
constexpr std::size_t key_count = 1024;

struct Bench {
    std::array<std::string, key_count> texts;
    std::array<larder_key, key_count> keys;
    larder_call call{};
    int rounds;

    explicit Bench(int n) : rounds(n) {
        call.struct_size = sizeof call;
        for (std::size_t i = 0; i < key_count; ++i) {
            texts[i] = "user_details:" + std::to_string(10'000 + i);
            keys[i] = {texts[i].data(), static_cast<std::uint32_t>(texts[i].size()), 1,
                       i * 0x9e3779b97f4a7c15u};
        }
    }

    // get(key, call, out) -> status. Values go through RAII as the kernel's do.
    template <class Get>
    double measure(const char* name, Get&& get) {
        double best = 1e9;
        for (int round = 0; round < rounds; ++round) {
            std::size_t bytes = 0;
            const auto from = std::chrono::steady_clock::now();
            for (std::size_t i = 0; i < gets; ++i) {
                larder::plugin::Value value;
                if (get(keys[i % key_count], call, value.out()) == LARDER_OK) {
                    bytes += value.size();
                }
            }
            const std::chrono::duration<double, std::nano> took =
                std::chrono::steady_clock::now() - from;
            if (bytes != gets * 128) {
                std::fprintf(stderr, "%s: wrong answers\n", name);
                std::exit(1);
            }
            best = std::min(best, took.count() / static_cast<double>(gets));
        }
        std::printf("%-46s %6.2f ns\n", name, best);
        return best;
    }
};

// Keeps the compiler from knowing what a pointer points at, each time it is asked.
template <class T>
[[gnu::always_inline]] inline T* hidden(T* p) {
    __asm__ volatile("" : "+r"(p));
    return p;
}

[[gnu::noinline]] larder_status call_directly(NullStore& store, const larder_key& key,
                                              const larder_call& call, larder_value* out) {
    return store.get(key, call, larder::plugin::Reply(out));
}

}  // namespace

int main(int argc, char** argv) {
    Bench bench(argc > 1 ? std::max(1, std::atoi(argv[1])) : 4000);
    larder::test::QuietServices services;
    PluginRegistry registry{{{std::string(LARDER_BIN_DIR) + "/bench"}, true}};
    std::string problem;
    const auto found = registry.find(Kind::store, "null", problem);
    const auto store =
        found ? registry.make(*found, OptionValues("null"), "store.null", services, problem)
              : nullptr;
    if (store == nullptr) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        return 1;
    }
    // The plugin's own instance and table, without the kernel's copy and guard.
    larder_instance bare{};
    bare.struct_size = sizeof bare;
    const larder_component component = store->module().component(Kind::store, "null");
    if (component.create(store->module().host(), store->options().as_config(), &bare, nullptr) !=
        LARDER_OK) {
        return 1;
    }

    NullStore here(
        "................................................................................"
        "........................................................");
    Virtual virtual_store;
    Other other_store;
    Interface* interface = argc > 2 ? static_cast<Interface*>(&other_store) : &virtual_store;
    const auto* theirs = static_cast<const larder_store_v1*>(bare.vtable);
    const auto* table = &store->table<larder_store_v1>();
    void* self = store->self();
    using K = const larder_key&;
    using C = const larder_call&;
    using V = larder_value*;
    bench.measure("inlined", [&](K k, C c, V v) {
        return hidden(&here)->get(k, c, larder::plugin::Reply(v));
    });
    const double plain = bench.measure(
        "direct call", [&](K k, C c, V v) { return call_directly(*hidden(&here), k, c, v); });
    bench.measure("C++ virtual", [&](K k, C c, V v) { return hidden(interface)->get(k, c, v); });
    bench.measure("plugin's C table",
                  [&](K k, C c, V v) { return hidden(theirs)->get(bare.self, &k, &c, v); });
    const double guarded = bench.measure("kernel's table, guarded", [&](K k, C c, V v) {
        return hidden(table)->get(self, &k, &c, v);
    });
    std::printf("%-46s %6.2f ns\n", "the border, guard included, over a direct call",
                guarded - plain);
    component.destroy(bare.self);
    return 0;
}
