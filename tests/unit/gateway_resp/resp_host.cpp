// tests/unit/gateway_resp/resp_host.cpp -- the gateway over the fake cache, for clients that are no
// unit test.
//
//     resp_host [ADDRESS]        prints "resp=ADDRESS" and serves until its standard input ends
//
// Namespaces: user, menu, menu.item, and legacy for every key that names none (redis-benchmark).
#include "plugins/gateway_resp/server.hpp"
#include "support/fake_cache.hpp"
#include "support/fake_host.hpp"

#include <poll.h>

#include <cstdio>

int main(int argc, char** argv) {
    larder::test::FakeHost host;
    larder::test::FakeCache cache;
    host.set_service(LARDER_SVC_CACHE, cache.api());
    host.set_service(LARDER_SVC_EXECUTOR, nullptr);
    for (const char* name : {"user", "menu", "menu.item", "legacy"}) {
        cache.declare({name, ""});
    }
    larder::resp::Options options;
    options.fallback = "legacy";
    options.listen = {argc > 1 ? argv[1] : "127.0.0.1:0"};
    larder::resp::Gateway gateway(host.get(), options, {});
    larder::resp::Server server(gateway);
    server.start();
    std::printf("resp=%s\n", server.address(0).c_str());
    std::fflush(stdout);
    pollfd input{0, POLLIN, 0};
    constexpr int step_ms = 10;
    for (char byte = 0; ::poll(&input, 1, step_ms) == 0 || std::fread(&byte, 1, 1, stdin) == 1;) {
        host.advance_clock_only(std::chrono::milliseconds(step_ms));
    }
    server.stop(host.now_ns());
    return 0;
}
