// plugins/gateway_resp/commands_server.cpp -- TIME, MONITOR, DEBUG, and what tools ask of a server that
// has more than a cache has.
#include "commands.hpp"

namespace larder::resp {

Step time_of_day(Exchange& x) {
    const std::uint64_t now = x.gateway.wall_ms();
    x.reply.array(2);
    x.reply.bulk(std::to_string(now / 1000));
    x.reply.bulk(std::to_string(now % 1000 * 1000));
    return Step::Done;
}

namespace {

// DEBUG PROTOCOL type: one reply of each kind, for the authors of client libraries.
Step show_protocol(Exchange& x, std::string_view type) {
    ReplyWriter& reply = x.reply;
    if (same_word(type, "string")) {
        reply.bulk("Hello World");
    } else if (same_word(type, "integer")) {
        reply.integer(12345);
    } else if (same_word(type, "double")) {
        reply.real(3.141);
    } else if (same_word(type, "null")) {
        reply.null();
    } else if (same_word(type, "array") || same_word(type, "set")) {
        same_word(type, "set") ? reply.set(3) : reply.array(3);
        for (std::int64_t i = 0; i < 3; ++i) {
            reply.integer(i);
        }
    } else if (same_word(type, "map")) {
        reply.map(3);
        for (std::int64_t i = 0; i < 3; ++i) {
            reply.integer(i);
            reply.truth(i == 1);
        }
    } else if (same_word(type, "verbatim")) {
        reply.verbatim("This is a verbatim\nstring");
    } else if (same_word(type, "true") || same_word(type, "false")) {
        reply.truth(same_word(type, "true"));
    } else if (same_word(type, "bignum")) {
        reply.big_number("1234567999999999999999999999999999999");
    } else {
        return x.error("ERR Wrong protocol type name. Please use one of the following: "
                       "string|integer|double|null|array|set|map|verbatim|true|false|bignum");
    }
    return Step::Done;
}

}  // namespace

// Test suites call these before they begin; but for PROTOCOL, none of them does anything here.
Step debug(Exchange& x) {
    if (x.args.size() == 3 && same_word(x.args[1], "protocol")) {
        return show_protocol(x, x.args[2]);
    }
    constexpr std::string_view harmless[] = {"sleep", "jmap", "log", "set-active-expire",
                                             "quicklist-packed-threshold"};
    for (const std::string_view word : harmless) {
        if (same_word(x.args[1], word)) {
            return x.ok();
        }
    }
    return x.error("ERR DEBUG " + std::string(x.args[1].substr(0, 64)) + " is not available");
}

Step function_flush(Exchange& x) {
    const bool fits =
        x.args.size() == 2 ||
        (x.args.size() == 3 && (same_word(x.args[2], "async") || same_word(x.args[2], "sync")));
    return fits ? x.ok() : x.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
}

Step acl_whoami(Exchange& x) {
    x.reply.bulk(x.session.record->user);
    return Step::Done;
}

// By name.
Step acl_users(Exchange& x) {
    std::vector<std::string> names = x.gateway.users.names();
    if (names.empty()) {
        names.emplace_back("default");
    }
    x.reply.array(names.size());
    for (const std::string& name : names) {
        x.reply.bulk(name);
    }
    return Step::Done;
}

// ---- what a cache has nothing of, answered so that tools go on ----------------------------------

// SAVE BGSAVE BGREWRITEAOF SHUTDOWN
Step not_here(Exchange& x) {
    const bool end = x.command->name == "shutdown";
    return x.error(end ? "ERR larder is ended by who started it, not by its clients"
                       : "ERR larder keeps nothing in files of its own: there is nothing to save");
}

Step lastsave(Exchange& x) {
    return x.integer(static_cast<std::int64_t>(x.gateway.started_ms / 1000));
}

// SLOWLOG GET, LATENCY LATEST, LATENCY HISTORY, MODULE LIST, FUNCTION LIST
Step empty_list(Exchange& x) {
    x.reply.array(0);
    return Step::Done;
}

// SLOWLOG LEN, LATENCY RESET
Step zero(Exchange& x) { return x.integer(0); }

// SLOWLOG RESET, MEMORY PURGE
Step accept(Exchange& x) { return x.ok(); }

// The requests of all clients from now on, as Redis shows them; and beside them the events of the
// cache, as if somebody called larder had asked for them: drops, reloads, breakers. They say why an
// entry went.
Step monitor(Exchange& x) {
    x.session.monitor_at = 0;
    const auto skip = [](void*, const larder_event_record*) noexcept {};
    x.cache().events(x.host(), &x.session.monitor_at, skip, nullptr);
    x.session.monitor = true;
    x.session.record->monitor.store(true, std::memory_order_relaxed);
    x.gateway.monitors.add(x.session.record);
    return x.ok();
}

}  // namespace larder::resp
