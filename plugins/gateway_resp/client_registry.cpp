// plugins/gateway_resp/client_registry.cpp -- see client_registry.hpp.
#include "client_registry.hpp"

#include "command_table.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

// As Redis': N for nobody special.
std::string flags_of(const ClientRecord& client) {
    std::string flags;
    const auto add = [&](bool is, char flag) {
        if (is) {
            flags += flag;
        }
    };
    add(client.monitor.load(std::memory_order_relaxed), 'O');
    add(client.subscribed(), 'P');
    add(client.queued.load(std::memory_order_relaxed) >= 0, 'x');
    add(client.tracked.load(std::memory_order_relaxed), 't');
    add(client.broken_redirect.load(std::memory_order_relaxed), 'R');
    add(client.no_evict.load(std::memory_order_relaxed), 'e');
    add(client.no_touch.load(std::memory_order_relaxed), 'T');
    return flags.empty() ? "N" : flags;
}

std::string line_of(const ClientRecord& client, std::uint64_t now_ns) {
    constexpr std::uint64_t second = 1'000'000'000;
    constexpr std::uint64_t record_bytes = 2048;  // about what a connection at rest takes
    const auto number = [](const auto& counter) {
        return std::to_string(counter.load(std::memory_order_relaxed));
    };
    const std::uint64_t last = std::min(client.last_ns.load(std::memory_order_relaxed), now_ns);
    const Command* command = client.last_command.load(std::memory_order_relaxed);
    const std::uint64_t output = client.output_bytes.load(std::memory_order_relaxed);
    const std::uint64_t input = client.input_bytes.load(std::memory_order_relaxed);
    const std::uint64_t room = client.input_room.load(std::memory_order_relaxed);
    const bool tracked = client.tracked.load(std::memory_order_relaxed);
    std::string line = "id=" + std::to_string(client.id) + " addr=" + client.address +
                       " laddr=" + client.local_address + " fd=0 name=" + client.name;
    line += " age=" + std::to_string((now_ns - std::min(client.since_ns, now_ns)) / second) +
            " idle=" + std::to_string((now_ns - last) / second) + " flags=" + flags_of(client) +
            " db=0 sub=" + number(client.channels) + " psub=" + number(client.patterns) +
            " ssub=0 multi=" + number(client.queued);
    line += " qbuf=" + std::to_string(input) +
            " qbuf-free=" + std::to_string(room - std::min(input, room)) +
            " argv-mem=0 multi-mem=" + number(client.queued_bytes) +
            " rbs=0 rbp=0 obl=0 oll=" + std::string(output != 0 ? "1" : "0") +
            " omem=" + std::to_string(output) +
            " tot-mem=" + std::to_string(record_bytes + room + output);
    line += std::string(" events=") + (output != 0 ? "rw" : "r") +
            " cmd=" + (command != nullptr ? std::string(command->name) : "NULL") +
            " user=" + client.user + " redir=" + (tracked ? number(client.redirect) : "-1") +
            " resp=" + number(client.protocol) + " watch=" + number(client.watched) + " lib-name=" + client.library +
            " lib-ver=" + client.library_version + "\n";
    return line;
}

}  // namespace

void ClientRegistry::add(const std::shared_ptr<ClientRecord>& client) {
    const std::lock_guard lock(mutex_);
    client->here = true;
    clients_.emplace(client->id, client);
}

void ClientRegistry::remove(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = clients_.find(id); found != clients_.end()) {
        found->second->here = false;
        clients_.erase(found);
    }
}

std::shared_ptr<ClientRecord> ClientRegistry::find(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = clients_.find(id);
    return found == clients_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<ClientRecord>> ClientRegistry::everyone() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<ClientRecord>> all;
    for (const auto& [id, client] : clients_) {
        all.push_back(client);
    }
    return all;
}

std::string ClientRegistry::list(std::uint64_t now_ns,
                                 const std::function<bool(const ClientRecord&)>& chosen) const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [id, client] : clients_) {
        if (chosen(*client)) {
            out += line_of(*client, now_ns);
        }
    }
    return out;
}

void ClientRegistry::deliver(ClientRecord& client, const Mail& mail) {
    const std::lock_guard lock(mutex_);
    if (client.here) {
        client.deliver(mail);
    }
}

std::size_t ClientRegistry::kill(const std::function<bool(const ClientRecord&)>& chosen) {
    const std::lock_guard lock(mutex_);
    std::size_t ended = 0;
    for (const auto& [id, client] : clients_) {
        if (chosen(*client)) {
            client->kill();
            ++ended;
        }
    }
    return ended;
}

std::size_t ClientRegistry::count(const std::function<bool(const ClientRecord&)>& chosen) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        clients_.begin(), clients_.end(), [&](const auto& item) { return chosen(*item.second); }));
}

}  // namespace larder::resp
