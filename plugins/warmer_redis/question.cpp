// plugins/warmer_redis/question.cpp -- see question.hpp.
#include "question.hpp"

#include "refusal.hpp"

#include "plugins/redis_wire/words.hpp"

#include <algorithm>
#include <utility>

namespace larder::warmer_redis {

using redis_wire::Reply;
using redis_wire::write_words;

std::shared_ptr<Question> Question::get(std::string_view key) {
    const std::shared_ptr<Question> out(new Question(Verb::get));
    write_words(out->wire_, {"GET", key});
    write_words(out->wire_, {"PTTL", key});
    return out;
}

std::shared_ptr<Question> Question::set(std::string_view key, std::string_view value,
                                        std::int64_t ttl_ms) {
    const std::shared_ptr<Question> out(new Question(Verb::set));
    if (ttl_ms > 0) {
        write_words(out->wire_, {"SET", key, value, "PX", std::to_string(ttl_ms)});
    } else {
        write_words(out->wire_, {"SET", key, value});
    }
    return out;
}

std::shared_ptr<Question> Question::del(std::string_view key) {
    const std::shared_ptr<Question> out(new Question(Verb::del));
    write_words(out->wire_, {"DEL", key});
    return out;
}

// ---- for who waits ------------------------------------------------------------------------------

larder_status Question::wait(plugin::Host host, std::uint64_t deadline_ns, std::string& cause) {
    std::unique_lock lock(mutex_);
    while (!over_) {
        const std::uint64_t now = host.mono_ns();
        if (now >= deadline_ns) {
            left_ = true;
            cause = sent_ ? "no answer in time" : "no connection in time";
            return sent_ || reads() ? LARDER_E_TIMEOUT : LARDER_E_IO;
        }
        ended_.wait_for(lock, std::chrono::nanoseconds(deadline_ns - now));
    }
    cause = cause_;
    return status_;
}

// ---- for the loop -------------------------------------------------------------------------------

bool Question::send(std::string& wire, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    if (left_) {
        return false;
    }
    wire += wire_;
    sent_ = true;
    sent_ns_ = now_ns;
    replies_ = 0;
    refused_ = false;
    cause_.clear();
    ++times_sent_;
    return true;
}

Question::Heard Question::hear(Reply& reply, std::uint64_t now_ns) {
    ++replies_;
    const bool last = replies_ == (reads() ? 2 : 1);
    if (reply.is_error()) {
        if (!std::exchange(refused_, true)) {
            cause_ = reply.text();
        }
    } else if (verb_ == Verb::get) {
        if (!hear_get(reply, now_ns)) {
            return Heard::nonsense;
        }
    } else if (verb_ == Verb::set) {
        found_ = reply.is_ok();
        if (!found_) {
            return Heard::nonsense;
        }
    } else {
        if (reply.type() != Reply::Type::integer) {
            return Heard::nonsense;
        }
        found_ = reply.integer() > 0;
    }
    return last ? Heard::whole : Heard::more;
}

bool Question::hear_get(Reply& reply, std::uint64_t now_ns) {
    if (replies_ == 1) {
        found_ = reply.type() == Reply::Type::string;
        if (found_) {
            reply.take(0, *value_.out());
        }
        return found_ || reply.type() == Reply::Type::nil;
    }
    if (reply.type() != Reply::Type::integer || reply.integer() < -2) {
        return false;
    }
    left_ms_ = reply.integer();
    if (left_ms_ == -2) {  // it expired behind the GET
        found_ = false;
    } else if (left_ms_ >= 0) {
        // It may have been on its way for all of the time since it was asked for.
        const std::uint64_t gone = (now_ns - std::min(sent_ns_, now_ns) + 999'999) / 1'000'000;
        left_ms_ = std::max<std::int64_t>(1, left_ms_ - static_cast<std::int64_t>(gone));
    }
    return true;
}

void Question::answered() {
    if (refused_) {
        Refusal refusal = refusal_of(cause_);
        cause_ = std::move(refusal.words);
        value_.reset();
        end(refusal.status);
        return;
    }
    end(found_ ? LARDER_OK : LARDER_MISS);
}

void Question::failed(larder_status status, std::string cause) {
    cause_ = std::move(cause);
    end(status);
}

void Question::end(larder_status status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    over_ = true;
    ended_.notify_one();
}

}  // namespace larder::warmer_redis
