// tests/unit/store_lmdb/crash_test.cpp -- kill -9 at any moment: what was acknowledged is there, and nothing older.
//
// A child works on the store and tells each acknowledgement through a pipe; it is killed at a random moment. Then the
// file has to say what was acknowledged last of each key, or what was under way. LARDER_KILLS says how often (100),
// a third as often while room is made, a tenth as often where each write waits for the disk.
#include "lmdb_rig.hpp"

#include "tests/catch.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>

using namespace larder;
using namespace larder::test;

namespace {

constexpr std::uint64_t keys = 40, records = 5;

int kills() {
    const char* const given = std::getenv("LARDER_KILLS");
    return given == nullptr ? 100 : std::atoi(given);
}

std::string key_of(std::uint64_t n) { return "larder:v:{n:" + std::to_string(n) + "}"; }
std::string record_key(std::uint64_t n) { return "larder:g:000000000000000" + std::to_string(n); }

// What step n does, the same for whoever does it and whoever judges it.
struct Step {
    enum Kind { put, remove, drop } kind;
    std::uint64_t on;
    std::string value;
};
Step step(std::uint64_t n, std::size_t largest) {
    std::minstd_rand random(n * 2654435761U + 1);
    random.discard(3);
    if (random() % 7 == 0) {
        return {Step::drop, random() % records, {}};
    }
    if (random() % 5 == 0) {
        return {Step::remove, random() % keys, {}};
    }
    return {Step::put, random() % keys, std::to_string(n) + ":" + std::string(random() % largest, 'x')};
}

[[noreturn]] void work(const std::string& folder, const FakeConfig& config, std::uint64_t from, std::size_t largest, int told) {
    LmdbRig store(folder, config);
    if (!store.started()) {
        ::_exit(1);
    }
    for (std::uint64_t n = from;; ++n) {
        const Step now = step(n, largest);
        larder_status status = LARDER_OK;
        if (now.kind == Step::put) {
            status = store.put(key_of(now.on), now.value, 0);
        } else if (now.kind == Step::remove) {
            status = store.remove(key_of(now.on));
        } else {
            const std::string name = record_key(now.on);
            larder_record made = record_of(name, n, n), drop = record_of(name, n, n);
            status = store.make(made);
            status = status == LARDER_OK ? store.change(drop) : status;
        }
        if (status < 0 || ::write(told, &n, sizeof n) != sizeof n) {
            ::_exit(2);
        }
    }
}

// One life and its end. The last step that was acknowledged.
std::uint64_t live_and_die(const std::string& folder, const FakeConfig& config, std::uint64_t from, std::size_t largest, std::uint64_t steps, std::minstd_rand& random) {
    int told[2];
    REQUIRE(::pipe(told) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(told[0]);
        work(folder, config, from, largest, told[1]);
    }
    ::close(told[1]);
    std::uint64_t last = from - 1, got = 0;
    // Some are killed while they open the file, most while they work.
    const int moment_ms = static_cast<int>(random() % 12);
    const std::uint64_t enough = random() % 8 == 0 ? 0 : random() % steps;
    for (std::uint64_t seen = 0; seen < enough && ::read(told[0], &got, sizeof got) == sizeof got; ++seen) {
        last = got;
    }
    ::poll(nullptr, 0, moment_ms);
    ::kill(child, SIGKILL);
    while (::read(told[0], &got, sizeof got) == sizeof got) {
        last = got;
    }
    ::close(told[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    return last;
}

struct Model {
    std::map<std::uint64_t, std::string> values;
    std::map<std::uint64_t, std::uint64_t> drops;
    void apply(std::uint64_t n, std::size_t largest) {
        const Step now = step(n, largest);
        if (now.kind == Step::put) {
            values[now.on] = now.value;
        } else if (now.kind == Step::remove) {
            values.erase(now.on);
        } else {
            drops[now.on] = n;
        }
    }
    std::string value(std::uint64_t key) const {
        const auto at = values.find(key);
        return at == values.end() ? "-" : at->second;
    }
};

// A life is about so many steps long, at most.
void kill_many_times(int times, const FakeConfig& config, std::size_t largest, bool all_there, std::uint64_t steps = 400) {
    const TemporaryFolder folder;
    std::minstd_rand random(20261121);
    Model model;
    std::uint64_t next = 1;
    for (int turn = 0; turn < times; ++turn) {
        const std::uint64_t last = live_and_die(folder.file("l2"), config, next, largest, steps, random);
        for (; next <= last; ++next) {
            model.apply(next, largest);
        }
        Model perhaps = model;  // with the step that was under way
        perhaps.apply(next, largest);
        LmdbRig store(folder.file("l2"), config);
        REQUIRE(store.started());
        for (const auto& line : store.host().lines()) UNSCOPED_INFO("turn " << turn << ": " << line.text);
        REQUIRE_FALSE(store.host().logged("set aside"));
        for (std::uint64_t key = 0; key < keys; ++key) {
            const std::string value = store.value(key_of(key));
            INFO("turn " << turn << ", step " << last << ", key " << key);
            REQUIRE((value == model.value(key) || value == perhaps.value(key) || (!all_there && value == "-")));
        }
        for (const auto& [record, drop] : model.drops) {
            const std::uint64_t now = store.record(record_key(record)).drop;
            REQUIRE((now == drop || now == perhaps.drops[record]));
        }
        // What was under way is decided now; the next life begins behind it.
        ++next;
        for (std::uint64_t key = 0; key < keys; ++key) {
            const std::string value = store.value(key_of(key));
            value == "-" ? void(model.values.erase(key)) : void(model.values[key] = value);
        }
        for (std::uint64_t record = 0; record < records; ++record) {
            if (const larder_record now = store.record(record_key(record)); now.status == LARDER_OK) {
                model.drops[record] = now.drop;
            }
        }
    }
}

}  // namespace

TEST_CASE("killed at random moments, a store has every change that was acknowledged, and no older one") {
    kill_many_times(kills(), {}, 3000, true);
}

TEST_CASE("killed while it makes room, a store has what was acknowledged last of a key, or nothing") {
    FakeConfig config;
    config.set("capacity", 4 << 20);
    kill_many_times(std::max(kills() / 3, 1), config, 400'000, false);
}

TEST_CASE("killed at random moments, one that waits for the disk has every change that was acknowledged") {
    FakeConfig config;
    config.set("durability", "machine");
    kill_many_times(std::max(kills() / 10, 1), config, 3000, true, 30);
}
