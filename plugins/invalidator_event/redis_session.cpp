// plugins/invalidator_event/redis_session.cpp -- see redis_session.hpp.
#include "redis_session.hpp"

#include "plugins/redis_wire/hello.hpp"

#include <algorithm>

namespace larder::invalidator_event {

using redis_wire::Reader;
using redis_wire::Reply;
using redis_wire::Transport;

namespace {

constexpr std::size_t feed_size = std::size_t{16} << 10;
constexpr std::uint64_t second_look_ns = 50'000'000;

}  // namespace

RedisSession::RedisSession(const Listener::Surroundings& around, const redis_wire::TlsContext* tls,
                           const char* purpose)
    : around_(around), tls_(tls), purpose_(purpose), answer_(around.loop), again_(around.loop) {}

void RedisSession::open_session() {
    again_.cancel();
    ++epoch_;
    state_ = State::connecting;
    out_.clear();
    writing_ = false;
    reader_ = std::make_unique<Reader>(around_.options.connection.limits);
    transport_ = Transport::make(around_.loop, around_.options.endpoint, tls_,
                                 around_.options.connection.tls_name, *this);
    expect_within(around_.options.connection.connect_timeout_ns);
    transport_->connect();
}

void RedisSession::close_session() noexcept {
    answer_.cancel();
    again_.cancel();
    state_ = State::closed;
    ++epoch_;
    if (transport_ != nullptr) {
        transport_->close();
    }
}

void RedisSession::fail(const std::string& cause) {
    const bool was_ready = connected();
    close_session();
    around_.journal.trouble(purpose_, around_.options.endpoint.text(), cause);
    again_.at(around_.loop.now_ns() +
                  redis_wire::pause_ns(++failures_, around_.options.connection.seed),
              [this] { open_session(); });
    if (was_ready) {
        around_.teller.count_lost_connection();
        on_lost();
    }
}

void RedisSession::expect_within(std::uint64_t ns) {
    looked_ = false;
    ++expectations_;
    answer_.at(around_.loop.now_ns() + ns, [this] { expired(); });
}

// The answer may be with the system, and the loop was busy with what came before it: it looks once more.
void RedisSession::expired() {
    if (!looked_) {
        looked_ = true;
        answer_.at(around_.loop.now_ns() + second_look_ns, [this] { expired(); });
        return;
    }
    fail(state_ == State::ready ? "no answer in time" : "no connection in time");
}

void RedisSession::on_connected() {
    state_ = State::greeting;
    answered_ = 0;
    std::string wire;
    hello_ = redis_wire::write_hello(around_.options.connection, wire);
    send(wire);
}

void RedisSession::send(std::string_view wire) {
    out_ += wire;
    if (!writing_) {
        writing_ = true;
        transport_->write(out_);
    }
}

void RedisSession::on_written() {
    writing_ = !out_.empty();
    if (writing_) {
        transport_->write(out_);
    }
}

bool RedisSession::greeted(Reply& reply) {
    const std::string wrong =
        redis_wire::judge_hello(around_.options.connection, answered_, reply);
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

void RedisSession::on_bytes(const char* data, std::size_t size) {
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
                                                : "a message that no server sends");
                return;
            }
        }
    }
    // Not before: should a handler throw, what it expected is what finds out.
    if (any && connected() && expectations_ == before && !awaiting()) {
        answer_.cancel();
    }
}

}  // namespace larder::invalidator_event
