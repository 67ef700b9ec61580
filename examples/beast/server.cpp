// examples/beast/server.cpp -- a Boost.Beast server with larder in it: one thread, coroutines.
//
//     example_beast [POLICY]      prints "listening on 127.0.0.1:PORT", serves until standard input ends
//
// GET /menu/7 takes 20 ms in the "database" (a timer); the policy keeps it for five minutes, and PUT /menu/7 drops it.
#include "middleware.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>

#include <unistd.h>

namespace asio = boost::asio;
namespace beast = boost::beast;
using example::Request;
using example::Response;
using tcp = asio::ip::tcp;

namespace {

constexpr const char* policy =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 5m }\n"
    "on GET \"/menu/{id}\" { serve menu \"{id}\" }\n"
    "on write \"/menu/{id}\" { drop menu \"{id}\" }\n";

asio::awaitable<Response> handle(const Request& request, int& loads) {
    Response out{example::http::status::ok, request.version()};
    out.set(example::http::field::content_type, "text/plain");
    if (request.method() == example::http::verb::get) {
        asio::steady_timer database(co_await asio::this_coro::executor, std::chrono::milliseconds(20));
        co_await database.async_wait(asio::use_awaitable);
        out.body() = "load " + std::to_string(++loads) + " of " + std::string(request.target()) + "\n";
    }
    co_return out;
}

asio::awaitable<void> serve(tcp::socket socket, example::Cache& cache, int& loads) {
    beast::flat_buffer buffer;
    beast::error_code error;
    socket.set_option(tcp::no_delay(true));
    while (true) {
        Request request;
        co_await example::http::async_read(socket, buffer, request, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        Response response = co_await cache.answer(request, [&] { return handle(request, loads); });
        response.keep_alive(request.keep_alive());
        response.prepare_payload();
        co_await example::http::async_write(socket, response, asio::redirect_error(asio::use_awaitable, error));
        if (error || !request.keep_alive()) co_return;
    }
}

asio::awaitable<void> listen(tcp::acceptor& acceptor, example::Cache& cache, int& loads) {
    while (true) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), cache, loads), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string problem;
    larder::host::Open how;
    if (argc > 1) how.policy_path = argv[1];
    else how.policy_text = policy;
    auto kernel = larder::host::Kernel::open(how, problem);
    if (!kernel) {
        std::cerr << problem;
        return 1;
    }
    asio::io_context io(1);
    int loads = 0;
    {
        example::Cache cache(*kernel, io.get_executor());
        tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
        asio::co_spawn(io, listen(acceptor, cache, loads), asio::detached);
        asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
        char byte = 0;
        asio::async_read(input, asio::buffer(&byte, 1), [&](beast::error_code, std::size_t) { io.stop(); });
        std::cout << "listening on 127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
        io.run();
    }
}
