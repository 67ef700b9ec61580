// plugins/store_postgres/options.hpp -- what larder.toml says of a store in a Postgres.
#pragma once

#include "plugins/postgres_wire/session.hpp"

#include <larder/plugin/config.hpp>
#include <larder/plugin/host.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace larder::store_postgres {

// Names of tables as they stand in SQL, with a schema perhaps: quoted piece by piece.
struct Tables {
    std::string values, records, leases;
};

// Columns of the table of values, quoted.
struct Columns {
    std::string key, value, version, ends, written, place;
};

struct Options {
    std::string instance, prefix;
    postgres_wire::ConnectionOptions connection;
    Tables tables;
    Columns columns;
    bool create = true;
    std::size_t connections = 8, threads = 2, queue = 10'000;
    std::uint64_t max_staleness_ms = 3000;
    // Clean-up; 0: no bound in this respect.
    std::uint64_t keep_ms = 0, entries = 0, sweep_ns = 60'000'000'000;

    static Options read(plugin::Host host, const plugin::Config& config);
};

// "a.b" as "a"."b". Empty: it is no name.
std::string quoted_name(std::string_view name);

}  // namespace larder::store_postgres
