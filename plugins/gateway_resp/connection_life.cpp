// plugins/gateway_resp/connection_life.cpp -- a connection's deadlines, its events, and its end.
#include "connection.hpp"

#include <algorithm>

namespace larder::resp {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t linger_ns = second_ns;
constexpr std::size_t most_discarded = 16u << 20;

}  // namespace

// ---- the end
// ----------------------------------------------------------------------------------------

void Connection::drain() {
    ended_ = closing_ = true;  // as if the client had said its last
    if (!closed_ && step_ != Step::Waiting) {
        turn();
    }
}

// Closing with unread bytes in the socket would tell the client "reset", and throw away the error
// it was just sent. So: say that no more comes, and read what it still says, for a moment.
void Connection::linger() {
    if (lingering_) {
        return;
    }
    depart();
    stream_.finish();
    if (ended_) {
        return close();
    }
    lingering_ = true;
    linger_until_ns_ = gateway_.now_ns() + linger_ns;
    discard_input();
}

void Connection::discard_input() {
    char scratch[4096];
    std::size_t got = 0;
    bool drained = false;
    while (discarded_ < most_discarded) {
        switch (stream_.read(scratch, sizeof scratch, got, drained)) {
            case Io::Done:
                discarded_ += got;
                break;
            case Io::Later:
                return;
            case Io::Ended:
            case Io::Failed:
                return close();
        }
    }
    close();
}

void Connection::fail(const char* why) {
    gateway_.log(LARDER_LOG_INFO,
                 "closes the connection of " + x_.session.record->address + ": it " + why);
    close();
}

// Nobody finds it any more: neither messages nor CLIENT LIST.
void Connection::depart() {
    gateway_.clients.remove(x_.session.record->id);
    x_.leave_books();
}

void Connection::close() {
    if (closed_) {
        return;
    }
    closed_ = true;
    const auto keep = shared_from_this();
    depart();  // before the client can see that it is closed
    stream_.close();
    output_.clear();
    if (step_ != Step::Waiting) {
        x_.finish();
        go_out();
        home_.closed(*this);
    }
}

// ---- now and then -------------------------------------------------------------------------------

void Connection::tick(std::uint64_t now_ns) {
    const auto over = [&](std::uint64_t since, std::uint64_t limit) {
        return since != 0 && now_ns > since && now_ns - since > limit;
    };
    const Options& options = gateway_.options;
    gateway_.beat(now_ns);
    if (closed_) {
        return;
    }
    if (lingering_) {
        return now_ns >= linger_until_ns_ ? close() : void();
    }
    const bool at_rest = step_ == Step::Done && !writing_;
    const char* why = nullptr;
    if (writing_ && over(stuck_since_ns_, options.timeout_ns)) {
        why = "does not read its replies";
    } else if (at_rest && over(half_since_ns_, options.timeout_ns)) {
        why = "sent half a request and no more";
    } else if (at_rest && (fresh_ || !x_.session.authenticated) &&
               over(heard_ns_, options.timeout_ns)) {
        why = "asked for nothing";
    } else if (at_rest && options.idle_timeout_ns != 0 && !x_.session.monitor &&
               !x_.session.record->subscribed() &&
               over(heard_ns_, options.idle_timeout_ns)) {
        why = "was idle";
    }
    if (why != nullptr) {
        count(gateway_.counters.timeouts);
        return fail(why);
    }
    if (x_.session.monitor && step_ == Step::Done) {
        tell_events();
    }
    if (!closed_ && at_rest && over(heard_ns_, second_ns) && input_.empty() &&
        output_.pending() == 0) {
        input_.release();
        output_.release();
    }
}

// One line an event, in the form that Redis gives commands: time, source, quoted words.
void Connection::tell_events() {
    if (output_full()) {
        return fail("does not read the events it asked for");
    }
    const auto each = [](void* ctx, const larder_event_record* event) noexcept {
        auto* const me = static_cast<Connection*>(ctx);
        try {
            const std::string millis = std::to_string(1000 + event->at_ms % 1000).substr(1);
            std::string line =
                std::to_string(event->at_ms / 1000) + "." + millis + "000 [0 larder]";
            for (const larder_bytes word : {event->type, event->text}) {
                line += " \"";
                for (const char c : text_of(word)) {
                    if (c == '"' || c == '\\') {
                        line += '\\';
                    }
                    line += c == '\r' || c == '\n' ? ' ' : c;
                }
                line += '"';
            }
            me->x_.reply.simple(line);
        } catch (...) {
            me->closing_ = true;
        }
    };
    gateway_.cache->events(gateway_.host, &x_.session.monitor_at, each, this);
    turn();
}

}  // namespace larder::resp
