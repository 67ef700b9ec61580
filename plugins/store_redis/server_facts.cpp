// plugins/store_redis/server_facts.cpp -- see server_facts.hpp.
#include "server_facts.hpp"

#include "exchange.hpp"
#include "redis_store.hpp"
#include "server.hpp"

#include <larder/plugin/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace larder::store_redis {
namespace {

constexpr std::uint64_t fresh_ns = 2'000'000'000, patience_ns = 2'000'000'000;

struct Told {
    std::string_view name;
    bool summed;
};
constexpr std::array told{
    Told{"redis_version", false},     Told{"redis_mode", false},        Told{"uptime_in_seconds", false},
    Told{"used_memory", true},        Told{"used_memory_peak", true},   Told{"mem_fragmentation_ratio", false},
    Told{"maxmemory", true},          Told{"connected_clients", true},  Told{"total_connections_received", true},
    Told{"total_commands_processed", true}, Told{"instantaneous_ops_per_sec", true}, Told{"evicted_keys", true},
    Told{"expired_keys", true},       Told{"keyspace_hits", true},      Told{"keyspace_misses", true}};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return n;
}

// As Redis writes them: "2.50M".
std::string human(std::uint64_t bytes) {
    static constexpr std::array<char, 4> units{'B', 'K', 'M', 'G'};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    const int size = unit == 0 ? std::snprintf(text.data(), text.size(), "%llu%c", static_cast<unsigned long long>(bytes), units[unit])
                               : std::snprintf(text.data(), text.size(), "%.2f%c", value, units[unit]);
    return std::string(text.data(), static_cast<std::size_t>(size));
}

larder_status LARDER_CALL info(void* self, larder_value* out) noexcept {
    return plugin::detail::guarded(self, [&]() -> larder_status {
        std::string lines = plugin::detail::object_of<RedisStore>(self).info();
        if (lines.empty()) {
            return LARDER_MISS;
        }
        auto kept = std::make_unique<std::string>(std::move(lines));
        out->data = kept->data();
        out->size = kept->size();
        out->release = [](larder_value* value) noexcept {
            delete static_cast<std::string*>(value->pin);
            *value = {};
        };
        out->pin = kept.release();
        return LARDER_OK;
    });
}

}  // namespace

struct ServerFacts::Question final : Exchange {
    Question(ServerFacts& f, std::size_t n) : facts(f), number(n) {
        write_head(wire, 1);
        write_word(wire, "INFO");
        replies = 1;
        repeatable = true;
        deadline_ns = f.host_.mono_ns() + patience_ns;
    }
    bool on_reply(std::uint32_t, Reply& reply) override {
        if (reply.type() == Reply::Type::string) {
            facts.heard(number, reply.text());
        }
        return true;  // an error: this user may not ask, and then there is nothing to tell
    }
    void on_end(larder_status) noexcept override {
        const std::unique_ptr<Question> over(this);
        facts.ended();
    }
    const char* name() const noexcept override { return "INFO"; }

    ServerFacts& facts;
    const std::size_t number;
};

std::string ServerFacts::lines() {
    bool old = false;
    std::string out;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const std::uint64_t now = host_.mono_ns();
        old = asking_ == 0 && (asked_ns_ == 0 || now - asked_ns_ > fresh_ns);
        if (old) {
            asked_ns_ = now;
            asking_ = 1;  // until all questions are sent
        }
        out = merged(servers_);
    }
    if (old) {
        ask();
    }
    return out;
}

void ServerFacts::ask() {
    std::size_t n = 0;
    for (; n < 255; ++n) {
        Server* const server = topology_.server(n);
        if (server == nullptr) {
            break;
        }
        auto question = std::make_unique<Question>(*this, n);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ++asking_;
        }
        if (server->send(*question) == LARDER_OK) {
            static_cast<void>(question.release());
        } else {
            ended();
        }
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (servers_.size() > n) {
            servers_.resize(n);
        }
    }
    ended();
}

void ServerFacts::heard(std::size_t number, std::string_view info) {
    auto facts = read(info);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (servers_.size() <= number) {
        servers_.resize(number + 1);
    }
    servers_[number] = std::move(facts);
}

void ServerFacts::ended() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --asking_;
}

std::vector<ServerFacts::Fact> ServerFacts::read(std::string_view info) {
    std::vector<Fact> out;
    while (!info.empty()) {
        const std::size_t end = info.find('\n');
        std::string_view line = info.substr(0, end);
        info.remove_prefix(end == std::string_view::npos ? info.size() : end + 1);
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        const std::string_view name = line.substr(0, colon);
        if (std::any_of(told.begin(), told.end(), [&](const Told& one) { return one.name == name; })) {
            out.push_back({std::string(name), std::string(line.substr(colon + 1))});
        }
    }
    return out;
}

std::string ServerFacts::merged(const std::vector<std::vector<Fact>>& servers) {
    std::string out;
    const auto add = [&](std::string_view name, std::string_view value) {
        out.append(name).append(":").append(value).append("\n");
    };
    for (const Told& one : told) {
        std::optional<std::uint64_t> sum;
        std::string_view first;
        for (const auto& facts : servers) {
            for (const Fact& fact : facts) {
                if (fact.name != one.name) {
                    continue;
                }
                if (first.empty()) {
                    first = fact.value;
                }
                if (const auto n = number(fact.value); n && one.summed) {
                    sum = sum.value_or(0) + *n;
                }
            }
        }
        if (sum) {
            add(one.name, std::to_string(*sum));
            if (one.name.starts_with("used_memory")) {
                add(std::string(one.name) + "_human", human(*sum));
            }
        } else if (!first.empty()) {
            add(one.name, first);
        }
    }
    return out;
}

const larder_info_v1* info_table() noexcept {
    static const larder_info_v1 table{sizeof(larder_info_v1), 0, &info};
    return &table;
}

}  // namespace larder::store_redis
