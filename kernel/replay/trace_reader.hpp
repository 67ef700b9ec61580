// kernel/replay/trace_reader.hpp -- a trace as traffic.
//
// Traces come from elsewhere: any bytes are read, in bounded memory, and end in a sentence with the place.
// Nothing of a block is used unless its checksum is right; what stood before it is. A file that ends within
// a block was cut off.
#pragma once

#include "kernel/replay/operation.hpp"
#include "kernel/replay/trace_writer.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::replay {

bool is_trace(std::string_view text);  // by its first bytes

class TraceReader final : public Traffic {
  public:
    explicit TraceReader(std::string_view file);  // which outlives this
    // False: problem() says why the head cannot be read.
    bool open();
    bool next(Operation& out) override;  // [hot]

    const TraceHead& head() const { return head_; }
    // By the numbers operations have; grows while the trace is read, and then version() rises.
    const std::vector<TrafficSpace>& spaces() const { return spaces_; }
    std::uint64_t version() const { return version_; }
    const std::string& problem() const { return problem_; }  // empty: it ended where it ends

  private:
    // Slots, made by the page: most traces use few, and a file of rubbish none.
    struct Table {
        static constexpr std::size_t page = 256;
        std::array<std::unique_ptr<std::array<std::string, page>>, trace_slots / page> pages;
        std::string_view get(std::size_t slot) const { return pages[slot / page] ? std::string_view((*pages[slot / page])[slot % page]) : std::string_view(); }
        std::string& at(std::size_t slot) {
            if (!pages[slot / page]) pages[slot / page] = std::make_unique<std::array<std::string, page>>();
            return (*pages[slot / page])[slot % page];
        }
    };
    bool next_block();
    bool fail(const char* what);
    bool read_head();
    bool read_space();
    bool read_record(Operation& out);
    bool number(std::uint64_t& out);
    bool small(std::uint32_t& out, std::uint64_t most);
    bool signed_number(std::int64_t& out);
    bool text(Table& table, std::string_view& out, bool* fresh = nullptr);
    bool place(Operation& out, bool* fresh = nullptr);
    bool given(Operation& out, bool origins);

    const std::string_view file_;
    std::size_t next_ = 0;               // where the next block begins
    const char *at_ = nullptr, *end_ = nullptr;  // within the block
    TraceHead head_;
    std::vector<TrafficSpace> spaces_;
    std::uint64_t now_ms_ = 0, version_ = 0;
    std::array<Given, most_given> given_;
    Table keys_, texts_;
    std::vector<std::string> kept_;      // texts of one record: later ones may take their slot
    std::string problem_;
};

}  // namespace larder::replay
