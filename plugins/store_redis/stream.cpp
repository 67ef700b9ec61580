// plugins/store_redis/stream.cpp -- see stream.hpp.
#include "stream.hpp"

#include "batch.hpp"
#include "counters.hpp"
#include "wire.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_redis {
namespace {

constexpr std::string_view channel = "__redis__:invalidate";
constexpr std::size_t feed_size = 16 * 1024;
constexpr std::size_t most_canaries = 64;  // not told back; the oldest is what matters

}  // namespace

Stream::Stream(const Server::Surroundings& around, const Endpoint& endpoint, const TlsContext* tls,
               std::string canary, Owner& owner)
    : around_(around),
      endpoint_(endpoint),
      tls_(tls),
      canary_(std::move(canary)),
      owner_(owner),
      timer_(around.loop),
      again_(around.loop) {}

Stream::~Stream() = default;

void Stream::open() {
    again_.cancel();
    state_ = State::connecting;
    greeted_ = 0;
    reader_ = std::make_unique<Reader>(around_.options.limits);
    transport_ = Transport::make(around_.loop, endpoint_, tls_, around_.options.tls_name, *this);
    timer_.at(around_.loop.now_ns() + around_.options.connect_timeout_ns,
              [this] { fail("no connection in time"); });
    transport_->connect();
}

void Stream::close() noexcept {
    timer_.cancel();
    again_.cancel();
    state_ = State::closed;
    proved_ = false;
    proof_ns_ = 0;
    canaries_.clear();
    if (transport_ != nullptr) {
        transport_->close();
    }
}

void Stream::on_connected() {
    state_ = State::greeting;
    std::string wire;
    greeted_ = write_hello(around_.options, wire) + 1;
    write_head(wire, 2);
    write_word(wire, "CLIENT");
    write_word(wire, "ID");
    send(std::move(wire));
}

void Stream::on_failed(const std::string& cause) { fail(cause); }

void Stream::fail(const std::string& cause) {
    const bool was_proved = proved_;
    close();
    around_.journal.trouble("the invalidation stream", endpoint_.text(), cause);
    again_.at(around_.loop.now_ns() + pause_ns(++failures_, around_.options.seed ^ 0x5354u),
              [this] { open(); });
    if (was_proved) {
        owner_.on_proved(false);
    }
}

void Stream::on_bytes(const char* data, std::size_t size) {
    const std::shared_ptr<Transport> mine = transport_;
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
            const bool good = got == Reader::Got::reply && on_reply(reader_->reply());
            if (transport_ != mine || state_ == State::closed) {
                return;
            }
            if (!good) {
                around_.counters.protocol_errors.add();
                fail(got == Reader::Got::broken ? "not the Redis protocol: " + reader_->why()
                                                : "a message that no server sends");
                return;
            }
        }
    }
}

// False: a message that cannot be. A refusal ends the stream in here.
bool Stream::on_reply(Reply& reply) {
    if (state_ == State::listening) {
        return on_push(reply);
    }
    if (state_ == State::greeting) {
        if (--greeted_ > 0) {
            const std::uint32_t hello = !around_.options.password.empty() + (around_.options.db != 0) + 1u;
            const std::string wrong = judge_hello(around_.options, hello - greeted_, reply);
            if (!wrong.empty()) {
                fail(wrong);
            }
            return true;
        }
        if (reply.is_error()) {
            fail("CLIENT ID: " + std::string(reply.text()));
            return true;
        }
        if (reply.type() != Reply::Type::integer) {
            return false;
        }
        std::string wire;
        write_head(wire, 10);
        for (const std::string_view word : {"CLIENT", "TRACKING", "ON", "REDIRECT"}) {
            write_word(wire, word);
        }
        write_number(wire, static_cast<std::uint64_t>(reply.integer()));
        write_word(wire, "BCAST");
        // The two do not overlap; Redis 7.0 answers twice to prefixes that do.
        for (const std::string_view kind : {":v:", ":g:"}) {
            write_word(wire, "PREFIX");
            write_word(wire, around_.options.prefix + std::string(kind));
        }
        write_head(wire, 2);
        write_word(wire, "SUBSCRIBE");
        write_word(wire, channel);
        greeted_ = 2;
        state_ = State::identified;
        send(std::move(wire));
        return true;
    }
    if (reply.is_error()) {
        fail((greeted_ == 2 ? "CLIENT TRACKING: " : "SUBSCRIBE: ") + std::string(reply.text()) +
             " (memory tiers hold entries for no longer than max_staleness; Redis 6.0 or later has "
             "what the stream needs)");
        return true;
    }
    if (greeted_ == 2) {
        greeted_ = 1;
        return reply.is_ok();
    }
    if (!reply.is_flat() || reply.root().size != 3 || reply.at(0).text() != "subscribe" ||
        reply.at(1).text() != channel) {
        return false;
    }
    state_ = State::listening;
    watch();
    owner_.on_listening();
    return true;
}

bool Stream::on_push(Reply& reply) {
    if (reply.type() != Reply::Type::array || reply.root().size != 3 || reply.items().size() < 4 ||
        reply.at(0).text() != "message" || reply.at(1).text() != channel) {
        return false;
    }
    const Reply::Item& payload = reply.at(2);
    if (payload.type == Reply::Type::nil) {
        around_.counters.pushes.add();
        owner_.on_all();
        return true;
    }
    if (payload.type == Reply::Type::string) {  // somebody may PUBLISH who should not
        around_.counters.forged.add();
        around_.journal.trouble("the invalidation stream", endpoint_.text(),
                                "a message was published on its channel by a client");
        return true;
    }
    if (payload.type != Reply::Type::array || reply.items().size() != payload.size + std::size_t{4}) {
        return false;
    }
    around_.counters.pushes.add();
    bool canary = false;
    keys_.clear();
    for (std::size_t i = 0; i < payload.size; ++i) {
        const std::string_view key = reply.at(3 + i).text();
        if (key == canary_) {
            canary = true;
        } else {
            keys_.push_back({key.data(), key.size()});
        }
    }
    if (!keys_.empty()) {
        owner_.on_keys(keys_.data(), keys_.size());
    }
    if (canary) {
        proof();
    }
    return true;
}

// ---- proof --------------------------------------------------------------------------------------

void Stream::set_canary(std::string key) {
    canary_ = std::move(key);
    canaries_.clear();
}

void Stream::canary_sent() {
    canaries_.push_back(around_.loop.now_ns());
    if (canaries_.size() > most_canaries) {
        canaries_.erase(canaries_.begin() + 1);
    }
}

// Pushes come in the order of the writes, so one of these was told back, and all told before it was
// written has come. The oldest, to be sure.
void Stream::proof() {
    if (canaries_.empty()) {
        return;
    }
    proof_ns_ = canaries_.front();
    canaries_.pop_front();
    failures_ = 0;
    watch();
    if (!std::exchange(proved_, true)) {
        owner_.on_proved(true);
    }
}

void Stream::watch() {
    const std::uint64_t from = proved_ ? proof_ns_ : around_.loop.now_ns();
    timer_.at(from + around_.options.max_staleness_ns, [this] {
        fail(proved_ ? "its canary was not told back any more" : "its canary was not told back");
    });
}

}  // namespace larder::store_redis
