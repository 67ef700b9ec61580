// kernel/replay/trace_writer.hpp -- operations in, bytes of a trace out.
//
// Bounded: two tables of texts that were written before, and one block. Texts are written as they are given:
// who records real traffic gives pseudonyms.
#pragma once

#include "kernel/replay/operation.hpp"
#include "kernel/replay/trace_format.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::replay {

struct TraceHead {
    std::uint64_t began_ms = 0;  // since 1970
    std::uint64_t sample = 1;
    std::uint64_t fingerprint = 0;                               // of the policy
    std::vector<std::pair<std::string, std::uint64_t>> stores;   // name, bytes it may hold; 0: it does not say
};

class TraceWriter {
  public:
    explicit TraceWriter(const TraceHead& head);
    void space(std::uint32_t number, std::string_view name, std::int64_t ttl_ms);
    void write(const Operation& op);
    void reloaded(std::uint64_t at_ms, std::uint64_t fingerprint);
    // What was written since the last call, whole blocks. [any time]
    std::string take();

  private:
    struct Table {
        std::vector<std::string> slots = std::vector<std::string>(trace_slots);
    };
    void begin(RecordKind kind, unsigned flags, std::uint64_t at_ms);
    void number(std::uint64_t n);
    void signed_number(std::int64_t n) { number((static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63)); }
    bool text(Table& table, std::string_view text, std::uint64_t seed = 0);  // true: it was new
    void given(const Operation& op, bool origins);
    void end();
    void close_block();

    std::string block_, out_;
    std::uint64_t last_ms_ = 0;
    Table keys_, texts_;
};

}  // namespace larder::replay
