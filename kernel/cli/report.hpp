// kernel/cli/report.hpp -- the findings of a whole run of `larder check`, printed as one.
//
// Each policy is compiled with sources of its own; JSON and SARIF want one list. So the files that have
// findings are gathered into one SourceMap, and the findings' places move with them. A snippet that
// several policies use is in it once, and so is a finding in it.
#pragma once

#include "dsl/diagnostic.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace larder::cli {

enum class Format { text, json, sarif, github };

class Report {
  public:
    void add(const dsl::SourceMap& sources, std::span<const dsl::Diagnostic> found);
    // Everything, in the order of add(). Text and GitHub's form are empty when there is nothing.
    std::string render(Format format, bool colour) const;
    std::size_t errors() const { return errors_; }
    std::size_t warnings() const { return warnings_; }
    // Findings that are counted but not shown: a run shows those of max_files files.
    std::size_t left_out() const { return left_out_; }

  private:
    bool place(const dsl::SourceMap& sources, dsl::Span& span);

    dsl::SourceMap sources_;
    std::map<std::string, dsl::FileId> files_;
    std::vector<dsl::Diagnostic> found_;
    std::set<std::tuple<std::string, std::uint32_t, std::uint32_t, std::string>> seen_;
    std::size_t errors_ = 0, warnings_ = 0, left_out_ = 0;
};

}  // namespace larder::cli
