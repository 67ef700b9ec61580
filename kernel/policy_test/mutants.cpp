// kernel/policy_test/mutants.cpp -- playing the tests of a policy on its mutants.
#include "kernel/policy_test/mutants.hpp"

#include "dsl/analysis/policy_difference.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace larder::policy_test {
namespace {

// One policy text among the files it was read with.
class Variant {
  public:
    Variant(const std::string& path, const SuiteOptions& options, const dsl::SourceMap& sources,
            std::string text)
        : path_(path), options_(options) {
        options_.read = [&sources, text = std::move(text)](const std::string& name) -> std::optional<std::string> {
            if (name == sources.file(dsl::FileId{0}).name()) return text;
            for (std::size_t i = 1; i < sources.files(); ++i) {
                const dsl::Source& file = sources.file(dsl::FileId{static_cast<std::uint32_t>(i)});
                if (file.name() == name) return std::string(file.text());
            }
            return std::nullopt;
        };
    }

    const dsl::Compiled& in_profile(const std::string& profile) {
        const auto known = compiled_.find(profile);
        if (known != compiled_.end()) return known->second;
        return compiled_
            .emplace(profile, dsl::compile({&path_, 1}, compile_options(options_, profile)))
            .first->second;
    }
    const dsl::Compiled& base() { return in_profile(options_.profile); }

  private:
    std::string path_;
    SuiteOptions options_;
    std::map<std::string, dsl::Compiled> compiled_;
};

bool breaks_a_guarantee(const dsl::Compiled& compiled) {
    return std::all_of(compiled.found.begin(), compiled.found.end(), [](const dsl::Diagnostic& d) {
        return d.severity != dsl::Severity::error || d.code == "L0309";
    });
}

bool mean_the_same(Variant& one, Variant& other, const std::vector<std::string>& profiles) {
    return std::all_of(profiles.begin(), profiles.end(), [&](const std::string& profile) {
        const dsl::Compiled& a = one.in_profile(profile);
        const dsl::Compiled& b = other.in_profile(profile);
        if (!a.ok() || !b.ok()) return false;
        const dsl::PolicyDifference found = dsl::difference(*a.policy, *b.policy);
        return found.complete && found.empty();
    });
}

// Every profile the policy has, whether or not a test names it.
std::vector<std::string> profiles_of(const SuiteOptions& options, const dsl::Compiled& base) {
    std::vector<std::string> out{options.profile};
    for (const std::string& name : base.profiles)
        if (name != options.profile) out.push_back(name);
    return out;
}

// The title of the first test that fails on the variant; `plays` counts.
std::optional<std::string> noticed_by(Variant& variant, const SuiteOptions& options,
                                      const dsl::Compiled& base, std::size_t& plays) {
    for (std::size_t i = 0; i < base.tests.size(); ++i) {
        const dsl::PolicyTest& test = base.tests[i];
        const dsl::Compiled& own =
            test.profile.empty() ? variant.base() : variant.in_profile(test.profile);
        ++plays;
        if (!own.ok() || i >= own.tests.size()) return test.title;
        if (!play(own.policy, own.tests[i], nullptr, options.bounds).empty()) return test.title;
    }
    return std::nullopt;
}

std::string counted(std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

Share MutationResult::score() const {
    Share out;
    for (const Mutant& mutant : mutants) {
        const bool counts = mutant.fate == MutantFate::noticed || mutant.fate == MutantFate::missed ||
                            mutant.fate == MutantFate::promised;
        if (!counts) continue;
        ++out.all;
        if (mutant.fate != MutantFate::missed) ++out.part;
    }
    return out;
}

std::vector<dsl::Diagnostic> MutationResult::missed() const {
    std::vector<dsl::Diagnostic> out;
    for (const Mutant& mutant : mutants) {
        if (mutant.fate != MutantFate::missed) continue;
        dsl::Diagnostic d;
        d.severity = dsl::Severity::warning;
        d.code = "L0453";
        d.message = "no test would notice this policy " + mutant.change.says;
        d.primary = {mutant.change.shown, ""};
        out.push_back(std::move(d));
    }
    return out;
}

MutationResult run_mutants(const std::string& path, const SuiteOptions& options,
                           const MutationBounds& bounds) {
    MutationResult out;
    out.path = path;
    const dsl::CompileOptions own = compile_options(options, options.profile);
    const dsl::Compiled base = dsl::compile({&path, 1}, own);
    out.sources = base.sources;
    if (!base.ok()) return out;
    Variant original(path, options, *base.sources,
                     std::string(base.sources->file(dsl::FileId{0}).text()));
    const std::vector<std::string> profiles = profiles_of(options, base);
    std::size_t plays = 0;
    std::vector<dsl::Mutation> changes = dsl::mutations_of(base, own);
    for (dsl::Mutation& change : changes) {
        if (out.mutants.size() >= bounds.mutants || plays >= bounds.plays) {
            out.left_out = changes.size() - out.mutants.size();
            break;
        }
        Variant variant(path, options, *base.sources, dsl::mutated(*base.sources, change));
        Mutant mutant{std::move(change), MutantFate::missed, {}};
        if (!variant.base().ok()) {
            mutant.fate = breaks_a_guarantee(variant.base()) ? MutantFate::promised
                                                             : MutantFate::wrong;
        } else if (auto title = noticed_by(variant, options, base, plays)) {
            mutant.fate = MutantFate::noticed;
            mutant.by = std::move(*title);
        } else if (mean_the_same(original, variant, profiles)) {
            mutant.fate = MutantFate::same;
        }
        out.mutants.push_back(std::move(mutant));
    }
    return out;
}

std::string mutation_text(std::span<const MutationResult> results, bool colour) {
    std::string out, lines;
    for (const MutationResult& result : results) {
        if (result.sources == nullptr) continue;
        out += dsl::render_text(*result.sources, result.missed(), colour);
        const Share score = result.score();
        const auto same = static_cast<std::size_t>(
            std::count_if(result.mutants.begin(), result.mutants.end(), [](const Mutant& mutant) {
                return mutant.fate == MutantFate::same;
            }));
        lines += result.path + ": " + std::to_string(score.part) + " of " +
                 counted(score.all, "mutant") + " are noticed: " + score.percent();
        if (same != 0) lines += "; " + std::to_string(same) + " more mean the same as the policy";
        if (result.left_out != 0)
            lines += "; " + std::to_string(result.left_out) + " were not tried: there are too many";
        lines += "\n";
    }
    return out + lines;
}

}  // namespace larder::policy_test
