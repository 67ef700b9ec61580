// kernel/cli/top_screen.hpp -- what `larder top` shows: two readings of `larder stats`, and the rates between them.
//
// A reading is the JSON object that the verb `stats` answers. Fields that a reading lacks count as
// nothing, so a program may look at a kernel older or younger than itself.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::cli {

struct NamespaceRates {
    std::string name;
    double reads = 0, hits = 0, stale = 0, misses = 0, loads = 0, errors = 0, dropped = 0;  // a second
    std::uint64_t entries = 0, bytes = 0;                                                   // now
    double hit_percent() const { return reads > 0 ? 100.0 * hits / reads : 0; }
    double stale_percent() const { return reads > 0 ? 100.0 * stale / reads : 0; }
};

enum class Sort : std::uint8_t { reads, hit_percent, misses, entries, bytes, name };
std::string_view title(Sort sort);
Sort next(Sort sort);

// Between two readings that are `seconds` apart. A counter that went down (the kernel was started
// anew) counts from nothing.
std::vector<NamespaceRates> rates(const boost::json::object& before,
                                  const boost::json::object& now, double seconds);

struct Screen {
    std::size_t columns = 100, lines = 30;  // of the terminal
    bool colour = false;
    Sort sort = Sort::reads;
};
// At most `lines` lines of at most `columns` characters, the escapes of colours not counted.
std::string render(const boost::json::object& before, const boost::json::object& now,
                   double seconds, const Screen& screen);

// One JSON object: {"seconds", "namespaces": {name: {...}}}.
std::string render_json(const boost::json::object& before, const boost::json::object& now,
                        double seconds);

}  // namespace larder::cli
