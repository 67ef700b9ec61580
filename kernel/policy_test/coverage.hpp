// kernel/policy_test/coverage.hpp -- which rules, and which clauses of them, the tests have exercised.
//
// A clause is what somebody decided when the rule was written: that it fires, each target of a drop,
// expire or refresh, each method and each status where several are listed, a `serve` and each of its
// `unless`, each `warm` and each `end session`. A target counts when its rule fired with all values the
// target needs. Rules are the same in every profile, so tests of all profiles fill one Coverage.
//
// That a clause was exercised does not say that a test would notice its loss: mutation.hpp does.
#pragma once

#include "dsl/policy_test.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace larder::policy_test {

enum class ClauseKind : std::uint8_t { rule, change, method, status, serve, unless, warm, end_session };

struct Clause {
    ClauseKind kind = ClauseKind::rule;
    std::uint32_t rule = 0;  // into Policy::rules
    dsl::Where where;
    std::string says;        // `drop user_stats`
    std::uint32_t which = 0;  // among those of its kind in the rule; method: its bit
    std::uint64_t times = 0;
};

// `part` of `all`, without the lie of rounding: 100 only when it is all, 0 only when it is nothing.
struct Share {
    std::uint64_t part = 0, all = 0;
    std::string percent() const;  // "99.9 %"; of nothing: "100 %"
    // Whether it reaches `percent`, given in hundredths: 9995 is 99.95 %. Exact.
    bool reaches(std::uint64_t hundredths) const { return part * 10'000 >= hundredths * all; }
};

class Coverage {
  public:
    explicit Coverage(const dsl::Policy& policy);

    // A rule fired on an answer with this status; `uncertain` are places ("hotel.larder:20") of targets
    // that were not known whole. status 0 and no method: not a request.
    void fired(std::uint32_t rule, std::string_view method, std::uint16_t status,
               std::span<const std::string> uncertain);
    void served(std::uint32_t rule);
    void held(std::uint32_t rule, std::uint32_t unless);  // its `unless` kept it from serving

    const std::vector<Clause>& clauses() const { return clauses_; }
    Share rules() const;
    Share share() const;  // of all clauses
    void add(const Coverage& other);  // of the same policy

  private:
    template <class Fn>
    void each_of(std::uint32_t rule, Fn&& fn);

    std::vector<Clause> clauses_;
    std::vector<std::size_t> begins_;  // of each rule, and the end
    std::vector<std::vector<dsl::StatusRange>> statuses_;
};

// What of it nobody exercised, for a person, line by line; ends with the shares.
std::string coverage_text(std::span<const Coverage> all);
// LCOV's tracefile (geninfo(1)): one record a file, one DA line a line with clauses.
std::string coverage_lcov(std::span<const Coverage> all);
// One object: the shares and all clauses.
std::string coverage_json(std::span<const Coverage> all);

}  // namespace larder::policy_test
