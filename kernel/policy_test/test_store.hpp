// kernel/policy_test/test_store.hpp -- the store of one test: a map that can be told to fail.
//
// As plain as a store can be and still be one: it keeps what it is given until its time is over. One
// thread, because a test has one; no limits, because what a store pushes out first is its own business
// and nothing a policy could promise. It knows headed values, as the memory plugin does: what is dropped
// while it fails is dropped when it is back, which a shared store gets from the kernel's outbox.
#pragma once

#include "kernel/core/cache.hpp"

#include <larder/plugin/store.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace larder::policy_test {

class TestStore {
  public:
    // `clock` outlives the store, and the store every value it gave.
    explicit TestStore(const Clock& clock) : clock_(clock) {}
    TestStore(const TestStore&) = delete;
    TestStore& operator=(const TestStore&) = delete;

    StoreHandle handle(std::string name);
    void fail(bool fails) { fails_ = fails; }
    bool fails() const { return fails_; }
    // How many gets found something.
    std::uint64_t found() const { return found_; }

  private:
    struct Block {
        std::vector<std::uint64_t> words;  // 8-aligned, as heads want it
        std::size_t size = 0;
        std::uint64_t until_ns = 0, version = 0;
        bool headed = false;
        char* data() { return reinterpret_cast<char*>(words.data()); }
    };
    using Shared = std::shared_ptr<Block>;
    using Shelf = std::unordered_map<std::string, Shared>;

    static TestStore& self(void* p) { return *static_cast<TestStore*>(p); }
    static const larder_store_v1& table();
    static larder_status get(void* p, const larder_key* key, const larder_call* call,
                             larder_value* out) noexcept;
    static larder_status put(void* p, const larder_key* key, const larder_put* put,
                             const larder_call* call) noexcept;
    static larder_status remove(void* p, const larder_key* key, std::uint64_t if_version,
                                const larder_call* call) noexcept;
    static larder_status touch(void* p, const larder_key* key, const larder_touch* touch,
                               const larder_call* call) noexcept;
    static larder_status clear_ns(void* p, std::uint32_t ns, const larder_call* call) noexcept;

    Shared* find(const larder_key& key);
    void set_deadline(Block& block, std::uint64_t ttl_ms) const;

    const Clock& clock_;
    bool fails_ = false;
    std::uint64_t found_ = 0;
    std::unordered_map<std::uint32_t, Shelf> shelves_;
};

}  // namespace larder::policy_test
