// plugins/store_postgres/round.cpp -- see round.hpp.
#include "round.hpp"

#include <charconv>

namespace larder::store_postgres {

std::string number_text(std::uint64_t number) { return std::to_string(static_cast<std::int64_t>(number)); }

std::vector<std::uint64_t> numbers_of(std::string_view text) {
    std::vector<std::uint64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        std::int64_t number = 0;
        const auto [stop, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) {
            break;
        }
        out.push_back(static_cast<std::uint64_t>(number));
        at = stop == end ? end : stop + 1;
    }
    return out;
}

std::size_t Round::add(std::string_view sql, std::initializer_list<std::string_view> parameters) {
    postgres_wire::Query& query = queries_.emplace_back();
    query.sql = sql;
    query.parameters.assign(parameters.begin(), parameters.end());
    return queries_.size() - 1;
}

larder_status Round::run(postgres_wire::Pool& pool, std::uint64_t deadline_ns, postgres_wire::Batch batch, bool again) {
    outcomes_.assign(queries_.size(), {});
    if (queries_.empty()) {
        return LARDER_OK;
    }
    pool.run(queries_, outcomes_, deadline_ns, again, batch);
    larder_status worst = LARDER_OK;
    for (const postgres_wire::Outcome& outcome : outcomes_) {
        // IO is also what is said of those that were done with one that failed: the one says why.
        if (outcome.status != LARDER_OK && (worst == LARDER_OK || (worst == LARDER_E_IO && outcome.status != LARDER_E_IO))) {
            worst = outcome.status;
            complaint_ = outcome.message;
        }
        if (outcome.status == LARDER_E_TIMEOUT) {
            return LARDER_E_TIMEOUT;
        }
    }
    return worst;
}

std::string_view Round::text(std::size_t at) const {
    const auto& cells = outcomes_[at].cells;
    return !cells.empty() && cells.front() ? std::string_view(*cells.front()) : std::string_view();
}

}  // namespace larder::store_postgres
