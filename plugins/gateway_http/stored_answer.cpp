// plugins/gateway_http/stored_answer.cpp -- see stored_answer.hpp.
#include "stored_answer.hpp"

#include "vary.hpp"

#include <cstring>
#include <vector>

namespace larder::http {
namespace {

constexpr char magic[4] = {'L', 'H', 'T', '2'};

// As it lies in the value. Same machine order on all nodes of a shared store, as the envelope's.
struct Record {
    std::uint32_t size = 0;  // of all of it
    std::uint32_t target_size = 0, vary_size = 0, head_size = 0, body_size = 0, tags_size = 0, cdn_size = 0;
    std::uint32_t etag_at = 0, etag_size = 0;  // in head
    std::uint16_t status = 0;
    std::uint16_t flags = 0;
    std::int64_t received_s = 0, initial_age_s = 0, lifetime_s = 0, revalidating_s = 0, on_error_s = 0;
    std::int64_t date_s = 0, last_modified = 0;
};
enum : std::uint16_t { must_revalidate = 1, no_cache = 2, has_last_modified = 4 };

}  // namespace

bool StoredAnswers::read(std::size_t& at, StoredAnswer& out, std::string_view& whole) const {
    Record r;
    if (value_.size() < at || value_.size() - at < sizeof r) return false;
    std::memcpy(&r, value_.data() + at, sizeof r);
    const std::uint64_t needed = std::uint64_t{sizeof r} + r.target_size + r.vary_size + r.head_size + r.body_size + r.tags_size + r.cdn_size;
    if (r.size != needed || r.size > value_.size() - at || std::uint64_t{r.etag_at} + r.etag_size > r.head_size) return false;
    whole = value_.substr(at, r.size);
    std::size_t from = at + sizeof r;
    const auto part = [&](std::size_t size) {
        const std::string_view text = value_.substr(from, size);
        from += size;
        return text;
    };
    out.target = part(r.target_size);
    out.vary = part(r.vary_size);
    out.head = part(r.head_size);
    out.body = part(r.body_size);
    out.tags = part(r.tags_size);
    out.cdn = part(r.cdn_size);
    out.etag = out.head.substr(r.etag_at, r.etag_size);
    out.status = r.status;
    out.date_s = r.date_s;
    out.last_modified = (r.flags & has_last_modified) != 0 ? std::optional(r.last_modified) : std::nullopt;
    out.kept = {r.received_s, r.initial_age_s, r.lifetime_s, r.revalidating_s, r.on_error_s, (r.flags & must_revalidate) != 0, (r.flags & no_cache) != 0};
    at += r.size;
    return true;
}

bool StoredAnswers::find(std::string_view target, const Head& request, StoredAnswer& out, bool& other) const {
    other = false;
    if (!value_.starts_with(std::string_view(magic, sizeof magic))) return false;
    std::size_t at = sizeof magic;
    std::string_view whole;
    while (at < value_.size() && read(at, out, whole)) {
        if (out.target != target) continue;
        if (out.vary.empty() || vary_matches(out.vary, request)) return true;
        other = true;
    }
    return false;
}

std::size_t StoredAnswers::count() const noexcept {
    if (!value_.starts_with(std::string_view(magic, sizeof magic))) return 0;
    std::size_t at = sizeof magic, n = 0;
    StoredAnswer ignored;
    std::string_view whole;
    while (at < value_.size() && read(at, ignored, whole)) ++n;
    return n;
}

std::string StoredAnswers::with(const StoredAnswer& fresh, std::size_t most, std::size_t most_bytes) const {
    Record r;
    r.target_size = static_cast<std::uint32_t>(fresh.target.size());
    r.vary_size = static_cast<std::uint32_t>(fresh.vary.size());
    r.head_size = static_cast<std::uint32_t>(fresh.head.size());
    r.body_size = static_cast<std::uint32_t>(fresh.body.size());
    r.tags_size = static_cast<std::uint32_t>(fresh.tags.size());
    r.cdn_size = static_cast<std::uint32_t>(fresh.cdn.size());
    r.size = static_cast<std::uint32_t>(sizeof r) + r.target_size + r.vary_size + r.head_size + r.body_size + r.tags_size + r.cdn_size;
    if (!fresh.etag.empty()) {
        r.etag_at = static_cast<std::uint32_t>(fresh.etag.data() - fresh.head.data());
        r.etag_size = static_cast<std::uint32_t>(fresh.etag.size());
    }
    r.status = fresh.status;
    r.flags = static_cast<std::uint16_t>((fresh.kept.must_revalidate ? must_revalidate : 0) | (fresh.kept.no_cache ? no_cache : 0) |
                                         (fresh.last_modified ? has_last_modified : 0));
    r.received_s = fresh.kept.received_s;
    r.initial_age_s = fresh.kept.initial_age_s;
    r.lifetime_s = fresh.kept.lifetime_s;
    r.revalidating_s = fresh.kept.revalidating_s;
    r.on_error_s = fresh.kept.on_error_s;
    r.date_s = fresh.date_s;
    r.last_modified = fresh.last_modified.value_or(0);

    std::size_t total = sizeof magic + r.size, n = 1;
    std::vector<std::string_view> others;
    if (value_.starts_with(std::string_view(magic, sizeof magic))) {
        std::size_t at = sizeof magic;
        StoredAnswer old;
        std::string_view whole;
        while (at < value_.size() && n < most && read(at, old, whole)) {
            if (old.target == fresh.target && old.vary == fresh.vary) continue;
            if (total + whole.size() > most_bytes) break;
            total += whole.size();
            others.push_back(whole);
            ++n;
        }
    }
    std::string out;
    out.reserve(total);
    out.append(magic, sizeof magic);
    out.append(reinterpret_cast<const char*>(&r), sizeof r);
    out.append(fresh.target).append(fresh.vary).append(fresh.head).append(fresh.body).append(fresh.tags).append(fresh.cdn);
    for (const std::string_view other : others) out.append(other);
    return out;
}

}  // namespace larder::http
