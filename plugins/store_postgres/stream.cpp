// plugins/store_postgres/stream.cpp -- see stream.hpp.
#include "stream.hpp"

#include "round.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <span>

namespace larder::store_postgres {

using postgres_wire::Batch;
using postgres_wire::Outcome;
using postgres_wire::Query;

namespace {

constexpr std::uint64_t ms = 1'000'000, slice_ns = 50 * ms, again_ms = 500;
constexpr std::size_t longest_payload = 7900;

int digit_of(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

}  // namespace

std::string payload_of(std::string_view key) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "k";
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && c != '%') {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out.size() > longest_payload ? std::string("*") : out;
}

std::string key_of_payload(std::string_view payload) {
    std::string out;
    for (std::size_t i = 1; i < payload.size(); ++i) {
        if (payload[i] == '%' && i + 2 < payload.size() && digit_of(payload[i + 1]) >= 0 && digit_of(payload[i + 2]) >= 0) {
            out += static_cast<char>(digit_of(payload[i + 1]) << 4 | digit_of(payload[i + 2]));
            i += 2;
        } else {
            out += payload[i];
        }
    }
    return out;
}

void Stream::start() {
    if (running_.exchange(true)) {
        return;
    }
    std::random_device random;
    word_ = "b" + std::to_string(std::uint64_t{random()} << 32 | random()) + ":";
    thread_ = std::thread([this] { run(); });
}

void Stream::stop() noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    {
        const std::lock_guard lock(trouble_mutex_);
        stopping_.notify_all();
    }
    thread_.join();
    set_trust(false);
    connected_.store(false);
}

larder_status Stream::listen(const larder_sink* sink) {
    const std::lock_guard lock(mutex_);
    sink_.take(sink, trusted_);
    return LARDER_OK;
}

std::uint64_t Stream::now_ms() const noexcept {
    if (!knows_time_.load(std::memory_order_acquire)) {
        return 0;
    }
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(host_.mono_ns() / ms) + ahead_ms_.load(std::memory_order_relaxed));
}

std::string Stream::trouble() const {
    const std::lock_guard lock(trouble_mutex_);
    return trouble_;
}

void Stream::fail(const std::string& why) {
    connected_.store(false);
    set_trust(false);
    bool fresh = false;
    {
        const std::lock_guard lock(trouble_mutex_);
        fresh = trouble_ != why;
        trouble_ = why;
    }
    if (fresh && running()) {
        host_.log(LARDER_LOG_WARN, {"postgres ", options_.instance, " at ", options_.connection.shown, ": ", why});
    }
}

bool Stream::pause(std::uint64_t for_ms) {
    std::unique_lock lock(trouble_mutex_);
    stopping_.wait_for(lock, std::chrono::milliseconds(for_ms), [this] { return !running(); });
    return running();
}

void Stream::set_trust(bool yes) noexcept {
    const std::lock_guard lock(mutex_);
    if (trusted_ == yes) {
        return;
    }
    trusted_ = yes;
    if (running()) {
        host_.log(yes ? LARDER_LOG_INFO : LARDER_LOG_WARN,
                  {"postgres ", options_.instance, ": the invalidation stream is ", yes ? "proved" : "not proved any more"});
    }
    if (!sink_.listens()) {
        return;
    }
    if (yes) {
        if (before_) {
            sink_.renewed(false);
        }
        sink_.changed_all();
    }
    sink_.trust(yes);
    before_ = before_ || yes;
}

void Stream::told(std::string_view payload) {
    if (payload.starts_with(word_)) {
        heard_ = heard_ || payload.substr(word_.size()) == std::to_string(words_);
        return;
    }
    const std::lock_guard lock(mutex_);
    if (!sink_.listens() || !trusted_ || payload.empty() || payload.front() == 'b') {
        return;
    }
    if (payload.front() != 'k') {
        sink_.changed_all();
        return;
    }
    const std::string key = key_of_payload(payload);
    const larder_bytes shown{key.data(), key.size()};
    sink_.changed(&shown, 1);
}

void Stream::run() {
    postgres_wire::Session session(host_, options_.connection);
    while (running()) {
        if (join(session)) {
            follow(session);
        }
        session.close();
        if (!pause(again_ms)) {
            break;
        }
    }
}

// Tables, LISTEN. False: not yet.
bool Stream::join(postgres_wire::Session& session) {
    const std::uint64_t until = host_.mono_ns() + options_.connection.connect_timeout_ns;
    std::string problem;
    if (!session.ready(until, problem)) {
        fail(problem);
        return false;
    }
    std::vector<Query> queries;
    for (const std::string& sql : statements_.create) {
        queries.push_back({sql, {}});
    }
    // Behind the tables, and not with them: what is prepared must be there.
    std::vector<Outcome> outcomes(queries.size());
    if (!queries.empty()) {
        session.run(queries, outcomes, until, Batch::whole);
    }
    const Query listen{statements_.listen, {}};
    Outcome listens;
    for (const Outcome& outcome : outcomes) {
        if (outcome.status != LARDER_OK) {
            fail("the tables cannot be made: " + outcome.message);
            return false;
        }
    }
    session.run({&listen, 1}, {&listens, 1}, until);
    if (listens.status != LARDER_OK) {
        fail("LISTEN: " + listens.message);
        return false;
    }
    connected_.store(true);
    {
        const std::lock_guard lock(trouble_mutex_);
        trouble_.clear();
    }
    return true;
}

// Says a word, and takes the time from the answer.
bool Stream::say_word(postgres_wire::Session& session) {
    said_ns_ = host_.mono_ns();
    heard_ = false;
    const std::string word = word_ + std::to_string(++words_);
    const Query query{statements_.beacon, {statements_.channel, word}};
    Outcome outcome;
    session.run({&query, 1}, {&outcome, 1}, said_ns_ + options_.max_staleness_ms * ms / 2);
    if (outcome.status != LARDER_OK || outcome.cells.empty() || !outcome.cells.front()) {
        fail(outcome.message);
        return false;
    }
    const auto numbers = numbers_of(*outcome.cells.front());
    if (!numbers.empty()) {
        const std::uint64_t middle = said_ns_ + (host_.mono_ns() - said_ns_) / 2;
        ahead_ms_.store(static_cast<std::int64_t>(numbers.front()) - static_cast<std::int64_t>(middle / ms));
        knows_time_.store(true, std::memory_order_release);
    }
    return true;
}

void Stream::follow(postgres_wire::Session& session) {
    const std::uint64_t beat_ns = std::max<std::uint64_t>(options_.max_staleness_ms / 3, 10) * ms;
    while (running()) {
        if (!say_word(session)) {
            return;
        }
        beat_();
        const std::uint64_t next = said_ns_ + beat_ns;
        do {
            const std::uint64_t now = host_.mono_ns();
            const std::uint64_t until = heard_ ? std::min(next, now + slice_ns) : std::min(next, now + ms);
            if (!session.listen(until, [this](std::string_view payload) { told(payload); })) {
                return fail("the connection was lost");
            }
            if (heard_ && proved_ns_ != said_ns_) {
                proved_ns_ = said_ns_;
                set_trust(true);
            }
            if (host_.mono_ns() - proved_ns_ > options_.max_staleness_ms * ms) {
                set_trust(false);
            }
        } while (running() && host_.mono_ns() < next);
    }
}

}  // namespace larder::store_postgres
