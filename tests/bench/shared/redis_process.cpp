// tests/bench/shared/redis_process.cpp -- starting and ending it.
#include "tests/bench/shared/redis_process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace larder::bench {
namespace {

int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) return 0;
    ::close(fd);
    return ntohs(at.sin_port);
}

}  // namespace

RedisProcess::RedisProcess() : port_(free_port()) {
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // also when the bench is stopped half-way
        const std::string port = std::to_string(port_);
        ::execlp("redis-server", "redis-server", "--port", port.c_str(), "--bind", "127.0.0.1", "--save", "", "--logfile", "/dev/null",
                 "--maxmemory", "8gb", "--maxmemory-policy", "allkeys-lru", nullptr);
        ::_exit(127);
    }
    for (int tries = 0; tries < 200; ++tries) {
        const Context c(redisConnect("127.0.0.1", port_));
        if (c && c->err == 0 && Reply(static_cast<redisReply*>(redisCommand(c.get(), "PING")))) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    std::fprintf(stderr, "redis-server does not start: apt-get install redis-server\n");
    std::exit(1);
}

RedisProcess::~RedisProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
}

Context RedisProcess::connect() const { return Context(redisConnect("127.0.0.1", port_)); }

double RedisProcess::info(const char* section, const std::string& name) const {
    const Context c = connect();
    const Reply reply(static_cast<redisReply*>(redisCommand(c.get(), "INFO %s", section)));
    const std::string text(reply->str, reply->len);
    const auto at = text.find(name + ":");
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 1, nullptr);
}

}  // namespace larder::bench
