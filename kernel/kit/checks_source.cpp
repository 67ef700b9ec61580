// kernel/kit/checks_source.cpp -- LPR-3xx and 4xx: warmers make values, invalidators say what is stale. What is behind them is
// as a rule not there, so an error in time is as good as a value; a hang, a crash and a lie are not.
#include "kernel/kit/edge.hpp"
#include "kernel/kit/subject.hpp"

#include <atomic>
#include <cstring>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

struct Item {
    Edge key, hint;
    larder_warm_item item{};

    Item(std::string_view k, std::string_view h) : key(k), hint(h) {
        item.struct_size = sizeof item;
        item.key = key.bytes();
        item.hint = hint.bytes();
        item.reason = LARDER_WARM_DEMAND;
    }
};

bool is_error(larder_status status) { return status < 0 && status >= LARDER_E_REFUSED; }

std::shared_ptr<loader::PluginInstance> started_or_skipped(Subject& subject) {
    auto made = subject.make();
    std::string why;
    if (!subject.try_start(*made, why)) skip("start refuses here: " + why);
    return made;
}

larder_status fetch(Subject& subject, loader::PluginInstance& warmer, std::string_view key, std::string_view hint, Ms deadline) {
    const Item item(key, hint);
    const larder_call call = subject.call(deadline);
    larder_cache_set set{};
    set.key = item.item.key;
    set.ttl_ms = 60'000;
    larder_value value{};
    std::memset(static_cast<void*>(&value), 0x5A, sizeof value);
    value.size = 0x5A;  // small: the guard takes what nobody touched for an answer, when there is nothing to be cached
    const larder_value before = value;
    const larder_status status = warmer.table<larder_warmer_v1>().fetch(warmer.self(), &item.item, &call, &set, &value);
    require(status == LARDER_OK || status == LARDER_MISS || is_error(status), "fetch answers " + status_text(status));
    if (status != LARDER_OK || (set.flags & LARDER_SET_ABSENT) != 0) {
        require(std::memcmp(&value, &before, sizeof value) == 0, "fetch writes a value although it has none");
    } else {
        require(value.size == 0 || value.data != nullptr, "fetch says OK and has no bytes");
        plugin::Value held(&value);
    }
    return status;
}

void fetches(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    for (const auto& [key, hint] : {std::pair<std::string, std::string>{"1", "/items/1"}, {"", ""}, {"a\0b", "{key}"}, {std::string(300, '%'), "select 1 as value"}, {"42", "{"}})
        static_cast<void>(fetch(subject, *warmer, key, hint, Ms(500)));
    subject.no_sins(*warmer);
}

void in_time(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    // The limit of the check is what finds a hang; its deadline has long passed by then.
    static_cast<void>(fetch(subject, *warmer, "1", "/slow", Ms(1)));
    static_cast<void>(fetch(subject, *warmer, "1", "/slow", Ms(200)));
    subject.no_sins(*warmer);
}

void many_threads(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    std::atomic<bool> bad{false};
    std::vector<std::thread> running;
    for (int t = 0; t < 8; ++t)
        running.emplace_back([&, t] {
            try {
                for (int n = 0; n < 20; ++n) static_cast<void>(fetch(subject, *warmer, std::to_string(t), "/items", Ms(300)));
            } catch (const Violation&) {
                bad = true;
            }
        });
    for (std::thread& thread : running) thread.join();
    require(!bad, "by eight threads at once fetch breaks its promises");
    subject.no_sins(*warmer);
}

void plans(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    if ((warmer->caps() & LARDER_WARM_CAP_PLAN) == 0) skip("it has no `plan`");
    struct Seen {
        std::size_t items = 0, most = SIZE_MAX;
        std::thread::id thread = std::this_thread::get_id();
        bool elsewhere = false;
    } seen;
    larder_warm_sink sink{sizeof(larder_warm_sink), 0, &seen, [](void* ctx, const larder_warm_item*) noexcept -> std::int32_t {
                              auto& me = *static_cast<Seen*>(ctx);
                              if (std::this_thread::get_id() != me.thread) me.elsewhere = true;
                              return ++me.items >= me.most ? 1 : 0;
                          }};
    larder_warm_run run{};
    run.struct_size = sizeof run;
    run.reason = LARDER_WARM_SCHEDULE;
    run.deadline_ns = subject.call().deadline_ns;
    run.ns = LARDER_NS_NONE;
    run.max_items = 5;
    run.horizon_ms = 1'800'000;
    const larder_status status = warmer->table<larder_warmer_v1>().plan(warmer->self(), &run, &sink);
    require(status == LARDER_OK || is_error(status), "plan answers " + status_text(status));
    require(seen.items <= 5, "plan names more items than it may");
    require(!seen.elsewhere, "plan calls its sink on another thread");
    seen.items = 0;
    seen.most = 1;
    run.max_items = 0;
    static_cast<void>(warmer->table<larder_warmer_v1>().plan(warmer->self(), &run, &sink));
    require(seen.items <= 1, "plan goes on when it is told that it is enough");
    subject.no_sins(*warmer);
}

void observes(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    if ((warmer->caps() & LARDER_WARM_CAP_OBSERVE) == 0) skip("it has no `observe`");
    std::vector<larder_access> batch(1000);
    std::vector<std::string> keys;
    for (int n = 0; n < 50; ++n) keys.push_back("k" + std::to_string(n));
    for (std::size_t n = 0; n < batch.size(); ++n) {
        const std::uint64_t chosen = subject.roll(50);
        batch[n] = larder_access{};
        batch[n].at_ms = subject.host().wall_ms();
        batch[n].key_hash = chosen;
        batch[n].key = {keys[chosen].data(), keys[chosen].size()};
        batch[n].what = static_cast<std::uint32_t>(n % 2);
        batch[n].weight = 1;
    }
    for (int n = 0; n < 100; ++n) warmer->table<larder_warmer_v1>().observe(warmer->self(), batch.data(), batch.size());
    warmer->table<larder_warmer_v1>().observe(warmer->self(), batch.data(), 0);
    subject.no_sins(*warmer);
}

void writes(Subject& subject) {
    const auto warmer = started_or_skipped(subject);
    if ((warmer->caps() & LARDER_WARM_CAP_WRITE) == 0) skip("it has no `write`");
    const Item source("", "/items/{id}");
    const Edge key(std::string_view("7")), value(std::string_view("{\"id\":7}")), hint(std::string_view("/items/{id}"));
    std::array<larder_source_write, 2> batch{};
    for (std::size_t n = 0; n < batch.size(); ++n) {
        batch[n].key = key.bytes();
        if (n == 0) batch[n].value = value.bytes();
        batch[n].hint = hint.bytes();
        batch[n].remove = n == 1 ? 1 : 0;
        batch[n].status = LARDER_E_IO;
    }
    const larder_call call = subject.call(Ms(500));
    const larder_status status = warmer->table<larder_warmer_v1>().write(warmer->self(), &source.item, batch.data(), batch.size(), &call);
    require(status == LARDER_OK || is_error(status), "write answers " + status_text(status));
    for (const larder_source_write& one : batch) require(one.status == LARDER_OK || one.status == LARDER_MISS || is_error(one.status), "write says " + status_text(one.status) + " of a value");
    subject.no_sins(*warmer);
}

// ---- invalidators

void has_a_role(Subject& subject) {
    const auto made = subject.make();
    require((made->caps() & (LARDER_INV_CAP_RULES | LARDER_INV_CAP_SOURCE)) != 0, "it has neither `rules` nor `source`");
    require((made->caps() & LARDER_INV_CAP_BUS) == 0, "it has `bus`, which is reserved");
}

void any_request(Subject& subject) {
    const auto invalidator = started_or_skipped(subject);
    if ((invalidator->caps() & LARDER_INV_CAP_RULES) == 0) skip("it has no `rules`");
    struct Seen {
        std::thread::id thread = std::this_thread::get_id();
        bool elsewhere = false, wrong = false;
    } seen;
    const larder_inv_sink sink{sizeof(larder_inv_sink), 0, &seen, [](void* ctx, std::uint32_t action, const larder_target* target) noexcept {
                                   auto& me = *static_cast<Seen*>(ctx);
                                   if (std::this_thread::get_id() != me.thread) me.elsewhere = true;
                                   if (action > LARDER_REFRESH || target->kind > LARDER_TARGET_TIER) me.wrong = true;
                                   if (target->what.size != 0 && target->what.data == nullptr) me.wrong = true;
                               }};
    for (int n = 0; n < 500; ++n) {
        const Edge method(std::string_view(n % 3 == 0 ? "PUT" : n % 3 == 1 ? "" : "BREW"));
        const Edge path(n % 2 == 0 ? "/v1.0/user/update/" + std::to_string(n) : subject.random_bytes(subject.roll(100)));
        const Edge query(subject.random_bytes(subject.roll(30))), body(subject.random_bytes(subject.roll(200)));
        const larder_pair header{method.bytes(), query.bytes()};
        larder_request request{};
        request.struct_size = sizeof request;
        request.status = 200;
        request.method = method.bytes();
        request.path = path.bytes();
        request.query = query.bytes();
        request.headers = &header;
        request.header_count = 1;
        request.body = body.bytes();
        const larder_status status = invalidator->table<larder_invalidator_v1>().on_request(invalidator->self(), &request, &sink);
        require(status == LARDER_OK || is_error(status), "on_request answers " + status_text(status));
    }
    require(!seen.elsewhere, "on_request calls its sink on another thread");
    require(!seen.wrong, "on_request names an action or a target that there is not");
    subject.no_sins(*invalidator);
}

void comes_and_goes(Subject& subject) {
    for (int n = 0; n < 5; ++n) {
        const auto invalidator = started_or_skipped(subject);
        require(invalidator->stop(subject.call().deadline_ns) == LARDER_OK, "stop fails");
        subject.no_sins(*invalidator);
    }
}

constexpr Requirement all[] = {
    {"LPR-301", Kind::warmer, "fetch has a value, none, or an error; without a value nothing is written.", "garbage is served", fetches},
    {"LPR-302", Kind::warmer, "fetch ends by its deadline.", "requests hang", in_time},
    {"LPR-303", Kind::warmer, "Eight threads at once may fetch.", "crashes under load", many_threads},
    {"LPR-304", Kind::warmer, "With `plan`, it names no more than it may, on the caller's thread.", "a run without end", plans},
    {"LPR-305", Kind::warmer, "With `observe`, traffic is taken in any amount.", "hits become slow", observes, true},
    {"LPR-306", Kind::warmer, "With `write`, it says of each value what became of it.", "writes are lost", writes},
    {"LPR-401", Kind::invalidator, "It asks requests (`rules`) or tells by itself (`source`).", "it does nothing", has_a_role},
    {"LPR-402", Kind::invalidator, "With `rules`, any request is judged, on the caller's thread, into targets that there are.", "a request ends the process", any_request, true},
    {"LPR-403", Kind::invalidator, "It can be started and stopped again and again.", "reloads fail", comes_and_goes},
};

}  // namespace

std::span<const Requirement> source_requirements() { return all; }

}  // namespace larder::kit
