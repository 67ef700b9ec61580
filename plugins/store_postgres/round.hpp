// plugins/store_postgres/round.hpp -- what is said to the server in one piece, and what it answered.
#pragma once

#include "plugins/postgres_wire/pool.hpp"

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_postgres {

// A bigint of the same bits, and back.
std::string number_text(std::uint64_t number);
// "12 -3 5": as many as there are.
std::vector<std::uint64_t> numbers_of(std::string_view text);

// Text of others must live until run() returned; statements, as long as the round.
class Round {
  public:
    // Keeps a text that is made for it.
    std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
    std::string_view keep(std::uint64_t number) { return keep(number_text(number)); }
    // Its place among the answers.
    std::size_t add(std::string_view sql, std::initializer_list<std::string_view> parameters);

    // OK, or why not; with Batch::each the status of each is in its answer, and OK only says that all were.
    larder_status run(postgres_wire::Pool& pool, std::uint64_t deadline_ns, postgres_wire::Batch batch, bool again);

    bool empty() const noexcept { return queries_.empty(); }
    const postgres_wire::Outcome& answer(std::size_t at) const { return outcomes_[at]; }
    // The first column of the first row; empty: there is none.
    std::string_view text(std::size_t at) const;
    // What the server said when it failed.
    const std::string& complaint() const noexcept { return complaint_; }

  private:
    std::deque<std::string> kept_;
    std::vector<postgres_wire::Query> queries_;
    std::vector<postgres_wire::Outcome> outcomes_;
    std::string complaint_;
};

}  // namespace larder::store_postgres
