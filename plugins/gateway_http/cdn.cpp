// plugins/gateway_http/cdn.cpp -- see cdn.hpp.
#include "cdn.hpp"

#include <algorithm>

namespace larder::http {
namespace {

constexpr std::size_t longest_name = 1024, longest_line = 16u << 10;  // Fastly and Cloudflare both
constexpr std::int64_t for_ever_s = 31'536'000;  // a year: what has no ttl is dropped, never outlived

class DropNames {
  public:
    explicit DropNames(char between) : between_(between) {}

    void add(std::string_view name) {
        if (name.empty()) return;
        const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
        if (!plain || name.size() > longest_name) {
            all_ = false;
            return;
        }
        if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) return;
        seen_.emplace_back(name);
        if (!line_.empty()) line_ += between_;
        line_ += name;
    }
    [[nodiscard]] bool all() const noexcept { return all_ && line_.size() <= longest_line; }
    [[nodiscard]] const std::string& line() const noexcept { return line_; }

  private:
    char between_;
    bool all_ = true;
    std::vector<std::string> seen_;
    std::string line_;
};

void add_name(void* names, larder_bytes name) noexcept { static_cast<DropNames*>(names)->add(text_of(name)); }

bool all_names(const Gateway& gateway, const Lookup& lookup, const std::vector<std::string_view>& tags, DropNames& out) {
    constexpr std::string_view tag = "tag";
    std::vector<larder_pair> with;
    if ((lookup.flags & LARDER_SERVE_TAKES_TAGS) != 0) {
        for (const std::string_view text : tags) with.push_back({bytes_of(tag), bytes_of(text)});
        if (with.empty()) with.push_back({bytes_of(tag), bytes_of(std::string_view(""))});
    }
    for (const std::string_view text : tags) out.add(text);
    const larder_status told = gateway.cache->names(gateway.host.raw(), lookup.ns, bytes_of(lookup.key), with.data(),
                                                    static_cast<std::uint32_t>(with.size()), &add_name, &out);
    return told == LARDER_OK && out.all();
}

std::string control_of(const Lookup& lookup, const AnswerFacts& facts, const Lifetime& lifetime, std::int64_t initial_age_s) {
    std::int64_t seconds = lifetime.seconds;
    if (lifetime.by_policy) seconds = lookup.ttl_ms < 0 ? for_ever_s : initial_age_s + std::max<std::int64_t>(lookup.ttl_ms / 1000, 1);
    std::string out = "max-age=" + std::to_string(seconds);
    const auto window = [&](const char* name, std::optional<std::int64_t> said, std::int64_t policy_ms) {
        const std::int64_t s = std::max(said.value_or(0), policy_ms / 1000);
        if (s > 0) ((out += ", ") += name) += "=" + std::to_string(s);
    };
    window("stale-while-revalidate", facts.control.stale_while_revalidate, lookup.revalidating_ms);
    window("stale-if-error", facts.control.stale_if_error, lookup.on_error_ms);
    if (facts.control.must_revalidate || facts.control.proxy_revalidate) out += ", must-revalidate";
    if (facts.control.no_cache) out += ", no-cache";
    return out;
}

}  // namespace

std::string cdn_lines(const Gateway& gateway, const Lookup& lookup, const Head& answer, const AnswerFacts& facts, const Lifetime& lifetime,
                      std::int64_t initial_age_s, const std::vector<std::string_view>& tags) {
    const Cdn cdn = gateway.options.cdn;
    if (cdn == Cdn::none) return {};
    const bool fastly = cdn == Cdn::fastly;
    DropNames names(fastly ? ' ' : ',');
    const bool may_keep = (lookup.flags & LARDER_SERVE_BY_MORE_THAN_URL) == 0 && all_names(gateway, lookup, tags, names);
    const std::string control = may_keep ? control_of(lookup, facts, lifetime, initial_age_s) : "no-store";
    std::string out;
    // What the application says to the CDN itself holds; but not where two people would get one answer.
    if (!answer.has(Name::cdn_cache_control)) out += "CDN-Cache-Control: " + control + "\r\n";
    if (fastly) out += "Surrogate-Control: " + control + "\r\n";
    if (may_keep) out += (fastly ? "Surrogate-Key: " : "Cache-Tag: ") + names.line() + "\r\n";
    return out;
}

}  // namespace larder::http
