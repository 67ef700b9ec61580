// tests/unit/loader/test_services.hpp -- a kernel for the loader's tests: keeps the log, stands
// still.
#pragma once

#include "kernel/loader/options.hpp"
#include "tests/support/quiet_services.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

class TestServices : public QuietServices {
  public:
    std::vector<std::string> lines;
    std::int32_t level = LARDER_LOG_DEBUG;
    std::uint64_t now_ns = 1'000'000'000'000;
    std::string secret = "sesame";  // what every reference leads to; empty: nowhere
    std::string secret_asked;

    void log(std::string_view module, std::int32_t, std::string_view text) noexcept override {
        lines.push_back(std::string(module) + ": " + std::string(text));
    }
    std::int32_t log_level() const noexcept override { return level; }
    std::uint64_t mono_ns() const noexcept override { return now_ns; }
    std::uint64_t wall_ms() const noexcept override { return now_ns / 1'000'000; }
    bool read_secret(const loader::SecretRef& ref, std::string& out) noexcept override {
        secret_asked = ref.text;
        out = secret;
        return !secret.empty();
    }
};

// A call that must finish, without a deadline.
inline larder_call plain_call() {
    larder_call call{};
    call.struct_size = sizeof call;
    return call;
}

// Where the planted plugins are.
inline const std::string planted = std::string(LARDER_BIN_DIR) + "/planted";

}  // namespace larder::test
