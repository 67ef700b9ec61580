// tests/bench/peers/load.cpp -- keys, values, draws, processes.
#include "tests/bench/peers/load.hpp"

#include "tests/bench/zipf.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

namespace larder::bench {
namespace {

std::uint64_t mix(std::uint64_t h) noexcept {
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdU;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53U;
    return h ^ h >> 33;
}

constexpr auto hex = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (unsigned i = 0; i < 256; ++i) pairs[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
    return pairs;
}();

}  // namespace

std::string Row::name() const {
    std::string text = std::to_string(key_size) + " B keys, " + (mixed ? "32-1024 B values" : "100 B values") + ", " +
                       (zipf ? "zipf" : "uniform") + ", " + std::to_string(capacity) + " % fit";
    if (writes != 0) text += ", " + std::to_string(writes) + " % writes";
    if (drops) text += ", 1000 tag drops/s";
    return text + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

Key::Key(std::uint64_t number, std::size_t size) noexcept : size_(size) {
    const std::uint64_t bits = mix(number + 1);
    for (std::size_t i = 0; i < 8; ++i) std::memcpy(text_ + 2 * i, hex[bits >> (8 * i) & 255].data(), 2);
    if (size > 16) std::memcpy(text_ + 16, "-of-a-longer-key-of-40--", 24);
}

std::string_view value_of(const Row& row, std::uint64_t number) {
    static const std::string bytes(1024, 'v');
    return {bytes.data(), row.mixed ? std::size_t{32} << mix(number) % 6 : 100};
}

std::uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t total = 0, resident = 0;
    in >> total >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::vector<std::vector<std::uint32_t>> draws_of(const Row& row, std::size_t operations) {
    std::vector<std::vector<std::uint32_t>> draws(row.threads);
    const Zipf zipf(key_count, 0.99);
    for (unsigned t = 0; t < row.threads; ++t) {
        std::mt19937_64 random(4'711 + t);
        for (std::size_t i = 0; i < operations; ++i)
            draws[t].push_back(static_cast<std::uint32_t>(row.zipf ? zipf(random) : random() % key_count));
    }
    return draws;
}

Measured in_own_process(const std::function<Measured()>& work) {
    int ends[2];
    if (pipe(ends) != 0) return {};
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        Measured result = work();
        result.there = true;
        const bool written = write(ends[1], &result, sizeof result) == static_cast<ssize_t>(sizeof result);
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    Measured result;
    const bool whole = child > 0 && read(ends[0], &result, sizeof result) == static_cast<ssize_t>(sizeof result);
    close(ends[0]);
    if (child > 0) waitpid(child, nullptr, 0);
    return whole ? result : Measured{};
}

}  // namespace larder::bench
