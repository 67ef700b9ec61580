// plugins/gateway_resp/commands_config.cpp -- CONFIG.
#include "commands.hpp"

namespace larder::resp {
namespace {

std::string lower(std::string_view word) {
    std::string out(word);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
}

}  // namespace

Step config_get(Exchange& x) {
    std::vector<std::string> patterns;
    for (const std::string_view pattern : x.args.subspan(2)) {
        patterns.push_back(lower(pattern));
    }
    const auto found = x.gateway.settings.matching(patterns);
    x.reply.map(found.size());
    for (const auto& [name, value] : found) {
        x.reply.bulk(name);
        x.reply.bulk(value);
    }
    return Step::Done;
}

Step config_set(Exchange& x) {
    if (x.args.size() % 2 != 0) {
        return x.wrong_arity();
    }
    std::vector<std::pair<std::string, std::string>> wishes;
    for (std::size_t i = 2; i < x.args.size(); i += 2) {
        wishes.emplace_back(lower(x.args[i]), x.args[i + 1]);
    }
    const std::string why = x.gateway.settings.set(wishes);
    return why.empty() ? x.ok() : x.error(why);
}

Step config_resetstat(Exchange& x) {
    Counters& c = x.gateway.counters;
    for (auto* counter : {&c.connections_total, &c.refused, &c.requests, &c.errors, &c.bytes_in,
                          &c.bytes_out, &c.hits, &c.misses, &c.not_kept, &c.timeouts}) {
        counter->reset();
    }
    for (CommandCounters& command : c.commands) {
        for (auto* counter : {&command.calls, &command.rejected, &command.failed}) {
            counter->store(0, std::memory_order_relaxed);
        }
    }
    return x.ok();
}

Step config_rewrite(Exchange& x) {
    return x.error("ERR The server is running without a config file: larder.toml is yours to edit");
}

}  // namespace larder::resp
