// kernel/core/random.cpp -- xoshiro256** for the process, SplitMix64 for tests.
#include "kernel/core/random.hpp"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstddef>

namespace larder {
namespace {

constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;

std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

// Rises in the child of a fork(), whose copied state would repeat the parent's numbers.
std::atomic<std::uint64_t> process_generation{1};

void watch_forks() noexcept {
    [[maybe_unused]] static const int watched = pthread_atfork(
        nullptr, nullptr, [] { process_generation.fetch_add(1, std::memory_order_relaxed); });
}

struct Xoshiro {
    std::array<std::uint64_t, 4> s{};
    std::uint64_t generation = 0;  // 0: not seeded

    void seed() noexcept {
        watch_forks();
        generation = process_generation.load(std::memory_order_relaxed);
        if (getrandom(s.data(), sizeof s, 0) == static_cast<ssize_t>(sizeof s) &&
            s != decltype(s){})
            return;
        // No generator, as in a strict seccomp jail: unlike any other thread's is enough here.
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        std::uint64_t z = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                          static_cast<std::uint64_t>(now.tv_nsec);
        z ^= mix(static_cast<std::uint64_t>(getpid())) ^ mix(std::bit_cast<std::uintptr_t>(this));
        for (auto& word : s) word = mix(z += golden);
    }

    std::uint64_t next() noexcept {
        const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
        const std::uint64_t t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = std::rotl(s[3], 45);
        return result;
    }
};

}  // namespace

std::uint64_t SystemRandom::next() noexcept {
    thread_local Xoshiro generator;
    if (generator.generation != process_generation.load(std::memory_order_relaxed)) [[unlikely]]
        generator.seed();
    std::uint64_t number = generator.next();
    while (number == 0) number = generator.next();
    return number;
}

std::uint64_t SeededRandom::next() noexcept {
    for (;;) {
        const std::uint64_t at = state_.fetch_add(golden, std::memory_order_relaxed) + golden;
        if (const std::uint64_t number = mix(at); number != 0) return number;
    }
}

}  // namespace larder
