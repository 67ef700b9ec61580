// plugins/invalidator_event/redis_channels.cpp -- see redis_channels.hpp.
#include "redis_channels.hpp"

#include "plugins/redis_wire/words.hpp"

namespace larder::invalidator_event {

using redis_wire::Reply;

namespace {

bool is_pattern(std::string_view channel) noexcept {
    return channel.find_first_of("*?[") != std::string_view::npos;
}

}  // namespace

RedisChannels::RedisChannels(const Surroundings& around, const redis_wire::TlsContext* tls)
    : RedisSession(around, tls, "the subscription"), beat_(around.loop) {}

std::string RedisChannels::what() const {
    return "channels at " + around_.options.endpoint.text();
}

void RedisChannels::close() noexcept {
    not_listening();
    RedisSession::close();
    before_ = false;
}

void RedisChannels::not_listening() {
    beat_.cancel();
    if (listening_.exchange(false)) {
        around_.teller.count_connected(false);
    }
}

void RedisChannels::on_lost() { not_listening(); }

void RedisChannels::on_ready() {
    std::string wire;
    missing_ = around_.options.channels.size();
    for (const std::string& channel : around_.options.channels) {
        redis_wire::write_words(wire, {is_pattern(channel) ? "PSUBSCRIBE" : "SUBSCRIBE", channel});
    }
    send(wire);
    expect_within(around_.options.connection.connect_timeout_ns);
}

void RedisChannels::subscribed() {
    if (before_) {
        around_.teller.lost(around_.options.endpoint.text(), "the connection was lost and is back");
    } else if (around_.options.resync_at_start) {
        around_.teller.lost(around_.options.endpoint.text(), "listening begins");
    }
    before_ = true;
    around_.teller.settle();
    listening_ = true;  // what health says: nothing is missed, and what was is told
    around_.teller.count_connected(true);
    beat_.at(around_.loop.now_ns() + around_.options.heartbeat_ns, [this] { beat(); });
}

void RedisChannels::beat() {
    around_.teller.settle();
    std::string wire;
    redis_wire::write_words(wire, {"PING"});
    send(wire);
    if (!expecting()) {
        expect_within(around_.options.connection.connect_timeout_ns);
    }
    beat_.at(around_.loop.now_ns() + around_.options.heartbeat_ns, [this] { beat(); });
}

void RedisChannels::message(std::string_view channel, const Reply::Item& payload) {
    const Teller::Told told =
        around_.teller.hear(around_.mapping, channel, payload.text());
    if (told == Teller::Told::not_now) {
        around_.teller.lost(channel, "the kernel did not take a message");
    }
}

bool RedisChannels::on_reply(Reply& reply) {
    if (reply.is_error()) {
        fail(std::string(reply.text()));
        return true;
    }
    if (!reply.is_flat() || reply.root().size < 2) {
        return false;
    }
    const std::string_view kind = reply.at(0).text();
    const std::size_t size = reply.root().size;
    if (kind == "message" && size == 3) {
        message(reply.at(1).text(), reply.at(2));
        return true;
    }
    if (kind == "pmessage" && size == 4) {
        message(reply.at(2).text(), reply.at(3));
        return true;
    }
    if ((kind == "subscribe" || kind == "psubscribe") && size == 3 && missing_ > 0) {
        if (--missing_ == 0) {
            subscribed();
        } else {
            expect_within(around_.options.connection.connect_timeout_ns);
        }
        return true;
    }
    return kind == "pong";
}

}  // namespace larder::invalidator_event
