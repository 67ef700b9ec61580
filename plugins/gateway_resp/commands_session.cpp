// plugins/gateway_resp/commands_session.cpp -- LARDER SESSION: sessions by the policy's name.
//
// A call may wait for a store, so it is made off the connection's thread. What it answers is kept in the
// exchange: `report` has the data, `text` with `sizes` the identifier, the cookie and the user, `number` and
// `number2` the times left, `counted` the rest.
#include "commands.hpp"

#include <larder/plugin/session.h>

#include <array>

namespace larder::resp {
namespace {

struct Verb {
    std::string_view name;
    std::uint32_t what;
    std::size_t words;  // with LARDER SESSION
    Handler reply;
};

std::string_view bytes_in(const larder_value& value) noexcept {
    return {static_cast<const char*>(value.data), value.size};
}

void release(larder_value& value) noexcept {
    if (value.release != nullptr) {
        value.release(&value);
    }
    value = larder_value{};
}

void keep(Exchange& x, std::string_view part) {
    x.text += part;
    x.sizes.push_back(static_cast<std::uint32_t>(part.size()));
}
std::string_view kept(const Exchange& x, std::size_t index) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < index; ++i) {
        at += x.sizes[i];
    }
    return std::string_view(x.text).substr(at, x.sizes[index]);
}

// True: the reply is an error.
bool refused(Exchange& x) {
    switch (x.status) {
        case LARDER_OK:
        case LARDER_MISS:
            return false;
        case LARDER_E_REFUSED:
            x.error("LIMIT the user has as many sessions as the policy allows");
            return true;
        case LARDER_E_CONFIG:
            x.error("ERR the policy has no sessions of that name, or larder.toml no [session.NAME] for them");
            return true;
        case LARDER_E_INVALID:
            x.error("ERR the session's data or the patch is no JSON, or the user's name is too long");
            return true;
        case LARDER_E_CLOSED:  // its breaker is open
            x.error("ERR the store of these sessions cannot be reached, try again");
            return true;
        case LARDER_E_TOO_LARGE:
            x.error("ERR that is more data than one session may have");
            return true;
        default:
            x.failed(x.status);
            return true;
    }
}

Step reply_data(Exchange& x) {
    if (!refused(x)) {
        if (x.status == LARDER_MISS) {
            x.reply.null();
        } else {
            x.reply.bulk(bytes_in(x.report));
        }
    }
    return Step::Done;
}

Step reply_id(Exchange& x) {
    if (refused(x)) {
        return Step::Done;
    }
    if (x.status == LARDER_MISS) {
        x.reply.null();
    } else if (x.flag) {
        x.reply.array(2);
        x.reply.bulk(kept(x, 0));
        x.reply.bulk(kept(x, 1));
    } else {
        x.reply.bulk(kept(x, 0));
    }
    return Step::Done;
}

Step reply_done(Exchange& x) { return refused(x) ? Step::Done : x.integer(x.status == LARDER_OK ? 1 : 0); }
Step reply_count(Exchange& x) { return refused(x) ? Step::Done : x.integer(static_cast<std::int64_t>(x.counted)); }

Step reply_info(Exchange& x) {
    if (refused(x)) {
        return Step::Done;
    }
    if (x.status == LARDER_MISS) {
        x.reply.null();
        return Step::Done;
    }
    x.reply.map(5);
    x.reply.bulk("user");
    x.reply.bulk(kept(x, 2));
    x.reply.bulk("created_ms");
    x.reply.integer(static_cast<std::int64_t>(x.counted));
    x.reply.bulk("idle_ms");
    x.reply.integer(x.number);
    x.reply.bulk("absolute_ms");
    x.reply.integer(x.number2);
    x.reply.bulk("replaced");
    x.reply.integer(x.made ? 1 : 0);
    return Step::Done;
}

constexpr std::array verbs{
    Verb{"create", LARDER_SESSION_CREATE, 6, &reply_id},
    Verb{"get", LARDER_SESSION_GET, 5, &reply_data},
    Verb{"info", LARDER_SESSION_GET, 5, &reply_info},
    Verb{"save", LARDER_SESSION_SAVE, 6, &reply_done},
    Verb{"update", LARDER_SESSION_UPDATE, 6, &reply_data},
    Verb{"touch", LARDER_SESSION_TOUCH, 5, &reply_done},
    Verb{"rotate", LARDER_SESSION_ROTATE, 5, &reply_id},
    Verb{"end", LARDER_SESSION_END, 5, &reply_done},
    Verb{"list", LARDER_SESSION_LIST, 5, &reply_data},
    Verb{"enduser", LARDER_SESSION_END_USER, 5, &reply_count},
    Verb{"endnamed", LARDER_SESSION_END_NAMED, 6, &reply_done},
};

const Verb* verb_of(const Exchange& x) noexcept {
    for (const Verb& verb : verbs) {
        if (same_word(x.args[2], verb.name)) {
            return &verb;
        }
    }
    return nullptr;
}

// On a thread that may wait; the words are checked already.
Step ask(Exchange& x) {
    const auto* api = static_cast<const larder_sessions_api*>(x.host()->service(x.host(), LARDER_SVC_SESSIONS));
    x.status = LARDER_E_CONFIG;
    if (api == nullptr) {
        return Step::Done;
    }
    larder_session_order order{};
    order.struct_size = sizeof order;
    order.what = verb_of(x)->what;
    order.session = bytes_of(x.args[3]);
    const larder_bytes first = bytes_of(x.args[4]);
    const bool of_user = order.what == LARDER_SESSION_CREATE || order.what == LARDER_SESSION_LIST ||
                         order.what == LARDER_SESSION_END_USER || order.what == LARDER_SESSION_END_NAMED;
    (of_user ? order.user : order.id) = first;
    if (order.what == LARDER_SESSION_END_NAMED) {
        order.id = bytes_of(x.args[5]);
    } else if (verb_of(x)->words == 6) {
        order.data = bytes_of(x.args[5]);
    }
    order.ttl_ms = static_cast<std::uint64_t>(x.number);
    larder_session_answer answer{};
    answer.struct_size = sizeof answer;
    answer.info.struct_size = sizeof answer.info;
    x.status = api->run(x.host(), &order, &answer, x.call());
    x.report = answer.data;
    x.counted = order.what == LARDER_SESSION_GET ? answer.info.created_ms : answer.count;
    x.number = answer.info.idle_ms;
    x.number2 = answer.info.absolute_ms;
    x.made = (answer.info.flags & LARDER_SESSION_REPLACED) != 0;
    keep(x, {answer.id.text, answer.id.size});
    keep(x, bytes_in(answer.cookie));
    keep(x, bytes_in(answer.info.user));
    release(answer.cookie);
    release(answer.info.user);
    return Step::Done;
}

}  // namespace

// LARDER SESSION verb name id-or-user [data] [PX ms] [COOKIE]
Step larder_session(Exchange& x) {
    const Verb* verb = verb_of(x);
    if (verb == nullptr) {
        return x.error("ERR expected CREATE, GET, INFO, SAVE, UPDATE, TOUCH, ROTATE, END, LIST, ENDUSER or ENDNAMED");
    }
    if (x.args.size() < verb->words) {
        return x.wrong_arity();
    }
    x.number = 0;
    x.flag = false;
    for (std::size_t i = verb->words; i < x.args.size(); ++i) {
        constexpr std::int64_t most = INT64_MAX / 2000;
        const bool makes = verb->what == LARDER_SESSION_CREATE || verb->what == LARDER_SESSION_ROTATE;
        if (makes && same_word(x.args[i], "cookie")) {
            x.flag = true;
        } else if (verb->what == LARDER_SESSION_CREATE && same_word(x.args[i], "px") && i + 1 < x.args.size()) {
            if (!x.integer_argument(x.args[++i], x.number)) {
                return Step::Done;
            }
            if (x.number <= 0 || x.number > most) {
                return x.error("ERR invalid expire time in 'larder|session' command");
            }
        } else {
            return x.syntax_error();
        }
    }
    return x.off_thread(&ask, verb->reply);
}

}  // namespace larder::resp
