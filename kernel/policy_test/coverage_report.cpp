// kernel/policy_test/coverage_report.cpp -- coverage for a person, for lcov and for a program.
#include "kernel/policy_test/coverage.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace larder::policy_test {
namespace {

constexpr const char* word_of(ClauseKind kind) {
    switch (kind) {
        case ClauseKind::rule: return "rule";
        case ClauseKind::change: return "change";
        case ClauseKind::method: return "method";
        case ClauseKind::status: return "status";
        case ClauseKind::serve: return "serve";
        case ClauseKind::unless: return "unless";
        case ClauseKind::warm: return "warm";
        case ClauseKind::end_session: return "end session";
    }
    return "";
}

std::string of(const Share& share, const char* what) {
    return std::to_string(share.part) + " of " + std::to_string(share.all) + " " + what;
}

// `drop x` of a rule that never fired says nothing that the rule's own line does not.
void add_missing(std::string& out, const Coverage& coverage) {
    bool fired = true;
    for (const Clause& clause : coverage.clauses()) {
        if (clause.kind == ClauseKind::rule) fired = clause.times != 0;
        if (clause.times != 0 || (!fired && clause.kind != ClauseKind::rule)) continue;
        out += "  " + clause.where.text() + ": ";
        out += clause.kind == ClauseKind::rule ? "no test sets off `" : "no test exercises `";
        out += clause.says + "`\n";
    }
}

boost::json::object json_of(const Share& share) {
    return {{"covered", share.part}, {"all", share.all}, {"percent", share.percent()}};
}

}  // namespace

std::string coverage_text(std::span<const Coverage> all) {
    std::string out;
    for (const Coverage& one : all) {
        if (one.clauses().empty()) continue;
        out += one.clauses().front().where.file + ": " + of(one.rules(), "rules") + ", " +
               of(one.share(), "clauses") + " are exercised: " + one.share().percent() + "\n";
        add_missing(out, one);
    }
    return out;
}

std::string coverage_lcov(std::span<const Coverage> all) {
    struct Line {
        std::uint64_t times = 0;
        std::vector<std::uint64_t> clauses;
    };
    std::map<std::string, std::map<std::uint32_t, Line>> files;
    for (const Coverage& one : all) {
        for (const Clause& clause : one.clauses()) {
            Line& line = files[clause.where.file][clause.where.line];
            line.times = std::max(line.times, clause.times);
            line.clauses.push_back(clause.times);
        }
    }
    std::string out;
    for (const auto& [file, lines] : files) {
        std::size_t hit = 0, branches = 0, taken = 0;
        out += "TN:policy\nSF:" + file + "\n";
        for (const auto& [number, line] : lines) {
            const std::string at = std::to_string(number);
            for (std::size_t i = 0; i < line.clauses.size(); ++i) {
                out += "BRDA:" + at + ",0," + std::to_string(i) + "," +
                       std::to_string(line.clauses[i]) + "\n";
                ++branches;
                if (line.clauses[i] != 0) ++taken;
            }
            out += "DA:" + at + "," + std::to_string(line.times) + "\n";
            if (line.times != 0) ++hit;
        }
        out += "BRF:" + std::to_string(branches) + "\nBRH:" + std::to_string(taken) +
               "\nLF:" + std::to_string(lines.size()) + "\nLH:" + std::to_string(hit) +
               "\nend_of_record\n";
    }
    return out;
}

std::string coverage_json(std::span<const Coverage> all) {
    boost::json::array policies;
    for (const Coverage& one : all) {
        boost::json::array clauses;
        for (const Clause& clause : one.clauses())
            clauses.push_back({{"file", clause.where.file},
                               {"line", clause.where.line},
                               {"column", clause.where.column},
                               {"kind", word_of(clause.kind)},
                               {"clause", clause.says},
                               {"times", clause.times}});
        policies.push_back(boost::json::object{{"rules", json_of(one.rules())},
                                               {"clauses", json_of(one.share())},
                                               {"list", std::move(clauses)}});
    }
    return boost::json::serialize(boost::json::object{{"policies", std::move(policies)}}) + "\n";
}

}  // namespace larder::policy_test
