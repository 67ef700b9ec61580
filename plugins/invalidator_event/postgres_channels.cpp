// plugins/invalidator_event/postgres_channels.cpp -- see postgres_channels.hpp.
#include "postgres_channels.hpp"

#include "plugins/redis_wire/hello.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <libpq-fe.h>

#include <array>
#include <memory>
#include <utility>

namespace larder::invalidator_event {

using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

namespace {

constexpr std::uint64_t second_look_ns = 50'000'000;

struct Free {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
    void operator()(PGnotify* notify) const noexcept { PQfreemem(notify); }
    void operator()(char* text) const noexcept { PQfreemem(text); }
};

// libpq's messages have lines; a log line has one, and its beginning says what it is.
std::string one_line(const char* message) {
    std::string text(message == nullptr ? "" : message);
    text = text.substr(0, text.find('\n'));
    return text.empty() ? "the server closed the connection" : text;
}

}  // namespace

// The descriptor is libpq's: it is watched, and never closed here.
struct PostgresChannels::Connection {
    Connection(redis_wire::Loop& loop, PGconn* connection)
        : pg(connection), watched(loop.context()) {}
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void close() noexcept {
        unwatch();
        PQfinish(std::exchange(pg, nullptr));
    }
    void unwatch() noexcept {
        try {
            if (watched.is_open()) {
                watched.release();
            }
        } catch (...) {  // it takes locks
        }
    }
    bool watch() {
        const int now = PQsocket(pg);
        error_code error;
        if (now >= 0) {
            watched.assign(now, error);
        }
        return now >= 0 && !error;
    }

    PGconn* pg;  // nullptr: closed
    stream_descriptor watched;
    bool writing = false;
};

PostgresChannels::PostgresChannels(const Surroundings& around)
    : around_(around), answer_(around.loop), again_(around.loop), beat_(around.loop) {}

PostgresChannels::~PostgresChannels() = default;

std::string PostgresChannels::what() const { return "channels of " + around_.options.postgres_shown; }

// ---- connecting ---------------------------------------------------------------------------------

void PostgresChannels::open() {
    again_.cancel();
    const Options& o = around_.options;
    const std::array<const char*, 5> names{"dbname", "fallback_application_name",
                                           o.postgres_password.empty() ? nullptr : "password",
                                           nullptr, nullptr};
    const std::array<const char*, 5> values{o.postgres_url.c_str(), "larder",
                                            o.postgres_password.c_str(), nullptr, nullptr};
    PGconn* const pg = PQconnectStartParams(names.data(), values.data(), 1);
    connection_ = std::make_shared<Connection>(around_.loop, pg);
    state_ = State::connecting;
    if (pg == nullptr || PQstatus(pg) == CONNECTION_BAD) {
        fail(pg == nullptr ? "out of memory" : one_line(PQerrorMessage(pg)));
        return;
    }
    PQsetNoticeProcessor(pg, [](void*, const char*) {}, nullptr);
    expect_within(o.connection.connect_timeout_ns);
    // Before the first poll libpq wants to write.
    if (!connection_->watch()) {
        fail("no descriptor to wait for");
        return;
    }
    connection_->watched.async_wait(stream_descriptor::wait_write,
                                    [this, c = connection_](const error_code& error) {
                                        if (!error && connection_ == c) {
                                            poll_connection();
                                        }
                                    });
}

void PostgresChannels::poll_connection() {
    PGconn* const pg = connection_->pg;
    // libpq may close its descriptor and open another of the same number.
    connection_->unwatch();
    const PostgresPollingStatusType next = PQconnectPoll(pg);
    if (next == PGRES_POLLING_OK) {
        connected();
        return;
    }
    if (next == PGRES_POLLING_FAILED || !connection_->watch()) {
        fail(one_line(PQerrorMessage(pg)));
        return;
    }
    const auto what = next == PGRES_POLLING_READING ? stream_descriptor::wait_read
                                                    : stream_descriptor::wait_write;
    connection_->watched.async_wait(what, [this, c = connection_](const error_code& error) {
        if (!error && connection_ == c) {
            poll_connection();
        }
    });
}

void PostgresChannels::connected() {
    PGconn* const pg = connection_->pg;
    PQsetnonblocking(pg, 1);
    std::string listen;
    for (const std::string& channel : around_.options.channels) {
        const std::unique_ptr<char, Free> name(
            PQescapeIdentifier(pg, channel.data(), channel.size()));
        if (name == nullptr) {
            fail("LISTEN: " + one_line(PQerrorMessage(pg)));
            return;
        }
        listen += "LISTEN " + std::string(name.get()) + ";";
    }
    if (!connection_->watch() || PQsendQuery(pg, listen.c_str()) == 0) {
        fail("LISTEN: " + one_line(PQerrorMessage(pg)));
        return;
    }
    state_ = State::asked;
    expect_within(around_.options.connection.connect_timeout_ns);
    flush();
    wait_readable();
}

// LISTEN is committed: from now on nothing is missed.
void PostgresChannels::stands() {
    state_ = State::listening;
    failures_ = 0;
    const std::string& place = around_.options.postgres_shown;
    if (before_) {
        around_.teller.lost(place, "the connection was lost and is back");
    } else if (around_.options.resync_at_start) {
        around_.teller.lost(place, "listening begins");
    }
    before_ = true;
    around_.teller.settle();
    listening_ = true;
    around_.teller.count_connected(true);
    beat_.at(around_.loop.now_ns() + around_.options.heartbeat_ns, [this] { beat(); });
}

// ---- listening ----------------------------------------------------------------------------------

void PostgresChannels::wait_readable() {
    connection_->watched.async_wait(stream_descriptor::wait_read,
                                    [this, c = connection_](const error_code& error) {
                                        if (!error && connection_ == c) {
                                            readable();
                                        }
                                    });
}

void PostgresChannels::readable() {
    const std::shared_ptr<Connection> mine = connection_;
    if (PQconsumeInput(mine->pg) == 0) {
        fail(one_line(PQerrorMessage(mine->pg)));
        return;
    }
    answer_.cancel();
    if (!take_results()) {
        return;
    }
    take_notifications();
    if (connection_ == mine) {
        flush();
    }
    if (connection_ == mine) {
        wait_readable();
    }
}

// False: the connection is gone.
bool PostgresChannels::take_results() {
    PGconn* const pg = connection_->pg;
    bool any = false;
    while (PQisBusy(pg) == 0) {
        const std::unique_ptr<PGresult, Free> result(PQgetResult(pg));
        if (result == nullptr) {
            if (any && state_ == State::asked) {
                stands();
            }
            return true;
        }
        any = true;
        const ExecStatusType status = PQresultStatus(result.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
            fail(one_line(PQresultErrorMessage(result.get())));
            return false;
        }
    }
    if (state_ == State::asked) {  // half an answer: the rest is to come
        expect_within(around_.options.connection.connect_timeout_ns);
    }
    return true;
}

void PostgresChannels::take_notifications() {
    for (;;) {
        const std::unique_ptr<PGnotify, Free> notify(PQnotifies(connection_->pg));
        if (notify == nullptr) {
            return;
        }
        if (around_.teller.hear(around_.mapping, notify->relname, notify->extra) ==
            Teller::Told::not_now) {
            around_.teller.lost(notify->relname, "the kernel did not take a message");
        }
    }
}

// An empty query, to know that somebody is there.
void PostgresChannels::beat() {
    around_.teller.settle();
    if (PQtransactionStatus(connection_->pg) == PQTRANS_IDLE) {
        if (PQsendQuery(connection_->pg, "") == 0) {
            fail(one_line(PQerrorMessage(connection_->pg)));
            return;
        }
        flush();
    }
    if (connection_ == nullptr) {
        return;
    }
    if (!answer_.set()) {
        expect_within(around_.options.connection.connect_timeout_ns);
    }
    beat_.at(around_.loop.now_ns() + around_.options.heartbeat_ns, [this] { beat(); });
}

// What the system did not take is written when it does.
void PostgresChannels::flush() {
    if (connection_->writing) {
        return;
    }
    const int left = PQflush(connection_->pg);
    if (left < 0) {
        fail(one_line(PQerrorMessage(connection_->pg)));
        return;
    }
    if (left == 0) {
        return;
    }
    connection_->writing = true;
    connection_->watched.async_wait(stream_descriptor::wait_write,
                                    [this, c = connection_](const error_code& error) {
                                        if (!error && connection_ == c) {
                                            c->writing = false;
                                            flush();
                                        }
                                    });
}

// ---- ends ---------------------------------------------------------------------------------------

void PostgresChannels::expect_within(std::uint64_t ns) {
    looked_ = false;
    answer_.at(around_.loop.now_ns() + ns, [this] { expired(); });
}

// The answer may be with the system, and the loop was busy with what came before it: it looks once more.
void PostgresChannels::expired() {
    if (!looked_) {
        looked_ = true;
        answer_.at(around_.loop.now_ns() + second_look_ns, [this] { expired(); });
        return;
    }
    fail(state_ == State::connecting ? "no connection in time" : "no answer in time");
}

void PostgresChannels::drop_connection() noexcept {
    answer_.cancel();
    again_.cancel();
    beat_.cancel();
    state_ = State::closed;
    if (connection_ != nullptr) {
        connection_->close();
        connection_.reset();
    }
    if (listening_.exchange(false)) {
        around_.teller.count_connected(false);
    }
}

void PostgresChannels::close() noexcept {
    drop_connection();
    before_ = false;
}

void PostgresChannels::fail(const std::string& cause) {
    const bool was_listening = listening_;
    drop_connection();
    around_.journal.trouble("LISTEN", around_.options.postgres_shown, cause);
    if (was_listening) {
        around_.teller.count_lost_connection();
    }
    again_.at(around_.loop.now_ns() +
                  redis_wire::pause_ns(++failures_, around_.options.connection.seed),
              [this] { open(); });
}

}  // namespace larder::invalidator_event
