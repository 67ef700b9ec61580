// tests/unit/plugins/route_source_test.cpp -- the component "route" with its thread, real files and
// sockets.
#include "plugins/invalidator_route/route_source.hpp"

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

using namespace larder::test;
using Component = larder::plugin::Invalidator<larder::invalidator_route::RouteSource>;

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

int datagram_socket() { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

bool send(const std::string& path, const std::string& text) {
    const int fd = datagram_socket();
    const sockaddr_un address = address_of(path);
    const bool sent =
        ::sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                 sizeof address) == static_cast<ssize_t>(text.size());
    ::close(fd);
    return sent;
}

struct Source {
    TemporaryFolder folder;
    std::string log = folder.file("access.log"), socket = folder.file("events.sock");
    FakeHost host;

    std::unique_ptr<FakeInstance> make(const FakeConfig& config) {
        auto made = std::make_unique<FakeInstance>(host, Component::value, config);
        REQUIRE(made->created() == LARDER_OK);
        return made;
    }
};

std::string log_line(const std::string& request, int status) {
    return R"(127.0.0.1 - - [20/Nov/2026:11:00:00 +0000] ")" + request + R"( HTTP/1.1" )" +
           std::to_string(status) + " 17\n";
}

}  // namespace

TEST_CASE("an instance with nothing to listen to is refused") {
    FakeHost host;
    const FakeInstance instance(host, Component::value, FakeConfig());
    REQUIRE(instance.created() == LARDER_E_CONFIG);
    REQUIRE_THAT(instance.reason(), contains("log or socket"));
}

TEST_CASE("requests in the log reach the kernel with method, path, query and status, in order") {
    Source s;
    append(s.log, log_line("PUT /before", 200));
    const auto instance = s.make(FakeConfig().set("log", s.log));
    REQUIRE(instance->start() == LARDER_OK);
    append(s.log,
           log_line("PUT /v1.0/user/update/42?a=1", 200) + "junk\n" + log_line("POST /b", 422));
    REQUIRE(s.host.wait_for_requests(2));
    std::filesystem::rename(s.log, s.log + ".1");
    append(s.log, log_line("DELETE /c", 204));
    REQUIRE(s.host.wait_for_requests(3));
    REQUIRE(instance->stop() == LARDER_OK);
    const auto told = s.host.requests();
    REQUIRE(told.size() == 3);
    CHECK(told[0].method == "PUT");
    CHECK(told[0].path == "/v1.0/user/update/42");
    CHECK(told[0].query == "a=1");
    CHECK(told[0].status == 200);
    CHECK(told[1].status == 422);
    CHECK(told[2].path == "/c");
    CHECK(s.host.metric("requests_total") == 3);
    CHECK(s.host.metric("bad_lines_total") == 1);
    CHECK(s.host.logged("junk"));
}

TEST_CASE("a JSON log is read by its members' names") {
    Source s;
    const auto instance =
        s.make(FakeConfig().set("log", s.log).set("format", "json").set("json_path", "uri"));
    REQUIRE(instance->start() == LARDER_OK);
    append(s.log, R"({"method":"PUT","uri":"/x","status":200})"
                  "\n");
    REQUIRE(s.host.wait_for_requests(1));
    CHECK(s.host.requests()[0].path == "/x");
}

TEST_CASE(
    "datagrams reach the kernel, several lines in one, and the socket is ours alone and goes with "
    "us") {
    Source s;
    const auto instance = s.make(FakeConfig().set("socket", s.socket));
    REQUIRE(instance->start() == LARDER_OK);
    struct stat about {};
    REQUIRE(::lstat(s.socket.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    REQUIRE(send(s.socket, "PUT /a 200\nPOST /b?c 201\r\n"));
    REQUIRE(send(s.socket, "DELETE /d 204"));
    REQUIRE(s.host.wait_for_requests(3));
    REQUIRE(instance->stop() == LARDER_OK);
    CHECK(s.host.requests()[1].query == "c");
    CHECK_FALSE(std::filesystem::exists(s.socket));
    REQUIRE(instance->stop() == LARDER_OK);
    SECTION("and can be started again") {
        REQUIRE(instance->start() == LARDER_OK);
        REQUIRE(send(s.socket, "PUT /e 200\n"));
        REQUIRE(s.host.wait_for_requests(4));
    }
}

TEST_CASE("a socket left behind is replaced; one in use, a file, and too long a path are refused") {
    Source s;
    const auto instance = s.make(FakeConfig().set("socket", s.socket));
    SECTION("left behind") {
        const int fd = datagram_socket();
        const sockaddr_un address = address_of(s.socket);
        REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(fd);
        REQUIRE(instance->start() == LARDER_OK);
        REQUIRE(send(s.socket, "PUT /a 200"));
        REQUIRE(s.host.wait_for_requests(1));
    }
    SECTION("in use") {
        const auto first = s.make(FakeConfig().set("socket", s.socket));
        REQUIRE(first->start() == LARDER_OK);
        REQUIRE(instance->start() == LARDER_E_IO);
        CHECK_THAT(instance->reason(), contains("another process listens"));
        REQUIRE(send(s.socket, "PUT /a 200"));
        REQUIRE(s.host.wait_for_requests(1));
    }
    SECTION("a file") {
        append(s.socket, "precious");
        REQUIRE(instance->start() == LARDER_E_IO);
        CHECK_THAT(instance->reason(), contains("not a socket"));
        CHECK(std::filesystem::file_size(s.socket) == 8);
    }
    SECTION("too long a path") {
        const auto deep = s.make(FakeConfig().set("socket", s.folder.file(std::string(120, 'x'))));
        REQUIRE(deep->start() == LARDER_E_IO);
        CHECK_THAT(deep->reason(), contains("107"));
    }
}

TEST_CASE("a thousand bad lines stop nothing, are all counted, and logged once in ten seconds") {
    Source s;
    const auto instance = s.make(FakeConfig().set("log", s.log));
    REQUIRE(instance->start() == LARDER_OK);
    std::string junk;
    for (int i = 0; i < 1000; ++i) {
        junk += "no request \x1b[31m" + std::to_string(i) + "\n";
    }
    append(s.log, junk + log_line("PUT /a", 200));
    REQUIRE(s.host.wait_for_requests(1));
    CHECK(s.host.metric("bad_lines_total") == 1000);
    std::size_t told = 0;
    for (const auto& line : s.host.lines()) {
        told += line.text.find("hold no request") != std::string::npos;
        CHECK(line.text.find('\x1b') == std::string::npos);
    }
    CHECK(told == 1);
}

TEST_CASE("a kernel that is busy is asked again; one that refuses is not, and the loss is told") {
    Source s;
    const auto instance = s.make(FakeConfig().set("socket", s.socket));
    REQUIRE(instance->start() == LARDER_OK);
    s.host.answer_requests_with({LARDER_E_BUSY, LARDER_E_TIMEOUT, LARDER_OK, LARDER_E_DENIED});
    REQUIRE(send(s.socket, "PUT /a 200\nPUT /b 200\nPUT /c 200"));
    REQUIRE(s.host.wait_for_requests(2));
    REQUIRE(instance->stop() == LARDER_OK);
    const auto told = s.host.requests();
    CHECK(told[0].path == "/a");
    CHECK(told[1].path == "/c");
    CHECK(s.host.metric("failed_total") == 1);
    CHECK(s.host.logged("did not take PUT /b"));
}

TEST_CASE("a log that is not there yet is told in the health, and read when it comes") {
    Source s;
    const auto instance = s.make(FakeConfig().set("log", s.log));
    REQUIRE(instance->start() == LARDER_OK);
    larder_health health{};
    health.struct_size = sizeof health;
    REQUIRE(Component::value.health(instance->self(), &health) == LARDER_OK);
    CHECK(health.state == LARDER_HEALTH_DEGRADED);
    append(s.log, log_line("PUT /a", 200));
    REQUIRE(s.host.wait_for_requests(1));
    CHECK(instance->stop() == LARDER_OK);
    REQUIRE(Component::value.health(instance->self(), &health) == LARDER_OK);
    CHECK(health.state == LARDER_HEALTH_OK);
}
