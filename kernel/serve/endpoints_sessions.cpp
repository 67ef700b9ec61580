// kernel/serve/endpoints_sessions.cpp -- sessions over HTTP: for people who look, and for hosts that keep theirs here.
//
// Identifiers and data travel in bodies, never in paths, and the audit log leaves these bodies out: what an
// identifier opens belongs to its holder. A session that is not there is 404, whatever the reason.
#include "kernel/serve/endpoints.hpp"

#include "kernel/api/sessions.hpp"

#include <larder/plugin/services.h>

#include <optional>

namespace larder::serve {
namespace {

namespace json = boost::json;

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
json::string_view view(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const larder_value& value) { return {static_cast<const char*>(value.data), value.size}; }

// A text as it is, anything else as JSON.
std::string member(const Ask& ask, const char* name) {
    const auto* const value = ask.body.if_contains(name);
    if (value == nullptr) return {};
    return value->is_string() ? std::string(value->get_string().data(), value->get_string().size()) : json::serialize(*value);
}

// Data that are JSON as JSON, others as a text.
json::value shown(std::string_view data) {
    json::error_code error;
    json::value out = json::parse(view(data), error);
    return error ? json::value(view(data)) : out;
}

struct Verb {
    const char* name;
    std::uint32_t what;
    bool by_id;
    const char* data;  // the member that goes with it
};
constexpr Verb verbs[] = {
    {"create", LARDER_SESSION_CREATE, false, "data"}, {"get", LARDER_SESSION_GET, true, nullptr},
    {"save", LARDER_SESSION_SAVE, true, "data"},      {"update", LARDER_SESSION_UPDATE, true, "patch"},
    {"touch", LARDER_SESSION_TOUCH, true, nullptr},   {"rotate", LARDER_SESSION_ROTATE, true, nullptr},
    {"end", LARDER_SESSION_END, true, nullptr},       {"list", LARDER_SESSION_LIST, false, nullptr},
    {"end-user", LARDER_SESSION_END_USER, false, nullptr},
    {"end-named", LARDER_SESSION_END_NAMED, false, nullptr},
};

HttpReply refused(larder_status status) {
    switch (status) {
        case LARDER_MISS: return refusal(404, "there is no such session");
        case LARDER_E_REFUSED: return refusal(409, "the user has as many sessions as the policy allows");
        case LARDER_E_CONFIG: return refusal(404, "the policy has no sessions of that name, or larder.toml no [session.NAME] for them");
        case LARDER_E_INVALID: return refusal(400, "the data or the patch is no JSON, or the user's name is too long");
        case LARDER_E_TOO_LARGE: return refusal(413, "that is more data than one session may have");
        case LARDER_E_UNSUPPORTED: return not_here("the plugin that keeps these sessions cannot do that");
        default: return refusal(503, "the store of the sessions did not answer");
    }
}

struct Answer {
    larder_session_answer it{};
    Answer() {
        it.struct_size = sizeof it;
        it.info.struct_size = sizeof it.info;
    }
    ~Answer() {
        for (larder_value* value : {&it.info.user, &it.data, &it.cookie})
            if (value->release != nullptr) value->release(value);
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
};

}  // namespace

HttpReply sessions(const Ask& ask) {
    json::array all;
    for (const api::SessionState& state : api::sessions_of(ask.kernel).states()) {
        const larder_session_figures& n = state.figures;
        const larder_session_facts& facts = state.facts;
        all.push_back({{"name", state.name},
                       {"store", state.store},
                       {"kept", state.kept},
                       {"sliding", (facts.flags & LARDER_SESSION_SLIDING) != 0},
                       {"idle_ms", facts.idle_ms},
                       {"absolute_ms", facts.absolute_ms},
                       {"per_user", facts.per_user},
                       {"created", n.created},
                       {"found", n.found},
                       {"missed", n.missed},
                       {"updated", n.updated},
                       {"rotated", n.rotated},
                       {"ended", n.ended},
                       {"refused", n.refused},
                       {"pushed_out", n.pushed_out},
                       {"unreadable", n.unreadable}});
    }
    return reply({{"sessions", std::move(all)}, {"waiting_to_end", api::sessions_of(ask.kernel).waiting()}});
}

HttpReply run_session(const Ask& ask) {
    const std::string_view name = ask.capture("verb");
    const Verb* verb = nullptr;
    for (const Verb& one : verbs)
        if (name == one.name) verb = &one;
    if (verb == nullptr) return refusal(404, "a session is asked to create, get, save, update, touch, rotate, end, list, end-user or end-named");
    const std::string session(ask.capture("session")), user = member(ask, "user");
    const std::string id = member(ask, verb->what == LARDER_SESSION_END_NAMED ? "name" : "id");
    if (verb->by_id && id.empty()) return refusal(400, "the body has the session's `id`");
    if (!verb->by_id && user.empty() && verb->what != LARDER_SESSION_CREATE) return refusal(400, "the body has the `user`");
    if (verb->what == LARDER_SESSION_UPDATE && !ask.body.contains("patch")) return refusal(400, "the body has a `patch`");
    // A patch that is a text is one of the RFC's, too: it replaces everything.
    const std::string data = verb->data == nullptr                        ? std::string()
                             : verb->what == LARDER_SESSION_UPDATE        ? json::serialize(ask.body.at("patch"))
                                                                          : member(ask, verb->data);
    larder_session_order order{};
    order.struct_size = sizeof order;
    order.what = verb->what;
    order.session = bytes(session);
    order.id = bytes(id);
    order.user = bytes(user);
    order.data = bytes(data);
    if (const auto* const ttl = ask.body.if_contains("ttl_ms")) {
        json::error_code error;
        order.ttl_ms = ttl->to_number<std::uint64_t>(error);
        if (error) return refusal(400, "ttl_ms is a number of milliseconds");
    }
    const larder_call call = ask.call();
    Answer answer;
    const larder_status status = api::sessions_of(ask.kernel).run(order, answer.it, &call);
    if (status != LARDER_OK) return refused(status);
    json::object out{{"success", true}};
    if (answer.it.id.size != 0) out["id"] = json::string_view(answer.it.id.text, answer.it.id.size);
    if (answer.it.cookie.size != 0) out["set_cookie"] = view(view(answer.it.cookie));
    switch (verb->what) {
        case LARDER_SESSION_GET:
            out["data"] = shown(view(answer.it.data));
            out["user"] = view(view(answer.it.info.user));
            out["created_ms"] = answer.it.info.created_ms;
            out["idle_ms"] = answer.it.info.idle_ms;
            out["absolute_ms"] = answer.it.info.absolute_ms;
            out["replaced"] = (answer.it.info.flags & LARDER_SESSION_REPLACED) != 0;
            break;
        case LARDER_SESSION_UPDATE: out["data"] = shown(view(answer.it.data)); break;
        case LARDER_SESSION_LIST: out["sessions"] = shown(view(answer.it.data)); break;
        case LARDER_SESSION_END:
        case LARDER_SESSION_END_USER:
        case LARDER_SESSION_END_NAMED: out["ended"] = answer.it.count; break;
        default: break;
    }
    return reply(std::move(out));
}

}  // namespace larder::serve
