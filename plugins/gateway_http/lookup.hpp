// plugins/gateway_http/lookup.hpp -- what the policy and the cache say of one request.
#pragma once
#include "freshness.hpp"
#include "gateway.hpp"
#include "message.hpp"
#include "stored_answer.hpp"
#include "target.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

// Why the application is asked; the words of RFC 9211 2.2.
enum class Forward : std::uint8_t { none, bypass, method, uri_miss, vary_miss, stale, request, miss };
[[nodiscard]] std::string_view word_of(Forward why) noexcept;

struct Lookup {
    bool served = false;       // a rule of the policy answers this request
    std::uint32_t ns = 0, flags = 0;
    std::string key, where;    // of the entry; of the rule
    std::int64_t ttl_ms = -1, revalidating_ms = -1, on_error_ms = -1;
    std::uint64_t refuse_above = 0;
    std::string identity;      // of the target
    std::uint64_t number = 0;  // of the request, for the fence
    CacheControl control;      // of the request

    larder_cache_get item{};   // value is ours while held
    bool found = false;        // `stored` answers the request; its views lie in item.value
    StoredAnswer stored;
    Use use = Use::ask;
    std::int64_t ttl_s = 0;
    Forward forward = Forward::none;

    Lookup() = default;
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup() { release(); }
    // Its values come from the namespace's source, not from the application.
    [[nodiscard]] bool from_source() const noexcept { return (flags & LARDER_SERVE_FROM_SOURCE) != 0; }
    void release() noexcept {
        if (item.value.release != nullptr) item.value.release(&item.value);
        item.value = {};
        found = false;
    }
    void swap(Lookup& other) noexcept;
};

// Asks the policy. Fills what does not come from the entry. A request with a body or another method
// than GET and HEAD is never served, but for `also_post`.
void ask_policy(Gateway& gateway, const Head& request, const Target& target, std::string_view extra_field, std::string_view extra_value,
                bool also_post, Lookup& out);
// Begins reading the entry. LARDER_PENDING: done(ctx) comes later, on any thread; then judge_entry().
// to_load: whoever asks will load what is not there, and the cache judges by this moment whether it is kept. Where the
// namespace names a source the cache loads it itself, and there is nothing to judge.
[[nodiscard]] larder_status read_entry(Gateway& gateway, Lookup& lookup, bool to_load, larder_done_fn done, void* ctx);
// What the entry that was read means for this request.
void judge_entry(Gateway& gateway, const Head& request, Lookup& lookup);

// The request's fields as larder.cache/1 takes them.
void give_fields(const Head& request, std::vector<larder_pair>& out);

}  // namespace larder::http
