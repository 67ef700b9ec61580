// examples/own_host/host.cpp -- a server that has the cache inside: a line is a key, its answer the value.
//
//     dishes CONFIG PLUGIN_FOLDERS        port on standard output; ends with its standard input
//
// What is cached, for how long and where it comes from is the policy's and the configuration's; the host asks. One
// connection at a time: an example of the cache, not of a server. examples/beast has one of many connections.
#include <larder/larder.hpp>

#include <iostream>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// "KEY" or "drop KEY".
std::string answer(const larder::host::Space& dishes, const std::string& line) {
    if (line.starts_with("drop ")) return larder_result_name(dishes.drop(line.substr(5)));
    const larder::host::Answer found = dishes.get(line);
    if (found.result == LARDER_R_HIT || found.result == LARDER_R_STALE) return std::string(found.value.bytes());
    return "-";
}

void serve(int client, const larder::host::Space& dishes) {
    std::string rest;
    char bytes[512];
    for (ssize_t n; (n = ::read(client, bytes, sizeof bytes)) > 0;) {
        rest.append(bytes, static_cast<std::size_t>(n));
        for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.erase(0, end + 1)) {
            const std::string said = answer(dishes, rest.substr(0, end)) + "\n";
            if (::write(client, said.data(), said.size()) < 0) return;
        }
        if (rest.size() > 4096) return;
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 3) return std::cerr << "dishes CONFIG PLUGIN_FOLDERS\n", 2;
    std::string problem;
    const auto kernel = larder::host::Kernel::open({.config_path = words[1], .plugin_path = words[2]}, problem);
    if (!kernel) return std::cerr << problem << "\n", 1;
    const auto dishes = kernel->space("dish");
    if (!dishes) return std::cerr << "the policy has no namespace `dish`\n", 1;

    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 8) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return std::cerr << "no port to listen on\n", 1;
    std::cout << ntohs(address.sin_port) << std::endl;

    pollfd ready[] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while (::poll(ready, 2, -1) > 0 && ready[1].revents == 0) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        serve(client, *dishes);
        ::close(client);
    }
    ::close(listener);
}
