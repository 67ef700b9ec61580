// plugins/gateway_resp/commands_tracking.cpp -- CLIENT TRACKING: a client's copies, kept good.
#include "commands.hpp"

namespace larder::resp {
namespace {

bool overlap(std::string_view a, std::string_view b) noexcept {
    return a.starts_with(b) || b.starts_with(a);
}

// The options behind CLIENT TRACKING ON. False: the reply is the error.
bool read_options(Exchange& x, TrackingWish& wish) {
    for (std::size_t i = 3; i < x.args.size(); ++i) {
        const std::string_view word = x.args[i];
        const bool more = i + 1 < x.args.size();
        if (same_word(word, "redirect") && more) {
            if (wish.redirect != 0) {
                x.error("ERR A client can only redirect to a single other client");
                return false;
            }
            std::int64_t id = 0;
            if (!parse_integer(x.args[++i], id) || id < 0) {
                x.error("ERR Invalid client ID");
                return false;
            }
            wish.redirect = static_cast<std::uint64_t>(id);
            if (x.gateway.clients.find(wish.redirect) == nullptr) {
                x.error("ERR The client ID you want redirect to does not exist");
                return false;
            }
        } else if (same_word(word, "bcast")) {
            wish.broadcast = true;
        } else if (same_word(word, "optin")) {
            wish.opt_in = true;
        } else if (same_word(word, "optout")) {
            wish.opt_out = true;
        } else if (same_word(word, "noloop")) {
            wish.no_loop = true;
        } else if (same_word(word, "prefix") && more) {
            wish.prefixes.emplace_back(x.args[++i]);
        } else {
            x.syntax_error();
            return false;
        }
    }
    return true;
}

// What is wrong with that wish of a client that had the other; empty: nothing.
std::string objection(const TrackingWish& wish, const TrackingWish& had) {
    if (!wish.broadcast && !wish.prefixes.empty()) {
        return "ERR PREFIX option requires BCAST mode to be enabled";
    }
    if (had.on && wish.broadcast != had.broadcast) {
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    }
    if (wish.broadcast && (wish.opt_in || wish.opt_out)) {
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    }
    if (wish.opt_in && wish.opt_out) {
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    }
    if ((wish.opt_in && had.opt_out) || (wish.opt_out && had.opt_in)) {
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    }
    constexpr const char* sorry = "Prefixes for a single client must not overlap.";
    for (std::size_t i = 0; i < wish.prefixes.size(); ++i) {
        const std::string& prefix = wish.prefixes[i];
        for (const std::string& other : had.prefixes) {
            if (overlap(prefix, other)) {
                return "ERR Prefix '" + prefix + "' overlaps with an existing prefix '" + other +
                       "'. " + sorry;
            }
        }
        for (std::size_t k = i + 1; k < wish.prefixes.size(); ++k) {
            if (overlap(prefix, wish.prefixes[k])) {
                return "ERR Prefix '" + prefix + "' overlaps with another provided prefix '" +
                       wish.prefixes[k] + "'. " + sorry;
            }
        }
    }
    return {};
}

}  // namespace

Step client_tracking(Exchange& x) {
    TrackingWish wish;
    if (!read_options(x, wish)) {
        return Step::Done;
    }
    TrackingTable& table = x.gateway.tracking;
    if (same_word(x.args[2], "off")) {
        table.disable(x.session.record);
        x.session.caching.reset();
        return x.ok();
    }
    if (!same_word(x.args[2], "on")) {
        return x.syntax_error();
    }
    if (const std::string why = objection(wish, table.wish(x.session.record)); !why.empty()) {
        return x.error(why);
    }
    if (table.idle()) {
        x.gateway.rechecks.begin();
    }
    table.enable(x.session.record, std::move(wish));
    return x.ok();
}

Step client_caching(Exchange& x) {
    const TrackingWish wish = x.gateway.tracking.wish(x.session.record);
    if (!wish.opt_in && !wish.opt_out) {
        return x.error(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN "
            "or OPTOUT mode enabled");
    }
    if (same_word(x.args[2], "yes")) {
        if (!wish.opt_in) {
            return x.error(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
        }
        x.session.caching = true;
    } else if (same_word(x.args[2], "no")) {
        if (!wish.opt_out) {
            return x.error(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
        }
        x.session.caching = false;
    } else {
        return x.syntax_error();
    }
    return x.ok();
}

Step client_trackinginfo(Exchange& x) {
    const TrackingWish wish = x.gateway.tracking.wish(x.session.record);
    std::vector<std::string_view> flags{wish.on ? "on" : "off"};
    const auto add = [&](bool is, std::string_view flag) {
        if (is) {
            flags.push_back(flag);
        }
    };
    add(wish.broadcast, "bcast");
    add(wish.opt_in, "optin");
    add(wish.opt_in && x.session.caching == true, "caching-yes");
    add(wish.opt_out, "optout");
    add(wish.opt_out && x.session.caching == false, "caching-no");
    add(wish.no_loop, "noloop");
    add(x.session.record->broken_redirect.load(std::memory_order_relaxed), "broken_redirect");
    x.reply.map(3);
    x.reply.bulk("flags");
    x.reply.set(flags.size());
    for (const std::string_view flag : flags) {
        x.reply.bulk(flag);
    }
    x.reply.bulk("redirect");
    x.reply.integer(wish.on ? static_cast<std::int64_t>(wish.redirect) : -1);
    x.reply.bulk("prefixes");
    x.reply.array(wish.prefixes.size());
    for (const std::string& prefix : wish.prefixes) {
        x.reply.bulk(prefix);
    }
    return Step::Done;
}

// -1: tracking is off; 0: to itself.
Step client_getredir(Exchange& x) {
    const TrackingWish wish = x.gateway.tracking.wish(x.session.record);
    return x.integer(wish.on ? static_cast<std::int64_t>(wish.redirect) : -1);
}

}  // namespace larder::resp
