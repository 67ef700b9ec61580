// examples/httplib/server.cpp -- a cpp-httplib server with larder in it: threads that block.
//
//     example_httplib [POLICY]    prints "listening on 127.0.0.1:PORT", serves until standard input ends
//
// Each request has a thread of the pool. get_or_load() lets one of them load and the others wait for it.
#include <larder/larder.hpp>

#include <httplib.h>

#include <atomic>
#include <iostream>
#include <string>
#include <thread>

#include <unistd.h>

namespace {

constexpr const char* policy =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 5m }\n"
    "on write \"/menu/{id}\" { drop menu \"{id}\" }\n";

}  // namespace

int main(int argc, char** argv) {
    std::string problem;
    larder::host::Open how;
    if (argc > 1) how.policy_path = argv[1];
    else how.policy_text = policy;
    const auto kernel = larder::host::Kernel::open(how, problem);
    if (!kernel) {
        std::cerr << problem;
        return 1;
    }
    const auto menu = kernel->space("menu");
    if (!menu) {
        std::cerr << larder_problem() << '\n';
        return 1;
    }
    std::atomic<int> loads{0};
    httplib::Server server;
    server.set_tcp_nodelay(true);  // its default leaves Nagle's algorithm on: 40 ms an answer
    server.Get(R"(/menu/(\w+))", [&](const httplib::Request& request, httplib::Response& response) {
        const std::string id = request.matches[1];
        const auto dish = menu->get_or_load<std::string>(id, [&] { return "load " + std::to_string(++loads) + " of /menu/" + id + "\n"; });
        response.set_content(dish.value_or(""), "text/plain");
    });
    server.Put(R"(/menu/(\w+))", [](const httplib::Request&, httplib::Response& response) { response.status = 200; });
    // The policy hears of every answer before the client does; its rules are about writes.
    server.set_post_routing_handler([&](const httplib::Request& request, httplib::Response& response) {
        kernel->route(request.method, request.path, response.status < 0 ? 200 : response.status);
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::cout << "listening on 127.0.0.1:" << port << std::endl;
    std::thread input([&] {
        char byte = 0;
        while (::read(STDIN_FILENO, &byte, 1) > 0) {}
        server.stop();
    });
    server.listen_after_bind();
    input.join();
}
