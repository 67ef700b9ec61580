// plugins/store_redis/heartbeat.cpp -- what a Server asks for once a second: the time, who it is, and a
// canary for the stream.
#include "batch.hpp"
#include "counters.hpp"
#include "scripts.hpp"
#include "server_impl.hpp"
#include "wire.hpp"

#include <string>
#include <utility>
#include <vector>

namespace larder::store_redis {
namespace {

std::uint64_t number(std::string_view text) {
    std::uint64_t n = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') {
            break;
        }
        n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return n;
}

void write(std::string& wire, std::initializer_list<std::string_view> words) {
    write_head(wire, words.size());
    for (const std::string_view word : words) {
        write_word(wire, word);
    }
}

}  // namespace

struct Server::Impl::Beat final : Exchange {
    explicit Beat(Impl& i) : impl(i), asked_ns(i.around.loop.now_ns()) {
        write(wire, {"TIME"});
        write(wire, {"INFO", "replication"});
        write(wire, {"INFO", "server"});
        replies = 3;
        if (!i.memory_asked) {
            write(wire, {"INFO", "memory"});
            ++replies;
        }
        deadline_ns = asked_ns + i.around.options.command_timeout_ns;
    }
    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (reply.is_error()) {
            impl.around.journal.trouble(index == 0 ? "TIME" : "INFO", impl.endpoint.text(), reply.text());
            return true;
        }
        if (index != 0) {
            info.read(reply.text());
            return reply.type() == Reply::Type::string;
        }
        if (!reply.is_flat() || reply.root().size != 2) {
            return false;
        }
        constexpr std::uint64_t second = 1'000'000;
        impl.clock.sample(asked_ns, impl.around.loop.now_ns(),
                          number(reply.at(0).text()) * second + number(reply.at(1).text()));
        return true;
    }
    void on_end(larder_status status) noexcept override {
        const std::unique_ptr<Beat> ended(this);
        impl.beating = false;
        if (status == LARDER_OK) {
            impl.heard(info);
        }
    }
    const char* name() const noexcept override { return "INFO"; }

    Impl& impl;
    const std::uint64_t asked_ns;
    ServerInfo info;
};

struct Server::Impl::Canary final : Exchange {
    explicit Canary(Impl& i) : impl(i) {
        constexpr std::string_view life_ms = "60000";
        write(wire, {"SET", i.stream->canary(), "1", "PX", life_ms});
        replies = 1;
        deadline_ns = i.around.loop.now_ns() + i.around.options.command_timeout_ns;
    }
    bool on_reply(std::uint32_t, Reply& reply) override {
        if (reply.is_error()) {
            impl.around.journal.trouble("SET of the stream's canary", impl.endpoint.text(), reply.text());
        }
        return true;
    }
    void on_end(larder_status) noexcept override { delete this; }
    const char* name() const noexcept override { return "SET of the stream's canary"; }

    Impl& impl;
};

// So that a script's first use costs no round trip more. A user who may not load them loses that.
struct Server::Impl::Scripts final : Exchange {
    explicit Scripts(Impl& i) {
        for (const Script* script : all_scripts()) {
            write(wire, {"SCRIPT", "LOAD", script->text});
            ++replies;
        }
        deadline_ns = i.around.loop.now_ns() + i.around.options.command_timeout_ns;
        sent_again = true;
    }
    bool on_reply(std::uint32_t, Reply&) override { return true; }
    void on_end(larder_status) noexcept override { delete this; }
    const char* name() const noexcept override { return "SCRIPT LOAD"; }
};

// What the options want of its memory. A server that refuses keeps what it has, and is judged by that.
struct Server::Impl::Bounds final : Exchange {
    Bounds(Impl& i, const ServerInfo& now) : impl(i), info(now) {
        const Options& wanted = i.around.options;
        const auto set = [this](const char* name, const std::string& value) {
            write(wire, {"CONFIG", "SET", name, value});
            told.push_back(std::string(name) + ' ' + value);
            ++replies;
        };
        if (wanted.maxmemory != 0 && wanted.maxmemory != now.maxmemory) {
            set("maxmemory", std::to_string(wanted.maxmemory));
        }
        if (!wanted.maxmemory_policy.empty() && wanted.maxmemory_policy != now.maxmemory_policy) {
            set("maxmemory-policy", wanted.maxmemory_policy);
        }
        deadline_ns = i.around.loop.now_ns() + wanted.command_timeout_ns;
    }
    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (reply.is_error()) {
            impl.around.journal.say(LARDER_LOG_WARN, impl.endpoint.text(),
                                    "does not take `CONFIG SET " + told[index] + "`: " + std::string(reply.text()) +
                                        ". Set it in redis.conf, or leave the option out");
            return true;
        }
        impl.around.journal.say(LARDER_LOG_INFO, impl.endpoint.text(), "has now " + told[index]);
        if (told[index].starts_with("maxmemory ")) {
            info.maxmemory = impl.around.options.maxmemory;
        } else {
            info.maxmemory_policy = impl.around.options.maxmemory_policy;
        }
        return true;
    }
    void on_end(larder_status) noexcept override {
        const std::unique_ptr<Bounds> ended(this);
        impl.advise(info);
    }
    const char* name() const noexcept override { return "CONFIG SET"; }

    Impl& impl;
    ServerInfo info;
    std::vector<std::string> told;
};

bool Server::Impl::set_bounds(const ServerInfo& now) {
    if (!now.has_memory) {
        return false;
    }
    auto bounds = std::make_unique<Bounds>(*this, now);
    if (bounds->replies == 0 || send(*bounds) != LARDER_OK) {
        return false;
    }
    static_cast<void>(bounds.release());
    return true;
}

void Server::Impl::advise(const ServerInfo& now) {
    for (const std::string& sentence : advice(now)) {
        around.journal.say(LARDER_LOG_WARN, endpoint.text(), sentence);
    }
}

void Server::Impl::load_scripts() {
    auto scripts = std::make_unique<Scripts>(*this);
    if (send(*scripts) == LARDER_OK) {
        static_cast<void>(scripts.release());
    }
}

void Server::Impl::beat() {
    heart.at(around.loop.now_ns() + around.options.heartbeat_ns, [this] { beat(); });
    around.counters.in_flight.set(static_cast<std::int64_t>(in_flight()));
    if (stream->listening()) {
        if (stream->proved()) {
            around.counters.canary_age_ms.set(
                static_cast<std::int64_t>((around.loop.now_ns() - stream->proof_ns()) / 1'000'000));
        }
        write_canary();
    }
    if (beating) {
        return;
    }
    auto asked = std::make_unique<Beat>(*this);
    if (send(*asked) == LARDER_OK) {
        beating = true;
        static_cast<void>(asked.release());
    }
}

void Server::Impl::heard(const ServerInfo& now) {
    // Of another process the memory is asked for at the next beat.
    const bool other = !info.run_id.empty() && !now.run_id.empty() && now.run_id != info.run_id;
    if (!std::exchange(memory_asked, true) && !set_bounds(now)) {
        advise(now);
    }
    if (other && !now.has_memory) {
        memory_asked = false;
    }
    const Renewal what = renewal(info, now);
    if (!now.run_id.empty()) {
        info = now;
    }
    {
        const std::lock_guard lock(mutex);
        version = info.version;
        role = info.role;
    }
    events.on_role(self, info.role);
    if (what != Renewal::none) {
        around.journal.say(LARDER_LOG_WARN, endpoint.text(),
                           what == Renewal::continued
                               ? "another process or role; its data go on from before"
                               : "another process, with data that do not go on from before");
        events.on_renewed(self, what == Renewal::other);
    }
}

void Server::Impl::write_canary() {
    auto canary = std::make_unique<Canary>(*this);
    stream->canary_sent();
    if (send(*canary) == LARDER_OK) {
        static_cast<void>(canary.release());
    }
}

}  // namespace larder::store_redis
