// tests/sim/world.cpp -- the shape of a world, and its three parts.
#include "tests/sim/world.hpp"

#include "dsl/compile.hpp"
#include "kernel/core/cache.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/policies.hpp"
#include "tests/sim/waiting.hpp"
#include "tests/support/map_store.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

namespace larder::sim {
namespace {

constexpr std::uint64_t ms = 1'000'000;

struct Shape {
    std::uint64_t nodes, clients, operations, policy, faults;
    Pace pace;
    NetworkOptions network;
    bool waits_for_trust, few_records, few_shared;
};

Shape shape_of(Kind kind, Rng& rng) {
    Shape shape{};
    shape.nodes = kind == Kind::memory ? 1 : rng.between(1, 4);
    shape.clients = rng.between(1, 3);
    shape.operations = rng.between(4, 14);
    shape.policy = rng.below(policy_count);
    // A third of all worlds has nothing but delays: what goes wrong there has no excuse.
    shape.faults = kind == Kind::memory || rng.one_in(3) ? 0 : rng.between(1, 6);
    shape.pace.hold_one_in = rng.one_in(4) ? 0 : rng.between(6, 60);
    shape.pace.longest_hold_ns = rng.one_in(4) ? 400 * ms : 20 * ms;
    shape.network.slow_percent = rng.below(30);
    shape.network.push_slow_percent = rng.below(40);
    shape.network.shuffles = rng.one_in(2);
    shape.waits_for_trust = !rng.one_in(4);
    shape.few_records = rng.one_in(4);
    shape.few_shared = rng.one_in(6);
    return shape;
}

class World {
  public:
    World(Kind kind, std::uint64_t seed, bool tells)
        : kind_(kind),
          shape_rng_(seed),
          shape_(shape_of(kind, shape_rng_)),
          scheduler_(shape_rng_.next(), shape_.pace),
          server_clock_(scheduler_, scheduler_.rng()),
          network_(scheduler_, server_clock_, shape_.network),
          history_(key_count, bounds(), policy_facts(shape_.policy).depends ? may_concern_all : may_concern) {
        history_.tells_story = tells;
        network_.late_change = [this] { history_.unsettle(scheduler_.now_ns()); };
        if (tells) network_.story = [this](std::string text) { history_.tell(scheduler_.now_ns(), std::move(text)); };
    }

    Verdict run() {
        scheduler_.spawn("director", 0, [this] { direct(); });
        bool good = scheduler_.run();
        Verdict verdict;
        if (!good) history_.violate(scheduler_.failure());
        verdict.good = history_.violation().empty();
        verdict.what = history_.violation();
        verdict.story = history_.story();
        verdict.trace = scheduler_.trace();
        verdict.reads = history_.reads();
        verdict.found = history_.found();
        verdict.loads = history_.loads();
        verdict.steps = scheduler_.steps();
        verdict.virtual_ms = scheduler_.now_ns() / ms - 1'000'000;
        finished_ = good;
        return verdict;
    }
    // Nothing of it is at work any more.
    bool finished() const { return finished_; }
    std::string story() const { return history_.story(); }
    const History& history() const { return history_; }

  private:
    Bounds bounds() const {
        const PolicyFacts& facts = policy_facts(shape_.policy);
        Bounds b;
        b.hard_ns = (facts.life_ms + facts.stale_ms + 300) * ms + 2 * shape_.pace.longest_hold_ns;
        b.stale_ns = facts.stale_ms * ms;
        b.staleness_ns = (shape_.network.max_staleness_ms + 30) * ms;
        b.one_loader = !shape_.few_records && !shape_.few_shared;
        b.clock_ns = 6 * ms;
        b.late_ns = 1500 * ms;
        return b;
    }

    void direct() {
        build();
        if (kind_ == Kind::shared) {
            network_.start();
            if (shape_.waits_for_trust) wait_for([this] {
                for (std::size_t i = 0; i < nodes_.size(); ++i)
                    if (!network_.trusts(i)) return false;
                return true;
            });
        }
        std::size_t at_work = 0;
        for (std::size_t n = 0; n < nodes_.size(); ++n)
            for (std::uint64_t c = 0; c < shape_.clients; ++c) {
                ++at_work;
                scheduler_.spawn("client " + std::to_string(n) + "." + std::to_string(c), scheduler_.rng().below(20 * ms), [this, n, c, &at_work] {
                    Client(place(n), c + 1).work(shape_.operations);
                    --at_work;
                });
            }
        bool over = false;
        std::size_t trouble = 0;
        if (shape_.faults > 0) {
            ++trouble;
            scheduler_.spawn("faults", 0, [this, &over, &trouble] {
                for (std::uint64_t i = 0; i < shape_.faults && !over; ++i) {
                    scheduler_.sleep(scheduler_.rng().below(200 * ms));
                    break_something();
                }
                --trouble;
            });
        }
        wait_for([&at_work] { return at_work == 0; });
        over = true;
        wait_for([&trouble] { return trouble == 0; });
        make_peace();
        last_look();
        tear_down();
    }

    template <class Done>
    void wait_for(Done&& done) {
        while (!done()) {
            scheduler_.sleep(5 * ms);
            check_bounds();
        }
    }

    void check_bounds() {
        for (std::size_t n = 0; n < nodes_.size(); ++n) {
            if (nodes_[n].cache == nullptr) continue;
            const Remembers has = nodes_[n].cache->remembers();
            if (has.records <= records() && has.shared_records <= shared_records() && has.outbox <= outbox()) continue;
            history_.violate("I6: node " + std::to_string(n) + " remembers " + std::to_string(has.records) + " records, " + std::to_string(has.shared_records) +
                             " of the shared store, and " + std::to_string(has.outbox) + " changes to deliver");
        }
    }
    std::size_t records() const { return shape_.few_records ? 16 : 256; }
    std::size_t shared_records() const { return shape_.few_shared ? 6 : 64; }
    std::size_t outbox() const { return shape_.few_shared ? 3 : 64; }

    Place place(std::size_t n) {
        return {scheduler_, history_, kind_ == Kind::shared ? &network_ : nullptr, *nodes_[n].cache, *nodes_[n].clock, n, shape_.policy,
                [this, n] { install(n); }};
    }

    void build() {
        nodes_.resize(shape_.nodes);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            Node& node = nodes_[i];
            node.clock = std::make_unique<NodeClock>(scheduler_, scheduler_.rng());
            node.random = std::make_unique<SeededRandom>(scheduler_.rng().next());
            node.executor = std::make_unique<NodeExecutor>(scheduler_, "node " + std::to_string(i));
            node.memory = std::make_unique<test::MapStore>(*node.clock);
            if (kind_ == Kind::shared) node.store = &network_.connect(*node.clock);
            CacheOptions options;
            options.clock = node.clock.get();
            options.random = node.random.get();
            options.executor = node.executor.get();
            options.records = records();
            options.shared_records = shared_records();
            options.outbox = outbox();
            options.fences = 1u << 12;
            options.default_deadline = Ms(400);
            node.cache = std::make_unique<Cache>(options);
            install(i);
        }
    }

    void install(std::size_t n) {
        CacheParts parts;
        parts.policy = compiled_policy(shape_.policy, kind_ == Kind::shared);
        parts.stores.push_back(nodes_[n].memory->handle("l1"));
        if (kind_ == Kind::shared) parts.stores.push_back(nodes_[n].store->handle("l2"));
        nodes_[n].cache->install(std::move(parts));
    }

    void break_something() {
        Rng& rng = scheduler_.rng();
        const std::size_t node = rng.below(nodes_.size());
        const auto short_while = [&] { scheduler_.sleep(rng.below(rng.one_in(3) ? 900 * ms : 100 * ms)); };
        switch (rng.below(10)) {
            case 0:
                network_.lose_answers(rng.between(10, 300));
                short_while();
                network_.lose_answers(0);
                break;
            case 1:
                network_.linger(rng.between(10, 200));
                short_while();
                network_.linger(0);
                break;
            case 2:
                network_.cut(node, true);
                short_while();
                network_.cut(node, false);
                break;
            case 3: network_.close_stream(node); break;
            case 4: network_.mute_stream(node); break;
            case 5:
                network_.stop_server();
                short_while();
                network_.revive_server(Network::Revival::same);
                break;
            case 6:
            case 7: revive(rng); break;
            case 8: nodes_[node].memory->evict_some(rng.next(), 2); break;
            case 9: {
                // What the server evicts, or somebody removes: values and records alike.
                const auto& data = network_.redis().server().data();
                std::vector<std::string> keys;
                for (const auto& [key, value] : data.values) keys.push_back(key);
                for (const auto& [key, record] : data.records) keys.push_back(key);
                if (keys.empty()) break;
                history_.unsettle(scheduler_.now_ns());
                network_.foreign_remove(keys[rng.below(keys.size())]);
                break;
            }
        }
    }

    void revive(Rng& rng) {
        const Network::Revival how = static_cast<Network::Revival>(rng.below(4));
        network_.mark_copy();
        network_.mark_replica();
        if (how == Network::Revival::older || how == Network::Revival::replica) scheduler_.sleep(rng.below(100 * ms));
        network_.kill_server();
        history_.unsettle(scheduler_.now_ns());
        // From here on what was delivered may be lost again, until it has been sent again.
        if (how != Network::Revival::same) history_.lose_changes();
        scheduler_.sleep(rng.below(rng.one_in(3) ? 700 * ms : 60 * ms));
        if (how != Network::Revival::same) history_.lose_changes();
        network_.revive_server(how);
    }

    // All that is owed is delivered now. Who looks meanwhile sees entries grow old.
    void make_peace() {
        scheduler_.calm();
        if (kind_ == Kind::shared) network_.heal();
        for (int looks = 0; looks < 12; ++looks) {
            scheduler_.sleep(scheduler_.rng().below(700 * ms));
            Client(place(scheduler_.rng().below(nodes_.size())), 1).look(scheduler_.rng().below(key_count));
        }
        scheduler_.sleep((2 * shape_.network.max_staleness_ms + 4000) * ms);
        history_.confirm_all();
    }

    void last_look() {
        for (std::uint64_t key = 0; key < key_count; ++key) {
            for (std::size_t n = 0; n < nodes_.size(); ++n) Client(place(n), 1).look(key);
            // Slow streams make an entry settle late, and once it may lapse.
            for (std::size_t n = 0; n < nodes_.size(); ++n) {
                unsigned in_a_row = 0;
                for (int time = 0; time < 4; ++time) {
                    const bool leased = network_.leased("larder:v:{" + std::string(space_of(key)) + ":" + std::to_string(key) + "}");
                    in_a_row = Client(place(n), 1).read(key, true) && !leased ? in_a_row + 1 : 0;
                    scheduler_.sleep(70 * ms);
                }
                // With few records some are always forgotten.
                if (in_a_row > 1 && !shape_.few_shared) history_.violate("a node at peace loads key " + std::to_string(key) + " again and again");
            }
        }
    }

    void tear_down() {
        for (Node& node : nodes_) node.executor->stop();
        wait_for([this] { return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.executor->at_work() == 0; }); });
        for (Node& node : nodes_) node.cache.reset();
    }

    struct Node {
        std::unique_ptr<NodeClock> clock;
        std::unique_ptr<SeededRandom> random;
        std::unique_ptr<NodeExecutor> executor;
        std::unique_ptr<test::MapStore> memory;
        test::VirtualNode* store = nullptr;
        std::unique_ptr<Cache> cache;
    };

    const Kind kind_;
    Rng shape_rng_;
    const Shape shape_;
    Scheduler scheduler_;
    NodeClock server_clock_;
    Network network_;
    History history_;
    std::vector<Node> nodes_;
    bool finished_ = false;
};

World* present = nullptr;
std::uint64_t present_seed = 0;

}  // namespace

Verdict run_world(Kind kind, std::uint64_t seed, bool tells) {
    auto world = std::make_unique<World>(kind, seed, tells);
    present = world.get();
    present_seed = seed;
    on_giving_up = [](const std::string& what) {
        std::fprintf(stderr, "seed %llu: %s\n%s", static_cast<unsigned long long>(present_seed), what.c_str(), present->story().c_str());
    };
    const Verdict verdict = world->run();
    // What waits in it for ever has to have something to wait in.
    if (!world->finished()) static_cast<void>(world.release());
    present = nullptr;
    return verdict;
}

}  // namespace larder::sim
