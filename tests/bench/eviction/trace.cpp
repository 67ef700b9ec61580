// tests/bench/eviction/trace.cpp -- traces from files.
#include "tests/bench/eviction/trace.hpp"

#include <zlib.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace larder::bench {

namespace {

struct CloseGz {
    void operator()(gzFile file) const noexcept { gzclose(file); }
};
using File = std::unique_ptr<gzFile_s, CloseGz>;

[[noreturn]] void give_up(const std::string& path, const char* why) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), why);
    std::exit(2);
}

const char* read_number(const char* at, const char* end, std::uint64_t& number) {
    while (at != end && *at == ' ') {
        ++at;
    }
    const auto [rest, error] = std::from_chars(at, end, number);
    return error == std::errc{} ? rest : nullptr;
}

}  // namespace

Trace read_trace(const std::string& path) {
    const File file(gzopen(path.c_str(), "rb"));
    if (!file) {
        give_up(path, "cannot be opened");
    }
    Trace trace;
    const std::size_t folder = path.find_last_of('/');
    trace.name = path.substr(folder == std::string::npos ? 0 : folder + 1);
    trace.name = trace.name.substr(0, trace.name.find('.'));
    std::unordered_map<std::uint64_t, Request> known;
    char line[128];
    while (gzgets(file.get(), line, sizeof line) != nullptr) {
        const std::string_view text(line);
        const char* const end = text.data() + text.find_last_not_of("\r\n") + 1;
        std::uint64_t id = 0, size = 1;
        const char* at = read_number(text.data(), end, id);
        if (at != nullptr && at != end) {
            at = read_number(at, end, size);
            trace.sized = true;
        }
        if (at == nullptr) {
            give_up(path, "has a line that is no request");
        }
        const Request fresh{static_cast<std::uint32_t>(known.size()),
                            static_cast<std::uint32_t>(size == 0 ? 1 : size)};
        const auto [object, is_new] = known.try_emplace(id, fresh);
        trace.bytes += is_new ? fresh.size : 0;
        trace.requests.push_back(object->second);
    }
    trace.objects = known.size();
    return trace;
}

}  // namespace larder::bench
