// tests/unit/liblarder/host.hpp -- a kernel for one test, on virtual time, through the C header alone.
#pragma once

#include "catch.hpp"

#include <larder/larder.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

inline constexpr const char* plugins = LARDER_BIN_DIR "/plugins";

inline std::string taken(larder_ref* ref) {
    std::size_t n = 0;
    const void* const data = larder_ref_data(ref, &n);
    std::string out(static_cast<const char*>(data), n);
    larder_ref_release(ref);
    return out;
}

struct Got {
    larder_result result = LARDER_R_FAILED;
    std::string value;
    std::uint64_t lease = 0;
    bool operator==(const Got&) const = default;
};

class Host {
  public:
    explicit Host(const std::string& policy, std::uint32_t flags = LARDER_OPEN_VIRTUAL_TIME, const char* config = nullptr,
                  const char* const* env = nullptr) {
        larder_open_args args{};
        args.size = sizeof args;
        args.flags = flags;
        args.policy_text = policy.c_str();
        args.plugin_path = plugins;
        args.config_text = config;
        args.env = env;
        k = larder_kernel_open(&args, nullptr);
        INFO(larder_problem());
        REQUIRE(k != nullptr);
    }
    ~Host() { larder_kernel_close(k); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    std::int32_t space(std::string_view name) const { return larder_kernel_space(k, name.data(), name.size()); }
    Got get(std::string_view name, std::string_view key, larder_loop* loop = nullptr, std::uint64_t user = 0) const {
        larder_ref* ref = nullptr;
        Got out;
        out.result = larder_kernel_get(k, space(name), key.data(), key.size(), loop, user, &ref, &out.lease);
        out.value = taken(ref);
        return out;
    }
    larder_result put(std::string_view name, std::string_view key, std::string_view value, const larder_put_args* args = nullptr) const {
        return larder_kernel_put(k, space(name), key.data(), key.size(), value.data(), value.size(), args, nullptr, 0);
    }
    larder_result fill(std::uint64_t lease, std::string_view value, const larder_put_args* args = nullptr) const {
        return larder_kernel_fill(k, lease, value.data(), value.size(), args, nullptr, 0);
    }
    larder_result drop(std::string_view name, std::string_view rule) const {
        return larder_kernel_invalidate(k, LARDER_DO_DROP, name.empty() ? LARDER_SPACE_NONE : space(name), rule.data(), rule.size(), nullptr, 0, nullptr);
    }
    std::string report(std::string_view what) const {
        larder_ref* ref = nullptr;
        const larder_result result = larder_kernel_report(k, what.data(), what.size(), &ref);
        return result == LARDER_R_DONE ? taken(ref) : std::string("problem: ") + larder_problem();
    }
    void advance(std::int64_t ms) const { REQUIRE(larder_kernel_advance(k, ms) == LARDER_R_DONE); }

    larder_kernel* k = nullptr;
};

// A loop and what was drained from it.
class Loop {
  public:
    explicit Loop(const Host& host) : loop(larder_loop_new(host.k)) { REQUIRE(loop != nullptr); }
    ~Loop() { larder_loop_free(loop); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    struct Done {
        std::uint64_t user = 0;
        larder_result result = LARDER_R_FAILED;
        std::string value;
        std::uint64_t lease = 0;
    };
    std::vector<Done> drain() const {
        std::vector<larder_completion> raw(64);
        raw.resize(larder_loop_drain(loop, raw.data(), raw.size()));
        std::vector<Done> out;
        for (const larder_completion& one : raw) out.push_back({one.user, one.result, taken(one.ref), one.lease});
        return out;
    }
    larder_loop* loop;
};

}  // namespace larder::test
