// plugins/store_redis/sentinel.cpp -- see sentinel.hpp.
#include "sentinel.hpp"

#include "master_told.hpp"
#include "wire.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_redis {

struct Sentinel::Told {
    std::optional<MasterTold> master;
    std::string why;
};

// SENTINEL MASTER at one Sentinel.
class Sentinel::Question final : public Exchange {
  public:
    Question(Sentinel& owner, Server& sentinel, std::uint64_t deadline)
        : owner_(owner), sentinel_(sentinel) {
        write_head(wire, 3);
        write_word(wire, "SENTINEL");
        write_word(wire, "MASTER");
        write_word(wire, owner.around_.options.master_name);
        replies = 1;
        deadline_ns = deadline;
    }
    bool on_reply(std::uint32_t, Reply& reply) override {
        told_.master = MasterTold::read(reply, sentinel_.endpoint(),
                                        owner_.around_.options.endpoint.tls, told_.why);
        return true;
    }
    void on_end(larder_status status) noexcept override {
        if (status != LARDER_OK) {
            told_.why = "no answer";
        }
        // This goes with the answer.
        const std::unique_ptr<Question> self = std::move(owner_.question_);
        if (status != LARDER_E_CANCELLED && status != LARDER_E_CLOSED) {
            owner_.on_answer(sentinel_, told_);
        }
    }
    const char* name() const noexcept override { return "SENTINEL MASTER"; }

  private:
    Sentinel& owner_;
    Server& sentinel_;
    Told told_;
};

Sentinel::Sentinel(const Server::Surroundings& around, Audience& audience)
    : around_(around), audience_(audience), sentinel_options_(around.options), timer_(around.loop) {
    sentinel_options_.sentinel = true;
    sentinel_options_.username = around.options.sentinel_username;
    sentinel_options_.password = around.options.sentinel_password;
    sentinel_options_.db = 0;
    sentinel_options_.connections = 1;
    const Server::Surroundings theirs{around.loop, sentinel_options_, around.journal, around.counters};
    for (const Endpoint& endpoint : around.options.servers) {
        sentinels_.push_back(std::make_unique<Server>(theirs, endpoint, unheard_));
    }
    sentinel_open_.resize(sentinels_.size());
}

Sentinel::~Sentinel() = default;

// ---- any thread ---------------------------------------------------------------------------------

void Sentinel::start() {
    running_ = true;
    around_.loop.post([this] {
        stopped_ = false;
        ask();
    });
}

void Sentinel::stop() noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    around_.loop.post([this] {
        stopped_ = true;
        timer_.cancel();
        due_ns_ = 0;
        if (Server* const active = active_.exchange(nullptr)) {
            active->close(LARDER_E_CANCELLED);
        }
        for (std::size_t i = 0; i < sentinels_.size(); ++i) {
            sentinels_[i]->close(LARDER_E_CANCELLED);
            sentinel_open_[i] = false;
        }
        proved_ = false;
        judge_trust();
    });
}

larder_status Sentinel::run(Batch& batch) {
    Server* const active = active_.load(std::memory_order_acquire);
    if (active == nullptr) {
        return running_ ? LARDER_E_IO : LARDER_E_CLOSED;
    }
    return active->send(batch);
}

larder_status Sentinel::run_here(Batch& batch) {
    Server* const active = active_.load(std::memory_order_acquire);
    return active != nullptr ? active->run_here(batch) : run(batch);
}

void Sentinel::cancel(const void* tag) noexcept {
    if (Server* const active = active_.load(std::memory_order_acquire)) {
        active->cancel(tag);
    }
}

std::uint64_t Sentinel::now_ms() const noexcept {
    const Server* const active = active_.load(std::memory_order_acquire);
    return active != nullptr ? active->now_ms() : 0;
}

Server* Sentinel::server(std::size_t number) noexcept {
    return number == 0 ? active_.load(std::memory_order_acquire) : nullptr;
}

plugin::Health Sentinel::health() const {
    const Server* const active = active_.load(std::memory_order_acquire);
    if (active == nullptr) {
        return {LARDER_HEALTH_DOWN,
                "no Sentinel has told who is master of " + around_.options.master_name};
    }
    return active->up() ? plugin::Health{}
                        : plugin::Health{LARDER_HEALTH_DOWN,
                                         active->endpoint().text() + ": " + active->cause()};
}

// ---- asking -------------------------------------------------------------------------------------

void Sentinel::ask_by(std::uint64_t when_ns) {
    if (due_ns_ != 0 && due_ns_ <= when_ns) {
        return;
    }
    due_ns_ = when_ns;
    timer_.at(when_ns, [this] {
        due_ns_ = 0;
        ask();
    });
}

void Sentinel::ask_soon() {
    if (!stopped_) {
        ask_by(std::max(around_.loop.now_ns(), asked_ns_ + least_pause_ns));
    }
}

void Sentinel::ask() {
    if (stopped_ || question_ != nullptr) {
        return;
    }
    const std::uint64_t now = around_.loop.now_ns();
    asked_ns_ = now;
    ask_by(now + around_.options.heartbeat_ns);
    const std::size_t which = turn_ % sentinels_.size();
    if (!sentinel_open_[which]) {
        sentinel_open_[which] = true;
        sentinels_[which]->open(false);
    }
    const std::uint64_t patience =
        std::min(around_.options.connect_timeout_ns, around_.options.heartbeat_ns);
    question_ = std::make_unique<Question>(*this, *sentinels_[which], now + patience);
    if (sentinels_[which]->send(*question_) != LARDER_OK) {
        question_.reset();
        ++turn_;
        ask_soon();
    }
}

void Sentinel::on_answer(Server& sentinel, const Told& told) {
    if (!told.master) {
        around_.journal.trouble("SENTINEL MASTER", sentinel.endpoint().text(), told.why);
        ++turn_;
        ask_soon();
        return;
    }
    const Server* const active = active_.load(std::memory_order_relaxed);
    if (told.master->epoch < epoch_) {
        ++turn_;  // it was cut off, and tells of a time before
    } else {
        epoch_ = told.master->epoch;
        if (active == nullptr || !(active->endpoint() == told.master->endpoint)) {
            switch_to(told.master->endpoint);
            return;
        }
    }
    if (told.master->down || slave_ || active == nullptr || !active->up()) {
        ask_soon();
    }
}

void Sentinel::switch_to(const Endpoint& endpoint) {
    auto found = std::find_if(masters_.begin(), masters_.end(),
                              [&](const auto& known) { return known->endpoint() == endpoint; });
    if (found == masters_.end()) {
        if (masters_.size() == most_masters) {
            around_.journal.trouble("SENTINEL MASTER", endpoint.text(), "too many masters were named");
            return;
        }
        masters_.push_back(std::make_unique<Server>(around_, endpoint, static_cast<ServerEvents&>(*this)));
        found = masters_.end() - 1;
    }
    Server* const old = active_.exchange(found->get());
    proved_ = false;
    slave_ = false;
    judge_trust();
    around_.journal.say(LARDER_LOG_INFO, endpoint.text(), "is the master");
    if (old != nullptr) {
        old->close(LARDER_E_IO);
    }
    (*found)->open(around_.options.stream);
    if (old != nullptr) {
        audience_.on_changed_all();
        audience_.on_renewed(false);
    }
}

// ---- events -------------------------------------------------------------------------------------

void Sentinel::judge_trust() {
    const bool proved = !stopped_ && proved_ && !slave_;
    if (std::exchange(trust_told_, proved) == proved) {
        return;
    }
    if (proved) {
        audience_.on_changed_all();
    }
    audience_.on_trust(proved);
}

void Sentinel::on_changed(Server& from, const larder_bytes* keys, std::size_t n) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        audience_.on_changed(keys, n);
    }
}

void Sentinel::on_changed_all(Server& from) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        audience_.on_changed_all();
    }
}

void Sentinel::on_trust(Server& from, bool yes) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        proved_ = yes;
        judge_trust();
    }
}

void Sentinel::on_renewed(Server& from, bool older) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        audience_.on_renewed(older);
    }
}

void Sentinel::on_down(Server& from, const std::string&) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        ask_soon();
    }
}

void Sentinel::on_role(Server& from, std::string_view role) noexcept {
    if (&from == active_.load(std::memory_order_relaxed)) {
        slave_ = role == "slave";
        judge_trust();
        if (slave_) {
            ask_soon();
        }
    }
}

}  // namespace larder::store_redis
