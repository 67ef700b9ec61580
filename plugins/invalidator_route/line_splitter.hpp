// plugins/invalidator_route/line_splitter.hpp -- bytes as they come, lines as they are complete.
//
// Holds the beginning of at most one line, and no more than 64 KiB of it: a longer line is skipped
// to its end and counted, so memory is bounded whatever is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::invalidator_route {

class LineSplitter {
  public:
    static constexpr std::size_t longest = std::size_t{64} << 10;

    // Calls line(std::string_view) for each line that `bytes` completes, without its "\n" or
    // "\r\n".
    template <class F>
    void feed(std::string_view bytes, F&& line) {
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            const std::string_view part = bytes.substr(0, end);
            if (!skipping_ && begun_.size() + part.size() > longest) {
                skipping_ = true;
                ++too_long_;
                begun_.clear();
            }
            if (end == std::string_view::npos) {
                if (!skipping_) {
                    begun_ += part;
                }
                return;
            }
            bytes.remove_prefix(end + 1);
            if (skipping_) {
                skipping_ = false;
            } else if (begun_.empty()) {
                line(without_return(part));
            } else {
                begun_ += part;
                line(without_return(begun_));
                begun_.clear();
            }
        }
    }
    // What comes until the next newline is the end of a line whose beginning nobody saw.
    void skip_rest_of_line() noexcept {
        begun_.clear();
        skipping_ = true;
    }
    void forget() noexcept {
        begun_.clear();
        skipping_ = false;
    }
    std::uint64_t too_long() const noexcept { return too_long_; }

  private:
    static std::string_view without_return(std::string_view line) noexcept {
        return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    }

    std::string begun_;
    bool skipping_ = false;
    std::uint64_t too_long_ = 0;
};

}  // namespace larder::invalidator_route
