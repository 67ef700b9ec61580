// plugins/store_redis/cluster.cpp -- see cluster.hpp.
#include "cluster.hpp"

#include "redirect.hpp"
#include "wire.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_redis {
namespace {

// So many maps without a slot, and a server is closed: what it had under way has ended by then.
constexpr std::uint32_t rounds_to_close = 3;

}  // namespace

// CLUSTER SLOTS at one node.
class Cluster::Question final : public Exchange {
  public:
    Question(Cluster& cluster, Node& node, std::uint64_t deadline) : cluster_(cluster), node_(node) {
        write_head(wire, 2);
        write_word(wire, "CLUSTER");
        write_word(wire, "SLOTS");
        replies = 1;
        deadline_ns = deadline;
    }
    bool on_reply(std::uint32_t, Reply& reply) override {
        map_ = SlotMap::read(reply, node_.server.endpoint(), why_);
        return true;
    }
    void on_end(larder_status status) noexcept override {
        if (status != LARDER_OK) {
            why_ = "no answer";
        }
        // This goes with the answer.
        const std::unique_ptr<Question> self = std::move(cluster_.question_);
        if (status != LARDER_E_CANCELLED && status != LARDER_E_CLOSED) {
            cluster_.on_answer(node_, std::move(map_), why_);
        }
    }
    const char* name() const noexcept override { return "CLUSTER SLOTS"; }

  private:
    Cluster& cluster_;
    Node& node_;
    std::optional<SlotMap> map_;
    std::string why_;
};

Cluster::Cluster(const Server::Surroundings& around, Audience& audience)
    : ManyServers(around, audience), timer_(around.loop) {}

Cluster::~Cluster() = default;

void Cluster::on_start() {
    for (const Endpoint& seed : around_.options.servers) {
        node_at(seed);
    }
    ask();
}

void Cluster::on_stop() noexcept {
    timer_.cancel();
    due_ns_ = 0;
    confirmed_ns_ = 0;
    map_.reset();
    routes_.fill(nullptr);
    judge_trust();
}

bool Cluster::knows_owners() const {
    return confirmed_ns_ != 0 && map_ && map_->slots_owned() == cluster_slots &&
           around_.loop.now_ns() < confirmed_ns_ + around_.options.max_staleness_ns;
}

// ---- the map ------------------------------------------------------------------------------------

void Cluster::on_trouble(Node&) {
    if (!stopped()) {
        ask_by(std::max(around_.loop.now_ns(), asked_ns_ + least_pause_ns));
    }
}

void Cluster::ask_by(std::uint64_t when_ns) {
    if (due_ns_ != 0 && due_ns_ <= when_ns) {
        return;
    }
    due_ns_ = when_ns;
    timer_.at(when_ns, [this] {
        due_ns_ = 0;
        ask();
    });
}

void Cluster::ask() {
    judge_trust();
    if (stopped() || question_ != nullptr) {
        return;
    }
    const std::uint64_t now = around_.loop.now_ns();
    asked_ns_ = now;
    // Whatever comes of it: again within a heartbeat.
    ask_by(now + around_.options.heartbeat_ns);
    Node* const node = next_to_ask();
    if (node == nullptr) {
        return;
    }
    open(*node);
    const std::uint64_t patience = std::min(around_.options.connect_timeout_ns,
                                            around_.options.heartbeat_ns);
    question_ = std::make_unique<Question>(*this, *node, now + patience);
    if (node->server.send(*question_) != LARDER_OK) {
        question_.reset();
        ask_by(now + least_pause_ns);
    }
}

// Owners that are up, in turn. When none is, whoever was ever named.
Cluster::Node* Cluster::next_to_ask() {
    std::vector<Node*> known;
    for (Node* owner : owners()) {
        if (owner->server.up() && !owner->breaker.open()) {
            known.push_back(owner);
        }
    }
    if (known.empty()) {
        if (map_) {
            for (const Endpoint& replica : map_->replicas()) {
                node_at(replica);
            }
        }
        for (const auto& node : nodes()) {
            known.push_back(node.get());
        }
    }
    return known.empty() ? nullptr : known[turn_++ % known.size()];
}

void Cluster::on_answer(Node& asked, std::optional<SlotMap> map, const std::string& why) {
    if (!map || map->masters().empty()) {
        around_.journal.trouble("CLUSTER SLOTS", asked.server.endpoint().text(),
                                map ? "it knows no master" : why);
        ask_by(asked_ns_ + least_pause_ns);
        return;
    }
    apply(std::move(*map));
}

void Cluster::apply(SlotMap map) {
    std::vector<Node*> masters;
    for (const Endpoint& endpoint : map.masters()) {
        Node* const node = node_at(endpoint);
        if (node == nullptr) {
            around_.journal.trouble("CLUSTER SLOTS", endpoint.text(), "too many servers were named");
            return;
        }
        masters.push_back(node);
    }
    for (std::uint32_t slot = 0; slot < cluster_slots; ++slot) {
        const std::uint8_t owner = map.owner(slot);
        routes_[slot] = owner == SlotMap::nobody ? nullptr : masters[owner];
    }
    const bool first = !map_;
    const bool changed = first || !(*map_ == map);
    const bool others = !first && masters != owners();
    map_ = std::move(map);
    confirmed_ns_ = around_.loop.now_ns();
    for (const auto& node : nodes()) {
        const bool owns = std::find(masters.begin(), masters.end(), node.get()) != masters.end();
        node->rounds_unowned = owns ? 0 : node->rounds_unowned + 1;
        if (!owns && node->rounds_unowned >= rounds_to_close) {
            close(*node);
        }
    }
    set_owners(std::move(masters));
    choose_canaries();
    if (changed && !first) {
        audience_.on_changed_all();
    }
    if (others) {
        audience_.on_renewed(false);
    }
}

// For each master a tag that is in one of its slots. A number is soon found: of 16384 slots one in ten
// thousand takes some ten thousand tries of 20 ns.
void Cluster::choose_canaries() {
    std::size_t missing = 0;
    for (Node* node : owners()) {
        if (node->canary_tag.empty() || routes_[slot_of(node->canary_tag)] != node) {
            node->canary_tag.clear();
            ++missing;
        }
    }
    constexpr std::uint32_t most_tries = 1'000'000;
    for (std::uint32_t i = 0; missing != 0 && i < most_tries; ++i) {
        std::string tag = std::to_string(i);
        Node* const node = routes_[slot_of(tag)];
        if (node != nullptr && node->canary_tag.empty()) {
            node->server.set_canary_tag(tag);
            node->canary_tag = std::move(tag);
            --missing;
        }
    }
}

// ---- the way of a command -----------------------------------------------------------------------

Server* Cluster::route(std::string_view key) {
    Node* const node = routes_[slot_of(key)];
    if (node == nullptr) {
        ask_by(std::max(around_.loop.now_ns(), asked_ns_ + least_pause_ns));
        return nullptr;
    }
    return &node->server;
}

Router::Way Cluster::redirected(Server& from, std::string_view error) {
    const Redirect redirect = Redirect::read(error, from.endpoint());
    if (redirect.kind == Redirect::Kind::none || redirect.kind == Redirect::Kind::try_again) {
        return {};
    }
    ask_by(std::max(around_.loop.now_ns(), asked_ns_ + least_pause_ns));
    if (redirect.kind != Redirect::Kind::moved && redirect.kind != Redirect::Kind::ask) {
        return {};
    }
    Node* const to = node_at(redirect.to);
    if (to == nullptr) {
        return {};
    }
    open(*to);
    to->rounds_unowned = 0;
    if (redirect.kind == Redirect::Kind::moved) {
        routes_[redirect.slot] = to;
    }
    return {&to->server, redirect.kind == Redirect::Kind::ask};
}

}  // namespace larder::store_redis
