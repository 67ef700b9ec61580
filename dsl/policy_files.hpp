// dsl/policy_files.hpp -- the files of one policy: read, parsed, and what they `use` brought in.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/parser.hpp"

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

class PolicyFiles {
  public:
    PolicyFiles(SourceMap& sources, const CompileOptions& options, std::vector<Diagnostic>& found)
        : sources_(sources), options_(options), say_(found), found_(found) {}

    // Each may be called several times; a file that is met again is the same file.
    void load(const std::string& path);
    void load_text(std::string name, std::string text);

    // Used files before those that use them.
    std::vector<const ast::Policy*> trees() const;
    const std::deque<Parsed>& parsed() const { return parsed_; }
    const std::vector<std::string>& names() const { return names_; }
    // Whether some file is missing, so that any name may be declared in it.
    bool incomplete() const { return incomplete_; }

  private:
    enum class State : std::uint8_t { open, done };

    void take(const std::string& path, Span used_at);
    void parse_and_follow(const std::string& path, std::string text);
    void follow(const ast::Use& use, const std::string& path);
    bool room(Span used_at, const std::string& path);
    void check_edition(const ast::Policy& tree);

    SourceMap& sources_;
    const CompileOptions& options_;
    Findings say_;
    std::vector<Diagnostic>& found_;
    std::map<std::string, State, std::less<>> states_;
    std::vector<std::string> stack_;
    std::deque<Parsed> parsed_;
    std::vector<const ast::Policy*> trees_;
    std::vector<std::string> names_;
    bool incomplete_ = false;
};

}  // namespace larder::dsl
