// plugins/store_postgres/statements.hpp -- every text that the store says to Postgres, made once from its options.
//
// Times are the server's, in ms since 1970, so that nodes need no common clock. Numbers are bigint, unsigned ones by
// their bits. Whoever changes an entry holds the advisory lock of its key until it is committed: the lease of a key and
// its value are two rows, and must change as one for others, also where one of them is not there yet.
//
// A change tells of itself in its own transaction (NOTIFY), so it is told if and only if it was made, and not before
// others can see it.
#pragma once

#include "options.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_postgres {

// Of a put: which rows may be overwritten.
enum class Only { always, absent, version };

struct Statements {
    explicit Statements(const Options& options);

    // Each in one transaction with the others, when the store is reached for the first time; may be repeated.
    std::vector<std::string> create;

    std::string lock;                // $1 number of a key
    std::string beacon;              // $1 channel, $2 payload: the server's ms, its start, its log's end
    std::string listen;
    // $1 key
    std::string get, version_of;     // the value; its version and size
    std::string end_lease;
    // $1 key, $2 value, $3 version, $4 ttl or 0, $5 channel, $6 payload, then $7 lease (put by lease), then the version
    const std::string& put(Only only, bool keeps_ttl, bool leased) const {
        return puts_[(static_cast<std::size_t>(only) * 2 + (keeps_ttl ? 1 : 0)) * 2 + (leased ? 1 : 0)];
    }
    std::string remove;              // $1 key, $2 channel, $3 payload, $4 version or 0
    std::string touch;               // $1 key, $2 ttl, $3 patch, $4 offset, $5 version or 0, $6 channel, $7 payload
    std::string scan;                // $1 place, $2 how many, $3 lapsed ones too: place,size,left,hex;...
    std::string clear_all, clear;    // $1 channel; $1 first key, $2 behind the last, $3 channel
    std::string clear_leases, clear_leases_all;  // $1 first, $2 behind the last
    // $1 key
    std::string record;              // drop expire expired_at left
    std::string make;                // $2 drop, $3 expire, $4 expired_at, $5 ttl, $6 channel, $7 payload
    std::string change;              // $2 drop or 0, $3 expire, $4 expired_at, $5 ttl, $6 channel, $7 payload
    std::string lease, unlease;      // $2 token, $3 ttl; $2 token
    // Clean-up, at most $1 rows: how many it was
    std::string sweep_ended, sweep_old, sweep_many, sweep_leases, sweep_records;
    std::string count;               // entries, bytes
    std::string channel;

  private:
    std::array<std::string, 12> puts_;
};

}  // namespace larder::store_postgres
