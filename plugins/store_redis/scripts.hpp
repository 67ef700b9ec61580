// plugins/store_redis/scripts.hpp -- what has to be judged where the data are, as Lua.
//
// Each script touches one value and its lease, or one record, so that it runs on one slot. The id of an
// entry stands at bytes 16 to 24 of its envelope. Called by digest; a server that does not know it any more
// (NOSCRIPT) is sent the text.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace larder::store_redis {

struct Script {
    explicit Script(std::string_view lua);
    std::string_view text;
    std::string digest;  // SHA-1, 40 hex digits
};

// KEYS value, lease; ARGV id to find ("" any, "-" none there), value, ttl ms (0: none), "1" to keep the ttl
// of what is replaced. 1: done; 0: another is there.
const Script& put_script();
// KEYS value, lease; ARGV id. 1: removed; 0: not there; -1: another is there.
const Script& remove_script();
// KEYS value; ARGV offset, patch, ttl ms (0: none), id ("" any). 1: done; 0: not there; -1: another is
// there; -2: the patch is past its end.
const Script& touch_script();
// KEYS value, lease; ARGV token, value, ttl ms (0: none). 1: done; 0: the right is gone.
const Script& fill_script();
// KEYS lease; ARGV token. 1: it is not this token's any more.
const Script& lease_end_script();
// KEYS record; ARGV record, ttl ms. What is there then, which lives at least so long.
const Script& make_script();
// KEYS record; ARGV its expire and expired_at_ms, ttl ms. 1: done; 0: not there.
const Script& expire_script();

std::span<const Script* const> all_scripts();

}  // namespace larder::store_redis
