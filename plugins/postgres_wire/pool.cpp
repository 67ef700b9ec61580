// plugins/postgres_wire/pool.cpp -- see pool.hpp.
#include "pool.hpp"

#include <algorithm>

namespace larder::postgres_wire {
namespace {

void fail(std::span<Outcome> outcomes, larder_status status, const std::string& why) {
    for (Outcome& outcome : outcomes) {
        outcome = Outcome{};
        outcome.status = status;
        outcome.message = why;
    }
}

}  // namespace

std::unique_ptr<Session> Pool::take(std::uint64_t deadline_ns) {
    std::unique_lock lock(mutex_);
    const std::uint64_t now = host_.mono_ns();
    const std::chrono::nanoseconds left(deadline_ns > now ? deadline_ns - now : 0);
    if (!free_.wait_for(lock, left, [&] { return stopped_ || taken_ < most_; }) || stopped_) return nullptr;
    ++taken_;
    if (idle_.empty()) return std::make_unique<Session>(host_, options_);
    std::unique_ptr<Session> session = std::move(idle_.back());
    idle_.pop_back();
    return session;
}

void Pool::give_back(std::unique_ptr<Session> session) {
    const std::lock_guard lock(mutex_);
    --taken_;
    if (!stopped_ && !session->broken()) idle_.push_back(std::move(session));
    free_.notify_one();
}

void Pool::run(std::span<const Query> queries, std::span<Outcome> outcomes, std::uint64_t deadline_ns, bool again, Batch batch) {
    std::unique_ptr<Session> session = take(deadline_ns);
    if (session == nullptr) return fail(outcomes, LARDER_E_BUSY, "no session is free");
    for (int attempt = again ? 2 : 1; attempt > 0; --attempt) {
        std::string problem;
        if (!session->ready(deadline_ns, problem)) {
            fail(outcomes, LARDER_E_IO, problem);
            break;
        }
        session->run(queries, outcomes, deadline_ns, batch);
        if (!session->broken() || host_.mono_ns() >= deadline_ns) break;
    }
    give_back(std::move(session));
}

void Pool::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    idle_.clear();
    free_.notify_all();
}

}  // namespace larder::postgres_wire
