// plugins/warmer_redis/asker.cpp -- see asker.hpp.
#include "asker.hpp"

#include <algorithm>
#include <utility>

namespace larder::warmer_redis {
namespace {

constexpr std::uint32_t most_times_sent = 2;

}  // namespace

void Asker::begin() {
    open_ = true;
    away_ = LARDER_OK;
    open();
}

void Asker::end() noexcept {
    close();
    there_ = false;
    open_ = false;
    for (const auto& question : std::exchange(asked_, {})) {
        give_up(*question, question->reads() ? LARDER_E_CLOSED : LARDER_E_TIMEOUT, "it ends");
    }
    give_up_line(LARDER_E_CLOSED, "it ends");
}

void Asker::ask(std::vector<std::shared_ptr<Question>> questions) {
    const auto n = static_cast<std::uint32_t>(questions.size());
    if (under_way_.fetch_add(n) >= most_) {  // not + n: there is room for a batch of any size when there is room
        under_way_.fetch_sub(n);
        for (const auto& question : questions) {
            question->failed(LARDER_E_BUSY, "more than in_flight questions are under way");
        }
        return;
    }
    party_.loop.post([this, questions = std::move(questions)] { take(questions); });
}

void Asker::take(const std::vector<std::shared_ptr<Question>>& questions) {
    line_.insert(line_.end(), questions.begin(), questions.end());
    if (!open_) {
        give_up_line(LARDER_E_CLOSED, "it ends");
    } else if (away_ != LARDER_OK) {
        give_up_line(away_, away_cause_);
    } else {
        send_line();
    }
}

void Asker::send_line() {
    if (!connected() || line_.empty()) {
        return;
    }
    std::string wire;
    const std::uint64_t now = party_.loop.now_ns();
    for (; !line_.empty(); line_.pop_front()) {
        if (line_.front()->send(wire, now)) {
            asked_.push_back(line_.front());
        } else {
            under_way_.fetch_sub(1);
        }
    }
    if (wire.empty()) {
        return;
    }
    send(wire);
    if (!expecting()) {
        expect_within(party_.options.connect_timeout_ns);
    }
}

void Asker::on_ready() {
    away_ = LARDER_OK;
    there_ = true;
    send_line();
}

bool Asker::on_reply(redis_wire::Reply& reply) {
    if (asked_.empty()) {
        return false;
    }
    Question& question = *asked_.front();
    const Question::Heard heard = question.hear(reply, party_.loop.now_ns());
    if (heard == Question::Heard::nonsense) {
        return false;
    }
    if (heard == Question::Heard::whole) {
        question.answered();
        under_way_.fetch_sub(1);
        asked_.pop_front();
    }
    if (asked_.empty()) {
        expect_nothing();
    } else {
        expect_within(party_.options.connect_timeout_ns);
    }
    return true;
}

void Asker::on_failure(Loss loss, const std::string& cause) {
    there_ = false;
    if (loss == Loss::never_was) {
        away_ = cause.starts_with("AUTH:") || cause.find("NOAUTH") != std::string::npos
                    ? LARDER_E_DENIED
                    : LARDER_E_IO;
        away_cause_ = cause;
        give_up_line(away_, cause);
        return;
    }
    Line again;
    bool first = true;
    for (const auto& question : std::exchange(asked_, {})) {
        const bool guilty = std::exchange(first, false) && loss == Loss::nonsense;
        if (!question->reads()) {
            give_up(*question, LARDER_E_TIMEOUT, cause);
        } else if (guilty || question->times_sent() >= most_times_sent) {
            const bool long_one = guilty && cause.ends_with("longer than max_value");
            give_up(*question, long_one ? LARDER_E_TOO_LARGE : LARDER_E_IO, cause);
        } else {
            again.push_back(question);
        }
    }
    line_.insert(line_.begin(), again.begin(), again.end());
}

void Asker::give_up(Question& question, larder_status status, const std::string& cause) {
    question.failed(status, cause);
    under_way_.fetch_sub(1);
}

void Asker::give_up_line(larder_status status, const std::string& cause) {
    for (const auto& question : std::exchange(line_, {})) {
        give_up(*question, status, cause);
    }
}

}  // namespace larder::warmer_redis
