// plugins/gateway_resp/commands_connection.cpp -- HELLO, AUTH and the rest of a client's first
// words.
#include "commands.hpp"

namespace larder::resp {
namespace {

constexpr std::string_view wrong_password =
    "WRONGPASS invalid username-password pair or user is disabled.";

// True: the client is now that user; else the reply is the error.
bool log_in(Exchange& x, std::string_view name, std::string_view password) {
    const Users& users = x.gateway.users;
    if (users.empty()) {
        // As Redis without a password: the default user has none, and any will do.
        if (name == "default") {
            return true;
        }
        x.error(wrong_password);
        return false;
    }
    const User* user = users.check(name, password);
    if (user == nullptr) {
        x.gateway.log(LARDER_LOG_WARN, "a client at " + x.session.record->address +
                                           " gave a wrong user name or password");
        x.error(wrong_password);
        return false;
    }
    x.session.authenticated = true;
    x.session.role = user->role;
    x.gateway.clients.change(*x.session.record,
                             [&](ClientRecord& record) { record.user = user->name; });
    return true;
}

bool good_name(std::string_view name) noexcept {
    constexpr std::size_t longest = 1024;
    if (name.size() > longest) {
        return false;
    }
    for (const char c : name) {
        if (c < '!' || c > '~') {
            return false;
        }
    }
    return true;
}

}  // namespace

Step auth(Exchange& x) {
    if (x.args.size() > 3) {
        return x.syntax_error();
    }
    if (x.args.size() == 2 && (x.gateway.users.empty() || !x.gateway.users.has("default"))) {
        return x.error(
            "ERR AUTH <password> called without any password configured for the default user. Are "
            "you "
            "sure your configuration is correct?");
    }
    const bool named = x.args.size() == 3;
    return log_in(x, named ? x.args[1] : "default", x.args.back()) ? x.ok() : Step::Done;
}

Step hello(Exchange& x) {
    std::int64_t version = x.session.protocol;
    if (x.args.size() > 1) {
        if (!parse_integer(x.args[1], version)) {
            return x.error("ERR Protocol version is not an integer or out of range");
        }
        if (version != 2 && version != 3) {
            return x.error("NOPROTO unsupported protocol version");
        }
    }
    std::string_view name;
    bool named = false;
    for (std::size_t i = 2; i < x.args.size(); ++i) {
        if (same_word(x.args[i], "auth") && i + 2 < x.args.size()) {
            if (!log_in(x, x.args[i + 1], x.args[i + 2])) {
                return Step::Done;
            }
            i += 2;
        } else if (same_word(x.args[i], "setname") && i + 1 < x.args.size()) {
            name = x.args[++i];
            named = true;
            if (!good_name(name)) {
                return x.error(
                    "ERR Client names cannot contain spaces, newlines or special characters.");
            }
        } else {
            return x.error("ERR Syntax error in HELLO option '" + std::string(x.args[i]) + "'");
        }
    }
    if (!x.session.authenticated) {
        return x.error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO "
            "<proto> AUTH <user> <pass> option can be used to authenticate the client and select "
            "the "
            "RESP protocol version at the same time");
    }
    if (named) {
        x.gateway.clients.change(*x.session.record,
                                 [&](ClientRecord& record) { record.name = name; });
    }
    x.session.protocol = static_cast<int>(version);
    x.session.record->protocol.store(x.session.protocol, std::memory_order_relaxed);
    x.reply.map(7);
    x.reply.bulk("server");
    x.reply.bulk("larder");
    x.reply.bulk("version");
    x.reply.bulk("7.0.15");
    x.reply.bulk("proto");
    x.reply.integer(version);
    x.reply.bulk("id");
    x.reply.integer(static_cast<std::int64_t>(x.session.record->id));
    x.reply.bulk("mode");
    x.reply.bulk("standalone");
    x.reply.bulk("role");
    x.reply.bulk("master");
    x.reply.bulk("modules");
    x.reply.array(0);
    return Step::Done;
}

Step ping(Exchange& x) {
    if (x.args.size() > 2) {
        return x.wrong_arity();
    }
    if (x.session.only_listens()) {
        x.reply.array(2);
        x.reply.bulk("pong");
        x.reply.bulk(x.args.size() == 2 ? x.args[1] : std::string_view());
    } else if (x.args.size() == 2) {
        x.reply.bulk(x.args[1]);
    } else {
        x.reply.simple("PONG");
    }
    return Step::Done;
}

Step echo(Exchange& x) {
    x.reply.bulk(x.args[1]);
    return Step::Done;
}

Step select_db(Exchange& x) {
    std::int64_t db = 0;
    if (!x.integer_argument(x.args[1], db)) {
        return Step::Done;
    }
    return db == 0 ? x.ok() : x.error("ERR DB index is out of range");
}

// Nobody finds it any more when it has been answered.
Step quit(Exchange& x) {
    x.session.closing = true;
    x.gateway.clients.remove(x.session.record->id);
    x.leave_books();
    return x.ok();
}

Step reset(Exchange& x) {
    x.turnaround.leave_multi();
    x.leave_books();
    x.session.mute = Session::Mute::No;
    x.session.protocol = 2;
    x.session.authenticated = x.gateway.users.empty();
    x.session.role = x.gateway.users.empty() ? x.gateway.options.open_role
                                             : std::uint32_t{LARDER_ROLE_READ};
    ClientRecord& record = *x.session.record;
    record.protocol.store(2, std::memory_order_relaxed);
    record.no_evict.store(false, std::memory_order_relaxed);
    record.no_touch.store(false, std::memory_order_relaxed);
    x.gateway.clients.change(record, [](ClientRecord& r) {
        r.name.clear();
        r.user = "default";
    });
    x.reply.simple("RESET");
    return Step::Done;
}

// ---- CLIENT SETNAME, here because HELLO names clients too ---------------------------------------

Step client_setname(Exchange& x) {
    const std::string_view name = x.args[2];
    if (!good_name(name)) {
        return x.error("ERR Client names cannot contain spaces, newlines or special characters.");
    }
    x.gateway.clients.change(*x.session.record, [&](ClientRecord& record) { record.name = name; });
    return x.ok();
}

Step client_getname(Exchange& x) {
    if (x.session.record->name.empty()) {
        x.reply.null();
    } else {
        x.reply.bulk(x.session.record->name);
    }
    return Step::Done;
}

Step client_setinfo(Exchange& x) {
    const bool library = same_word(x.args[2], "lib-name");
    if (!library && !same_word(x.args[2], "lib-ver")) {
        return x.error("ERR Unrecognized option '" + std::string(x.args[2]) + "'");
    }
    if (!good_name(x.args[3])) {
        return x.error("ERR " + std::string(x.args[2]) +
                       " cannot contain spaces, newlines or special characters.");
    }
    x.gateway.clients.change(*x.session.record, [&](ClientRecord& record) {
        (library ? record.library : record.library_version) = x.args[3];
    });
    return x.ok();
}

}  // namespace larder::resp
