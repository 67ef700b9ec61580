// dsl/source.hpp -- policy texts, and places in them that are eight bytes long.
//
// All files of a policy (the first one and what it says `use` of) share one address space: the
// SourceMap gives each file a base, and a Span is a pair of offsets in that space. So a node of the
// tree names its file, its line and its column in eight bytes, and nothing but the renderer ever
// counts lines. 64 files of 8 MiB fill 2^29 of the 2^32 offsets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

// A range of bytes of one file, as offsets of the SourceMap. Default: no place at all.
struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    bool empty() const { return begin == end; }
    std::uint32_t size() const { return end - begin; }
    friend bool operator==(const Span&, const Span&) = default;
};

// The smallest span that covers both.
inline Span cover(Span a, Span b) {
    return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

// Both count from 1; the column counts code points, a byte that is no UTF-8 counts as one.
struct Place {
    std::size_t line = 1;
    std::size_t column = 1;
    friend bool operator==(const Place&, const Place&) = default;
};

// One text with its name. Offsets given to it are offsets of the SourceMap it lives in.
class Source {
  public:
    Source(std::string name, std::string text, std::uint32_t base);

    const std::string& name() const { return name_; }
    std::string_view text() const { return text_; }
    std::uint32_t base() const { return base_; }
    std::uint32_t end() const { return base_ + static_cast<std::uint32_t>(text_.size()); }
    bool holds(std::uint32_t offset) const { return offset >= base_ && offset <= end(); }

    // An offset outside the file is taken as the nearest end of it.
    Place place(std::uint32_t offset) const;
    std::size_t lines() const { return starts_.size(); }
    // Line `number` counted from 1, without its newline; empty where there is no such line.
    std::string_view line(std::size_t number) const;
    // The offset at which line `number` begins.
    std::uint32_t line_begin(std::size_t number) const;
    std::string_view text(Span span) const;

  private:
    std::string name_;
    std::string text_;
    std::uint32_t base_;
    std::vector<std::uint32_t> starts_;  // offsets in text_, of every line
};

enum class FileId : std::uint32_t {};

// The files of one policy. Only grows; a Source never moves, so the views of a tree stay valid as
// long as the map does. Building it is for one thread, reading it for many.
class SourceMap {
  public:
    static constexpr std::size_t max_files = 64;
    static constexpr std::size_t max_file_bytes = std::size_t{8} << 20;

    // Keeps at most max_file_bytes + 1 bytes of the text: the one too many is what tells parse()
    // that the file was longer. REQUIRES: files() < max_files.
    FileId add(std::string name, std::string text);

    std::size_t files() const { return sources_.size(); }
    const Source& file(FileId id) const { return sources_[static_cast<std::size_t>(id)]; }
    // The file an offset belongs to; the last one for an offset behind all. REQUIRES: files() > 0.
    FileId file_of(std::uint32_t offset) const;
    const Source& file_at(std::uint32_t offset) const { return file(file_of(offset)); }

    Place place(std::uint32_t offset) const { return file_at(offset).place(offset); }
    std::string_view text(Span span) const { return file_at(span.begin).text(span); }
    // "policies/hotel.larder:12:3", the way every message and receipt names a place.
    std::string where(Span span) const;

  private:
    std::deque<Source> sources_;
};

// The words of a `##` documentation comment, the marks and indentation taken away, one line each.
std::string documentation(const SourceMap& sources, Span doc);

}  // namespace larder::dsl
