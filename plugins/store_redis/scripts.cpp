// plugins/store_redis/scripts.cpp -- see scripts.hpp.
#include "scripts.hpp"

#include <openssl/sha.h>

#include <array>

namespace larder::store_redis {

Script::Script(std::string_view lua) : text(lua) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> sum{};
    SHA1(reinterpret_cast<const unsigned char*>(lua.data()), lua.size(), sum.data());
    constexpr std::string_view digits = "0123456789abcdef";
    for (const unsigned char byte : sum) {
        digest += digits[byte >> 4];
        digest += digits[byte & 15];
    }
}

const Script& put_script() {
    static const Script script(R"(
local id = ARGV[1]
if id == '-' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif id ~= '' and redis.call('GETRANGE', KEYS[1], 16, 23) ~= id then return 0 end
redis.call('DEL', KEYS[2])
local ttl = ARGV[3]
if ARGV[4] == '1' then
  local left = redis.call('PTTL', KEYS[1])
  if left == -1 then ttl = '0' elseif left > 0 then ttl = left end
end
if ttl == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ttl) end
return 1
)");
    return script;
}

const Script& remove_script() {
    static const Script script(R"(
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) return 0 end
if redis.call('GETRANGE', KEYS[1], 16, 23) ~= ARGV[1] then return -1 end
redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[1])
return 1
)");
    return script;
}

const Script& touch_script() {
    static const Script script(R"(
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if ARGV[4] ~= '' and redis.call('GETRANGE', KEYS[1], 16, 23) ~= ARGV[4] then return -1 end
if #ARGV[2] > 0 then
  if ARGV[1] + #ARGV[2] > redis.call('STRLEN', KEYS[1]) then return -2 end
  redis.call('SETRANGE', KEYS[1], ARGV[1], ARGV[2])
end
if ARGV[3] == '0' then redis.call('PERSIST', KEYS[1])
else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
)");
    return script;
}

const Script& fill_script() {
    static const Script script(R"(
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
)");
    return script;
}

const Script& lease_end_script() {
    static const Script script(R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
)");
    return script;
}

const Script& make_script() {
    static const Script script(R"(
local found = redis.call('GET', KEYS[1])
if found and #found == 24 then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2]) end
  return found
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 2 * ARGV[2])
return ARGV[1]
)");
    return script;
}

const Script& expire_script() {
    static const Script script(R"(
local found = redis.call('GET', KEYS[1])
if not found or #found ~= 24 then return 0 end
redis.call('SET', KEYS[1], string.sub(found, 1, 8) .. ARGV[1], 'PX', ARGV[2])
return 1
)");
    return script;
}

std::span<const Script* const> all_scripts() {
    static const std::array<const Script*, 7> all = {
        &put_script(),       &remove_script(), &touch_script(), &fill_script(),
        &lease_end_script(), &make_script(),   &expire_script()};
    return all;
}

}  // namespace larder::store_redis
