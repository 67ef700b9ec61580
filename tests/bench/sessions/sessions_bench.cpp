// tests/bench/sessions/sessions_bench.cpp -- what a session costs in a Redis, beside a plain GET of the same bytes by hiredis.
//
// The server is one of our own on a loopback port. Both sides read in turn, a block each, so that what else the machine
// does falls on both alike; the ratio of their medians is what to look at. Data of 1 KiB, AES-256-GCM, policy and
// audit on; `live` sessions of `live / 10` users are there. Then all of a user are ended, of users with 1, 10 and 50
// sessions among those: what that costs goes by the user's sessions, whatever the number of the others.
//
//     bench_sessions [reads, default 20000] [live sessions, default 10000]
#include "kernel/api/kernel.hpp"
#include "kernel/api/sessions.hpp"
#include "tests/bench/shared/redis_process.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder;
using namespace larder::bench;
using Watch = std::chrono::steady_clock;

double us_since(Watch::time_point began) { return std::chrono::duration<double, std::micro>(Watch::now() - began).count(); }

double at(std::vector<double>& us, double q) {
    std::sort(us.begin(), us.end());
    return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
}

std::unique_ptr<Kernel> kernel_on(int port) {
    config::Environment environment;
    environment.env = [](std::string_view name) -> std::optional<std::string> {
        if (name == "KEY") return std::string(32, 'k');
        return std::nullopt;
    };
    config::LoadedConfig conf = config::parse_host_config("bench.toml",
        "policy = [\"" LARDER_SOURCE_DIR "/tests/bench/sessions/sessions.larder\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
        "[store.redis]\nplugin = \"redis\"\nurl = \"redis://127.0.0.1:" + std::to_string(port) +
        "\"\n[session.login]\nplugin = \"sealed\"\nkeys = { env = \"KEY\" }\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n", environment);
    KernelOptions options;
    options.config = std::move(conf.config);
    std::string problem;
    auto kernel = Kernel::open(std::move(options), problem);
    if (kernel == nullptr || !kernel->start(problem)) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        std::exit(1);
    }
    api::SessionFound ignored;
    for (int i = 0; i < 400 && api::sessions_of(*kernel).get("login", "nobody", ignored) != LARDER_MISS; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return kernel;
}

void must(larder_status status, const char* what) {
    if (status == LARDER_OK) return;
    std::fprintf(stderr, "%s: %d\n", what, status);
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t reads = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
    const std::size_t live = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000;
    const RedisProcess redis;
    const auto kernel = kernel_on(redis.port());
    api::Sessions& sessions = api::sessions_of(*kernel);
    const std::string data = "{\"note\":\"" + std::string(1013, 'v') + "\"}";

    std::vector<std::string> ids(live);
    const double before = redis.info("memory", "used_memory");
    // A user's are one thread's: their index is written in turn.
    constexpr std::size_t makers = 4;
    std::vector<std::thread> making;
    const auto began = Watch::now();
    for (std::size_t t = 0; t < makers; ++t)
        making.emplace_back([&, t] {
            for (std::size_t i = 0; i < live; ++i)
                if (i / 10 % makers == t) must(sessions.create("login", "user" + std::to_string(i / 10), data, ids[i]), "create");
        });
    for (std::thread& thread : making) thread.join();
    const double creating = us_since(began) / static_cast<double>(live);
    const double each = (redis.info("memory", "used_memory") - before) / static_cast<double>(live);

    const Context bare = redis.connect();
    Reply(static_cast<redisReply*>(redisCommand(bare.get(), "SET plain %b", data.data(), data.size())));
    std::vector<double> ours, theirs;
    const auto get = [&](std::size_t i) {
        api::SessionFound found;
        const auto from = Watch::now();
        must(sessions.get("login", ids[i * 7919 % live], found), "get");
        ours.push_back(us_since(from));
    };
    const auto plain = [&] {
        const auto from = Watch::now();
        const Reply reply(static_cast<redisReply*>(redisCommand(bare.get(), "GET plain")));
        theirs.push_back(us_since(from));
        if (reply == nullptr || reply->len != data.size()) std::exit(1);
    };
    for (std::size_t i = 0; i < reads;) {
        for (std::size_t n = 0; n < 100 && i < reads; ++n, ++i) get(i);
        for (std::size_t n = 0; n < 100; ++n) plain();
    }
    const double p50 = at(ours, 0.5), p99 = at(ours, 0.99), bare50 = at(theirs, 0.5), bare99 = at(theirs, 0.99);
    std::printf("session get    %8.1f us p50 %8.1f us p99\n", p50, p99);
    std::printf("hiredis GET    %8.1f us p50 %8.1f us p99   ratio %.2f\n", bare50, bare99, p50 / bare50);
    std::printf("create         %8.1f us a session by four threads, %.0f bytes of Redis a session of %zu bytes\n", creating, each, data.size());
    for (const std::size_t each_user : {1, 10, 50}) {
        constexpr std::size_t users = 60;
        std::string id;
        for (std::size_t i = 0; i < users * each_user; ++i) must(sessions.create("login", "ended" + std::to_string(each_user) + "." + std::to_string(i / each_user), data, id), "create");
        std::vector<double> ends;
        for (std::size_t i = 0; i < users; ++i) {
            std::uint64_t ended = 0;
            const auto from = Watch::now();
            must(sessions.end_user("login", "ended" + std::to_string(each_user) + "." + std::to_string(i), ended), "end_user");
            ends.push_back(us_since(from));
            if (ended != each_user) return 1;
        }
        std::printf("end_user       %8.1f us p50 for %zu of %zu live sessions\n", at(ends, 0.5), each_user, live + each_user * users);
    }
    return 0;
}
