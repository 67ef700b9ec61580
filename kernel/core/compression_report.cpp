// kernel/core/compression_report.cpp -- see compression_report.hpp.
#include "kernel/core/compression_report.hpp"

#include <boost/json.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace larder {
namespace {

namespace json = boost::json;

double rounded(double value) { return std::round(value * 100) / 100; }

json::value percent(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return nullptr;
    return rounded(100 * static_cast<double>(part) / static_cast<double>(whole));
}
// What was never measured is null.
json::value measured(double value) { return value == 0 ? json::value(nullptr) : json::value(rounded(value)); }

std::string with_unit(double bytes) {
    static constexpr std::array<const char*, 4> units{"B", "KB", "MB", "GB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < units.size(); ++unit) bytes /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text;
}

struct Saved {
    std::uint64_t raw = 0, stored = 0, values = 0, not_smaller = 0;
    void add(const SpaceFigures& space) {
        raw += space.raw_bytes;
        stored += space.stored_bytes;
        values += space.compressed;
        not_smaller += space.not_smaller;
    }
    json::object json() const {
        return {{"compressed_values", values},
                {"not_smaller_values", not_smaller},
                {"original_bytes", raw},
                {"compressed_bytes", stored},
                {"saved_bytes", raw - stored},
                {"compression_ratio", percent(raw - stored, raw)}};
    }
};

const char* sizes(const PackFigures::Way& way) { return way.small ? (way.large ? "all" : "small") : way.large ? "large" : "none"; }

json::object packing_json(const PackFigures& of) {
    json::array ways, tried;
    for (const PackFigures::Way& way : of.ways)
        ways.push_back({{"way", way.name},
                        {"codec", way.codec},
                        {"writes", sizes(way)},
                        {"values", way.values},
                        {"not_smaller_values", way.not_smaller},
                        {"original_bytes", way.raw},
                        {"compressed_bytes", way.stored},
                        {"saved_bytes", way.raw - way.stored},
                        {"compression_ratio", percent(way.raw - way.stored, way.raw)},
                        {"reads", way.reads},
                        {"compress_mb_s", measured(way.pack_mb_s)},
                        {"decompress_mb_s", measured(way.unpack_mb_s)}});
    for (const PackFigures::Tried& one : of.tried)
        tried.push_back({{"way", one.name},
                         {"sizes", one.large ? "large" : "small"},
                         {"taken", one.taken},
                         {"times_smaller", measured(one.ratio)},
                         {"compress_mb_s", measured(one.pack_mb_s)},
                         {"decompress_mb_s", measured(one.unpack_mb_s)}});
    json::object out{{"ways", std::move(ways)}, {"tried", std::move(tried)}, {"compressed_already_values", of.packed_already}, {"reads_without_dictionary", of.unread}};
    if (of.dictionary.id == 0) {
        out["dictionary"] = nullptr;
    } else {
        char id[10];
        std::snprintf(id, sizeof id, "%08x", of.dictionary.id);
        out["dictionary"] = json::object{{"id", id},
                                         {"bytes", of.dictionary.bytes},
                                         {"known", of.dictionary.known},
                                         {"learnt_here", of.trained},
                                         {"times_smaller", measured(of.dictionary.ratio)},
                                         {"times_smaller_without", measured(of.dictionary.plain_ratio)}};
    }
    return out;
}

}  // namespace

std::vector<std::string> compression_advice(const SpaceFigures& space) {
    std::vector<std::string> out;
    const std::string name = space.counts.name + ": ";
    const double mean = space.counts.puts == 0 ? 0 : static_cast<double>(space.put_bytes) / static_cast<double>(space.counts.puts);
    const PackFigures& packing = space.packing;
    if (space.codec.empty()) {
        if (mean > 1024) out.push_back(name + "values have " + with_unit(mean) + " on average and are not compressed; try `compress auto`");
        return out;
    }
    constexpr std::uint64_t enough = 100;  // values, to say anything
    const std::uint64_t tried = space.compressed + space.not_smaller;
    const bool dictionary = packing.dictionary.id != 0;
    if (tried >= enough && space.not_smaller > tried / 2)
        out.push_back(name + "most values do not get smaller; except their content types, or leave `compress` out");
    else if (space.raw_bytes > 0 && tried >= enough && space.raw_bytes - space.stored_bytes < space.raw_bytes / 5)
        out.push_back(name + "less than 20 % is saved; raise the threshold, or the codec's level" + (dictionary ? "" : ", or try `compress auto`"));
    if (space.counts.puts >= enough && mean > 0 && mean < 2048 && !dictionary && packing.trained == 0 && space.codec != "auto" && tried < space.counts.puts / 2)
        out.push_back(name + "values have " + with_unit(mean) + " on average, below the threshold or too small for " + space.codec +
                      "; `compress auto` learns a dictionary for them");
    for (const PackFigures::Way& way : packing.ways) {
        constexpr double slow_mb_s = 60;
        if (space.codec == "auto" || !(way.small || way.large) || way.values < enough || way.pack_mb_s == 0 || way.pack_mb_s >= slow_mb_s) continue;
        const double us = static_cast<double>(way.raw) / static_cast<double>(way.values) / way.pack_mb_s;
        char text[160];
        std::snprintf(text, sizeof text, "%s takes %.0f us for a value (%.0f MB/s); `compress auto` weighs bytes against time", way.name.c_str(), us, way.pack_mb_s);
        out.push_back(name + text);
    }
    if (packing.unread > 0)
        out.push_back(name + std::to_string(packing.unread) + " reads found no dictionary: its store lost it; give the store room, or say `dictionary = 0` in [codec." + (packing.ways.empty() ? space.codec : packing.ways.front().codec) + "]");
    return out;
}

std::string compression_json(const Figures& figures) {
    Saved all;
    json::object spaces;
    json::array advice;
    for (const SpaceFigures& space : figures.spaces) {
        Saved one;
        one.add(space);
        all.add(space);
        for (const std::string& line : compression_advice(space)) advice.emplace_back(line);
        if (space.codec.empty() && space.packing.ways.empty()) continue;
        json::object shown = one.json();
        shown["codec"] = space.codec;
        for (auto& [key, value] : packing_json(space.packing)) shown[key] = std::move(value);
        spaces[space.counts.name] = std::move(shown);
    }
    return json::serialize(json::object{{"totals", all.json()}, {"by_namespace", std::move(spaces)}, {"recommendations", std::move(advice)}});
}

}  // namespace larder
