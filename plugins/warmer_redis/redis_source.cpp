// plugins/warmer_redis/redis_source.cpp -- see redis_source.hpp.
#include "redis_source.hpp"

#include "plugins/redis_wire/named_server.hpp"

#include <utility>
#include <vector>

namespace larder::warmer_redis {

using plugin::text_of;

namespace {

constexpr std::uint64_t unhurried_ns = 30'000'000'000;

std::span<const larder_pair> fields_of(const larder_pair* pairs, std::uint32_t count) {
    return {pairs, pairs == nullptr ? 0 : count};
}

}  // namespace

std::optional<std::string> fill_key(std::string_view text, std::span<const larder_pair> fields,
                                    std::size_t longest, std::string& why) {
    std::string key;
    bool fits = true;
    const auto append = [&](std::string_view piece) {
        fits = fits && piece.size() <= longest - key.size();
        if (fits) {
            key += piece;
        }
    };
    if (text.empty() || !plugin::fill_hint(text, fields, append, append)) {
        why = "no key can be made of it";
        return std::nullopt;
    }
    if (!fits) {
        why = "a key longer than max_key";
        return std::nullopt;
    }
    return key;
}

RedisSource::RedisSource(plugin::Host host, const plugin::Config& config)
    : host_(host),
      longest_key_(config.size("max_key", std::uint64_t{64} << 10)),
      write_ttl_ms_(config.duration_ns("write_ttl", 0) / 1'000'000),
      journal_(host, "source " + std::string(config.instance_name())),
      loop_(host) {
    redis_wire::read_server(host, config, config.text("url"), endpoint_, connection_);
    const std::uint64_t longest_value = config.size("max_value", std::uint64_t{16} << 20);
    constexpr std::uint32_t elements = 16;  // no answer here is an array
    connection_.limits = {longest_value, longest_value, elements};
    if (endpoint_.tls) {
        tls_.emplace(connection_);
    }
    asker_ = std::make_unique<Asker>(
        redis_wire::Party{loop_, endpoint_, connection_, tls_ ? &*tls_ : nullptr, journal_},
        static_cast<std::uint32_t>(config.integer("in_flight", 1000)));
}

RedisSource::~RedisSource() { stop(0); }

// Does not wait: a cache starts without its sources, and finds them later.
void RedisSource::start() {
    if (running_.exchange(true)) {
        return;
    }
    loop_.start();
    loop_.post([this] { asker_->begin(); });
}

void RedisSource::stop(std::uint64_t) noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    loop_.post([this] { asker_->end(); });
    loop_.join();
}

plugin::Health RedisSource::health() const {
    if (!asker_->listening()) {
        return {LARDER_HEALTH_DEGRADED, "not connected to " + endpoint_.text()};
    }
    return {};
}

std::uint64_t RedisSource::deadline_of(const larder_call& call) const {
    return call.deadline_ns != 0 ? call.deadline_ns : host_.mono_ns() + unhurried_ns;
}

void RedisSource::tell(const char* command, std::string_view text, std::string_view cause) {
    journal_.trouble(std::string(command) + " " + std::string(text), endpoint_.text(), cause);
}

larder_status RedisSource::fetch(const larder_warm_item& item, const larder_call& call,
                                 larder_cache_set& set, plugin::Reply out) {
    if (!running_.load()) {
        return LARDER_E_CLOSED;
    }
    const std::string_view text = text_of(item.hint);
    const auto fields = LARDER_HAS(&item, field_count) ? fields_of(item.fields, item.field_count)
                                                       : std::span<const larder_pair>();
    std::string cause;
    const auto key = fill_key(text, fields, longest_key_, cause);
    if (!key) {
        tell("GET", text, cause);
        return LARDER_E_INVALID;
    }
    const auto question = Question::get(*key);
    asker_->ask({question});
    const larder_status status = question->wait(host_, deadline_of(call), cause);
    if (status == LARDER_MISS) {
        set.flags |= LARDER_SET_ABSENT;
        return LARDER_OK;
    }
    if (status != LARDER_OK) {
        tell("GET", text, cause);
        return status;
    }
    const std::int64_t left = question->left_ms();
    if (left >= 0 && (set.ttl_ms <= 0 || left < set.ttl_ms)) {
        set.ttl_ms = left;
    }
    *out.raw() = question->value().leave();
    return LARDER_OK;
}

larder_status RedisSource::write(const larder_warm_item& source,
                                 std::span<larder_source_write> writes, const larder_call& call) {
    if (!running_.load()) {
        return LARDER_E_CLOSED;
    }
    const auto text_for = [&](const larder_source_write& write) {
        return text_of(write.hint.size != 0 ? write.hint : source.hint);
    };
    std::vector<std::shared_ptr<Question>> questions, asked;
    for (larder_source_write& write : writes) {
        std::string why;
        const auto key = fill_key(text_for(write), fields_of(write.fields, write.field_count),
                                  longest_key_, why);
        if (!key) {
            tell(write.remove != 0 ? "DEL" : "SET", text_for(write), why);
            write.status = LARDER_E_INVALID;
            questions.push_back(nullptr);
            continue;
        }
        questions.push_back(write.remove != 0
                                ? Question::del(*key)
                                : Question::set(*key, text_of(write.value), write_ttl_ms_));
        asked.push_back(questions.back());
    }
    asker_->ask(std::move(asked));
    const std::uint64_t deadline = deadline_of(call);
    for (std::size_t i = 0; i < writes.size(); ++i) {
        if (questions[i] == nullptr) {
            continue;
        }
        std::string cause;
        writes[i].status = questions[i]->wait(host_, deadline, cause);
        if (writes[i].status < 0) {
            tell(writes[i].remove != 0 ? "DEL" : "SET", text_for(writes[i]), cause);
        }
    }
    return LARDER_OK;
}

}  // namespace larder::warmer_redis
