// kernel/cli/top_screen.cpp -- what `larder top` shows: two readings of `larder stats`, and the rates between them.
#include "kernel/cli/top_screen.hpp"

#include "kernel/cli/terminal_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace larder::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view bold = "\x1b[1m", red = "\x1b[31m", plain = "\x1b[0m";

const json::object& part(const json::object& of, std::string_view name) {
    static const json::object none;
    const auto* const found = of.if_contains(json::string_view(name.data(), name.size()));
    return found != nullptr && found->is_object() ? found->get_object() : none;
}

double number(const json::object& of, std::string_view name) {
    const auto* const found = of.if_contains(json::string_view(name.data(), name.size()));
    if (found == nullptr) return 0;
    boost::system::error_code error;
    const double value = found->to_number<double>(error);
    return error ? 0 : value;
}

std::string text(const json::object& of, std::string_view name) {
    const auto* const found = of.if_contains(json::string_view(name.data(), name.size()));
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// 0, 9.4, 312, 45.1k, 3.2M
std::string short_number(double value) {
    static constexpr std::pair<double, char> units[] = {{1e9, 'G'}, {1e6, 'M'}, {1e4, 'k'}};
    char out[32];
    for (const auto& [size, letter] : units)
        if (value >= size) {
            std::snprintf(out, sizeof out, "%.1f%c", letter == 'k' ? value / 1e3 : value / size, letter);
            return out;
        }
    std::snprintf(out, sizeof out, value < 10 && value != std::floor(value) ? "%.1f" : "%.0f", value);
    return out;
}

std::string short_bytes(double value) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(units)) {
        value /= 1024;
        ++unit;
    }
    char out[32];
    std::snprintf(out, sizeof out, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

std::string padded(std::string_view what, std::size_t width, bool right) {
    std::string out(cut(what, width));
    out.insert(right ? 0 : out.size(), width - out.size(), ' ');
    return out;
}

// Lines that know how wide they may be.
class Paper {
  public:
    explicit Paper(const Screen& screen) : screen_(screen) {}
    bool full() const { return written_ >= screen_.lines; }
    std::size_t left() const { return screen_.lines - std::min(written_, screen_.lines); }
    void line(std::string_view what, std::string_view colour = {}) {
        if (full()) return;
        const bool coloured = screen_.colour && !colour.empty();
        if (coloured) out_ += colour;
        out_ += printable(cut(what, screen_.columns));
        if (coloured) out_ += plain;
        out_ += '\n';
        ++written_;
    }
    std::string take() && { return std::move(out_); }

  private:
    const Screen& screen_;
    std::string out_;
    std::size_t written_ = 0;
};

double sort_value(const NamespaceRates& row, Sort sort) {
    switch (sort) {
        case Sort::reads: return row.reads;
        case Sort::hit_percent: return row.hit_percent();
        case Sort::misses: return row.misses;
        case Sort::entries: return static_cast<double>(row.entries);
        case Sort::bytes: return static_cast<double>(row.bytes);
        case Sort::name: break;
    }
    return 0;
}

void head(Paper& paper, const json::object& now) {
    const json::object& kernel = part(now, "kernel");
    std::string line = "larder " + text(kernel, "version") + "  up " +
                       duration_text(static_cast<std::uint64_t>(number(kernel, "uptime_ms"))) + "  policy";
    if (const auto* const files = kernel.if_contains("policy"); files != nullptr && files->is_array())
        for (const json::value& file : files->get_array())
            if (file.is_string()) (line += ' ') += std::string(file.get_string());
    const double warnings = kernel.contains("warnings") && kernel.at("warnings").is_array()
                                ? static_cast<double>(kernel.at("warnings").get_array().size()) : 0;
    if (warnings > 0) line += "  " + short_number(warnings) + " warnings";
    paper.line(line, bold);
}

void tiers(Paper& paper, const json::object& before, const json::object& now, double seconds) {
    const json::object& then = part(before, "tiers");
    for (const auto& [name, value] : part(now, "tiers")) {
        if (!value.is_object()) continue;
        const json::object& tier = value.get_object();
        const std::string breaker = text(tier, "breaker");
        const double evicted = number(tier, "evictions") - number(part(then, name), "evictions");
        std::string line = "  tier " + padded(std::string(name), 8, false) + padded(text(tier, "plugin"), 8, false) +
                           padded(short_number(number(tier, "entries")), 9, true) + " entries " +
                           padded(short_bytes(number(tier, "bytes")), 10, true);
        if (const double capacity = number(tier, "capacity_bytes"); capacity > 0)
            line += " of " + short_bytes(capacity);
        line += "   evicted " + short_number(std::max(evicted, 0.0) / seconds) + "/s   errors " +
                short_number(number(tier, "errors")) + "   breaker " + breaker;
        paper.line(line, breaker == "closed" ? std::string_view() : red);
    }
}

void table(Paper& paper, std::vector<NamespaceRates> rows, const Screen& screen, std::size_t kept_free) {
    static constexpr std::pair<std::string_view, Sort> columns[] = {
        {"READS/s", Sort::reads}, {"HIT%", Sort::hit_percent}, {"STALE%", Sort::name},
        {"MISS/s", Sort::misses}, {"LOADS/s", Sort::name},     {"ERR/s", Sort::name},
        {"DROP/s", Sort::name},   {"ENTRIES", Sort::entries},  {"BYTES", Sort::bytes}};
    std::size_t width = 9;
    for (const NamespaceRates& row : rows) width = std::max(width, std::min<std::size_t>(row.name.size(), 28));
    std::string titles = padded(screen.sort == Sort::name ? "NAMESPACE*" : "NAMESPACE", width + 1, false);
    for (const auto& [name, sort] : columns)
        titles += padded(std::string(name) + (sort == screen.sort && sort != Sort::name ? "*" : ""), 9, true);
    paper.line("");
    paper.line(titles, bold);
    std::sort(rows.begin(), rows.end(), [&](const NamespaceRates& a, const NamespaceRates& b) {
        const double x = sort_value(a, screen.sort), y = sort_value(b, screen.sort);
        return x != y ? x > y : a.name < b.name;
    });
    for (std::size_t i = 0; i < rows.size() && paper.left() > kept_free; ++i) {
        const NamespaceRates& row = rows[i];
        const std::string cells[] = {short_number(row.reads), short_number(row.hit_percent()),
                                     short_number(row.stale_percent()), short_number(row.misses),
                                     short_number(row.loads), short_number(row.errors),
                                     short_number(row.dropped), short_number(static_cast<double>(row.entries)),
                                     short_bytes(static_cast<double>(row.bytes))};
        std::string line = padded(row.name, width + 1, false);
        for (const std::string& cell : cells) line += padded(cell, 9, true);
        paper.line(line, row.errors > 0 ? red : std::string_view());
    }
}

void removals(Paper& paper, const json::object& now) {
    const auto* const found = now.if_contains("removals");
    if (found == nullptr || !found->is_array() || found->get_array().empty() || paper.left() < 3) return;
    paper.line("");
    paper.line("LAST INVALIDATIONS", bold);
    for (const json::value& value : found->get_array()) {
        if (!value.is_object()) continue;
        const json::object& one = value.get_object();
        const bool expire = one.contains("expire") && one.at("expire").is_bool() && one.at("expire").get_bool();
        paper.line("  " + time_text(static_cast<std::uint64_t>(number(one, "at_ms"))) +
                   (expire ? "  expire " : "  drop ") + text(one, "what") + "   by " + text(one, "cause"));
    }
}

}  // namespace

std::string_view title(Sort sort) {
    switch (sort) {
        case Sort::reads: return "reads";
        case Sort::hit_percent: return "hit rate";
        case Sort::misses: return "misses";
        case Sort::entries: return "entries";
        case Sort::bytes: return "bytes";
        case Sort::name: break;
    }
    return "name";
}

Sort next(Sort sort) {
    return sort == Sort::name ? Sort::reads : static_cast<Sort>(static_cast<std::uint8_t>(sort) + 1);
}

std::vector<NamespaceRates> rates(const json::object& before, const json::object& now, double seconds) {
    std::vector<NamespaceRates> out;
    const json::object& then = part(before, "namespaces");
    for (const auto& [name, value] : part(now, "namespaces")) {
        if (!value.is_object()) continue;
        const json::object& fresh = value.get_object();
        const json::object& old = part(then, name);
        const auto rate = [&](std::string_view field) {
            const double a = number(old, field), b = number(fresh, field);
            return (b < a ? b : b - a) / seconds;
        };
        NamespaceRates row;
        row.name = name;
        row.hits = rate("hits");
        row.stale = rate("stale");
        row.misses = rate("misses");
        row.reads = row.hits + row.stale + row.misses + rate("absent");
        row.loads = rate("loads");
        row.errors = rate("errors") + rate("load_errors");
        row.dropped = rate("dropped");
        row.entries = static_cast<std::uint64_t>(number(fresh, "entries"));
        row.bytes = static_cast<std::uint64_t>(number(fresh, "bytes"));
        out.push_back(std::move(row));
    }
    return out;
}

std::string render(const json::object& before, const json::object& now, double seconds, const Screen& screen) {
    Paper paper(screen);
    head(paper, now);
    tiers(paper, before, now, seconds);
    table(paper, rates(before, now, seconds), screen, 6);
    removals(paper, now);
    return std::move(paper).take();
}

std::string render_json(const json::object& before, const json::object& now, double seconds) {
    json::object namespaces;
    for (const NamespaceRates& row : rates(before, now, seconds))
        namespaces[row.name] = {{"reads_per_s", row.reads},   {"hit_percent", row.hit_percent()},
                                {"stale_percent", row.stale_percent()}, {"misses_per_s", row.misses},
                                {"loads_per_s", row.loads},   {"errors_per_s", row.errors},
                                {"dropped_per_s", row.dropped}, {"entries", row.entries},
                                {"bytes", row.bytes}};
    return json::serialize(json::object{{"seconds", seconds}, {"namespaces", std::move(namespaces)}}) + "\n";
}

}  // namespace larder::cli
