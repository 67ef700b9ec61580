// plugins/gateway_resp/commands_client.cpp -- CLIENT: who is connected, and how they are answered.
#include "commands.hpp"

namespace larder::resp {

Step client_id(Exchange& x) { return x.integer(static_cast<std::int64_t>(x.session.record->id)); }

Step client_info(Exchange& x) {
    x.reply.verbatim(x.gateway.clients.list(x.gateway.now_ns(), x.session.record->id));
    return Step::Done;
}

// CLIENT LIST [TYPE type] [ID id ...]
Step client_list(Exchange& x) {
    const std::uint64_t now = x.gateway.now_ns();
    if (x.args.size() == 2) {
        x.reply.verbatim(x.gateway.clients.list(now));
        return Step::Done;
    }
    if (x.args.size() == 4 && same_word(x.args[2], "type")) {
        const std::string_view type = x.args[3];
        if (same_word(type, "normal")) {
            x.reply.verbatim(x.gateway.clients.list(now));
        } else if (same_word(type, "master") || same_word(type, "replica") ||
                   same_word(type, "pubsub") || same_word(type, "slave")) {
            x.reply.verbatim({});
        } else {
            return x.error("ERR Unknown client type '" + std::string(type) + "'");
        }
        return Step::Done;
    }
    if (x.args.size() > 3 && same_word(x.args[2], "id")) {
        std::string lines;
        for (const std::string_view id : x.args.subspan(3)) {
            std::uint64_t number = 0;
            if (!parse_unsigned(id, number) || number == 0) {
                return x.error("ERR Invalid client ID");
            }
            lines += x.gateway.clients.list(now, number);
        }
        x.reply.verbatim(lines);
        return Step::Done;
    }
    return x.syntax_error();
}

// CLIENT KILL addr:port | [ID id] [ADDR a] [LADDR a] [USER u] [SKIPME yes|no]
Step client_kill(Exchange& x) {
    ClientRegistry& clients = x.gateway.clients;
    if (x.args.size() == 3) {
        const std::string_view address = x.args[2];
        const std::size_t ended =
            clients.kill([&](const ClientRecord& record) { return record.address == address; });
        return ended != 0 ? x.ok() : x.error("ERR No such client");
    }
    std::uint64_t id = 0;
    bool by_id = false, skip_me = true;
    std::string_view address, local, user;
    if (x.args.size() % 2 != 0) {
        return x.syntax_error();
    }
    for (std::size_t i = 2; i + 1 < x.args.size(); i += 2) {
        const std::string_view value = x.args[i + 1];
        if (same_word(x.args[i], "id")) {
            if (!parse_unsigned(value, id) || id == 0) {
                return x.error("ERR client-id should be greater than 0");
            }
            by_id = true;
        } else if (same_word(x.args[i], "addr")) {
            address = value;
        } else if (same_word(x.args[i], "laddr")) {
            local = value;
        } else if (same_word(x.args[i], "user")) {
            user = value;
        } else if (same_word(x.args[i], "skipme")) {
            skip_me = !same_word(value, "no");
        } else {
            return x.syntax_error();
        }
    }
    const std::uint64_t me = x.session.record->id;
    return x.integer(static_cast<std::int64_t>(clients.kill([&](const ClientRecord& record) {
        return (!by_id || record.id == id) && (address.empty() || record.address == address) &&
               (local.empty() || record.local_address == local) &&
               (user.empty() || record.user == user) && !(skip_me && record.id == me);
    })));
}

Step client_reply(Exchange& x) {
    if (same_word(x.args[2], "on")) {
        x.session.mute = Session::Mute::No;
        x.output.mute(false);
        return x.ok();
    }
    if (same_word(x.args[2], "off")) {
        x.session.mute = Session::Mute::All;
    } else if (same_word(x.args[2], "skip")) {
        if (x.session.mute != Session::Mute::All) {
            x.session.mute = Session::Mute::Next;
        }
    } else {
        return x.syntax_error();
    }
    return Step::Done;
}

Step client_tracking(Exchange& x) {
    if (same_word(x.args[2], "off")) {
        return x.ok();
    }
    if (!same_word(x.args[2], "on")) {
        return x.syntax_error();
    }
    return x.error(
        "ERR larder does not offer client side caching: CLIENT TRACKING is not available");
}

Step client_trackinginfo(Exchange& x) {
    x.reply.map(3);
    x.reply.bulk("flags");
    x.reply.set(1);
    x.reply.bulk("off");
    x.reply.bulk("redirect");
    x.reply.integer(-1);
    x.reply.bulk("prefixes");
    x.reply.array(0);
    return Step::Done;
}

Step client_caching(Exchange& x) {
    return x.error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT "
        "mode enabled");
}

Step client_getredir(Exchange& x) { return x.integer(-1); }

// CLIENT NO-EVICT, NO-TOUCH: said to be on; nothing here evicts clients or counts their uses apart.
Step client_no_evict(Exchange& x) {
    return same_word(x.args[2], "on") || same_word(x.args[2], "off") ? x.ok() : x.syntax_error();
}

}  // namespace larder::resp
