// plugins/warmer_sql/sql_source.hpp -- values by SQL: one statement that finds one, others that write and remove it.
//
// The policy has the statements; `{sku}` in them is a parameter (postgres_wire/statement.hpp), prepared once
// for each connection. A value is the one column of the one row that is found, byte for byte; several
// columns are made one in SQL (`row_to_json`), where their types are known.
#pragma once

#include "plugins/postgres_wire/pool.hpp"
#include "plugins/postgres_wire/statement.hpp"

#include <larder/plugin/warmer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace larder::warmer_sql {

class SqlSource {
  public:
    static constexpr const char* name = "sql";
    static constexpr std::uint64_t caps = LARDER_WARM_CAP_WRITE;

    SqlSource(plugin::Host host, const plugin::Config& config);
    void stop(std::uint64_t deadline_ns);

    larder_status fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set, plugin::Reply out);
    larder_status write(const larder_warm_item& source, std::span<larder_source_write> writes, const larder_call& call);

  private:
    std::shared_ptr<const postgres_wire::Statement> statement(std::string_view text);
    void tell(std::string_view what, const postgres_wire::Outcome& outcome);

    const plugin::Host host_;
    postgres_wire::Pool pool_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const postgres_wire::Statement>, std::less<>> statements_;  // guarded by mutex_
};

}  // namespace larder::warmer_sql
