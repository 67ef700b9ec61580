// tests/unit/liblarder/coroutine_test.cpp -- gets that are awaited on Asio, by whatever completion token.
#include "catch.hpp"

#include <larder/asio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <vector>

using namespace larder;
namespace asio = boost::asio;

namespace {

host::Kernel opened() {
    std::string problem;
    auto kernel = host::Kernel::open({.policy_text = "larder 1\nnamespace menu { key \"{id}\"; ttl 1m }\n", .plugin_path = LARDER_BIN_DIR "/plugins"}, problem);
    INFO(problem);
    REQUIRE(kernel.has_value());
    return std::move(*kernel);
}

}  // namespace

TEST_CASE("a coroutine awaits what another one loads") {
    const host::Kernel kernel = opened();
    const host::Space menu = *kernel.space("menu");
    asio::io_context io;
    host::AsioLoop loop(io.get_executor(), kernel);
    std::vector<std::string> seen;
    host::Lease lease;
    const auto reader = [&]() -> asio::awaitable<void> {
        host::Answer answer = co_await loop.async_get(menu, "7", asio::use_awaitable);
        if (answer.lease) lease = std::move(answer.lease);
        else seen.push_back(std::string(answer.value.bytes()));
    };
    for (int i = 0; i < 3; ++i) asio::co_spawn(io, reader(), asio::detached);
    io.poll();
    CHECK(seen.empty());
    REQUIRE(lease);
    CHECK(lease.fill("soup") == LARDER_R_DONE);
    for (int i = 0; i < 100 && seen.size() < 2; ++i) {
        io.restart();
        io.run_for(std::chrono::milliseconds(50));
    }
    CHECK(seen == std::vector<std::string>{"soup", "soup"});
}

TEST_CASE("a callback and a future are completion tokens too, and a hit is known without either") {
    const host::Kernel kernel = opened();
    const host::Space menu = *kernel.space("menu");
    CHECK(menu.put("7", "soup") == LARDER_R_DONE);
    asio::io_context io;
    host::AsioLoop loop(io.get_executor(), kernel);
    CHECK(loop.try_get(menu, "7").value.bytes() == "soup");
    std::string seen;
    loop.async_get(menu, "7", [&](host::Answer answer) { seen = std::string(answer.value.bytes()); });
    CHECK(seen.empty());  // never inside the call
    auto future = loop.async_get(menu, "7", asio::use_future);
    io.run();
    CHECK(seen == "soup");
    CHECK(future.get().value.bytes() == "soup");
}

TEST_CASE("who waits on a loop that goes away is told so") {
    const host::Kernel kernel = opened();
    const host::Space menu = *kernel.space("menu");
    asio::io_context io;
    larder_result result = LARDER_R_HIT;
    const host::Answer first = menu.get("7");
    CHECK(first.lease);
    {
        host::AsioLoop loop(io.get_executor(), kernel);
        loop.async_get(menu, "7", [&](host::Answer answer) { result = answer.result; });
    }
    io.run();
    CHECK(result == LARDER_R_CLOSED);
}
