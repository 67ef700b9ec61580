// tests/fuzz/policy_fuzz.cpp -- any bytes as a policy: parsed, checked, formatted, fixed, and every finding rendered.
#include "policy_promises.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

void larder::fuzz::broken(const char* promise) {
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text;
    text.reserve(size);
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(data[i]);
    larder::fuzz::policy_keeps_its_promises(text);
    return 0;
}
