// plugins/store_redis/many_servers.cpp -- see many_servers.hpp.
#include "many_servers.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_redis {

void ManyServers::start() {
    running_ = true;
    around_.loop.post([this] {
        stopped_ = false;
        on_start();
    });
}

// What is closed ends on the loop, which whoever owns it joins afterwards.
void ManyServers::stop() noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    around_.loop.post([this] {
        stopped_ = true;
        on_stop();
        for (const auto& node : nodes_) {
            close(*node);
        }
    });
}

larder_status ManyServers::run(Batch& batch) {
    if (!running_) {
        return LARDER_E_CLOSED;
    }
    around_.loop.post([this, &batch] {
        if (stopped_) {
            batch.on_end(LARDER_E_CANCELLED);
            return;
        }
        Spread::begin(*this, batch);
    });
    return LARDER_OK;
}

void ManyServers::cancel(const void* tag) noexcept {
    around_.loop.post([this, tag] {
        for (const auto& node : nodes_) {
            if (node->open) {
                node->server.cancel(tag);
            }
        }
    });
}

std::uint64_t ManyServers::now_ms() const noexcept {
    for (const std::atomic<Server*>& shown : shown_) {
        const Server* const server = shown.load(std::memory_order_acquire);
        const std::uint64_t now = server != nullptr ? server->now_ms() : 0;
        if (server == nullptr || now != 0) {
            return now;
        }
    }
    return 0;
}

Server* ManyServers::server(std::size_t number) noexcept {
    return number < most_owners ? shown_[number].load(std::memory_order_acquire) : nullptr;
}

plugin::Health ManyServers::health() const {
    std::size_t all = 0, up = 0;
    std::string cause;
    for (const std::atomic<Server*>& shown : shown_) {
        const Server* const server = shown.load(std::memory_order_acquire);
        if (server == nullptr) {
            break;
        }
        ++all;
        if (server->up()) {
            ++up;
        } else if (cause.empty()) {
            cause = server->endpoint().text() + ": " + server->cause();
        }
    }
    if (all == 0) {
        return {LARDER_HEALTH_DOWN, std::string(kind()) + ": no server has told who owns the keys"};
    }
    if (up == all) {
        return {};
    }
    return {up == 0 ? LARDER_HEALTH_DOWN : LARDER_HEALTH_DEGRADED,
            std::string(kind()) + ": " + std::to_string(up) + " of " + std::to_string(all) +
                " servers are up; " + cause};
}

// ---- nodes --------------------------------------------------------------------------------------

ManyServers::Node* ManyServers::node_at(const Endpoint& endpoint) {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& node) {
        return node->server.endpoint() == endpoint;
    });
    if (found != nodes_.end()) {
        return found->get();
    }
    if (nodes_.size() == most_servers) {
        return nullptr;
    }
    nodes_.push_back(std::make_unique<Node>(around_, endpoint, static_cast<ServerEvents&>(*this)));
    by_server_[&nodes_.back()->server] = nodes_.back().get();
    return nodes_.back().get();
}

void ManyServers::open(Node& node) {
    if (!node.open && !stopped_) {
        node.open = true;
        node.slave = false;
        node.breaker.succeeded();
        node.server.open(around_.options.stream);
    }
}

void ManyServers::close(Node& node) {
    if (node.open) {
        node.open = false;
        node.trusted = false;
        node.server.close(stopped_ ? LARDER_E_CANCELLED : LARDER_E_IO);
    }
}

void ManyServers::set_owners(std::vector<Node*> owners) {
    for (const auto& node : nodes_) {
        node->owner = false;
    }
    owners_ = std::move(owners);
    std::size_t number = 0;
    for (Node* node : owners_) {
        node->owner = true;
        open(*node);
        shown_[number++].store(&node->server, std::memory_order_release);
    }
    for (; number < shown_.size(); ++number) {
        shown_[number].store(nullptr, std::memory_order_release);
    }
    judge_trust();
}

// ---- events -------------------------------------------------------------------------------------

void ManyServers::judge_trust() {
    const bool proved = !stopped_ && !owners_.empty() && knows_owners() &&
                        std::all_of(owners_.begin(), owners_.end(), [](const Node* node) {
                            return node->trusted && !node->slave;
                        });
    if (proved == trust_told_) {
        return;
    }
    trust_told_ = proved;
    if (proved) {
        audience_.on_changed_all();
    }
    audience_.on_trust(proved);
}

bool ManyServers::admits(Server& server) {
    const auto found = by_server_.find(&server);
    return found != by_server_.end() && found->second->open &&
           found->second->breaker.admits(around_.loop.now_ns());
}

void ManyServers::on_outcome(Server& server, larder_status status) {
    Node& node = *by_server_.at(&server);
    if (status == LARDER_OK) {
        node.breaker.succeeded();
    } else if (status == LARDER_E_IO || status == LARDER_E_TIMEOUT) {
        node.breaker.failed(around_.loop.now_ns());
        on_trouble(node);
    }
}

void ManyServers::on_changed(Server&, const larder_bytes* keys, std::size_t n) noexcept {
    audience_.on_changed(keys, n);
}

void ManyServers::on_changed_all(Server&) noexcept { audience_.on_changed_all(); }

void ManyServers::on_trust(Server& from, bool yes) noexcept {
    by_server_.at(&from)->trusted = yes;
    judge_trust();
}

void ManyServers::on_renewed(Server& from, bool older) noexcept {
    if (by_server_.at(&from)->owner) {
        audience_.on_renewed(older);
    }
}

void ManyServers::on_up(Server& from) noexcept { by_server_.at(&from)->breaker.succeeded(); }

void ManyServers::on_down(Server& from, const std::string&) noexcept {
    on_trouble(*by_server_.at(&from));
}

void ManyServers::on_role(Server& from, std::string_view role) noexcept {
    Node& node = *by_server_.at(&from);
    const bool slave = role == "slave";
    if (std::exchange(node.slave, slave) != slave) {
        judge_trust();
        if (slave) {
            on_trouble(node);
        }
    }
}

}  // namespace larder::store_redis
