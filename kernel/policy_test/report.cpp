// kernel/policy_test/report.cpp -- results of suites in three forms.
#include "kernel/policy_test/report.hpp"

#include "dsl/rendering.hpp"

#include <cstdio>

namespace larder::policy_test {
namespace {

std::string counted(std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string milliseconds(std::uint64_t ns) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(ns) / 1e6);
    return text;
}

std::string seconds(std::uint64_t ns) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", static_cast<double>(ns) / 1e9);
    return text;
}

std::string name_of(const TestResult& test) {
    return test.title + (test.profile.empty() ? "" : " (in profile " + test.profile + ")");
}

std::uint64_t took(const SuiteResult& result) {
    std::uint64_t sum = 0;
    for (const TestResult& test : result.tests) sum += test.took_ns;
    return sum;
}

// One line, and nothing in it that TAP would read as its own.
std::string tap_text(std::string_view text) {
    std::string out;
    for (const char c : dsl::shown(text)) {
        if (c == '#' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string xml_text(std::string_view text) {
    std::string out;
    std::size_t begin = 0;
    const auto add_line = [&](std::string_view line) {
        for (const char c : dsl::shown(line)) {
            switch (c) {
                case '<': out += "&lt;"; break;
                case '>': out += "&gt;"; break;
                case '&': out += "&amp;"; break;
                case '"': out += "&quot;"; break;
                default: out += c;
            }
        }
    };
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
        add_line(text.substr(begin, end - begin));
        out += "&#10;";
        begin = end + 1;
    }
    add_line(text.substr(begin));
    return out;
}

// The YAML block of a failure.
void add_yaml(std::string& out, const SuiteResult& result,
              const std::vector<dsl::Diagnostic>& found) {
    const dsl::Diagnostic& first = found.front();
    out += "  ---\n  message: " + dsl::json_string(first.message) + "\n  severity: fail\n  at: " +
           dsl::json_string(result.sources->where(first.primary.at)) + "\n  text: |\n";
    const std::string text = dsl::render_text(*result.sources, found, false);
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
        if (end != begin) out += "    " + text.substr(begin, end - begin);
        out += '\n';
        begin = end + 1;
    }
    out += "  ...\n";
}

}  // namespace

std::string report_text(std::span<const SuiteResult> results, bool colour) {
    std::string out, lines;
    std::size_t tests = 0, failed = 0, wrong = 0;
    std::uint64_t sum = 0;
    for (const SuiteResult& result : results) {
        if (!result.errors.empty()) {
            ++wrong;
            out += dsl::render_text(*result.sources, result.errors, colour);
            lines += dsl::shown(result.path) + ": the policy is wrong, so nothing ran\n";
            continue;
        }
        for (const TestResult& test : result.tests)
            out += dsl::render_text(*result.sources, test.found, colour);
        if (result.tests.empty()) continue;
        tests += result.tests.size();
        failed += result.failed();
        sum += took(result);
        lines += dsl::shown(result.path) + ": " + counted(result.tests.size(), "test");
        lines += result.failed() == 0 ? " passed\n" : ", " + std::to_string(result.failed()) + " failed\n";
    }
    out += lines;
    if (results.size() > 1)
        out += counted(tests, "test") + ", " + std::to_string(failed) + " failed" +
               (wrong == 0 ? "" : ", " + counted(wrong, "policy file") + " wrong") + ", " +
               milliseconds(sum) + "\n";
    return out;
}

std::string report_tap(std::span<const SuiteResult> results) {
    std::size_t points = 0;
    for (const SuiteResult& result : results)
        points += result.errors.empty() ? result.tests.size() : 1;
    std::string out = "TAP version 14\n1.." + std::to_string(points) + "\n";
    std::size_t number = 0;
    const auto add = [&](bool good, std::string_view name) {
        out += good ? "ok " : "not ok ";
        out += std::to_string(++number) + " - " + tap_text(name) + "\n";
    };
    for (const SuiteResult& result : results) {
        if (!result.errors.empty()) {
            add(false, result.path);
            add_yaml(out, result, result.errors);
            continue;
        }
        for (const TestResult& test : result.tests) {
            add(test.found.empty(), result.path + ": " + name_of(test));
            if (!test.found.empty()) add_yaml(out, result, test.found);
        }
    }
    return out;
}

std::string report_junit(std::span<const SuiteResult> results) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
    for (const SuiteResult& result : results) {
        const bool wrong = !result.errors.empty();
        const std::string name = xml_text(result.path);
        out += "  <testsuite name=\"" + name + "\" tests=\"" +
               std::to_string(wrong ? 1 : result.tests.size()) + "\" failures=\"" +
               std::to_string(result.failed()) + "\" errors=\"" + (wrong ? "1" : "0") +
               "\" time=\"" + seconds(took(result)) + "\">\n";
        if (wrong) {
            out += "    <testcase name=\"the policy is right\" classname=\"" + name +
                   "\">\n      <error message=\"" + xml_text(result.errors.front().message) +
                   "\">" + xml_text(dsl::render_text(*result.sources, result.errors, false)) +
                   "</error>\n    </testcase>\n";
        }
        for (const TestResult& test : result.tests) {
            out += "    <testcase name=\"" + xml_text(name_of(test)) + "\" classname=\"" + name +
                   "\" file=\"" + xml_text(test.where.file) + "\" line=\"" +
                   std::to_string(test.where.line) + "\" time=\"" + seconds(test.took_ns) + "\"";
            if (test.found.empty()) {
                out += "/>\n";
                continue;
            }
            out += ">\n      <failure message=\"" + xml_text(test.found.front().message) + "\">" +
                   xml_text(dsl::render_text(*result.sources, test.found, false)) +
                   "</failure>\n    </testcase>\n";
        }
        out += "  </testsuite>\n";
    }
    return out + "</testsuites>\n";
}

}  // namespace larder::policy_test
