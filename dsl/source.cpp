// dsl/source.cpp -- offsets to lines and columns, and the words of documentation comments.
#include "dsl/source.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace larder::dsl {
namespace {

// How many bytes begin a code point, eight at a time: a policy may be one line of 8 MiB, and every
// label on it asks for its column.
std::size_t code_points(std::string_view bytes) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    std::size_t count = bytes.size();
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        // A continuation byte is 10xxxxxx.
        count -= static_cast<std::size_t>(std::popcount((word >> 7) & (~word >> 6) & ones));
    }
    for (; i < bytes.size(); ++i) {
        count -= (static_cast<unsigned char>(bytes[i]) & 0xC0) == 0x80;
    }
    return count;
}

}  // namespace

Source::Source(std::string name, std::string text, std::uint32_t base)
    : name_(std::move(name)), text_(std::move(text)), base_(base) {
    starts_.push_back(0);
    for (std::size_t i = text_.find('\n'); i != std::string::npos; i = text_.find('\n', i + 1)) {
        if (i + 1 < text_.size()) {
            starts_.push_back(static_cast<std::uint32_t>(i + 1));
        }
    }
}

Place Source::place(std::uint32_t offset) const {
    const std::uint32_t local = std::clamp(offset, base_, end()) - base_;
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), local);
    const std::uint32_t begin = *(after - 1);
    return {static_cast<std::size_t>(after - starts_.begin()),
            code_points(std::string_view(text_).substr(begin, local - begin)) + 1};
}

std::string_view Source::line(std::size_t number) const {
    if (number == 0 || number > starts_.size()) {
        return {};
    }
    const std::size_t begin = starts_[number - 1];
    std::size_t end = number < starts_.size() ? starts_[number] : text_.size();
    while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) {
        --end;
    }
    return std::string_view(text_).substr(begin, end - begin);
}

std::uint32_t Source::line_begin(std::size_t number) const {
    assert(number >= 1 && number <= starts_.size());
    return base_ + starts_[number - 1];
}

std::string_view Source::text(Span span) const {
    const std::uint32_t begin = std::clamp(span.begin, base_, end());
    const std::uint32_t stop = std::clamp(span.end, begin, end());
    return std::string_view(text_).substr(begin - base_, stop - begin);
}

FileId SourceMap::add(std::string name, std::string text) {
    assert(files() < max_files);
    if (text.size() > max_file_bytes + 1) {
        text.resize(max_file_bytes + 1);
        text.shrink_to_fit();
    }
    // One offset stays free between two files, so that the end of one is not the start of the next.
    const std::uint32_t base = sources_.empty() ? 0 : sources_.back().end() + 1;
    sources_.emplace_back(std::move(name), std::move(text), base);
    return static_cast<FileId>(sources_.size() - 1);
}

FileId SourceMap::file_of(std::uint32_t offset) const {
    assert(files() > 0);
    const auto after =
        std::upper_bound(sources_.begin(), sources_.end(), offset,
                         [](std::uint32_t o, const Source& source) { return o < source.base(); });
    return static_cast<FileId>(after == sources_.begin() ? 0 : after - sources_.begin() - 1);
}

std::string SourceMap::where(Span span) const {
    const Source& source = file_at(span.begin);
    const Place place = source.place(span.begin);
    return source.name() + ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
}

std::string documentation(const SourceMap& sources, Span doc) {
    std::string words;
    if (doc.empty()) {
        return words;
    }
    std::string_view rest = sources.text(doc);
    while (!rest.empty()) {
        const std::size_t newline = rest.find('\n');
        std::string_view line = rest.substr(0, newline);
        rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
        const std::size_t mark = line.find_first_not_of(" \t");
        if (mark == std::string_view::npos || line.substr(mark, 2) != "##") {
            continue;  // a plain comment among them
        }
        line.remove_prefix(mark + 2);
        if (!line.empty() && line.front() == ' ') {
            line.remove_prefix(1);
        }
        line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
        if (!words.empty()) {
            words += '\n';
        }
        words += line;
    }
    return words;
}

}  // namespace larder::dsl
