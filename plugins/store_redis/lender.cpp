// plugins/store_redis/lender.cpp -- see lender.hpp.
#include "lender.hpp"

#include "counters.hpp"
#include "plugins/redis_wire/looking.hpp"
#include "wire.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::store_redis {
namespace {

// What the reader is given at once: a length that is too large is found before more is buffered.
constexpr std::size_t feed_size = 16 * 1024;

}  // namespace

// A socket whose calls block, for at most as long as it was told.
struct Lender::Line {
    Line(int d, std::uint64_t g, const Options& options)
        : descriptor(d), generation(g), reader(options.limits), looking(options.looks) {}
    ~Line() { ::close(descriptor); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    // A call that blocks ends after about so long, or earlier. The time is set seldom: what is set is kept
    // while it is between a quarter of what is left and all of it.
    void block_for(std::uint64_t left_ns) noexcept {
        if (set_ns <= left_ns && set_ns >= left_ns / 4) {
            return;
        }
        set_ns = left_ns;
        timeval time{};
        time.tv_sec = static_cast<time_t>(left_ns / 1'000'000'000);
        time.tv_usec = static_cast<suseconds_t>(left_ns % 1'000'000'000 / 1'000 + 1);
        ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
        ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }
    // Closed by the other side, or with bytes nobody asked for.
    bool is_spoiled() const noexcept {
        char byte = 0;
        return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }

    const int descriptor;
    const std::uint64_t generation;
    std::uint64_t set_ns = 0;
    Reader reader;
    redis_wire::Looking looking;
    std::array<char, feed_size> incoming;
};

// A connection being made, on the loop.
class Lender::Attempt final : public Transport::User {
  public:
    Attempt(Lender& lender) : lender_(lender), reader_(lender.around_.options.limits), timer_(lender.around_.loop) {}

    void begin() {
        const Options& options = lender_.around_.options;
        transport_ = Transport::make(lender_.around_.loop, lender_.endpoint_, nullptr, options.tls_name, *this);
        timer_.at(lender_.around_.loop.now_ns() + options.connect_timeout_ns, [this] { fail("no connection in time"); });
        transport_->connect();
    }
    void end() noexcept {
        timer_.cancel();
        if (transport_ != nullptr) {
            transport_->close();
        }
    }

    void on_connected() override {
        std::string wire;
        replies_ = write_hello(lender_.around_.options, wire);
        transport_->write(wire);
    }
    void on_bytes(const char* data, std::size_t size) override {
        if (!reader_.feed(data, size)) {
            return fail("out of memory");
        }
        for (;;) {
            const Reader::Got got = reader_.next();
            if (got == Reader::Got::more) {
                return;
            }
            if (got == Reader::Got::broken) {
                return fail(reader_.why());
            }
            const std::string wrong = judge_hello(lender_.around_.options, seen_, reader_.reply());
            if (!wrong.empty()) {
                return fail(wrong);
            }
            if (++seen_ == replies_) {
                timer_.cancel();
                const int descriptor = transport_->release();
                return lender_.made(descriptor);
            }
        }
    }
    void on_written() override {}
    void on_failed(const std::string& cause) override { fail(cause); }

  private:
    void fail(const std::string& cause) {
        end();
        lender_.not_made(cause);
    }

    Lender& lender_;
    std::shared_ptr<Transport> transport_;
    Reader reader_;
    Loop::Timer timer_;
    std::uint32_t replies_ = 0, seen_ = 0;
};

Lender::Lender(const Server::Surroundings& around, const Endpoint& endpoint)
    : around_(around), endpoint_(endpoint), most_(endpoint.tls || around.options.sentinel ? 0 : around.options.lent) {}

Lender::~Lender() = default;

// ---- connections --------------------------------------------------------------------------------

void Lender::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    not_before_ns_ = 0;
    failures_ = 0;
}

void Lender::renew() noexcept {
    std::vector<std::unique_ptr<Line>> old;
    {
        const std::lock_guard lock(mutex_);
        ++generation_;
        old.swap(idle_);
    }
    around_.counters.connections.add(-static_cast<std::int64_t>(old.size()));
}

void Lender::close() noexcept {
    renew();
    if (const auto attempt = std::exchange(attempt_, nullptr)) {
        attempt->end();
    }
    std::unique_lock lock(mutex_);
    open_ = making_ = false;
    for (const Line* line : used_) {
        ::shutdown(line->descriptor, SHUT_RDWR);
    }
    left_.wait(lock, [this] { return visitors_ == 0; });
}

std::uint32_t Lender::count() const noexcept {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(idle_.size() + used_.size()) + (making_ ? 1u : 0u);
}

std::unique_ptr<Lender::Line> Lender::take() {
    const std::uint64_t now = around_.loop.now_ns();
    bool wanted = false;
    std::unique_ptr<Line> line;
    {
        const std::lock_guard lock(mutex_);
        if (!open_ || most_ == 0) {
            return nullptr;
        }
        if (!idle_.empty()) {
            line = std::move(idle_.back());
            idle_.pop_back();
            used_.push_back(line.get());
        } else if (!making_ && used_.size() < most_ && now >= not_before_ns_) {
            wanted = making_ = true;
        }
    }
    if (wanted) {
        around_.loop.post([this] { make_one(); });
    }
    if (line != nullptr && line->is_spoiled()) {
        drop(std::move(line));
        return nullptr;
    }
    return line;
}

void Lender::give_back(std::unique_ptr<Line> line) {
    {
        const std::lock_guard lock(mutex_);
        std::erase(used_, line.get());
        failures_ = 0;
        if (open_ && line->generation == generation_) {
            idle_.push_back(std::move(line));
            return;
        }
    }
    around_.counters.connections.add(-1);
}

// A server that is slow, or lets connections go, is not asked for one after the other.
void Lender::drop(std::unique_ptr<Line> line) {
    {
        const std::lock_guard lock(mutex_);
        std::erase(used_, line.get());
        not_before_ns_ = around_.loop.now_ns() + pause_ns(failures_++, around_.options.seed);
    }
    around_.counters.connections.add(-1);
    around_.counters.discarded.add();
}

void Lender::make_one() {
    {
        const std::lock_guard lock(mutex_);
        if (!open_ || attempt_ != nullptr) {
            return;
        }
    }
    attempt_ = std::make_shared<Attempt>(*this);
    attempt_->begin();
}

void Lender::made(int descriptor) {
    const std::shared_ptr<Attempt> over = std::exchange(attempt_, nullptr);
    if (descriptor < 0) {
        return not_made("its socket cannot be had");
    }
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
    around_.counters.connections.add(1);
    const std::lock_guard lock(mutex_);
    making_ = false;
    idle_.push_back(std::make_unique<Line>(descriptor, generation_, around_.options));
}

void Lender::not_made(const std::string& cause) {
    const std::shared_ptr<Attempt> over = std::exchange(attempt_, nullptr);
    around_.journal.trouble("connection", endpoint_.text(), cause);
    const std::lock_guard lock(mutex_);
    making_ = false;
    not_before_ns_ = around_.loop.now_ns() + pause_ns(++failures_, around_.options.seed);
}

// ---- exchanges ----------------------------------------------------------------------------------

Lender::Visit::Visit(Lender& lender) noexcept : lender_(lender) {
    const std::lock_guard lock(lender.mutex_);
    ++lender.visitors_;
}

Lender::Visit::~Visit() {
    const std::lock_guard lock(lender_.mutex_);
    if (--lender_.visitors_ == 0) {
        lender_.left_.notify_all();
    }
}

Lender::Outcome Lender::Visit::serve(Exchange& exchange) {
    std::unique_ptr<Line> line = lender_.take();
    if (line == nullptr) {
        return {};
    }
    Outcome outcome;
    try {
        outcome = lender_.carry_out(*line, exchange);
    } catch (...) {
        outcome = {Served::broken, false, "out of memory"};
    }
    if (outcome.served == Served::broken) {
        lender_.drop(std::move(line));
        return outcome;
    }
    const bool late = !outcome.cause.empty();
    if (late || line->reader.buffered() != 0) {
        lender_.drop(std::move(line));
    } else {
        lender_.give_back(std::move(line));
    }
    if (late) {
        lender_.around_.counters.timeouts.add();
        lender_.around_.journal.trouble(exchange.name(), lender_.endpoint_.text(), outcome.cause);
    }
    exchange.on_end(late ? LARDER_E_TIMEOUT : LARDER_OK);
    return outcome;
}

// `ended` with a cause: it was too late.
Lender::Outcome Lender::carry_out(Line& line, Exchange& exchange) {
    const auto late = [] { return Outcome{Served::ended, false, "no reply in time"}; };
    const auto broken = [](bool unsent, std::string cause) { return Outcome{Served::broken, unsent, std::move(cause)}; };
    const auto left_ns = [&] {
        const std::uint64_t now = around_.loop.now_ns();
        return exchange.deadline_ns > now ? exchange.deadline_ns - now : 0;
    };
    std::uint64_t left = left_ns();
    for (std::size_t sent = 0; sent < exchange.wire.size();) {
        if (left == 0) {
            return late();
        }
        line.block_for(left);
        const ssize_t n = ::send(line.descriptor, exchange.wire.data() + sent, exchange.wire.size() - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            left = left_ns();
        } else {
            return broken(sent == 0, std::strerror(errno));
        }
    }
    for (std::uint32_t seen = 0;;) {
        ssize_t n = -1;
        errno = EAGAIN;
        while (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && line.looking.again()) {
            n = ::recv(line.descriptor, line.incoming.data(), line.incoming.size(), MSG_DONTWAIT);
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (left == 0) {
                return late();
            }
            line.block_for(left);
            n = ::recv(line.descriptor, line.incoming.data(), line.incoming.size(), 0);
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            left = left_ns();
            if (left == 0) {
                return late();
            }
            continue;
        }
        line.looking.found();
        if (n <= 0) {
            return broken(false, n == 0 ? "the server closed the connection" : std::strerror(errno));
        }
        if (!line.reader.feed(line.incoming.data(), static_cast<std::size_t>(n))) {
            return broken(false, "out of memory");
        }
        for (;;) {
            const Reader::Got got = line.reader.next();
            if (got == Reader::Got::more) {
                break;
            }
            if (got == Reader::Got::broken || !exchange.on_reply(seen, line.reader.reply())) {
                around_.counters.protocol_errors.add();
                return broken(false, got == Reader::Got::broken ? "not the Redis protocol: " + line.reader.why()
                                                                : std::string("not a reply to ") + exchange.name());
            }
            if (++seen == exchange.replies) {
                return {Served::ended, false, {}};
            }
        }
        left = left_ns();
    }
}

}  // namespace larder::store_redis
