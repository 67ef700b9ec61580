// kernel/serve/endpoints_changes.cpp -- invalidation, warming and events over HTTP.
//
// Patterns here are of whole keys, `NAMESPACE:KEY` as Redis clients write them (`order:*`, `user_stats*`),
// so one may reach into several namespaces; each gets the rest of the pattern that is left for its keys.
// With ?dry_run=1 nothing is changed: the answer has how many entries would go, whether that is exact,
// at least or about, and some of them. What guards of the policy do not allow is answered 428 with the
// counts, and nothing of the request is done; ?confirm=1 allows it.
#include "kernel/serve/endpoints.hpp"

#include "dsl/diagnostic.hpp"
#include "kernel/core/warming.hpp"

#include <larder/plugin/services.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

namespace larder::serve {
namespace {

namespace json = boost::json;

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

std::string list_of(const dsl::Policy& policy) {
    std::string out;
    for (const auto& space : policy.namespaces) (out += out.empty() ? "" : ", ") += space.name;
    return out;
}

std::string no_namespace(const dsl::Policy& policy, std::string_view name) {
    std::vector<std::string_view> known;
    for (const auto& space : policy.namespaces) known.push_back(space.name);
    const auto meant = dsl::nearest(name, known);
    return "the policy has no namespace `" + std::string(name) + "`; " +
           (meant.empty() ? "it declares " + list_of(policy) : "did you mean `" + std::string(meant) + "`?");
}

std::string_view said(larder_status status) {
    switch (status) {
        case LARDER_E_INVALID: return "it does not fit the policy";
        case LARDER_E_TIMEOUT: return "the deadline passed";
        case LARDER_E_BUSY: return "a queue is full";
        case LARDER_E_CLOSED: return "the kernel is stopping";
        case LARDER_E_DENIED: return "this token's role does not allow it";
        case LARDER_E_UNSUPPORTED: return "nothing here can do that";
        default: return "the kernel failed; its log says more";
    }
}

unsigned code_of(larder_status status) {
    switch (status) {
        case LARDER_E_INVALID: return 400;
        case LARDER_E_DENIED: return 403;
        case LARDER_E_UNSUPPORTED: return 501;
        case LARDER_E_INTERNAL:
        case LARDER_E_EXCEPTION: return 500;
        default: return 503;
    }
}

// What was done, gathered over several calls of the cache.
class Outcome {
  public:
    explicit Outcome(const Ask& ask) : ask_(ask), call_(ask.call()) {}

    // Gathered, and done together: guards judge all of a request at once.
    void change(std::uint32_t kind, std::uint32_t ns, std::string_view what) { wanted_.push_back({kind, ns, std::string(what)}); }
    void event(std::string_view name, const std::vector<larder_pair>& values) {
        carry_out();
        take([&](larder_receipt* receipt) { return ask_.kernel.cache_api().event(ask_.kernel.host(), bytes(name), values.data(), values.size(), receipt, &call_); });
    }
    void request(const larder_request& request) {
        take([&](larder_receipt* receipt) { return ask_.kernel.cache_api().request(ask_.kernel.host(), &request, receipt, &call_); });
    }
    HttpReply answer(std::string message) {
        carry_out();
        if (status_ == LARDER_E_REFUSED)
            return reply({{"success", false},
                          {"error", "a guard of the policy wants this confirmed: send it again with ?confirm=1"},
                          {"refused", refused_},
                          {"entries", entries_},
                          {"counted", counted_},
                          {"sample", sample_}},
                         428);
        if (status_ < 0) return refusal(code_of(status_), std::string(said(status_)));
        json::object out{{"success", true}, {"message", std::move(message)}};
        out["rules"] = rules_;
        out["changes"] = changes_;
        out["dropped"] = dropped_;
        out["expired"] = expired_;
        out["refreshed"] = refreshed_;
        if (!notes_.empty()) out["notes"] = notes_;
        if (ask_.rehearse) {
            out["dry_run"] = true;
            out["entries"] = entries_;
            out["counted"] = counted_;
            out["sample"] = sample_;
            if (!refused_.empty()) out["refused"] = refused_;
        }
        return reply(std::move(out));
    }
    bool fired() const { return !rules_.empty(); }

  private:
    struct Wanted {
        std::uint32_t kind, ns;
        std::string what;
    };

    void carry_out() {
        if (wanted_.empty()) return;
        std::vector<larder_target> targets;
        for (const Wanted& one : wanted_) targets.push_back({one.kind, one.ns, bytes(one.what)});
        take([&](larder_receipt* receipt) {
            return ask_.kernel.cache_api().change(ask_.kernel.host(), LARDER_DROP, targets.data(), targets.size(), receipt, &call_);
        });
        wanted_.clear();
    }
    template <class Call>
    void take(Call&& call) {
        if (status_ < 0) return;
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        receipt.want_json = 1;
        status_ = call(&receipt);
        json::error_code error;
        const json::value read = receipt.json.data == nullptr
                                     ? json::value()
                                     : json::parse({static_cast<const char*>(receipt.json.data), receipt.json.size}, error);
        if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
        dropped_ += receipt.dropped;
        expired_ += receipt.expired;
        refreshed_ += receipt.refreshed;
        if (const auto* const object = read.if_object()) add(*object);
    }
    void add(const json::object& receipt) {
        const auto append = [&](const char* name, json::array& to) {
            if (const auto* const list = receipt.if_contains(name); list != nullptr && list->is_array())
                for (const auto& one : list->get_array())
                    if (to.size() < 100) to.push_back(one);
        };
        append("rules", rules_);
        append("changes", changes_);
        append("notes", notes_);
        append("sample", sample_);
        append("refused", refused_);
        if (const auto* const entries = receipt.if_contains("entries")) entries_ += entries->to_number<std::uint64_t>();
        if (const auto* const counted = receipt.if_contains("counted"); counted != nullptr && counted->is_string()) worsen(counted->get_string());
        if (const auto* const parts = receipt.if_contains("plugins"); parts != nullptr && parts->is_array())
            for (const auto& part : parts->get_array())
                if (part.is_object()) add(part.get_object());
    }
    // Of several counts the least certain word holds.
    void worsen(std::string_view word) {
        static constexpr std::array<std::string_view, 3> words{"exact", "at least", "about"};
        const auto rank = [](std::string_view one) { return std::find(words.begin(), words.end(), one) - words.begin(); };
        if (rank(word) > rank(counted_)) counted_ = word;
    }

    const Ask& ask_;
    const larder_call call_;
    larder_status status_ = LARDER_OK;
    std::vector<Wanted> wanted_;
    json::array rules_, changes_, notes_, sample_, refused_;
    std::uint64_t dropped_ = 0, expired_ = 0, refreshed_ = 0, entries_ = 0;
    std::string counted_ = "exact";
};

// What is left of a glob after it has matched all of `text`: each place in it where that can be. Only
// `*` means something.
std::set<std::string_view> residues(std::string_view glob, std::string_view text) {
    std::set<std::size_t> at{0};
    const auto widen = [&](std::set<std::size_t>& places) {
        // A star may also match nothing.
        for (auto it = places.begin(); it != places.end(); ++it)
            if (*it < glob.size() && glob[*it] == '*') places.insert(*it + 1);
    };
    widen(at);
    for (const char c : text) {
        std::set<std::size_t> next;
        for (const std::size_t place : at) {
            if (place >= glob.size()) continue;
            if (glob[place] == '*') next.insert(place);
            else if (glob[place] == c) next.insert(place + 1);
        }
        widen(next);
        at = std::move(next);
    }
    std::set<std::string_view> out;
    for (const std::size_t place : at) out.insert(glob.substr(place));
    return out;
}

// Drops what `pattern` means in every namespace it reaches. False: it reaches none.
bool drop_pattern(const Ask& ask, std::string_view pattern, Outcome& outcome) {
    const auto policy = ask.kernel.cache().policy();
    bool any = false;
    for (const dsl::Namespace& space : policy->namespaces) {
        if (!space.key) continue;
        std::uint32_t ns = 0;
        if (ask.kernel.cache().ns_find(space.name, &ns) != LARDER_OK) continue;
        std::string spoken = space.name + ":";
        std::set<std::string> left;
        for (const auto residue : residues(pattern, spoken)) left.emplace(residue);
        // `:` may stand for `.` in a namespace's name: menu:item:7.
        std::replace(spoken.begin(), spoken.end(), '.', ':');
        for (const auto residue : residues(pattern, spoken)) left.emplace(residue);
        if (left.empty()) continue;
        any = true;
        const bool all = std::any_of(left.begin(), left.end(), [](const std::string& one) {
            return !one.empty() && one.find_first_not_of('*') == std::string::npos;
        });
        if (all) {
            outcome.change(LARDER_TARGET_NAMESPACE, ns, {});
            continue;
        }
        for (const std::string& residue : left) {
            if (residue.empty()) continue;  // an empty key fits no template
            if (residue.find('*') != std::string::npos) outcome.change(LARDER_TARGET_MATCHING, ns, residue);
            else if (ask.kernel.cache().check_key(ns, residue, nullptr) == LARDER_OK) outcome.change(LARDER_TARGET_KEY, ns, residue);
        }
    }
    return any;
}

std::optional<std::uint32_t> number_of(const Ask& ask, std::string_view name) {
    std::uint32_t ns = 0;
    if (ask.kernel.cache().ns_find(name, &ns) != LARDER_OK) return std::nullopt;
    return ns;
}

std::string text_of(const json::value& value) {
    if (const auto* const text = value.if_string()) return std::string(text->data(), text->size());
    return json::serialize(value);
}

// The members of a body that are lists of texts, or one text.
std::optional<std::vector<std::string>> texts(const json::object& body, std::string_view name) {
    std::vector<std::string> out;
    const auto* const value = body.if_contains(json::string_view(name.data(), name.size()));
    if (value == nullptr || value->is_null()) return out;
    if (value->is_string()) return std::vector<std::string>{text_of(*value)};
    if (!value->is_array()) return std::nullopt;
    for (const auto& one : value->get_array()) {
        if (!one.is_string()) return std::nullopt;
        out.push_back(text_of(one));
    }
    return out;
}

// The field of [admin.entities] that `entity` means: `user` is user_id, too.
const std::pair<std::string, std::string>* entity_of(const Ask& ask, std::string_view entity) {
    for (const auto& one : ask.options.entities)
        if (one.first == entity || one.first == std::string(entity) + "_id") return &one;
    return nullptr;
}

std::string past(const Ask& ask, const char* done, const char* would) { return ask.rehearse ? would : done; }

HttpReply warm(const Ask& ask, const std::vector<std::string>& names) {
    const auto policy = ask.kernel.cache().policy();
    json::array ids;
    for (const std::string& name : names) {
        if (!number_of(ask, name)) return refusal(404, no_namespace(*policy, name));
        const auto runs = ask.kernel.warm({name, false});
        if (runs.empty()) return not_here("nothing warms `" + name + "`: it has no warm items, or no source is configured for them");
        for (const std::uint64_t id : runs) ids.emplace_back(id);
    }
    const std::size_t queued = ids.size();
    return reply({{"success", true}, {"message", "Essential caches warmed successfully"}, {"queued", queued}, {"runs", std::move(ids)}});
}

}  // namespace

HttpReply invalidate_pattern(const Ask& ask) {
    const std::string_view pattern = ask.parameter("pattern");
    if (pattern.empty()) return refusal(400, "?pattern= is missing, for example ?pattern=order:*");
    Outcome outcome(ask);
    if (!drop_pattern(ask, pattern, outcome))
        return refusal(404, "the pattern `" + std::string(pattern) + "` reaches no namespace; the policy declares " +
                                list_of(*ask.kernel.cache().policy()));
    return outcome.answer(past(ask, "Dropped what fits ", "Would drop what fits ") + std::string(pattern));
}

HttpReply invalidate_tag(const Ask& ask) {
    const std::string_view tag = ask.parameter("tag");
    if (tag.empty()) return refusal(400, "?tag= is missing, for example ?tag=tenant:1");
    Outcome outcome(ask);
    outcome.change(LARDER_TARGET_TAG, LARDER_NS_NONE, tag);
    return outcome.answer(past(ask, "Dropped the tag ", "Would drop the tag ") + std::string(tag));
}

HttpReply invalidate_namespace(const Ask& ask) {
    const std::string_view name = ask.capture("namespace");
    const auto ns = number_of(ask, name);
    if (!ns) return refusal(404, no_namespace(*ask.kernel.cache().policy(), name));
    Outcome outcome(ask);
    outcome.change(LARDER_TARGET_NAMESPACE, *ns, {});
    return outcome.answer(past(ask, "Dropped the namespace ", "Would drop the namespace ") + std::string(name));
}

HttpReply invalidate_key(const Ask& ask) {
    const std::string_view name = ask.capture("namespace"), key = ask.capture("key");
    const auto ns = number_of(ask, name);
    if (!ns) return refusal(404, no_namespace(*ask.kernel.cache().policy(), name));
    std::array<char, 512> text{};
    larder_errbuf why{text.data(), static_cast<std::uint32_t>(text.size()), 0};
    if (ask.kernel.cache().check_key(*ns, key, &why) != LARDER_OK) return refusal(400, std::string(text.data(), why.len));
    Outcome outcome(ask);
    outcome.change(LARDER_TARGET_KEY, *ns, key);
    return outcome.answer(past(ask, "Dropped ", "Would drop ") + std::string(name) + ":" + std::string(key));
}

HttpReply clear(const Ask& ask) {
    Outcome outcome(ask);
    outcome.change(LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, {});
    return outcome.answer(past(ask, "All user caches cleared successfully", "Would clear everything but sessions"));
}

HttpReply clear_entity(const Ask& ask) {
    const std::string_view entity = ask.capture("entity"), id = ask.capture("id");
    const auto* const found = entity_of(ask, entity);
    if (found == nullptr)
        return not_here("nothing says what clearing one " + std::string(entity) + " means; write `" + std::string(entity) +
                        "_id = \"EVENT\"` under [admin.entities]");
    Outcome outcome(ask);
    outcome.event(found->second, {{bytes(found->first), bytes(id)}});
    if (!outcome.fired() && !ask.rehearse)
        return not_here("[admin.entities] sends the event `" + found->second + "`, and no rule of the policy is about it");
    return outcome.answer(past(ask, "Cache cleared for ", "Would clear the cache for ") + std::string(entity) + " " + std::string(id));
}

HttpReply invalidate(const Ask& ask) {
    const auto patterns = texts(ask.body, "patterns"), tags = texts(ask.body, "tags"), names = texts(ask.body, "namespaces");
    if (!patterns || !tags || !names) return refusal(400, "patterns, tags and namespaces are lists of texts");
    const auto policy = ask.kernel.cache().policy();
    std::vector<std::uint32_t> numbers;
    for (const std::string& name : *names) {
        const auto ns = number_of(ask, name);
        if (!ns) return refusal(404, no_namespace(*policy, name));
        numbers.push_back(*ns);
    }
    // Every member is judged before anything is done.
    std::vector<std::pair<const std::pair<std::string, std::string>*, std::string>> sent;
    for (const auto& member : ask.body) {
        const std::string name(member.key().data(), member.key().size());
        if (name == "patterns" || name == "tags" || name == "namespaces" || member.value().is_null()) continue;
        const auto* const entity = entity_of(ask, name);
        if (entity == nullptr)
            return refusal(400, "nothing says what `" + name + "` means; write `" + name + " = \"EVENT\"` under [admin.entities]");
        if (!member.value().is_string() && !member.value().is_number()) return refusal(400, "`" + name + "` is a text or a number");
        sent.emplace_back(entity, text_of(member.value()));
    }
    if (patterns->empty() && tags->empty() && names->empty() && sent.empty())
        return refusal(400, "the body names nothing; it has patterns, tags, namespaces, or what [admin.entities] binds");
    Outcome outcome(ask);
    std::vector<std::string> lost;
    for (const std::string& pattern : *patterns)
        if (!drop_pattern(ask, pattern, outcome)) lost.push_back(pattern);
    for (const std::string& tag : *tags) outcome.change(LARDER_TARGET_TAG, LARDER_NS_NONE, tag);
    for (const std::uint32_t ns : numbers) outcome.change(LARDER_TARGET_NAMESPACE, ns, {});
    for (const auto& [entity, id] : sent) outcome.event(entity->second, {{bytes(entity->first), bytes(id)}});
    std::string message = past(ask, "Cache invalidated", "Nothing was changed");
    for (const std::string& pattern : lost) message += "; `" + pattern + "` reaches no namespace";
    return outcome.answer(std::move(message));
}

HttpReply warm_one(const Ask& ask) { return warm(ask, {std::string(ask.capture("name"))}); }

HttpReply warm_some(const Ask& ask) {
    auto names = texts(ask.body, "cache_names");
    if (!names) return refusal(400, "cache_names is a list of texts");
    const auto policy = ask.kernel.cache().policy();
    if (names->empty()) {
        std::set<std::string> all;
        for (const dsl::Warm& item : policy->warms) all.insert(policy->namespaces[item.ns].name);
        names->assign(all.begin(), all.end());
    }
    if (names->empty()) return not_here("the policy has no warm items");
    return warm(ask, *names);
}

HttpReply warm_runs(const Ask& ask) {
    json::array plans;
    for (const WarmPlan& plan : ask.kernel.warming().plans())
        plans.push_back({{"namespace", plan.space},
                         {"item", plan.head},
                         {"where", plan.where},
                         {"source", plan.source},
                         {"doc", plan.doc},
                         {"enabled", plan.enabled},
                         {"sleeps", plan.sleeps},
                         {"learns", plan.learns},
                         {"items", plan.items},
                         {"next_run_ms", plan.next_ms < 0 ? json::value(nullptr) : json::value(plan.next_ms)}});
    json::object out = json::parse(warm_json(ask.kernel.warming().runs())).as_object();
    out["success"] = true;
    out["items"] = std::move(plans);
    return reply(std::move(out));
}

HttpReply send_event(const Ask& ask) {
    const std::string_view name = ask.capture("name");
    std::vector<std::pair<std::string, std::string>> held;
    for (const auto& member : ask.body) {
        if (!member.value().is_string() && !member.value().is_number() && !member.value().is_bool())
            return refusal(400, "parameters of an event are texts or numbers");
        held.emplace_back(std::string(member.key().data(), member.key().size()), text_of(member.value()));
    }
    std::vector<larder_pair> values;
    for (const auto& [key, value] : held) values.push_back({bytes(key), bytes(value)});
    Outcome outcome(ask);
    outcome.event(name, values);
    return outcome.answer(outcome.fired() ? "The event " + std::string(name) + " fired its rules" : "No rule is about the event " + std::string(name));
}

HttpReply tell_route(const Ask& ask) {
    const auto member = [&](const char* name) {
        const auto* const value = ask.body.if_contains(name);
        return value == nullptr ? std::string() : text_of(*value);
    };
    const std::string method = member("method"), target = member("path"), status = member("status").empty() ? "200" : member("status");
    unsigned code = 0;
    const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), code);
    if (method.empty() || target.empty()) return refusal(400, "the body has method, path and status");
    if (error != std::errc{} || end != status.data() + status.size() || code < 100 || code > 599)
        return refusal(400, "a status is from 100 to 599");
    const auto question = target.find('?');
    larder_request request{};
    request.struct_size = sizeof request;
    request.status = code;
    request.method = bytes(method);
    request.path = bytes(std::string_view(target).substr(0, question));
    if (question != std::string::npos) request.query = bytes(std::string_view(target).substr(question + 1));
    Outcome outcome(ask);
    outcome.request(request);
    return outcome.answer(outcome.fired() ? "The rules of this request fired" : "No rule fires on this request");
}

}  // namespace larder::serve
