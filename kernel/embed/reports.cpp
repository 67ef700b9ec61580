// kernel/embed/reports.cpp -- what a kernel says of itself, and sessions, for hosts.
#include "kernel/api/sessions.hpp"
#include "kernel/core/figures.hpp"
#include "kernel/embed/state.hpp"
#include "kernel/serve/figures_json.hpp"
#include "kernel/serve/verbs.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/json/serialize.hpp>

using namespace larder;
using namespace larder::embed;

namespace {

// Words with spaces between; one with spaces of its own stands in double quotes. `explain` is one question.
serve::Message words_of(std::string_view what) {
    serve::Message out;
    std::size_t at = 0;
    while (at < what.size()) {
        if (what[at] == ' ') {
            ++at;
            continue;
        }
        if (!out.empty() && out[0] == "explain") {
            out.emplace_back(what.substr(at));
            break;
        }
        const bool quoted = what[at] == '"';
        const std::size_t begin = at + (quoted ? 1 : 0);
        std::size_t end = what.find(quoted ? '"' : ' ', begin);
        if (end == std::string_view::npos) end = what.size();
        out.emplace_back(what.substr(begin, end - begin));
        at = end + 1;
    }
    return out;
}

std::string lines(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& one : all) (out += one) += '\n';
    return out;
}

larder_result report(larder_kernel& k, std::string_view what, std::string& out) {
    const bool as_json = what.rfind("json ", 0) == 0;
    if (as_json) what.remove_prefix(5);
    if (what == "warnings") {
        out = lines(k.kernel->warnings());
        return LARDER_R_DONE;
    }
    if (what == "addresses") {
        for (const auto& [gateway, address] : k.kernel->addresses()) out += gateway + "=" + address + "\n";
        return LARDER_R_DONE;
    }
    if (what == "summary") {
        const Figures figures = k.cache().figures();
        std::vector<const SpaceFigures*> all;
        boost::json::object each;
        for (const SpaceFigures& space : figures.spaces) {
            all.push_back(&space);
            each[space.counts.name] = serve::summary({&space});
        }
        out = boost::json::serialize(boost::json::object{{"overall", serve::summary(all)}, {"by_namespace", std::move(each)}});
        return LARDER_R_DONE;
    }
    if (what == "metrics") {
        std::string type, why;
        if (k.kernel->render_metrics("text/plain", out, type, why)) return LARDER_R_DONE;
        return refuse(LARDER_R_UNSUPPORTED, why);
    }
    static constexpr std::string_view asked[] = {"stats", "explain", "why", "events", "alerts", "plugins", "policy", "get", "ping", "warm"};
    serve::Message words = words_of(what);
    // A report only tells: what begins runs is larder_kernel_warm.
    const bool begins = words.size() > 1 && words[0] == "warm" && words[1] == "start";
    if (words.empty() || begins || std::find(std::begin(asked), std::end(asked), words[0]) == std::end(asked))
        return refuse(LARDER_R_INVALID, "no report is called `" + std::string(what) + "`: expected stats, summary, explain, why, events, alerts, plugins, policy, warm runs, warm items, warm plan, warm analysis, warm week, metrics, warnings or addresses");
    words.insert(words.begin() + 1, as_json ? "json" : "text");
    serve::Answer answer = serve::run_verb(*k.kernel, words);
    if (answer.exit == 2 || (answer.exit == 1 && answer.out.empty())) return refuse(answer.exit == 2 ? LARDER_R_INVALID : LARDER_R_NONE, answer.err + answer.out);
    out = std::move(answer.out);
    return LARDER_R_DONE;
}

Outcome outcome(larder_status status, std::string text = {}) {
    if (status != LARDER_OK) return {result_of(status), {}, 0};
    return {LARDER_R_HIT, HeldRef(make_ref(std::move(text))), 0};
}

// Sessions with a loop answer there; without one here.
larder_result session(larder_kernel* k, larder_loop* loop, std::uint64_t user, larder_ref** out, std::function<Outcome()> work) {
    HeldRef held;
    const larder_result result = here_or_later(k, loop, user, held, std::move(work));
    if (out != nullptr && result != LARDER_R_WAIT) *out = held.give();
    return result;
}

std::string owned(const char* p, std::size_t n) { return std::string(text(p, n)); }

}  // namespace

larder_result larder_kernel_report(larder_kernel* k, const char* what, size_t n, larder_ref** out) {
    return guarded(k, [&]() -> larder_result {
        if (out == nullptr) return refuse(LARDER_R_INVALID, "text is where the report goes: it may not be NULL");
        std::string made;
        const larder_result result = report(*k, text(what, n), made);
        if (result == LARDER_R_DONE) *out = make_ref(std::move(made));
        return result;
    });
}

void larder_kernel_log(larder_kernel* k, int32_t level, const char* line, size_t n) {
    guarded(k, [&]() -> larder_result {
        k->kernel->log(level, "host", text(line, n));
        return LARDER_R_DONE;
    });
}

larder_result larder_session_create(larder_kernel* k, const char* name, const char* user_name, size_t un, const char* data, size_t n, larder_loop* loop,
                                    uint64_t user, larder_ref** id) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        return session(k, loop, user, id, [k, name = std::string(name), who = owned(user_name, un), data = owned(data, n)] {
            std::string made;
            const larder_status status = api::sessions_of(*k->kernel).create(name, who, data, made);
            return outcome(status, std::move(made));
        });
    });
}

larder_result larder_session_get(larder_kernel* k, const char* name, const char* id, size_t idn, larder_loop* loop, uint64_t user, larder_ref** data) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        return session(k, loop, user, data, [k, name = std::string(name), id = owned(id, idn)] {
            api::SessionFound found;
            const larder_status status = api::sessions_of(*k->kernel).get(name, id, found);
            return outcome(status, std::move(found.data));
        });
    });
}

larder_result larder_session_update(larder_kernel* k, const char* name, const char* id, size_t idn, const char* patch, size_t n, larder_loop* loop,
                                    uint64_t user, larder_ref** data) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        return session(k, loop, user, data, [k, name = std::string(name), id = owned(id, idn), patch = owned(patch, n)] {
            std::string now;
            const larder_status status = api::sessions_of(*k->kernel).update(name, id, patch, now);
            return outcome(status, std::move(now));
        });
    });
}

larder_result larder_session_rotate(larder_kernel* k, const char* name, const char* id, size_t idn, larder_loop* loop, uint64_t user, larder_ref** fresh) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        return session(k, loop, user, fresh, [k, name = std::string(name), id = owned(id, idn)] {
            std::string made;
            const larder_status status = api::sessions_of(*k->kernel).rotate(name, id, made);
            return outcome(status, std::move(made));
        });
    });
}

larder_result larder_session_end(larder_kernel* k, const char* name, const char* id, size_t idn, larder_loop* loop, uint64_t user) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        return session(k, loop, user, nullptr, [k, name = std::string(name), id = owned(id, idn)]() -> Outcome {
            return {result_of(api::sessions_of(*k->kernel).end(name, id)), {}, 0};
        });
    });
}

larder_result larder_session_end_user(larder_kernel* k, const char* name, const char* user_name, size_t un, larder_loop* loop, uint64_t user, uint64_t* ended) {
    return guarded(k, [&]() -> larder_result {
        if (name == nullptr) return refuse(LARDER_R_INVALID, "the session's name is NULL");
        auto count = std::make_shared<std::uint64_t>(0);
        const larder_result result = session(k, loop, user, nullptr, [k, count, name = std::string(name), who = owned(user_name, un)]() -> Outcome {
            return {result_of(api::sessions_of(*k->kernel).end_user(name, who, *count)), {}, 0};
        });
        if (ended != nullptr && result == LARDER_R_DONE) *ended = *count;
        return result;
    });
}
