// plugins/store_lmdb/page_walk.hpp -- whether an LMDB file is whole, before LMDB believes it.
//
// LMDB trusts its file: pages have no checksums, and one that is not what it should be ends in a wrong read or in
// abort(). So every page that the newest meta page reaches is looked at first, with all that LMDB would follow in it:
// its number, its kind, the bounds of its nodes, the pages they name, each of which may be reached once only, and the
// list of free pages, none of which may be in use. What values hold is not looked at: their own checksums tell.
//
// The format is that of data version 1 (LMDB 0.9) on 64 bits, little endian. The price is one look at each page that is
// no value's, some 30 ms for a million small entries in the page cache, and the file is warm then.
#pragma once

#include <optional>
#include <string>

namespace larder::store_lmdb {

// What is wrong with the file, for a log line; nothing when it is whole, empty, or not there.
std::optional<std::string> damage_in(const std::string& file);

}  // namespace larder::store_lmdb
