// examples/everything.cpp -- every verb of larder/larder.hpp and larder/asio.hpp once, on one kernel in memory and on virtual time.
//
//     build/release/bin/examples/everything_cpp
//
// Each step prints what came of it. tests/integration/hosts_test.py runs this program and says when a verb of the
// headers is missing in it. What the face leaves to the C functions is in everything.c.
#include <larder/asio.hpp>
#include <larder/larder.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include <stdlib.h>

namespace asio = boost::asio;
using larder::host::Answer;
using larder::host::AsioLoop;
using larder::host::Kernel;
using larder::host::Lease;
using larder::host::Open;
using larder::host::Put;
using larder::host::Sessions;
using larder::host::Space;
using larder::host::Value;

namespace {

constexpr const char* policy = R"(larder 1
namespace user    { key "{id}"; ttl 5m; stale 1m on error; absent 30s; with tag; tag "{tag}" }
namespace profile { key "{id}"; ttl 10m }
namespace call    { key "{call...}"; ttl 1m }
session login { ttl 30m sliding; store l1; encrypt; limit 3 per user }
on write "/users/{id}"    { drop user "{id}" }
on event "moved" (id)     { drop user "{id}" }
)";
constexpr const char* config = R"(
[store.l1]
plugin = "memory"
[session.login]
plugin = "sealed"
keys = { env = "SESSION_ENCRYPTION_KEY" }
[admin]
enabled = false
[log]
level = "error"
)";

struct Dish {
    std::string name;
    int price = 0;
};

template <class T>
void show(std::string_view what, const T& value) {
    std::cout << what << ": " << value << "\n";
}
void show(std::string_view what, const std::optional<std::string>& text) { show(what, std::string_view(text ? *text : "nothing")); }
void result(std::string_view what, larder_result value) { show(what, value == LARDER_R_DONE ? "DONE" : larder_result_name(value)); }

}  // namespace

// A value is what its codec makes of it.
template <>
struct larder::host::Codec<Dish> {
    static std::optional<std::string> encode(const Dish& dish) { return dish.name + "|" + std::to_string(dish.price); }
    static std::optional<Dish> decode(std::string_view bytes) {
        const auto bar = bytes.find('|');
        if (bar == bytes.npos) return std::nullopt;
        const auto price = Codec<int>::decode(bytes.substr(bar + 1));
        return price ? std::optional<Dish>(Dish{std::string(bytes.substr(0, bar)), *price}) : std::nullopt;
    }
};

namespace {

void entries(Space users, Space profiles) {
    Answer answer = users.get("42");
    result("get of nothing", answer.result);
    if (answer.lease) result("fill", answer.lease.fill("Ann"));
    answer = users.get("42");
    if (const Value& value = answer.value; value.has()) show("get", value.bytes());
    show("ms it has left", answer.value.ttl_ms());

    Put staff;
    staff.ttl_ms = 60000;
    staff.with = {{"tag", "staff"}};
    result("put", users.put("43", "Ben", staff));
    staff.flags = LARDER_PUT_ONLY_NEW;
    result("put only if new", users.put("43", "Bea", staff));
    profiles.put("43", "long");
    result("it depends", profiles.depend("43", users, "43"));
    result("expire in ten seconds", users.expire("43", 10000));
    show("ms it has left", users.ttl_ms("43").value_or(0));
    for (const std::string& key : users.keys("4*")) show("a key", key);
    result("drop", users.drop("43"));
    show("what depended on it", profiles.get_as<std::string>("43"));
    result("invalidate", users.invalidate("prefix:4"));
    show("warm items", users.warm() ? "there are some" : larder_problem());

    Lease nobody = users.get("99").lease;
    result("there is none", nobody.fill_absent());
    Lease failed = users.get("98").lease;
    show("a load that failed left", failed.fail().has() ? "a stale value" : "nothing");
    show("a namespace's number", larder_kernel_space(users.kernel(), "user", 4) == users.number() ? "as the C functions know it" : "another");
}

void functions(Space calls) {
    int asked = 0;
    const auto dish = larder::host::cached(calls, "dish", [&](int id) { return Dish{"soup " + std::to_string(id), ++asked}; });
    const auto cook = larder::host::invalidates(calls, {"glob:dish:*"}, [](int id) { return id; });
    dish(7);
    show("two calls, asked", dish(7).price);
    cook(7);
    show("after a change, asked", dish(7).price);
    const auto kept = calls.get_or_load<int>("logins", [] { return 3; });
    show("get_or_load", kept.value_or(0));
}

void sessions(const Sessions& login) {
    const std::string id = login.create("42", R"({"cart":[]})").value();
    show("session", login.get(id));
    show("changed", login.update(id, R"({"cart":["soup"]})"));
    const std::string fresh = login.rotate(id).value();
    result("ended", login.end(fresh));
    show("others of the user", login.end_user("42"));
}

asio::awaitable<void> awaits(AsioLoop& loop, Space users) {
    Answer first = loop.try_get(users, "50");
    result("the first", first.result);
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [&first]() -> asio::awaitable<void> {
            first.lease.fill("Cat");
            co_return;
        },
        asio::detached);
    const Answer second = co_await loop.async_get(users, "50", asio::use_awaitable);
    show("the second", second.value.bytes());
}

void event_loop(const Kernel& kernel, Space users) {
    asio::io_context io;
    const AsioLoop::Executor executor = io.get_executor();
    AsioLoop loop(executor, kernel);
    asio::co_spawn(io, awaits(loop, users), asio::detached);
    io.run();
}

}  // namespace

int main() {
    // An application has it from its environment; this one is nobody's.
    ::setenv("SESSION_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 0);
    std::string problem;
    const Open how{.config_text = config, .policy_text = policy, .flags = LARDER_OPEN_VIRTUAL_TIME};
    const auto kernel = Kernel::open(how, problem);
    if (!kernel) return std::cerr << problem, 1;
    const Space users = kernel->space("user").value();
    entries(users, kernel->space("profile").value());
    functions(kernel->space("call").value());
    sessions(kernel->sessions("login"));
    event_loop(*kernel, users);

    users.put("42", "Ann", {0, {{"tag", "staff"}}, 0});
    result("drop a tag", kernel->drop_tag("staff"));
    result("a write", kernel->route("PUT", "/users/42", 200));
    result("an event", kernel->event("moved", {{"id", "42"}}));
    result("a minute passes", kernel->advance(60000));
    show("a report", kernel->report("explain PUT /users/42").value_or("nothing").substr(0, 4));
    result("reload", kernel->reload());
    show("what it is for C", kernel->get() != nullptr ? "a kernel" : "none");
    std::cout << "closed\n";
}
