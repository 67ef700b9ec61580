// plugins/store_redis/link.cpp -- see link.hpp.
#include "link.hpp"

#include "counters.hpp"
#include "wire.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace larder::store_redis {
namespace {

// While at most so many are under way, each caller sends for itself: a system call each, and no wait for
// the loop's turn.
constexpr std::uint32_t send_for_oneself = 4;
// What the reader is given at once: a length that is too large is found before more is buffered.
constexpr std::size_t feed_size = 16 * 1024;

}  // namespace

// One connection of a link: its line of exchanges, and the reader of their replies.
struct Link::Wire final : Transport::User, std::enable_shared_from_this<Wire> {
    Wire(Link& l, const ReplyLimits& limits) : link(l), reader(limits) {}

    void on_connected() override { link.owner_.on_connected(link); }
    void on_bytes(const char* data, std::size_t size) override { link.on_bytes(*this, data, size); }
    void on_written() override { link.on_written(*this); }
    void on_failed(const std::string& cause) override { link.on_failed(*this, cause); }

    Link& link;
    std::shared_ptr<Transport> transport;
    Reader reader;
    std::deque<Slot> line;  // in the order they were written
    std::uint64_t sent = 0; // bytes known to be with the system
    bool closed = false;
};

Link::Link(const Server::Surroundings& around, const Endpoint& endpoint, Owner& owner)
    : loop_(around.loop),
      options_(around.options),
      journal_(around.journal),
      counters_(around.counters),
      endpoint_(endpoint),
      owner_(owner) {}

Link::~Link() = default;

// ---- in -----------------------------------------------------------------------------------------

bool Link::send(Exchange& exchange) {
    const bool here = loop_.here();
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (!open_.load(std::memory_order_relaxed)) {
            return false;
        }
        const std::uint64_t begin = queued_;
        out_.append(exchange.wire);
        queued_ += exchange.wire.size();
        fresh_.push_back({&exchange, begin, queued_, exchange.replies, 0});
        const std::uint32_t before = under_way_.load(std::memory_order_relaxed);
        under_way_.store(before + 1, std::memory_order_relaxed);
        if (!busy_) {
            if (here) {
                wake = !in_turn_;
            } else if (before >= send_for_oneself) {
                wake = false;  // a reply is about to come, and its turn sends this too
            } else if (wire_->transport->direct()) {
                const std::size_t n = wire_->transport->send_now(out_.data(), out_.size());
                sent_ += n;
                out_.erase(0, n);
                wake = !out_.empty();
            } else {
                wake = true;
            }
            busy_ = wake;
        }
    }
    if (wake) {
        loop_.post([this] { flush(); });  // a loop that ends closes the link, and so ends the exchange
    }
    return true;
}

void Link::greet(Exchange& hello) {
    {
        const std::lock_guard lock(mutex_);
        out_ = hello.wire;
        queued_ = out_.size();
        fresh_.push_back({&hello, 0, queued_, hello.replies, 0});
        under_way_.store(1, std::memory_order_relaxed);
    }
    flush();
}

void Link::opened() {
    const std::lock_guard lock(mutex_);
    open_.store(true, std::memory_order_relaxed);
}

// ---- out ----------------------------------------------------------------------------------------

// Everything that has gathered, in one write. On the loop.
void Link::flush() {
    std::string rest;
    {
        const std::lock_guard lock(mutex_);
        busy_ = writing_ != 0;
        if (wire_ == nullptr || out_.empty() || writing_ != 0) {
            return;
        }
        if (wire_->transport->direct()) {
            const std::size_t n = wire_->transport->send_now(out_.data(), out_.size());
            sent_ += n;
            out_.erase(0, n);
        }
        if (!out_.empty()) {
            std::swap(rest, out_);
            writing_ = rest.size();
            busy_ = true;
        }
    }
    if (!rest.empty()) {
        wire_->transport->write(rest);
    }
}

void Link::on_written(Wire& wire) {
    if (wire_.get() != &wire) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        sent_ += std::exchange(writing_, 0);
    }
    flush();
}

// Takes over what callers have added.
void Link::adopt() {
    const std::lock_guard lock(mutex_);
    wire_->line.insert(wire_->line.end(), fresh_.begin(), fresh_.end());
    fresh_.clear();
    wire_->sent = sent_ + writing_;
}

void Link::end_turn(std::uint32_t answered) {
    in_turn_ = false;
    {
        const std::lock_guard lock(mutex_);
        under_way_.store(under_way_.load(std::memory_order_relaxed) - answered,
                         std::memory_order_relaxed);
        if (busy_ || out_.empty()) {
            return;
        }
    }
    flush();
}

void Link::on_bytes(Wire& wire, const char* data, std::size_t size) {
    const std::shared_ptr<Wire> alive = wire.shared_from_this();
    const bool current = wire_.get() == &wire;
    if (current) {
        adopt();
        in_turn_ = true;
    }
    std::uint32_t answered = 0;
    std::string wrong;
    for (std::size_t at = 0; at < size && wrong.empty() && !wire.closed; at += feed_size) {
        if (!wire.reader.feed(data + at, std::min(feed_size, size - at))) {
            wrong = "out of memory";
            break;
        }
        for (;;) {
            const Reader::Got got = wire.reader.next();
            if (got == Reader::Got::more) {
                break;
            }
            if (got == Reader::Got::broken) {
                wrong = "not the Redis protocol: " + wire.reader.why();
                break;
            }
            if (wire.line.empty() || wire.line.front().end > wire.sent) {
                wrong = "a reply that nobody has asked for";
                break;
            }
            Slot& slot = wire.line.front();
            if (slot.exchange != nullptr &&
                !slot.exchange->on_reply(slot.seen, wire.reader.reply())) {
                wrong = std::string("not a reply to ") + slot.exchange->name();
                break;
            }
            if (wire.closed) {
                break;  // on_reply closed everything
            }
            if (++slot.seen == slot.replies) {
                Exchange* const done = slot.exchange;
                wire.line.pop_front();
                ++answered;
                if (done != nullptr) {
                    done->on_end(LARDER_OK);
                    if (wire.closed) {
                        break;
                    }
                }
            }
        }
    }
    if (wire.closed) {
        in_turn_ = false;
        return;
    }
    if (!wrong.empty()) {
        in_turn_ = false;
        counters_.protocol_errors.add();
        discard(wire, wrong);
        return;
    }
    // It may have been retired meanwhile, by what was told.
    if (wire_.get() == &wire) {
        end_turn(answered);
    } else {
        in_turn_ = false;
        bury_idle();
    }
}

// ---- ends ---------------------------------------------------------------------------------------

void Link::connect(const TlsContext* tls) {
    {
        const std::lock_guard lock(mutex_);
        out_.clear();
        queued_ = sent_ = 0;
        busy_ = false;
        under_way_.store(0, std::memory_order_relaxed);
    }
    writing_ = 0;
    wire_ = std::make_shared<Wire>(*this, options_.limits);
    wire_->transport = Transport::make(loop_, endpoint_, tls, options_.tls_name, *wire_);
    // The transport's callbacks go to the wire, which lives as long as it may be told something: it is
    // told nothing after close(), and closed before it goes.
    wire_->transport->connect();
}

void Link::on_failed(Wire& wire, const std::string& cause) { discard(wire, cause); }

void Link::fail(const std::string& cause) {
    if (wire_ != nullptr) {
        discard(*wire_, cause);
    }
}

// Closes a connection; what it had under way is told to the owner as orphans.
void Link::discard(Wire& wire, const std::string& cause) {
    const std::shared_ptr<Wire> alive = wire.shared_from_this();
    counters_.discarded.add();
    wire.closed = true;
    if (wire_.get() != &wire) {
        wire.transport->close();
        std::erase(retired_, alive);
        orphan(alive->line, std::numeric_limits<std::uint64_t>::max(), cause);
        return;
    }
    adopt();
    {
        // Under the lock: whoever sends for oneself is not in the transport any more.
        const std::lock_guard lock(mutex_);
        open_.store(false, std::memory_order_relaxed);
        out_.clear();
        busy_ = false;
        under_way_.store(0, std::memory_order_relaxed);
        // Callers that came between adopt() and here.
        wire.line.insert(wire.line.end(), fresh_.begin(), fresh_.end());
        fresh_.clear();
        wire.sent = sent_;
        wire.transport->close();
    }
    // What the transport was writing may have gone out.
    const std::uint64_t possibly_sent = wire.sent + writing_;
    writing_ = 0;
    wire_.reset();
    owner_.on_broken(*this, cause);
    orphan(alive->line, possibly_sent, cause);
}

void Link::orphan(std::deque<Slot>& line, std::uint64_t sent, const std::string& cause) {
    while (!line.empty()) {
        const Slot slot = line.front();
        line.pop_front();
        if (slot.exchange != nullptr) {
            owner_.on_orphan(*slot.exchange, slot.begin >= sent, cause);
        }
    }
}

// The connection takes nothing new; what is under way on it goes on until it ends.
void Link::retire() {
    if (wire_ == nullptr || !owner_.may_replace(*this)) {
        return;
    }
    counters_.discarded.add();
    const std::shared_ptr<Wire> old = wire_;
    bool whole = false;
    {
        const std::lock_guard lock(mutex_);
        old->line.insert(old->line.end(), fresh_.begin(), fresh_.end());
        fresh_.clear();
        old->sent = sent_;
        whole = open_.load(std::memory_order_relaxed) && out_.empty() && writing_ == 0;
        open_.store(false, std::memory_order_relaxed);
        under_way_.store(0, std::memory_order_relaxed);
        if (!whole) {
            old->closed = true;
            old->transport->close();
        }
    }
    wire_.reset();
    if (whole) {
        retired_.push_back(old);
        owner_.on_retired(*this);
        bury_idle();
        return;
    }
    // Half a command is out: it cannot be used to its end.
    const std::uint64_t possibly_sent = old->sent + writing_;
    writing_ = 0;
    out_.clear();
    owner_.on_retired(*this);
    orphan(old->line, possibly_sent, "the connection was too slow");
}

void Link::bury_idle() {
    for (std::size_t i = 0; i < retired_.size();) {
        const std::shared_ptr<Wire> old = retired_[i];
        const bool idle = std::all_of(old->line.begin(), old->line.end(),
                                      [](const Slot& s) { return s.exchange == nullptr; });
        if (idle) {
            old->closed = true;
            old->transport->close();
            retired_.erase(retired_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

// ---- deadlines ----------------------------------------------------------------------------------

// Takes out of the line what is late, and answers the next deadline.
std::uint64_t Link::take_late(Wire& wire, std::uint64_t now_ns, std::vector<Exchange*>& late) {
    std::uint64_t next = std::numeric_limits<std::uint64_t>::max();
    for (Slot& slot : wire.line) {
        if (slot.exchange == nullptr) {
            continue;
        }
        if (slot.exchange->deadline_ns <= now_ns) {
            late.push_back(std::exchange(slot.exchange, nullptr));
        } else {
            next = std::min(next, slot.exchange->deadline_ns);
        }
    }
    return next;
}

std::uint64_t Link::expire(std::uint64_t now_ns) {
    std::uint64_t next = std::numeric_limits<std::uint64_t>::max();
    std::vector<Exchange*> late;
    for (const auto& old : retired_) {
        next = std::min(next, take_late(*old, now_ns, late));
    }
    if (wire_ != nullptr) {
        adopt();
        const std::size_t before = late.size();
        next = std::min(next, take_late(*wire_, now_ns, late));
        if (late.size() != before) {
            retire();  // first: whoever is told may ask for something new at once
        }
    }
    bury_idle();
    for (Exchange* exchange : late) {
        counters_.timeouts.add();
        journal_.trouble(exchange->name(), endpoint_.text(), "no reply in time");
        exchange->on_end(LARDER_E_TIMEOUT);
    }
    return next;
}

Exchange* Link::take_tagged(Wire& wire, const void* tag) {
    for (Slot& slot : wire.line) {
        if (slot.exchange != nullptr && slot.exchange->tag == tag) {
            return std::exchange(slot.exchange, nullptr);
        }
    }
    return nullptr;
}

bool Link::cancel(const void* tag) {
    Exchange* found = nullptr;
    for (const auto& old : retired_) {
        found = found != nullptr ? found : take_tagged(*old, tag);
    }
    if (found == nullptr && wire_ != nullptr) {
        adopt();
        found = take_tagged(*wire_, tag);
        if (found != nullptr) {
            retire();
        }
    }
    bury_idle();
    if (found != nullptr) {
        found->on_end(LARDER_E_CANCELLED);
    }
    return found != nullptr;
}

void Link::close(larder_status status) noexcept {
    std::vector<std::shared_ptr<Wire>> all = std::move(retired_);
    retired_.clear();
    {
        const std::lock_guard lock(mutex_);
        open_.store(false, std::memory_order_relaxed);
        under_way_.store(0, std::memory_order_relaxed);
        out_.clear();
        if (wire_ != nullptr) {
            wire_->line.insert(wire_->line.end(), fresh_.begin(), fresh_.end());
            fresh_.clear();
            wire_->closed = true;
            wire_->transport->close();
        }
    }
    if (wire_ != nullptr) {
        all.push_back(std::exchange(wire_, nullptr));
    }
    writing_ = 0;
    for (const auto& wire : all) {
        wire->closed = true;
        wire->transport->close();
        for (const Slot& slot : std::exchange(wire->line, {})) {
            if (slot.exchange != nullptr) {
                slot.exchange->on_end(status);
            }
        }
    }
}

}  // namespace larder::store_redis
