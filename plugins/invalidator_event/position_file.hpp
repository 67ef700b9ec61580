// plugins/invalidator_event/position_file.hpp -- the id last handled of each stream, kept across restarts.
//
//     larder positions 1
//     1763671234567-0 orders
//
// Written beside and renamed, so that it is whole at every moment; not synced, for it may be older than the truth:
// what is read again is handled again, and to drop twice is to drop. A file that cannot be read is told, and its
// streams count as never read.
#pragma once

#include "stream_id.hpp"

#include <map>
#include <string>

namespace larder::invalidator_event {

class PositionFile {
  public:
    using Positions = std::map<std::string, StreamId>;

    // path empty: load() finds nothing and save() does nothing.
    explicit PositionFile(std::string path) : path_(std::move(path)) {}

    bool kept() const noexcept { return !path_.empty(); }
    const std::string& path() const noexcept { return path_; }
    // False: there is a file, and why says what is wrong with it; positions is then empty. No file: none.
    bool load(Positions& positions, std::string& why) const;
    // False: it could not be written, and why; the old one is still there.
    bool save(const Positions& positions, std::string& why) const;

  private:
    const std::string path_;
};

}  // namespace larder::invalidator_event
