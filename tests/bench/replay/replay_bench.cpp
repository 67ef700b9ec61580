// tests/bench/replay/replay_bench.cpp -- requests a second that a policy is tried on, and what recording costs.
//
// Zipf-like traffic over 20,000 users through the policy of a hotel: an access log in combined format, and a trace
// of the same gets with their loads and writes. Times are of one processor, of this thread; the best of several
// passes, because others use the machine. Wanted: at least a million requests a second.
#include "kernel/replay/recording.hpp"
#include "kernel/replay/replay.hpp"
#include "kernel/replay/trace_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

using namespace larder;
using namespace larder::replay;

namespace {

constexpr const char* policy_text = R"(larder 1
namespace user { key "{user_id}"; ttl 30m }
namespace list { key "{page}"; ttl 1m }
on GET "/v1.0/user/{user_id}" { serve user "{user_id}" }
on write "/v1.0/user/update/{user_id}" { drop user "{user_id}"; drop list }
)";

constexpr std::uint64_t users = 20'000, requests = 1'000'000;

StageOptions stage() {
    StageOptions out;
    out.policy = {"bench.larder"};
    out.texts = {{"bench.larder", policy_text}};
    out.plugin_path = {std::string(LARDER_BIN_DIR) + "/plugins"};
    out.trust_path = true;
    return out;
}

// The users asked for, in order.
std::vector<std::uint32_t> traffic() {
    std::mt19937_64 random(1);
    std::vector<std::uint32_t> out(requests);
    // Inverse of the sum of 1 / rank: near enough to a zipf of 1.
    for (std::uint32_t& user : out) user = static_cast<std::uint32_t>(std::pow(static_cast<double>(users), std::uniform_real_distribution<>(0, 1)(random))) - 1;
    return out;
}

bool is_write(std::size_t i) { return i % 100 == 99; }

std::string access_log(const std::vector<std::uint32_t>& all) {
    std::string out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::size_t second = i / 500;
        char time[64];
        std::snprintf(time, sizeof time, "10/Oct/2026:%02zu:%02zu:%02zu +0000", 10 + second / 3600, second / 60 % 60, second % 60);
        out += "10.0.0." + std::to_string(all[i] % 250) + " - - [" + time + "] \"" + (is_write(i) ? "PUT /v1.0/user/update/" : "GET /v1.0/user/") + std::to_string(all[i]) +
               " HTTP/1.1\" 200 " + std::to_string(100 + all[i] % 900) + " \"-\" \"curl/7.88.1\" 0.012\n";
    }
    return out;
}

std::string trace(const std::vector<std::uint32_t>& all) {
    TraceHead head;
    head.began_ms = 1'700'000'000'000;
    TraceWriter writer(head);
    writer.space(0, "user", 1'800'000);
    std::vector<bool> cached(users);
    std::string out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string key = std::to_string(all[i]);
        Operation op;
        op.at_ms = i * 2;
        op.space = 0;
        op.key = key;
        if (is_write(i)) {
            const std::string path = "/v1.0/user/update/" + key;
            op.kind = OperationKind::request;
            op.method = "PUT";
            op.path = path;
            op.status = 200;
            writer.write(op);
            cached[all[i]] = false;
        } else {
            op.outcome = cached[all[i]] ? Outcome::hit : Outcome::miss;
            op.fence = true;
            writer.write(op);
            if (!cached[all[i]]) {
                op.kind = OperationKind::put;
                op.fill = true;
                op.size = 100 + all[i] % 900;
                op.cost_us = 12'000;
                writer.write(op);
                cached[all[i]] = true;
            }
        }
        if (i % 4096 == 0) out += writer.take();
    }
    return out + writer.take();
}

void show(const char* what, const std::string& text) {
    ReplayOptions options;
    options.stage = stage();
    double best = 1e9;
    Tally tally;
    for (int pass = 0; pass < 5; ++pass) {
        std::string problem;
        const auto out = replay::replay(text, options, problem);
        if (!out) {
            std::printf("%s: %s", what, problem.c_str());
            return;
        }
        if (out->tried.seconds < best) {
            best = out->tried.seconds;
            tally = out->tried;
        }
    }
    std::printf("%-14s %10.0f operations/s  %6.1f bytes each  hit ratio %.2f %%  %llu requests\n", what, static_cast<double>(tally.operations) / best,
                static_cast<double>(text.size()) / static_cast<double>(tally.operations), hit_ratio(tally.all()) * 100,
                static_cast<unsigned long long>(tally.all().gets() + tally.requests));
}

double seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A hit while nobody records, and while somebody does.
void show_recording() {
    std::string problem;
    const auto kernel = StageKernel::open(stage(), problem);
    if (!kernel) return;
    std::uint32_t ns = 0;
    if (kernel->cache().ns_find("user", &ns) != LARDER_OK) return;
    larder_cache_set set{};
    set.ns = ns;
    set.key = {"42", 2};
    set.value = {"value", 5};
    kernel->cache().set_many(&set, 1, nullptr);
    const auto hits = [&](std::size_t n) {
        const double began = seconds();
        for (std::size_t i = 0; i < n; ++i) {
            larder_cache_get item{};
            item.ns = ns;
            item.key = {"42", 2};
            kernel->cache().get_many(&item, 1, nullptr);
            if (item.value.release != nullptr) item.value.release(&item.value);
        }
        return (seconds() - began) * 1e9 / static_cast<double>(n);
    };
    double without = 1e9, recorded = 1e9, hidden = 1e9;
    for (int pass = 0; pass < 9; ++pass) {
        without = std::min(without, hits(50'000));
        const auto recording = Recording::begin(kernel->kernel(), 1, problem);
        if (!recording) return;
        recorded = std::min(recorded, hits(50'000));
        const double began = seconds();
        static_cast<void>(recording->end());
        hidden = std::min(hidden, (seconds() - began) * 1e9 / 50'000);
    }
    std::printf("a hit          %6.1f ns, while it is recorded %6.1f ns; whoever records takes %6.1f ns for it\n", without, recorded, hidden);
}

}  // namespace

int main() {
    const auto all = traffic();
    show("access log", access_log(all));
    show("trace", trace(all));
    show_recording();
}
