// plugins/redis_wire/session.cpp -- see session.hpp.
#include "session.hpp"

#include "hello.hpp"

#include <algorithm>

namespace larder::redis_wire {
namespace {

constexpr std::size_t feed_size = std::size_t{16} << 10;
constexpr std::uint64_t second_look_ns = 50'000'000;

}  // namespace

Session::Session(const Party& party, const char* purpose)
    : party_(party), purpose_(purpose), answer_(party.loop), again_(party.loop) {}

void Session::open() {
    again_.cancel();
    ++epoch_;
    state_ = State::connecting;
    out_.clear();
    writing_ = false;
    reader_ = std::make_unique<Reader>(party_.options.limits);
    transport_ = Transport::make(party_.loop, party_.endpoint, party_.tls, party_.options.tls_name,
                                 *this);
    expect_within(party_.options.connect_timeout_ns);
    transport_->connect();
}

void Session::close() noexcept {
    answer_.cancel();
    again_.cancel();
    state_ = State::closed;
    ++epoch_;
    if (transport_ != nullptr) {
        transport_->close();
    }
}

void Session::fail(const std::string& cause, Loss loss) {
    if (!connected()) {
        loss = Loss::never_was;
    }
    close();
    party_.journal.trouble(purpose_, party_.endpoint.text(), cause);
    again_.at(party_.loop.now_ns() + pause_ns(++failures_, party_.options.seed),
              [this] { open(); });
    on_failure(loss, cause);
}

void Session::expect_within(std::uint64_t ns) {
    looked_ = false;
    ++expectations_;
    answer_.at(party_.loop.now_ns() + ns, [this] { expired(); });
}

// The answer may be with the system, and the loop was busy with what came before it: it looks once more.
void Session::expired() {
    if (!looked_) {
        looked_ = true;
        answer_.at(party_.loop.now_ns() + second_look_ns, [this] { expired(); });
        return;
    }
    fail(state_ == State::ready ? "no answer in time" : "no connection in time");
}

void Session::on_connected() {
    state_ = State::greeting;
    answered_ = 0;
    std::string wire;
    hello_ = write_hello(party_.options, wire);
    send(wire);
}

void Session::send(std::string_view wire) {
    out_ += wire;
    if (!writing_) {
        writing_ = true;
        transport_->write(out_);
    }
}

void Session::on_written() {
    writing_ = !out_.empty();
    if (writing_) {
        transport_->write(out_);
    }
}

bool Session::greeted(Reply& reply) {
    const std::string wrong = judge_hello(party_.options, answered_, reply);
    if (!wrong.empty()) {
        fail(wrong);
        return true;
    }
    if (++answered_ == hello_) {
        state_ = State::ready;
        failures_ = 0;
        answer_.cancel();
        on_ready();
    }
    return true;
}

void Session::on_bytes(const char* data, std::size_t size) {
    const std::uint64_t mine = epoch_, before = expectations_;
    bool any = false;
    for (std::size_t at = 0; at < size; at += feed_size) {
        if (!reader_->feed(data + at, std::min(feed_size, size - at))) {
            fail("out of memory");
            return;
        }
        for (;;) {
            const Reader::Got got = reader_->next();
            if (got == Reader::Got::more) {
                break;
            }
            any = true;
            const bool good =
                got == Reader::Got::reply &&
                (connected() ? on_reply(reader_->reply()) : greeted(reader_->reply()));
            if (epoch_ != mine) {
                return;
            }
            if (!good) {
                fail(got == Reader::Got::broken ? "not the Redis protocol: " + reader_->why()
                                                : "a message that no server sends",
                     Loss::nonsense);
                return;
            }
        }
    }
    // Not before: should a handler throw, what it expected is what finds out.
    if (any && connected() && expectations_ == before && !awaiting()) {
        answer_.cancel();
    }
}

}  // namespace larder::redis_wire
