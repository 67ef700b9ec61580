// tests/sim/network.cpp -- messages, streams, faults.
#include "tests/sim/network.hpp"

#include <algorithm>
#include <utility>

namespace larder::sim {

using test::VirtualMessage;
using test::VirtualNode;
using test::VirtualServer;

namespace {

constexpr std::size_t everybody = SIZE_MAX;

}  // namespace

struct Network::Operation {
    Link* link;
    VirtualMessage message;
    larder_call call;
    std::uint64_t incarnation;  // of the server it was sent to
    std::string task;           // that sent it, and when
    std::uint64_t sent_ns;
    larder_status status = LARDER_OK;
    bool finished = false;
    std::uint64_t timer = 0;
};

Network::Network(Scheduler& scheduler, Clock& server_clock, const NetworkOptions& options)
    : scheduler_(scheduler), options_(options), healthy_(options), redis_(server_clock) {
    redis_.use(this);
    redis_.max_staleness_ms = options.max_staleness_ms;
}

Network::~Network() = default;

VirtualNode& Network::connect(const NodeClock& clock) {
    VirtualNode& node = redis_.connect();
    auto link = std::make_unique<Link>();
    link->node = &node;
    link->clock = &clock;
    link->incarnation = incarnation_;
    links_.push_back(std::move(link));
    // Right to about half a round trip.
    node.clock_error_ms = scheduler_.rng().below(5) - 2;
    return node;
}

void Network::start() {
    for (std::size_t i = 0; i < links_.size(); ++i) {
        open_stream(i);
        beat(i);
    }
}

void Network::tell(std::string what) {
    if (story) story("    " + std::move(what));
}

void Network::trouble(Link& link) {
    ++link.troubles;
    link.last_trouble_ns = scheduler_.now_ns();
}

std::uint64_t Network::delay() {
    Rng& rng = scheduler_.rng();
    return rng.percent(options_.slow_percent) ? rng.below(options_.slow_ns) : rng.below(options_.quick_ns) + 1000;
}

// ---- messages

larder_status Network::send(VirtualNode& from, VirtualMessage message, const larder_call& call, larder_value*) {
    Link& link = *links_[from.index()];
    if (state_ == State::down && !link.cut) {
        trouble(link);
        tell("node " + std::to_string(from.index()) + " is refused " + name_of(message.call) + " " + message.text);
        return LARDER_E_IO;
    }
    if (call.done == nullptr) {
        scheduler_.fail(std::string("a store that may make wait is called without a done: ") + name_of(message.call));
        return LARDER_E_IO;
    }
    auto operation = std::make_shared<Operation>(Operation{&link, std::move(message), call, incarnation_, scheduler_.name(), scheduler_.now_ns()});
    if (!operation->message.ordered && options_.shuffles) {
        auto& work = operation->message.work;
        for (std::size_t i = work.size(); i > 1; --i) std::swap(work[i - 1], work[scheduler_.rng().below(i)]);
    }
    if (call.deadline_ns != 0) {
        // The store's own limit, which may be a little later than the caller's.
        const std::uint64_t until = link.clock->world(call.deadline_ns);
        const std::uint64_t left = until > scheduler_.now_ns() ? until - scheduler_.now_ns() : 0;
        operation->timer = scheduler_.after(left + scheduler_.rng().below(5'000'000), [this, operation] {
            operation->timer = 0;
            trouble(*operation->link);
            tell("node " + std::to_string(operation->link->node->index()) + " gives up " + name_of(operation->message.call));
            finish(*operation, LARDER_E_TIMEOUT);
        });
    }
    tell("node " + std::to_string(from.index()) + " (" + scheduler_.name() + ") sends " + name_of(operation->message.call) + " " + operation->message.text);
    std::uint64_t there = delay();
    if (options_.lingering_per_mille != 0 && scheduler_.rng().below(1000) < options_.lingering_per_mille) {
        there = scheduler_.rng().below(1'000'000'000);
        trouble(link);
    }
    if (link.cut) {
        trouble(link);
        return LARDER_PENDING;
    }
    scheduler_.after(there, [this, operation] { arrive(operation, 0); });
    return LARDER_PENDING;
}

void Network::arrive(const std::shared_ptr<Operation>& operation, std::size_t step) {
    if (operation->incarnation != incarnation_ || state_ == State::down) {
        trouble(*operation->link);
        scheduler_.after(delay(), [this, operation] { finish(*operation, LARDER_E_IO); });
        return;
    }
    if (state_ == State::stopped) {
        trouble(*operation->link);
        stopped_.push_back([this, operation, step] { arrive(operation, step); });
        return;
    }
    auto& work = operation->message.work;
    for (; step < work.size(); ++step) {
        if (const larder_status one = work[step](redis_.server()); one != LARDER_OK) operation->status = one;
        push(redis_.server().take_told(), everybody, 0);
        // The order in which a change is done matters: others come between its parts more often.
        const std::uint64_t one_in = operation->message.call == test::StoreCall::change ? 2 : 4;
        if (step + 1 < work.size() && scheduler_.rng().one_in(one_in)) {
            const std::uint64_t gap = scheduler_.rng().below(scheduler_.rng().one_in(one_in) ? options_.slow_ns : 1'000'000);
            scheduler_.after(gap, [this, operation, step] { arrive(operation, step + 1); });
            return;
        }
    }
    tell("server did " + std::string(name_of(operation->message.call)) + " of node " +
         std::to_string(operation->link->node->index()) + " " + operation->message.text + " -> " + std::to_string(operation->status));
    if (const auto kind = operation->message.call; kind == test::StoreCall::change || kind == test::StoreCall::remove) {
        if (late_change && !operation->task.starts_with("client")) late_change();
        operation->link->changed[operation->task] = std::max(operation->link->changed[operation->task], operation->sent_ns);
    }
    answer(operation, operation->status);
}

void Network::answer(const std::shared_ptr<Operation>& operation, larder_status status) {
    Link& link = *operation->link;
    if (link.cut || (options_.lost_per_mille != 0 && scheduler_.rng().below(1000) < options_.lost_per_mille)) {
        trouble(link);
        tell("its answer is lost");
        // A connection that breaks is known at once, a packet that is lost only by the time.
        if (!link.cut && scheduler_.rng().one_in(2)) scheduler_.after(delay(), [this, operation] { finish(*operation, LARDER_E_IO); });
        return;
    }
    scheduler_.after(delay(), [this, operation, status] {
        if (operation->incarnation != incarnation_) {
            trouble(*operation->link);
            finish(*operation, LARDER_E_IO);
            return;
        }
        finish(*operation, status);
    });
}

void Network::finish(Operation& operation, larder_status status) {
    if (std::exchange(operation.finished, true)) return;
    if (operation.timer != 0) scheduler_.cancel(std::exchange(operation.timer, 0));
    if (status < 0 && status != LARDER_E_CONFLICT) trouble(*operation.link);
    larder_value value{};
    if (operation.message.land && status == LARDER_OK) operation.message.land(&value);
    operation.call.done(operation.call.done_ctx, status, value.data != nullptr ? &value : nullptr);
}

// ---- streams

void Network::push(std::vector<std::string> keys, std::size_t only, std::uint64_t canary_ns) {
    if (keys.empty() && canary_ns == 0) return;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        Link& link = *links_[i];
        if ((only != everybody && only != i) || !link.open) continue;
        Rng& rng = scheduler_.rng();
        const std::uint64_t takes = rng.percent(options_.push_slow_percent) ? rng.below(60'000'000) : rng.below(400'000);
        link.last_push_ns = std::max(link.last_push_ns + 1, scheduler_.now_ns() + takes);
        link.under_way.push_back({scheduler_.now_ns(), keys, canary_ns});
        scheduler_.after(link.last_push_ns - scheduler_.now_ns(), [this, i, stream = link.stream] {
            Link& to = *links_[i];
            if (to.stream != stream || !to.open || to.under_way.empty()) return;
            const Push push = std::move(to.under_way.front());
            to.under_way.pop_front();
            if (to.muted || to.cut) {
                to.muted = true;  // what was lost once is missing
                return;
            }
            to.node->tell(push.keys);
            if (!push.keys.empty()) tell("node " + std::to_string(i) + " is told of " + push.keys[0]);
            to.told_ns = push.done_ns;
            if (push.canary_ns == 0) return;
            to.proof_ns = push.canary_ns;
            if (!to.trusts && to.told_all) {
                to.trusts = true;
                tell("node " + std::to_string(i) + " trusts");
                to.node->trust(true);
            }
            if (to.trusts) watch(i, to.proof_ns);
        });
    }
}

// Ends trust when the proof gets too old.
void Network::watch(std::size_t node, std::uint64_t proof_ns) {
    const std::uint64_t until = proof_ns + options_.max_staleness_ms * 1'000'000;
    const std::uint64_t left = until > scheduler_.now_ns() ? until - scheduler_.now_ns() : 0;
    scheduler_.after(left, [this, node, proof_ns] {
        Link& link = *links_[node];
        if (!link.trusts || link.proof_ns != proof_ns) return;
        tell("node " + std::to_string(node) + " has no proof any more");
        lose_trust(node);
        stream_ended(node, 0);
    });
}

void Network::lose_trust(std::size_t node) {
    Link& link = *links_[node];
    if (std::exchange(link.trusts, false)) link.node->trust(false);
}

void Network::stream_ended(std::size_t node, std::uint64_t noticed_after_ns) {
    Link& link = *links_[node];
    link.open = false;
    link.under_way.clear();
    scheduler_.after(noticed_after_ns, [this, node, stream = link.stream] {
        if (links_[node]->stream != stream) return;
        tell("node " + std::to_string(node) + " has no stream");
        lose_trust(node);
        open_stream(node);
    });
}

void Network::beat(std::size_t node) {
    scheduler_.after(options_.heartbeat_ns, [this, node] { beat(node); });
    Link& link = *links_[node];
    if (!link.open || link.cut || state_ != State::running) return;
    scheduler_.after(delay(), [this, node, stream = link.stream, written = scheduler_.now_ns()] {
        if (links_[node]->stream == stream && state_ == State::running) push({}, node, written);
    });
}

// Tries until there is a stream.
void Network::open_stream(std::size_t node) {
    Link& link = *links_[node];
    if (std::exchange(link.opening, true)) return;
    scheduler_.after(scheduler_.rng().below(30'000'000) + 100'000, [this, node] {
        Link& to = *links_[node];
        to.opening = false;
        if (to.cut || state_ != State::running) {
            open_stream(node);
            return;
        }
        ++to.stream;
        to.open = true;
        to.muted = to.told_all = false;
        to.under_way.clear();
        to.last_push_ns = scheduler_.now_ns();
        const std::uint64_t began = scheduler_.now_ns();
        scheduler_.after(delay(), [this, node, stream = to.stream, began] {
            Link& there = *links_[node];
            if (there.stream != stream || !there.open) return;
            if (there.incarnation != incarnation_) {
                there.incarnation = incarnation_;
                tell("node " + std::to_string(node) + " meets another server");
                there.node->renew(older_);
            }
            tell("node " + std::to_string(node) + " has a stream: anything may have changed");
            there.node->tell_all();
            there.told_all = true;
            there.told_ns = there.since_ns = began;
            if (state_ == State::running) push({}, node, began);
        });
    });
}

std::uint64_t Network::told_until_ns(std::size_t node) const {
    const Link& link = *links_[node];
    if (!link.trusts || !link.open) return 0;
    if (link.muted || link.cut) return link.told_ns;
    return link.under_way.empty() ? scheduler_.now_ns() : link.under_way.front().done_ns - 1;
}

bool Network::did_change(std::size_t node, const std::string& task, std::uint64_t since_ns) const {
    const auto at = links_[node]->changed.find(task);
    return at != links_[node]->changed.end() && at->second >= since_ns;
}

bool Network::leased(const std::string& key) const {
    const VirtualServer& server = redis_.server();
    const auto it = server.data().leases.find(key);
    return it != server.data().leases.end() && it->second.until_ms > server.now_ms();
}

// ---- faults

void Network::stop_server() {
    if (state_ != State::running) return;
    tell("the server stops");
    state_ = State::stopped;
}

void Network::kill_server() {
    if (state_ == State::down) return;
    tell("the server dies");
    state_ = State::down;
    ++incarnation_;
    stopped_.clear();
    for (std::size_t i = 0; i < links_.size(); ++i) {
        if (!links_[i]->open) continue;
        if (links_[i]->cut) links_[i]->muted = true;
        else stream_ended(i, scheduler_.rng().below(10'000'000));
    }
}

void Network::revive_server(Revival how) {
    if (state_ != State::down) {
        if (state_ == State::stopped) {
            tell("the server goes on");
            state_ = State::running;
            for (auto& waiting : std::exchange(stopped_, {})) scheduler_.after(scheduler_.rng().below(1'000'000), std::move(waiting));
        }
        return;
    }
    older_ = how == Revival::older;
    switch (how) {
        case Revival::same: tell("the server comes back"); break;
        case Revival::empty:
            tell("the server comes back empty");
            redis_.server().flush();
            lost_writes_at_ns_ = scheduler_.now_ns();
            break;
        case Revival::older:
            tell("the server comes back with older data");
            redis_.server().restore(copy_);
            lost_writes_at_ns_ = scheduler_.now_ns();
            break;
        case Revival::replica:
            tell("a replica takes over");
            redis_.server().restore(replica_);
            lost_writes_at_ns_ = scheduler_.now_ns();
            break;
    }
    state_ = State::running;
}

void Network::close_stream(std::size_t node) {
    if (!links_[node]->open) return;
    tell("the stream of node " + std::to_string(node) + " is closed");
    stream_ended(node, scheduler_.rng().below(10'000'000));
}

void Network::mute_stream(std::size_t node) {
    tell("the stream of node " + std::to_string(node) + " loses what it carries");
    links_[node]->muted = true;
}

void Network::heal() {
    tell("all is well again");
    for (auto& link : links_) link->cut = false;
    options_ = healthy_;
    options_.lost_per_mille = options_.lingering_per_mille = 0;
    revive_server(Revival::same);
}

void Network::foreign_remove(const std::string& key) {
    if (redis_.server().lose(key)) push(redis_.server().take_told(), everybody, 0);
}

}  // namespace larder::sim
