// kernel/serve/verbs.cpp -- what may be asked of a running kernel over its admin socket.
#include "kernel/serve/verbs.hpp"

#include "dsl/diagnostic.hpp"
#include "kernel/api/policy_changes.hpp"
#include "kernel/api/version.hpp"
#include "kernel/core/entry_history.hpp"
#include "kernel/core/warming.hpp"
#include "kernel/replay/recording.hpp"
#include "kernel/serve/figures_json.hpp"
#include "kernel/serve/policy_verbs.hpp"
#include "kernel/serve/receipt.hpp"

#include <larder/plugin/services.h>

#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace larder::serve {
namespace {

namespace json = boost::json;

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

std::string_view view(const larder_value& value) {
    return {static_cast<const char*>(value.data), value.size};
}

// A value that is released when this ends.
class Held {
  public:
    ~Held() {
        if (value.release != nullptr) value.release(&value);
    }
    Held() = default;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    larder_value value{};
};

// One request, with what its verbs need.
class Asked {
  public:
    Asked(Kernel& kernel_in, const Message& request)
        : kernel(kernel_in),
          cache(kernel_in.cache_api()),
          host(kernel_in.host()),
          as_json(request.size() > 1 && request[1] == "json"),
          words(request.begin() + (request.size() > 1 ? 2 : 1), request.end()) {
        call.struct_size = sizeof call;
        call.role = LARDER_ROLE_ADMIN;
    }

    Kernel& kernel;
    const larder_cache_api& cache;
    const larder_host* host;
    const bool as_json;
    const std::vector<std::string> words;
    larder_call call{};

    std::size_t count() const { return words.size(); }

    std::optional<std::uint32_t> find(const std::string& name, Answer& problem) const {
        std::uint32_t ns = 0;
        if (cache.ns_find(host, bytes(name), &ns) == LARDER_OK) return ns;
        std::vector<std::string_view> known;
        const auto policy = kernel.cache().policy();
        std::string list;
        if (policy)
            for (const auto& space : policy->namespaces) {
                known.push_back(space.name);
                (list += list.empty() ? "" : ", ") += space.name;
            }
        const auto meant = dsl::nearest(name, known);
        problem = {1, "",
                   "the policy has no namespace `" + name + "`; " +
                       (meant.empty() ? "it declares " + list
                                      : "did you mean `" + std::string(meant) + "`?") +
                       "\n"};
        return std::nullopt;
    }

    // Nullopt and an answer unless the key fits the namespace.
    std::optional<std::uint32_t> find_with_key(const std::string& name, const std::string& key,
                                               Answer& problem) const {
        const auto ns = find(name, problem);
        if (!ns) return std::nullopt;
        char text[512] = {};
        larder_errbuf why{text, sizeof text, 0};
        if (cache.check_key(host, *ns, bytes(key), &why) == LARDER_OK) return ns;
        problem = {1, "", std::string(text, std::min<std::size_t>(why.len, sizeof text)) + "\n"};
        return std::nullopt;
    }
};

Answer usage(std::string text) { return {2, "", std::move(text) + "\n"}; }

std::string_view said(larder_status status) {
    switch (status) {
        case LARDER_E_INVALID: return "it does not fit the policy";
        case LARDER_E_NOMEM: return "memory ran out";
        case LARDER_E_IO: return "a store cannot be reached";
        case LARDER_E_TIMEOUT: return "the deadline passed";
        case LARDER_E_BUSY: return "a queue is full";
        case LARDER_E_CLOSED: return "the kernel is stopping";
        case LARDER_E_TOO_LARGE: return "the value is larger than the namespace or [limits] max_value allows";
        case LARDER_E_UNSUPPORTED: return "nothing here can do that";
        case LARDER_E_DENIED: return "the role does not allow it";
        case LARDER_E_REFUSED: return "the policy says that it is never stored";
        default: return "the kernel failed; its log says more";
    }
}

Answer failed(larder_status status) {
    return {1, "", std::string(said(status)) + " (" + std::to_string(status) + ")\n"};
}

template <class Integer>
std::optional<Integer> number(std::string_view text) {
    Integer out{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

std::vector<larder_pair> pairs(std::span<const std::string> words) {
    std::vector<larder_pair> out;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2)
        out.push_back({bytes(words[i]), bytes(words[i + 1])});
    return out;
}

bool is_text(std::string_view value) {
    json::error_code error;
    json::string_view text(value.data(), value.size());
    // Boost.JSON's parser judges UTF-8; the text goes in as one string.
    json::parse(json::serialize(json::string(text)), error);
    return !error;
}

std::string hex(std::string_view value) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        (out += digits[byte >> 4]) += digits[byte & 15];
    }
    return out;
}

Answer ping(const Asked& asked) {
    const std::string pid = std::to_string(::getpid());
    if (asked.as_json)
        return {0, json::serialize(json::object{{"version", version}, {"pid", ::getpid()}}) + "\n", ""};
    return {0, std::string("larder ") + version + " runs as process " + pid + "\n", ""};
}

Answer get(const Asked& asked) {
    if (asked.count() != 2) return usage("get takes NAMESPACE KEY");
    const std::string& key = asked.words[1];
    Answer problem;
    const auto ns = asked.find_with_key(asked.words[0], key, problem);
    if (!ns) return problem;
    larder_cache_get item{};
    item.ns = *ns;
    item.key = bytes(key);
    const larder_status status = asked.cache.get_many(asked.host, &item, 1, &asked.call);
    Held held;
    held.value = item.value;
    const bool found = status == LARDER_OK && item.status == LARDER_OK;
    if (status < 0) return failed(status);
    if (item.status < 0) return failed(item.status);
    const std::string why = found ? std::string() : asked.kernel.cache().why(*ns, key);
    if (!asked.as_json) {
        if (!found) return {1, "", "not cached" + (why.empty() ? "" : ": " + why) + "\n"};
        if ((item.found & LARDER_FOUND_ABSENT) != 0)
            return {0, "", "known to be absent, for another " +
                               api::duration_text(std::chrono::milliseconds(item.ttl_ms)) + "\n"};
        return {0, std::string(view(held.value)),
                (item.found & LARDER_FOUND_STALE) != 0 ? "stale\n" : ""};
    }
    json::object out{{"namespace", asked.words[0]}, {"key", key}, {"found", found}};
    if (found) {
        const auto value = view(held.value);
        if (is_text(value))
            out["value"] = json::string_view(value.data(), value.size());
        else
            out["value_hex"] = hex(value);
        out["ttl_ms"] = item.ttl_ms;
        out["version"] = std::to_string(item.version);  // more than a JSON number holds exactly
        out["stale"] = (item.found & LARDER_FOUND_STALE) != 0;
        out["absent"] = (item.found & LARDER_FOUND_ABSENT) != 0;
    } else if (!why.empty()) {
        out["why"] = why;
    }
    return {found ? 0 : 1, json::serialize(out) + "\n", ""};
}

Answer put(const Asked& asked) {
    if (asked.count() < 4 || asked.count() % 2 != 0)
        return usage("put takes NAMESPACE KEY VALUE TTL_MS and pairs");
    const auto ttl = number<std::int64_t>(asked.words[3]);
    if (!ttl) return usage("put: the ttl is a number of milliseconds");
    Answer problem;
    const auto ns = asked.find_with_key(asked.words[0], asked.words[1], problem);
    if (!ns) return problem;
    const auto with = pairs(std::span(asked.words).subspan(4));
    larder_cache_set item{};
    item.ns = *ns;
    item.key = bytes(asked.words[1]);
    item.value = bytes(asked.words[2]);
    item.ttl_ms = *ttl;
    item.with = with.data();
    item.with_count = static_cast<std::uint32_t>(with.size());
    const larder_status status = asked.cache.set_many(asked.host, &item, 1, &asked.call);
    if (status < 0) return failed(status);
    if (item.status < 0) return failed(item.status);
    if (asked.as_json)
        return {0, json::serialize(json::object{{"kept", item.kept != 0},
                                                         {"version", std::to_string(item.version)}}) + "\n", ""};
    return {0, item.kept != 0 ? "" : "not kept: something dropped it meanwhile\n", ""};
}

Answer answer_with(const Asked& asked, larder_status status, larder_receipt& receipt) {
    if (status == LARDER_E_REFUSED) {
        const std::string counts = receipt_json(receipt);
        return asked.as_json ? Answer{1, counts, ""} : Answer{1, "", refusal_text(counts)};
    }
    if (status < 0) {
        if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
        return failed(status);
    }
    return {0, asked.as_json ? receipt_json(receipt) : receipt_text(receipt), ""};
}

larder_receipt fresh_receipt() {
    larder_receipt out{};
    out.struct_size = sizeof out;
    out.want_json = 1;
    return out;
}

// confirmed: guards of the policy allow it.
Answer change(const Asked& asked, std::uint32_t action, bool confirmed) {
    static constexpr std::pair<std::string_view, std::uint32_t> kinds[] = {
        {"key", LARDER_TARGET_KEY},           {"namespace", LARDER_TARGET_NAMESPACE},
        {"matching", LARDER_TARGET_MATCHING}, {"tag", LARDER_TARGET_TAG},
        {"everything", LARDER_TARGET_EVERYTHING}, {"tier", LARDER_TARGET_TIER}};
    static constexpr std::size_t needed[] = {3, 2, 3, 2, 1, 2};
    larder_target target{};
    target.ns = LARDER_NS_NONE;
    bool known = false;
    for (const auto& [word, kind] : kinds)
        if (asked.count() != 0 && asked.words[0] == word) {
            target.kind = kind;
            known = asked.count() == needed[kind];
        }
    if (!known) return usage("drop takes key, namespace, matching, tag, everything or tier, and their names");
    Answer problem;
    if (target.kind <= LARDER_TARGET_MATCHING) {
        const auto ns = target.kind == LARDER_TARGET_KEY
                            ? asked.find_with_key(asked.words[1], asked.words[2], problem)
                            : asked.find(asked.words[1], problem);
        if (!ns) return problem;
        target.ns = *ns;
    }
    if (target.kind != LARDER_TARGET_NAMESPACE && target.kind != LARDER_TARGET_EVERYTHING)
        target.what = bytes(asked.words.back());
    larder_receipt receipt = fresh_receipt();
    larder_call call = asked.call;
    if (!confirmed) call.flags |= LARDER_CALL_GUARDED;
    const auto status = asked.cache.change(asked.host, action, &target, 1, &receipt, &call);
    return answer_with(asked, status, receipt);
}

Answer route(const Asked& asked) {
    if (asked.count() < 4 || asked.count() % 2 != 0)
        return usage("route takes METHOD PATH STATUS BODY and header pairs");
    const auto status = number<std::uint32_t>(asked.words[2]);
    if (!status || *status < 100 || *status > 599) return usage("route: a status is from 100 to 599");
    const std::string_view target = asked.words[1];
    const auto question = target.find('?');
    const auto headers = pairs(std::span(asked.words).subspan(4));
    larder_request request{};
    request.struct_size = sizeof request;
    request.status = *status;
    request.method = bytes(asked.words[0]);
    request.path = bytes(target.substr(0, question));
    if (question != std::string_view::npos) request.query = bytes(target.substr(question + 1));
    request.headers = headers.data();
    request.header_count = static_cast<std::uint32_t>(headers.size());
    request.body = bytes(asked.words[3]);
    larder_receipt receipt = fresh_receipt();
    const auto done = asked.cache.request(asked.host, &request, &receipt, &asked.call);
    return answer_with(asked, done, receipt);
}

Answer event(const Asked& asked) {
    if (asked.count() % 2 != 1) return usage("event takes NAME and pairs");
    const auto values = pairs(std::span(asked.words).subspan(1));
    larder_receipt receipt = fresh_receipt();
    const auto done = asked.cache.event(asked.host, bytes(asked.words[0]), values.data(),
                                        values.size(), &receipt, &asked.call);
    return answer_with(asked, done, receipt);
}

Answer reclaim(const Asked& asked) {
    if (asked.count() > 1) return usage("reclaim takes one NAMESPACE at most");
    std::uint32_t ns = LARDER_NS_NONE;
    if (asked.count() == 1) {
        Answer problem;
        const auto found = asked.find(asked.words[0], problem);
        if (!found) return problem;
        ns = *found;
    }
    std::uint64_t removed = 0;
    const auto status = asked.cache.reclaim(asked.host, ns, &removed, &asked.call);
    if (status < 0) return failed(status);
    if (asked.as_json) return {0, json::serialize(json::object{{"removed", removed}}) + "\n", ""};
    return {0, std::to_string(removed) + (removed == 1 ? " entry" : " entries") + " removed\n", ""};
}

Answer stats(const Asked& asked) {
    if (asked.count() > 1) return usage("stats takes one SECTION at most");
    return {0, asked.kernel.stats(asked.count() == 0 ? "" : asked.words[0]) + "\n", ""};
}

std::vector<WarmRun> those(const Warming& warming, const std::vector<std::uint64_t>& ids) {
    std::vector<WarmRun> out;
    for (const std::uint64_t id : ids)
        if (auto run = warming.run(id)) out.push_back(std::move(*run));
    return out;
}

Answer shown_runs(const Asked& asked, const std::vector<WarmRun>& runs) {
    std::string text = asked.as_json ? warm_json(runs) : warm_text(runs);
    if (!text.empty()) text += '\n';
    const bool bad = std::any_of(runs.begin(), runs.end(), [](const WarmRun& run) { return run.failed != 0 || run.state == WarmRun::State::gave_up; });
    return {bad ? 1 : 0, std::move(text), ""};
}

std::string items_text(const std::vector<WarmPlan>& plans) {
    std::string out;
    for (const WarmPlan& plan : plans) {
        out += plan.head + " (" + plan.where + "): ";
        if (!plan.enabled) out += "switched off by its `if`";
        else if (plan.sleeps) out += "sleeps: its source is not configured";
        else out += plan.learns ? std::string("what is foreseen") : std::to_string(plan.items) + (plan.items == 1 ? " key" : " keys");
        if (plan.next_ms >= 0 && plan.enabled) out += ", next in " + api::duration_text(std::chrono::milliseconds(plan.next_ms));
        out += '\n';
    }
    return out.empty() ? "the policy has no warm items\n" : out;
}

Answer forecast(const Asked& asked, const std::vector<Kernel::Forecast>& plan) {
    const std::uint64_t now = asked.kernel.clock().wall_ms();
    json::array rows;
    std::string out;
    for (const Kernel::Forecast& one : plan) {
        const std::uint64_t in_ms = one.due_ms > now ? one.due_ms - now : 0;
        rows.push_back({{"key", one.key}, {"in_ms", in_ms}, {"priority", one.priority}});
        out += one.key + "  " + (in_ms == 0 ? std::string("now") : "in " + api::duration_text(std::chrono::milliseconds(in_ms / 1000 * 1000))) + "  priority " +
               std::to_string(one.priority) + "\n";
    }
    if (asked.as_json) return {0, json::serialize(json::object{{"plan", std::move(rows)}}) + "\n", ""};
    return {0, out.empty() ? "nothing would be made until the next run\n" : out, ""};
}

// start [force] NAME...; begun runs, an id each; runs [ID...]; items; plan [NAME]; analysis; week
Answer warm(const Asked& asked) {
    const Warming& warming = asked.kernel.warming();
    if (asked.count() == 1 && asked.words[0] == "items") return {0, items_text(warming.plans()), ""};
    if (asked.count() >= 1 && asked.words[0] == "runs") {
        std::vector<std::uint64_t> ids;
        for (std::size_t i = 1; i < asked.count(); ++i) {
            const auto id = number<std::uint64_t>(asked.words[i]);
            if (!id) return usage("warm runs takes numbers of runs");
            ids.push_back(*id);
        }
        return shown_runs(asked, asked.count() == 1 ? warming.runs() : those(warming, ids));
    }
    if (asked.count() == 1 && (asked.words[0] == "analysis" || asked.words[0] == "week")) {
        std::string text = asked.kernel.patterns(asked.words[0], 200);
        if (text.empty()) return {1, "", "nothing learns: no `warm` of the policy says `learn`, or no plugin that learns is configured\n"};
        return {0, text + "\n", ""};
    }
    if (asked.count() >= 1 && asked.count() <= 2 && asked.words[0] == "plan") {
        Answer problem;
        if (asked.count() == 2 && !asked.find(asked.words[1], problem)) return problem;
        const auto plan = asked.kernel.forecast(asked.count() == 2 ? asked.words[1] : "", 10'000);
        return forecast(asked, plan);
    }
    if (asked.count() == 0 || asked.words[0] != "start") return usage("warm takes start, runs, items, plan, analysis or week");
    const bool force = asked.count() > 1 && asked.words[1] == "force";
    std::vector<std::string> names(asked.words.begin() + (force ? 2 : 1), asked.words.end());
    for (const std::string& name : names) {
        Answer problem;
        if (!asked.find(name, problem)) return problem;
    }
    if (names.empty()) names.emplace_back();
    std::string ids;
    for (const std::string& name : names) {
        const auto begun = asked.kernel.warm({name, force});
        if (begun.empty())
            return {1, "", (name.empty() ? std::string("nothing is warmed: the policy has no warm items") : "nothing warms `" + name + "`: it has no warm items") +
                               ", or no source is configured for them\n"};
        for (const std::uint64_t id : begun) ids += (ids.empty() ? "" : " ") + std::to_string(id);
    }
    return {0, ids + "\n", ""};
}

Answer alerts(const Asked& asked) {
    if (asked.count() > 1 || (asked.count() == 1 && asked.words[0] != "now")) return usage("alerts takes `now` or nothing");
    const auto all = asked.count() == 1 ? asked.kernel.check_alerts() : asked.kernel.alerts();
    const bool fires = std::any_of(all.begin(), all.end(), [](const AlertState& one) { return one.firing; });
    if (asked.as_json) return {fires ? 1 : 0, json::serialize(json::object{{"alerts", alerts_json(all)}}) + "\n", ""};
    std::string out;
    for (const AlertState& alert : all) {
        out += alert.name + (alert.firing ? "  FIRES" : alert.holds_now ? "  would fire" : "  quiet") + "  " + alert.where + "\n";
        for (const AlertReading& reading : alert.readings) {
            std::array<char, 40> value{};
            if (reading.value) std::snprintf(value.data(), value.size(), "%g", *reading.value);
            out += "    " + reading.text + "  now " + (reading.value ? value.data() : "nothing to measure") + (reading.holds ? "  holds" : "") + "\n";
        }
    }
    if (out.empty()) out = "the policy has no alerts\n";
    return {fires ? 1 : 0, std::move(out), ""};
}

Answer explain(const Asked& asked) {
    if (asked.count() != 1) return usage("explain takes one question");
    bool ok = false;
    std::string text = asked.kernel.explain(asked.words[0], ok);
    if (!ok) return {2, "", std::move(text)};
    if (asked.as_json) text = json::serialize(json::object{{"text", text}}) + "\n";
    return {0, std::move(text), ""};
}

Answer why(const Asked& asked) {
    if (asked.count() != 2) return usage("why takes NAMESPACE KEY");
    Answer problem;
    const auto ns = asked.find_with_key(asked.words[0], asked.words[1], problem);
    if (!ns) return problem;
    const auto history = asked.kernel.cache().history(*ns, asked.words[1]);
    if (!history) return failed(LARDER_E_INVALID);
    const int exit = history->present() ? 0 : 1;
    return {exit, asked.as_json ? json::serialize(history_json(*history)) + "\n" : history->text(), ""};
}

Answer events(const Asked& asked) {
    const auto after = number<std::uint64_t>(asked.count() == 1 ? asked.words[0] : "0");
    if (!after) return usage("events takes the NUMBER to begin after");
    std::string out;
    asked.kernel.cache().each_event(
        *after, [&](std::uint64_t at, std::uint64_t at_ms, int severity, std::string_view type,
                    std::string_view text) {
            out += json::serialize(json::object{{"number", at},
                                                {"at_ms", at_ms},
                                                {"severity", severity},
                                                {"type", json::string_view(type.data(), type.size())},
                                                {"text", json::string_view(text.data(), text.size())}});
            out += '\n';
        });
    return {0, std::move(out), ""};
}

// What of a trace is there, behind one line of JSON that says what it is.
Answer part_of(const replay::Recording::Part& part) {
    return {0, json::serialize(json::object{{"more", part.more}, {"over", part.over}, {"operations", part.operations}, {"lost", part.lost}}) + "\n" + part.bytes, ""};
}

Answer record(const Asked& asked) {
    if (asked.count() != 2) return usage("record takes start and a SAMPLE, or take or end and a NAME");
    if (asked.words[0] == "start") {
        const auto sample = number<std::uint64_t>(asked.words[1]);
        if (!sample || *sample == 0 || *sample > 1'000'000) return usage("record: one key in 1 to 1000000 is recorded");
        std::string problem;
        const auto begun = replay::Recording::begin(asked.kernel, *sample, problem);
        return begun ? Answer{0, begun->name(), ""} : Answer{1, "", problem + "\n"};
    }
    const auto found = replay::Recording::find(asked.kernel, asked.words[1]);
    if (!found) return {1, "", "that recording is over\n"};
    if (asked.words[0] == "take") return part_of(found->take());
    if (asked.words[0] == "end") return part_of(found->end());
    return usage("record takes start, take or end");
}

Answer reload(const Asked& asked) {
    ReloadResult result = asked.kernel.reload();
    const int exit = result.ok ? 0 : 1;
    if (asked.as_json)
        return {exit, json::serialize(json::object{{"ok", result.ok}, {"text", result.text}}) + "\n", ""};
    return result.ok ? Answer{0, std::move(result.text), ""} : Answer{1, "", std::move(result.text)};
}

Answer pick(Kernel& kernel, const Message& request) {
    if (request.empty()) return usage("an empty request");
    const std::string& verb = request[0];
    if (verb == "drop" || verb == "expire" || verb == "refresh") {
        const bool confirmed = request.size() > 2 && request[2] == "confirmed";
        Message target = request;
        if (confirmed) target.erase(target.begin() + 2);
        const auto action = verb == "drop" ? LARDER_DROP : verb == "expire" ? LARDER_EXPIRE : LARDER_REFRESH;
        return change(Asked(kernel, target), static_cast<std::uint32_t>(action), confirmed);
    }
    const Asked asked(kernel, request);
    if (verb == "ping") return ping(asked);
    if (verb == "get") return get(asked);
    if (verb == "put") return put(asked);
    if (verb == "route") return route(asked);
    if (verb == "event") return event(asked);
    if (verb == "reclaim") return reclaim(asked);
    if (verb == "warm") return warm(asked);
    if (verb == "alerts") return alerts(asked);
    if (verb == "stats") return stats(asked);
    if (verb == "explain") return explain(asked);
    if (verb == "why") return why(asked);
    if (verb == "events") return events(asked);
    if (verb == "plugins") return {0, kernel.stats("plugins") + "\n", ""};
    if (verb == "record") return record(asked);
    if (verb == "reload") return reload(asked);
    if (verb == "policy") return policy_verb(kernel, asked.words, asked.as_json);
    if (verb == "plan") return plan_verb(kernel, asked.words, asked.as_json);
    if (verb == "apply") return apply_verb(kernel, asked.words, asked.as_json);
    return usage("this larder does not know `" + verb + "`; is it older than the one that asks?");
}

}  // namespace

Answer run_verb(Kernel& kernel, const Message& request) noexcept {
    try {
        return pick(kernel, request);
    } catch (const std::exception& error) {
        return {1, "", std::string("the kernel failed: ") + error.what() + "\n"};
    } catch (...) {
        return {1, "", "the kernel failed\n"};
    }
}

}  // namespace larder::serve
