// kernel/embed/changes.cpp -- invalidation, and what the policy says of requests, for hosts.
#include "kernel/embed/state.hpp"

#include <optional>
#include <utility>

using namespace larder;
using namespace larder::embed;

namespace {

// What a rule of larder_kernel_invalidate means. Nullopt: problem() says what is wrong with it.
std::optional<larder_target> target_of(int32_t space, std::string_view rule, std::string& pattern) {
    larder_target out{};
    out.ns = space < 0 ? LARDER_NS_NONE : static_cast<std::uint32_t>(space);
    const auto rest_of = [&](std::string_view word) { return rule.substr(word.size()); };
    if (rule == "all") {
        out.kind = LARDER_TARGET_EVERYTHING;
        return out;
    }
    if (rule.rfind("tag:", 0) == 0) {
        out.kind = LARDER_TARGET_TAG;
        out.what = bytes(rest_of("tag:"));
        return out;
    }
    if (out.ns == LARDER_NS_NONE) {
        refuse(LARDER_R_INVALID, "`" + std::string(rule) + "` is about a namespace, and none is given; without one a rule is `all` or `tag:...`");
        return std::nullopt;
    }
    if (rule == "namespace") {
        out.kind = LARDER_TARGET_NAMESPACE;
        return out;
    }
    if (rule.rfind("key:", 0) == 0) {
        out.kind = LARDER_TARGET_KEY;
        out.what = bytes(rest_of("key:"));
        return out;
    }
    out.kind = LARDER_TARGET_MATCHING;
    if (rule.rfind("prefix:", 0) == 0) {
        (pattern = rest_of("prefix:")) += '*';
    } else if (rule.rfind("glob:", 0) == 0) {
        pattern = rest_of("glob:");
    } else {
        refuse(LARDER_R_INVALID, "`" + std::string(rule) + "` is no rule: expected all, tag:..., namespace, key:..., prefix:... or glob:...");
        return std::nullopt;
    }
    out.what = bytes(pattern);
    return out;
}

// As a namespace's `tag "{tag}"` writes a value: `tenant%3A1`. Rules write it as it is, `drop tag "tenant:1"`, and a
// host that names a tag need not know which of the two made it.
std::string as_value(std::string_view tag) {
    constexpr std::string_view special = "%:*{}", digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : tag) {
        if (special.find(c) == std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

larder_call own_call() {
    larder_call call{};
    call.struct_size = sizeof call;
    return call;
}

// Runs one of larder.cache/1's changes and makes its receipt a text.
template <class F>
Outcome with_receipt(bool wanted, F&& run) {
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    receipt.want_json = wanted ? 1 : 0;
    const larder_call call = own_call();
    const larder_status status = run(&receipt, &call);
    HeldRef json;
    if (receipt.json.release != nullptr) json.reset(make_ref(receipt.json, -1));
    const larder_result result = result_of(status);
    return {result, result == LARDER_R_DONE ? std::move(json) : HeldRef(), 0};
}

larder_result give(larder_result result, HeldRef& held, larder_ref** out) {
    if (out != nullptr && result != LARDER_R_WAIT) *out = held.give();
    return result;
}

// A request that outlives the call it came with.
struct OwnRequest {
    std::string method, path, query, body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<larder_pair> pairs;
    std::uint32_t status = 200;

    explicit OwnRequest(const larder_route_args& args)
        : method(text(args.method)), path(text(args.path)), query(text(args.query)), body(text(args.body)),
          status(args.status == 0 ? 200u : static_cast<std::uint32_t>(args.status)) {
        if (const auto question = path.find('?'); question != std::string::npos) {
            if (query.empty()) query = path.substr(question + 1);
            path.resize(question);
        }
        for (std::uint32_t i = 0; i < args.nheaders; ++i) headers.emplace_back(text(args.headers[i].name), text(args.headers[i].value));
    }
    larder_request view() {
        pairs.clear();
        for (const auto& [name, value] : headers) pairs.push_back({bytes(name), bytes(value)});
        larder_request out{};
        out.struct_size = sizeof out;
        out.status = status;
        out.method = bytes(method);
        out.path = bytes(path);
        out.query = bytes(query);
        out.body = bytes(body);
        out.headers = pairs.data();
        out.header_count = static_cast<std::uint32_t>(pairs.size());
        return out;
    }
};

// A request for as long as the call lasts: nothing of it is copied. `pairs` has room from the last one.
larder_request borrowed(const larder_route_args& args, std::vector<larder_pair>& pairs) {
    std::string_view path = text(args.path), query = text(args.query);
    if (const auto question = path.find('?'); question != std::string_view::npos) {
        if (query.empty()) query = path.substr(question + 1);
        path = path.substr(0, question);
    }
    pairs.clear();
    for (std::uint32_t i = 0; i < args.nheaders; ++i) pairs.push_back({bytes(text(args.headers[i].name)), bytes(text(args.headers[i].value))});
    larder_request out{};
    out.struct_size = sizeof out;
    out.status = args.status == 0 ? 200u : static_cast<std::uint32_t>(args.status);
    out.method = bytes(text(args.method));
    out.path = bytes(path);
    out.query = bytes(query);
    out.body = bytes(text(args.body));
    out.headers = pairs.data();
    out.header_count = static_cast<std::uint32_t>(pairs.size());
    return out;
}

larder_result complaint_about(const larder_route_args* args) {
    if (args == nullptr || args->size < sizeof(larder_route_args)) return refuse(LARDER_R_ABI, "larder_route_args.size is smaller than any version of it: set it to sizeof");
    if (args->status < 0 || args->status > 999 || (args->nheaders != 0 && args->headers == nullptr))
        return refuse(LARDER_R_INVALID, "larder_route_args has a status that is none, or nheaders without headers");
    return LARDER_R_DONE;
}

}  // namespace

larder_result larder_kernel_invalidate(larder_kernel* k, uint32_t what, int32_t space, const char* rule, size_t n, larder_loop* loop, uint64_t user,
                                       larder_ref** receipt) {
    return guarded(k, [&]() -> larder_result {
        if (what > LARDER_DO_REFRESH) return refuse(LARDER_R_INVALID, "what to do is LARDER_DO_DROP, EXPIRE or REFRESH");
        std::string pattern;
        if (!target_of(space, text(rule, n), pattern)) return LARDER_R_INVALID;
        HeldRef json;
        const larder_result result = here_or_later(k, loop, user, json, [k, what, space, owned = std::string(text(rule, n)), wanted = loop != nullptr || receipt != nullptr]() -> Outcome {
            std::string text_of_pattern;
            const larder_target target = *target_of(space, owned, text_of_pattern);
            larder_target targets[2] = {target, target};
            std::size_t count = 1;
            if (target.kind == LARDER_TARGET_TAG) {
                const std::string_view tag(static_cast<const char*>(target.what.data), target.what.size);
                text_of_pattern = as_value(tag);
                targets[1].what = bytes(text_of_pattern);
                if (text_of_pattern != tag) count = 2;
            }
            return with_receipt(wanted, [&](larder_receipt* made, const larder_call* call) {
                return k->kernel->cache_api().change(k->kernel->host(), what, targets, count, made, call);
            });
        });
        return give(result, json, receipt);
    });
}

larder_result larder_kernel_route(larder_kernel* k, const larder_route_args* args, larder_loop* loop, uint64_t user, larder_ref** receipt) {
    return guarded(k, [&]() -> larder_result {
        if (const larder_result wrong = complaint_about(args); wrong != LARDER_R_DONE) return wrong;
        HeldRef json;
        const larder_result result = here_or_later(
            k, loop, user, json, [k, request = std::make_shared<OwnRequest>(*args), wanted = loop != nullptr || receipt != nullptr]() -> Outcome {
                const larder_request view = request->view();
                return with_receipt(wanted, [&](larder_receipt* made, const larder_call* call) {
                    return k->kernel->cache_api().request(k->kernel->host(), &view, made, call);
                });
            });
        return give(result, json, receipt);
    });
}

larder_result larder_kernel_event(larder_kernel* k, const char* name, size_t n, const larder_field* values, uint32_t nvalues, larder_loop* loop,
                                  uint64_t user, larder_ref** receipt) {
    return guarded(k, [&]() -> larder_result {
        if (nvalues != 0 && values == nullptr) return refuse(LARDER_R_INVALID, "nvalues without values");
        std::vector<std::pair<std::string, std::string>> own;
        for (std::uint32_t i = 0; i < nvalues; ++i) own.emplace_back(text(values[i].name), text(values[i].value));
        HeldRef json;
        const larder_result result = here_or_later(
            k, loop, user, json, [k, own = std::move(own), event = std::string(text(name, n)), wanted = loop != nullptr || receipt != nullptr]() -> Outcome {
                std::vector<larder_pair> pairs;
                for (const auto& [key, value] : own) pairs.push_back({bytes(key), bytes(value)});
                return with_receipt(wanted, [&](larder_receipt* made, const larder_call* call) {
                    return k->kernel->cache_api().event(k->kernel->host(), bytes(event), pairs.data(), pairs.size(), made, call);
                });
            });
        return give(result, json, receipt);
    });
}

larder_result larder_kernel_serve(larder_kernel* k, const larder_route_args* args, int32_t* space, larder_ref** key) {
    return guarded(k, [&]() -> larder_result {
        if (const larder_result wrong = complaint_about(args); wrong != LARDER_R_DONE) return wrong;
        if (space == nullptr || key == nullptr) return refuse(LARDER_R_INVALID, "space and key are where the answer goes: neither may be NULL");
        thread_local std::vector<larder_pair> pairs;
        larder_serve served{};
        served.struct_size = sizeof served;
        const larder_status status = k->cache().serve(borrowed(*args, pairs), served);
        if (status != LARDER_OK) return status == LARDER_MISS || status == LARDER_EXISTS ? LARDER_R_NONE : result_of(status);
        *key = make_ref(std::string(static_cast<const char*>(served.key.data), served.key.size));
        *space = static_cast<int32_t>(served.ns);
        return LARDER_R_HIT;
    });
}

larder_result larder_kernel_warm(larder_kernel* k, int32_t space, uint32_t* queued) {
    return guarded(k, [&]() -> larder_result {
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        const larder_call call = own_call();
        const larder_status status =
            k->kernel->cache_api().warm(k->kernel->host(), space < 0 ? LARDER_NS_NONE : static_cast<std::uint32_t>(space), &receipt, &call);
        if (status == LARDER_E_UNSUPPORTED) return refuse(LARDER_R_UNSUPPORTED, "nothing here warms: the policy has no `warm` items that a configured warmer runs");
        if (queued != nullptr) *queued = status == LARDER_OK ? receipt.warmed : 0;
        return result_of(status);
    });
}
