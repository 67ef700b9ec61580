// tests/fuzz/traffic_fuzz.cpp -- any bytes as traffic: operations within their bounds, and a sentence where they end.
//
// The first byte chooses: an access log, a file of any bytes, or a trace whose block has the right checksum, so
// that what is in it is read.
#include "kernel/replay/access_log.hpp"
#include "kernel/replay/siphash.hpp"
#include "kernel/replay/trace_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace larder::replay;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void read_trace(std::string_view file) {
    TraceReader trace(file);
    std::size_t seen = 0;
    if (trace.open())
        for (Operation op; trace.next(op); ++seen) {
            demand(op.key.size() <= most_text && op.path.size() <= most_text && op.given.size() <= most_given);
            for (const Given& one : op.given) demand(one.name.size() + one.value.size() <= 2 * most_text);
        }
    demand(seen <= file.size());
    demand(trace.problem().empty() || trace.problem().starts_with("at byte "));
}

std::string sealed(std::string_view payload) {
    std::string out(trace_magic);
    const std::uint64_t sum = siphash({0, 0}, payload);
    for (int i = 0; i < 4; ++i) out += static_cast<char>(payload.size() >> (8 * i) & 0xff);
    for (int i = 0; i < 8; ++i) out += static_cast<char>(sum >> (8 * i) & 0xff);
    return out.append(payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: read_trace(rest); break;
        case 1:
        case 2: read_trace(sealed(rest)); break;
        default: {
            AccessLogOptions options;
            if (const auto found = detect_log_format(rest)) options.format = *found;
            AccessLog log(rest, options);
            std::uint64_t good = 0;
            for (Operation op; log.next(op); ++good) demand(op.status >= 100 && op.status <= 599 && !op.path.empty());
            demand(good + log.bad() <= log.lines());
        }
    }
    return 0;
}
