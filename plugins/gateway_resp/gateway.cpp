// plugins/gateway_resp/gateway.cpp -- see gateway.hpp.
#include "gateway.hpp"

#include "command_table.hpp"

#include <algorithm>

namespace larder::resp {

std::uint32_t role_of(std::string_view name) noexcept {
    if (name == "read") return LARDER_ROLE_READ;
    if (name == "write") return LARDER_ROLE_WRITE;
    if (name == "invalidate") return LARDER_ROLE_INVALIDATE;
    if (name == "admin") return LARDER_ROLE_ADMIN;
    return 0;
}

std::string_view role_name(std::uint32_t role) noexcept {
    constexpr std::string_view names[] = {"trusted", "read", "write", "invalidate", "admin"};
    return role < std::size(names) ? names[role] : "unknown";
}

// ---- users
// -----------------------------------------------------------------------------------------

void Users::add(User user) {
    std::erase_if(users_, [&](const User& known) { return known.name == user.name; });
    users_.push_back(std::move(user));
}

bool Users::add_lines(std::string_view text, unsigned& line) {
    const auto word = [](std::string_view& rest) {
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
        const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
        const std::string_view found = rest.substr(0, end);
        rest.remove_prefix(end);
        return found;
    };
    for (line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view rest = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
        const std::string_view name = word(rest);
        if (name.empty() || name[0] == '#') continue;
        const std::uint32_t role = role_of(word(rest));
        const std::string_view password = word(rest);
        if (role == 0 || password.empty() || !word(rest).empty()) return false;
        add({std::string(name), std::string(password), role});
    }
    return true;
}

const User* Users::check(std::string_view name, std::string_view password) const noexcept {
    const User* found = nullptr;
    for (const User& user : users_) {
        // Compares every byte given with some byte, whether or not the user or the length fits.
        unsigned difference = user.name == name ? 0 : 1;
        difference |= user.password.size() == password.size() ? 0 : 1;
        for (std::size_t i = 0; i < password.size(); ++i) {
            const char expected = user.password[i % std::max<std::size_t>(user.password.size(), 1)];
            difference |= static_cast<unsigned char>(expected ^ password[i]);
        }
        if (difference == 0) found = &user;
    }
    return found;
}

bool Users::has(std::string_view name) const noexcept {
    return std::any_of(users_.begin(), users_.end(),
                       [&](const User& user) { return user.name == name; });
}

std::vector<std::string> Users::names() const {
    std::vector<std::string> all;
    for (const User& user : users_) all.push_back(user.name);
    return all;
}

CommandCounters& Counters::of(const Command& command) noexcept {
    return commands[static_cast<std::size_t>(&command - resp::commands().data())];
}

// ---- namespaces
// ----------------------------------------------------------------------------------

Gateway::Gateway(const larder_host* h, Options given, Users known,
                 std::unique_ptr<const TlsContext> context)
    : host(h),
      cache(static_cast<const larder_cache_api*>(h->service(h, LARDER_SVC_CACHE))),
      executor(static_cast<const larder_executor_api*>(h->service(h, LARDER_SVC_EXECUTOR))),
      options(std::move(given)),
      users(std::move(known)),
      tls(std::move(context)),
      started_ms(h->wall_ms(h)) {
    constexpr std::string_view digits = "0123456789abcdef";
    while (run_id_.size() < 40) run_id_ += digits[some_number() % digits.size()];
}

std::uint64_t Gateway::note_memory(std::uint64_t bytes) noexcept {
    std::uint64_t peak = peak_memory_.load(std::memory_order_relaxed);
    while (peak < bytes &&
           !peak_memory_.compare_exchange_weak(peak, bytes, std::memory_order_relaxed)) {
    }
    return std::max(peak, bytes);
}

void Gateway::beat(std::uint64_t now_ns) noexcept {
    rechecks.beat(now_ns);
    constexpr std::uint64_t second = 1'000'000'000;
    std::uint64_t since = measured_ns_.load(std::memory_order_relaxed);
    if (now_ns < since + second ||
        !measured_ns_.compare_exchange_strong(since, now_ns, std::memory_order_relaxed)) {
        return;
    }
    const std::uint64_t now = counters.requests.load(std::memory_order_relaxed);
    const std::uint64_t before = measured_requests_.exchange(now, std::memory_order_relaxed);
    if (since != 0 && now >= before) {
        requests_per_second_.store((now - before) * second / (now_ns - since),
                                   std::memory_order_relaxed);
    }
}

void Gateway::append_full_key(std::string& out, std::uint32_t ns, std::string_view key) const {
    larder_bytes name{};
    if (cache->ns_name(host, ns, &name) == LARDER_OK && text_of(name) != options.fallback) {
        out += text_of(name);
        out += ':';
    }
    out += key;
}

std::vector<std::string> Gateway::spellings(std::uint32_t ns, std::string_view key) const {
    std::vector<std::string> names(1);
    append_full_key(names[0], ns, key);
    std::string colons = names[0];
    std::replace(colons.begin(), colons.end() - static_cast<std::ptrdiff_t>(key.size()), '.', ':');
    if (colons != names[0]) names.push_back(std::move(colons));
    return names;
}

// Numbers are given from 0 up and never again, so gaps are policies that were replaced.
std::vector<std::string> Gateway::namespaces() const {
    constexpr std::uint32_t furthest = 4096, longest_gap = 64;
    std::vector<std::string> names;
    for (std::uint32_t ns = 0, gap = 0; ns < furthest && gap < longest_gap; ++ns) {
        larder_bytes name{};
        if (cache->ns_name(host, ns, &name) == LARDER_OK) {
            names.emplace_back(text_of(name));
            gap = 0;
        } else {
            ++gap;
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

namespace {

// Levenshtein, one row.
std::size_t edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t cost = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, cost}));
        }
    }
    return row.back();
}

std::string declared(const std::vector<std::string>& names, std::string_view wanted) {
    if (names.empty()) return "the policy declares none";
    constexpr std::size_t shown = 8;
    std::string out = "declared: ";
    for (std::size_t i = 0; i < names.size() && i < shown; ++i)
        out += (i != 0 ? ", " : "") + names[i];
    if (names.size() > shown) out += " and " + std::to_string(names.size() - shown) + " more";
    const auto nearest = std::min_element(names.begin(), names.end(),
                                          [&](const std::string& a, const std::string& b) {
                                              return edits(a, wanted) < edits(b, wanted);
                                          });
    if (edits(*nearest, wanted) <= std::max<std::size_t>(1, wanted.size() / 3))
        out += "; did you mean '" + *nearest + "'?";
    return out;
}

}  // namespace

std::string Gateway::unknown_namespace(std::string_view wanted) const {
    const std::string_view shown = wanted.substr(0, 64);
    return "ERR no namespace '" + std::string(shown) + "' (" + declared(namespaces(), shown) + ")";
}

std::string Gateway::unknown_key(std::string_view key) const {
    const std::string_view shown = key.substr(0, 64);
    const std::string_view prefix = shown.substr(0, std::min(shown.find(':'), shown.size()));
    return "ERR key '" + std::string(shown) + "' names no namespace; write NAMESPACE:KEY (" +
           declared(namespaces(), prefix) + ")";
}

}  // namespace larder::resp
