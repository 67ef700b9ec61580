// tests/unit/store_redis/redis_process.cpp -- see redis_process.hpp.
#include "redis_process.hpp"

#include "plugins/redis_wire/reader.hpp"
#include "plugins/redis_wire/words.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace larder::test {
namespace {

constexpr int patience_ms = 20'000;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// Reads until text has been seen; false: the other end closed, or said it never.
bool read_until(int descriptor, std::string_view text) {
    std::string seen;
    char bytes[4096];
    for (;;) {
        pollfd ready{descriptor, POLLIN, 0};
        if (::poll(&ready, 1, patience_ms) <= 0) {
            return false;
        }
        const ssize_t n = ::read(descriptor, bytes, sizeof bytes);
        if (n <= 0) {
            return false;
        }
        seen.append(bytes, static_cast<std::size_t>(n));
        if (seen.find(text) != std::string::npos) {
            return true;
        }
    }
}

}  // namespace

std::uint16_t free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool good = ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                      ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(probe);
    if (!good) {
        throw std::runtime_error("no free port");
    }
    return ntohs(address.sin_port);
}

bool RedisProcess::available() {
    return std::filesystem::exists("/usr/bin/redis-server") ||
           std::filesystem::exists("/usr/local/bin/redis-server");
}

RedisProcess::RedisProcess(std::vector<std::string> options)
    : options_(std::move(options)), port_(free_port()) {
    begin();
}

void RedisProcess::begin() {
    const std::string port = std::to_string(port_), sock = unix_path(),
                      dir = folder_.path().string();
    std::vector<std::string> words = {"redis-server", "--port", port, "--bind", "127.0.0.1",
                                      "--save", "", "--dir", dir, "--unixsocket", sock,
                                      "--logfile", "", "--daemonize", "no"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves no server behind
        ::dup2(out[1], STDOUT_FILENO);
        ::execvp("redis-server", arguments.data());
        ::_exit(127);
    }
    ::close(out[1]);
    const bool ready = pid_ > 0 && read_until(out[0], "eady to accept connections");
    // Nobody reads on: what it says later has to go somewhere.
    ::fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
    ::close(out[0]);
    if (!ready) {
        kill();
        throw std::runtime_error("redis-server does not start");
    }
}

void RedisProcess::freeze() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
}
void RedisProcess::thaw() { ::kill(pid_, SIGCONT); }

void RedisProcess::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

RedisProcess::~RedisProcess() { kill(); }

std::string RedisProcess::ask(const std::vector<std::string>& words) const {
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port_);
    std::string wire;
    redis_wire::write_head(wire, words.size());
    for (const std::string& word : words) {
        redis_wire::write_word(wire, word);
    }
    redis_wire::Reader reader{redis_wire::ReplyLimits{}};
    std::string answer = "(no answer)";
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(connection, wire.data(), wire.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(wire.size())) {
        char bytes[16384];
        while (reader.next() == redis_wire::Reader::Got::more) {
            pollfd ready{connection, POLLIN, 0};
            const ssize_t n =
                ::poll(&ready, 1, patience_ms) > 0 ? ::read(connection, bytes, sizeof bytes) : 0;
            if (n <= 0) {
                ::close(connection);
                return answer;
            }
            reader.feed(bytes, static_cast<std::size_t>(n));
        }
        answer.clear();
        for (const auto& item : reader.reply().items()) {
            using Type = redis_wire::Reply::Type;
            if (item.type == Type::array) {
                continue;
            }
            answer += answer.empty() ? "" : " ";
            answer += item.type == Type::nil       ? "(nil)"
                      : item.type == Type::integer ? std::to_string(item.integer)
                                                   : std::string(item.text());
        }
    }
    ::close(connection);
    return answer;
}

}  // namespace larder::test
