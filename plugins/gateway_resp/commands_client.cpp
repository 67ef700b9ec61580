// plugins/gateway_resp/commands_client.cpp -- CLIENT: who is connected, and how they are answered.
#include "commands.hpp"

#include <algorithm>

namespace larder::resp {

Step client_id(Exchange& x) { return x.integer(static_cast<std::int64_t>(x.session.record->id)); }

Step client_info(Exchange& x) {
    const std::uint64_t me = x.session.record->id;
    x.reply.verbatim(x.gateway.clients.list(
        x.gateway.now_ns(), [me](const ClientRecord& record) { return record.id == me; }));
    return Step::Done;
}

namespace {

// "normal", "pubsub"; "master" and "replica" are types that nobody has.
enum class ClientType { Unknown, Normal, PubSub, Nobody };

ClientType type_named(std::string_view word) noexcept {
    if (same_word(word, "normal")) {
        return ClientType::Normal;
    }
    if (same_word(word, "pubsub")) {
        return ClientType::PubSub;
    }
    const bool known =
        same_word(word, "master") || same_word(word, "replica") || same_word(word, "slave");
    return known ? ClientType::Nobody : ClientType::Unknown;
}

bool has_type(const ClientRecord& record, ClientType type) noexcept {
    return type != ClientType::Nobody && record.subscribed() == (type == ClientType::PubSub);
}

}  // namespace

// CLIENT LIST [TYPE type] [ID id ...]
Step client_list(Exchange& x) {
    std::optional<ClientType> type;
    std::vector<std::uint64_t> ids;
    if (x.args.size() == 4 && same_word(x.args[2], "type")) {
        type = type_named(x.args[3]);
        if (type == ClientType::Unknown) {
            return x.error("ERR Unknown client type '" + std::string(x.args[3]) + "'");
        }
    } else if (x.args.size() > 3 && same_word(x.args[2], "id")) {
        for (const std::string_view id : x.args.subspan(3)) {
            std::uint64_t number = 0;
            if (!parse_unsigned(id, number) || number == 0) {
                return x.error("ERR Invalid client ID");
            }
            ids.push_back(number);
        }
    } else if (x.args.size() != 2) {
        return x.syntax_error();
    }
    x.reply.verbatim(x.gateway.clients.list(x.gateway.now_ns(), [&](const ClientRecord& record) {
        return (!type || has_type(record, *type)) &&
               (ids.empty() || std::find(ids.begin(), ids.end(), record.id) != ids.end());
    }));
    return Step::Done;
}

// CLIENT KILL addr:port | [ID id] [TYPE t] [ADDR a] [LADDR a] [USER u] [SKIPME yes|no]
Step client_kill(Exchange& x) {
    ClientRegistry& clients = x.gateway.clients;
    if (x.args.size() == 3) {
        const std::string_view address = x.args[2];
        const std::size_t ended =
            clients.kill([&](const ClientRecord& record) { return record.address == address; });
        return ended != 0 ? x.ok() : x.error("ERR No such client");
    }
    std::uint64_t id = 0;
    bool skip_me = true;
    std::optional<ClientType> type;
    std::string_view address, local, user;
    for (std::size_t i = 2; i < x.args.size(); i += 2) {
        if (i + 1 == x.args.size()) {
            return x.syntax_error();
        }
        const std::string_view value = x.args[i + 1];
        if (same_word(x.args[i], "id")) {
            if (!parse_unsigned(value, id) || id == 0) {
                return x.error("ERR client-id should be greater than 0");
            }
        } else if (same_word(x.args[i], "type")) {
            type = type_named(value);
            if (type == ClientType::Unknown) {
                return x.error("ERR Unknown client type '" + std::string(value) + "'");
            }
        } else if (same_word(x.args[i], "addr")) {
            address = value;
        } else if (same_word(x.args[i], "laddr")) {
            local = value;
        } else if (same_word(x.args[i], "user")) {
            user = value;
            if (user != "default" && !x.gateway.users.has(user)) {
                return x.error("ERR No such user '" + std::string(user) + "'");
            }
        } else if (same_word(x.args[i], "skipme")) {
            skip_me = same_word(value, "yes");
            if (!skip_me && !same_word(value, "no")) {
                return x.syntax_error();
            }
        } else {
            return x.syntax_error();
        }
    }
    const std::uint64_t me = x.session.record->id;
    return x.integer(static_cast<std::int64_t>(clients.kill([&](const ClientRecord& record) {
        return (id == 0 || record.id == id) && (!type || has_type(record, *type)) &&
               (address.empty() || record.address == address) &&
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

namespace {

Step switch_on_off(Exchange& x, std::atomic<bool>& what) {
    const bool on = same_word(x.args[2], "on");
    if (!on && !same_word(x.args[2], "off")) {
        return x.syntax_error();
    }
    what.store(on, std::memory_order_relaxed);
    return x.ok();
}

}  // namespace

// CLIENT LIST shows it; nothing here evicts clients.
Step client_no_evict(Exchange& x) { return switch_on_off(x, x.session.record->no_evict); }

// From now on this client's reads do not count as uses of what they read.
Step client_no_touch(Exchange& x) { return switch_on_off(x, x.session.record->no_touch); }

// Nothing here blocks a client, so none can be unblocked.
Step client_unblock(Exchange& x) {
    std::int64_t id = 0;
    const bool fits = x.args.size() == 3 || (x.args.size() == 4 && (same_word(x.args[3], "timeout") ||
                                                                   same_word(x.args[3], "error")));
    if (!fits) {
        return x.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
    return x.integer_argument(x.args[2], id) ? x.integer(0) : Step::Done;
}

}  // namespace larder::resp
