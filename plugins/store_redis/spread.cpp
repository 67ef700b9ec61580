// plugins/store_redis/spread.cpp -- see spread.hpp.
#include "spread.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_redis {

struct Spread::Leg final : Exchange {
    Leg(Spread& s, Server& to, std::vector<std::uint32_t> list, bool ask)
        : spread(s), server(to), commands(std::move(list)), asking(ask) {}

    bool on_reply(std::uint32_t index, Reply& reply) override {
        return spread.on_reply(*this, index, reply);
    }
    void on_end(larder_status status) noexcept override { spread.on_end(*this, status); }
    const char* name() const noexcept override { return spread.batch_.name(); }

    Spread& spread;
    Server& server;
    std::vector<std::uint32_t> commands;  // of the batch, in the order of the leg
    bool asking;
    bool stopped = false;      // an ordered leg met a redirect: the rest is not told
    std::vector<Step> steps;   // redirected: sent when the leg has ended
};

Spread::Spread(Router& router, Batch& batch)
    : router_(router), batch_(batch), commands_(batch.commands().size()) {}

Spread::~Spread() = default;

void Spread::begin(Router& router, Batch& batch) {
    auto* const spread = new Spread(router, batch);
    if (batch.ordered) {
        spread->send_next();
    } else {
        std::vector<Step> steps(spread->commands_.size());
        for (std::uint32_t i = 0; i < steps.size(); ++i) {
            steps[i] = {i, {router.route(batch.key_of(batch.commands()[i])), false}};
        }
        spread->send_all(std::move(steps));
    }
    spread->end_if_done();
}

// Groups by server, in the order of the commands.
void Spread::send_all(std::vector<Step> steps) {
    while (!steps.empty()) {
        const Router::Way way = steps.front().way;
        std::vector<std::uint32_t> mine;
        std::vector<Step> rest;
        for (const Step& step : steps) {
            if (step.way.server == way.server && step.way.asking == way.asking) {
                mine.push_back(step.command);
            } else {
                rest.push_back(step);
            }
        }
        send(way.server, way.asking, std::move(mine));
        steps = std::move(rest);
    }
}

// Of an ordered batch: everything of the stage that begins at ordered_at_, side by side. False: none does.
bool Spread::send_stage() {
    const auto stages = batch_.stages();
    if (stages.empty() || ordered_at_ < stages.front()) {
        return false;
    }
    const auto next = std::upper_bound(stages.begin(), stages.end(), ordered_at_);
    const std::uint32_t end = next != stages.end() ? *next : static_cast<std::uint32_t>(commands_.size());
    std::vector<Step> steps;
    for (; ordered_at_ < end; ++ordered_at_) {
        steps.push_back({ordered_at_, {router_.route(batch_.key_of(batch_.commands()[ordered_at_])), false}});
    }
    in_stage_ = true;
    send_all(std::move(steps));
    return true;
}

// Of an ordered batch: the run of commands that begins at ordered_at_ and has one server, or a stage.
void Spread::send_next() {
    while (ordered_at_ < commands_.size() && legs_.empty() && ended_ == LARDER_OK &&
           failure_ == LARDER_OK) {
        if (send_stage()) {
            continue;
        }
        const auto all = batch_.commands();
        const std::size_t end = batch_.stages().empty() ? all.size() : batch_.stages().front();
        Router::Way way = std::exchange(ordered_way_, {});
        std::vector<std::uint32_t> run{ordered_at_};
        if (way.server == nullptr) {
            way.server = router_.route(batch_.key_of(all[ordered_at_]));
        }
        for (std::uint32_t i = ordered_at_ + 1; !way.asking && i < end &&
                                                router_.route(batch_.key_of(all[i])) == way.server;
             ++i) {
            run.push_back(i);
        }
        send(way.server, way.asking, std::move(run));
    }
}

void Spread::send(Server* server, bool asking, std::vector<std::uint32_t> commands) {
    if (server == nullptr || !router_.admits(*server)) {
        fail(LARDER_E_IO);
        return;
    }
    auto leg = std::make_unique<Leg>(*this, *server, std::move(commands), asking);
    for (const std::uint32_t command : leg->commands) {
        if (asking) {
            leg->wire += "*1\r\n$6\r\nASKING\r\n";
            ++leg->replies;
        }
        leg->wire += batch_.wire_of(batch_.commands()[command]);
        ++leg->replies;
    }
    if (batch_.replicas != 0 && is_last_of(*server, leg->commands.back())) {
        write_head(leg->wire, 3);
        write_word(leg->wire, "WAIT");
        write_number(leg->wire, batch_.replicas);
        write_number(leg->wire, batch_.wait_ms);
        ++leg->replies;
    }
    leg->lane = batch_.lane;
    leg->deadline_ns = batch_.deadline_ns;
    leg->tag = batch_.tag;
    // Whether to send again is decided here, by command: see on_end.
    leg->repeatable = false;
    const larder_status status = server->send(*leg);
    if (status == LARDER_OK) {
        legs_.push_back(std::move(leg));
        return;
    }
    if (status != LARDER_E_BUSY) {
        router_.on_outcome(*server, status);
    }
    fail(status);
}

// Whether no command behind this one is for the server: WAIT, which counts all that a connection wrote,
// stands there. (Legs of an unordered batch have all of their server's commands.)
bool Spread::is_last_of(const Server& server, std::uint32_t command) {
    const auto all = batch_.commands();
    return !batch_.ordered || std::none_of(all.begin() + command + 1, all.end(), [&](const auto& c) {
        return router_.route(batch_.key_of(c)) == &server;
    });
}

bool Spread::on_reply(Leg& leg, std::uint32_t index, Reply& reply) {
    std::size_t place = index;
    if (leg.asking) {
        if (index % 2 == 0 && index / 2 < leg.commands.size()) {
            return true;  // ASKING's own
        }
        place = index / 2;
    }
    // Behind the commands stands WAIT. (With ASKING before each, 2n is the first index behind them.)
    const std::size_t behind = leg.commands.size() * (leg.asking ? 2u : 1u);
    if (index >= behind) {
        batch_.on_replicas(reply.type() == Reply::Type::integer ? reply.integer() : 0);
        return true;
    }
    if (leg.stopped) {
        return true;
    }
    const std::uint32_t command = leg.commands[place];
    if (reply.is_error() && commands_[command].redirects < most_redirects) {
        const Router::Way way = router_.redirected(leg.server, reply.text());
        if (way.server != nullptr) {
            ++commands_[command].redirects;
            if (batch_.ordered && !in_stage_) {
                leg.stopped = true;
                ordered_way_ = way;
            } else {
                leg.steps.push_back({command, way});
            }
            return true;
        }
    }
    if (!batch_.on_reply(command, reply)) {
        return false;
    }
    if (batch_.ordered && !in_stage_) {
        ordered_at_ = command + 1;
    }
    commands_[command].answered = true;
    ++answers_;
    return true;
}

void Spread::on_end(Leg& leg, larder_status status) noexcept {
    router_.on_outcome(leg.server, status);
    const auto own = std::find_if(legs_.begin(), legs_.end(),
                                  [&](const auto& other) { return other.get() == &leg; });
    const std::unique_ptr<Leg> alive = std::move(*own);
    legs_.erase(own);
    settle(leg, status);
    end_if_done();
}

// What a leg that ended leaves to be done.
void Spread::settle(Leg& leg, larder_status status) {
    if (status == LARDER_E_CANCELLED || status == LARDER_E_CLOSED) {
        ended_ = status;
    }
    if (ended_ != LARDER_OK) {
        return;
    }
    std::vector<Step> steps = std::move(leg.steps);
    if (status != LARDER_OK) {
        const std::size_t redirected = steps.size();
        for (const std::uint32_t command : leg.commands) {
            const auto is_it = [&](const Step& step) { return step.command == command; };
            if (commands_[command].answered ||
                std::any_of(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(redirected), is_it)) {
                continue;
            }
            if (status == LARDER_E_IO && batch_.repeatable && !batch_.ordered &&
                !std::exchange(commands_[command].sent_again, true)) {
                steps.push_back(
                    {command, {router_.route(batch_.key_of(batch_.commands()[command])), false}});
            } else {
                fail(status);
            }
        }
    }
    send_all(std::move(steps));
    if (batch_.ordered) {
        send_next();
    }
}

void Spread::fail(larder_status status) noexcept {
    if (failure_ == LARDER_OK) {
        failure_ = status;
    }
}

void Spread::end_if_done() {
    if (!legs_.empty()) {
        return;
    }
    larder_status status = ended_ != LARDER_OK ? ended_ : failure_;
    if (ended_ == LARDER_OK && failure_ != LARDER_OK && batch_.repeatable && answers_ != 0) {
        Reply gone;
        status = LARDER_OK;
        for (std::uint32_t i = 0; i < commands_.size(); ++i) {
            if (commands_[i].answered) {
                continue;
            }
            constexpr std::string_view text = "LARDERDOWN no server";
            gone.clear();
            Reply::Item item;
            item.type = Reply::Type::error;
            item.size = static_cast<std::uint32_t>(text.size());
            text.copy(item.brief, sizeof item.brief);
            gone.filling().push_back(item);
            if (!batch_.on_reply(i, gone)) {
                status = failure_;
                break;
            }
        }
    }
    batch_.on_end(status);
    delete this;
}

}  // namespace larder::store_redis
