// kernel/kit/kit_report.cpp -- verdicts for a person, for TAP, for JUnit and for programs.
#include "kernel/kit/kit_run.hpp"

#include <boost/json.hpp>

namespace larder::kit {
namespace {

namespace json = boost::json;

std::string_view word_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::passed: return "passed";
        case Outcome::skipped: return "skipped";
        case Outcome::waived: return "waived";
        case Outcome::failed: break;
    }
    return "failed";
}

std::string one_line(std::string text, bool xml) {
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7F)
            out += ' ';
        else if (xml && c == '&')
            out += "&amp;";
        else if (xml && c == '<')
            out += "&lt;";
        else if (xml && c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::size_t count(const std::vector<Verdict>& verdicts, Outcome outcome) {
    std::size_t n = 0;
    for (const Verdict& one : verdicts) n += one.outcome == outcome ? 1 : 0;
    return n;
}

std::string name_of(const Verdict& verdict) {
    return std::string(verdict.requirement->id) + " " + verdict.component + ": " + verdict.requirement->text;
}

}  // namespace

std::string report_text(const RunOptions& options, const std::vector<Verdict>& verdicts) {
    std::string out;
    for (const Verdict& one : verdicts) {
        if (one.outcome == Outcome::passed) continue;
        out += std::string(one.requirement->id) + " " + std::string(word_of(one.outcome)) + "  " + one.component + ": " + one.requirement->text + "\n";
        out += "    " + one_line(one.text, false) + "\n";
        if (one.outcome == Outcome::failed)
            out += "    otherwise: " + std::string(one.requirement->otherwise) + "\n    again: larder plugin test " + options.plugin + " --only " +
                   one.requirement->id + " --seed " + std::to_string(one.seed) + "\n";
    }
    out += std::to_string(verdicts.size()) + " checks: " + std::to_string(count(verdicts, Outcome::passed)) + " passed, " +
           std::to_string(count(verdicts, Outcome::failed)) + " failed, " + std::to_string(count(verdicts, Outcome::skipped)) + " skipped, " +
           std::to_string(count(verdicts, Outcome::waived)) + " waived; seed " + std::to_string(options.seed) +
           (options.fuzz > 1 ? " to " + std::to_string(options.seed + options.fuzz - 1) : "") + "\n";
    return out;
}

std::string report_tap(const RunOptions& options, const std::vector<Verdict>& verdicts) {
    std::string out = "TAP version 14\n1.." + std::to_string(verdicts.size()) + "\n# seed " + std::to_string(options.seed) + "\n";
    std::size_t number = 0;
    for (const Verdict& one : verdicts) {
        std::string name = one_line(name_of(one), false);
        for (std::size_t at = 0; (at = name.find('#', at)) != name.npos; at += 2) name.insert(at, "\\");
        out += (one.outcome == Outcome::failed ? "not ok " : "ok ") + std::to_string(++number) + " - " + name;
        if (one.outcome == Outcome::skipped || one.outcome == Outcome::waived) out += " # SKIP " + one_line(one.text, false);
        out += "\n";
        if (one.outcome == Outcome::failed) out += "  ---\n  message: " + json::serialize(json::string(one_line(one.text, false))) + "\n  ...\n";
    }
    return out;
}

std::string report_junit(const RunOptions& options, const std::vector<Verdict>& verdicts) {
    const std::string plugin = one_line(options.plugin, true);
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"" + plugin + "\" tests=\"" +
                      std::to_string(verdicts.size()) + "\" failures=\"" + std::to_string(count(verdicts, Outcome::failed)) + "\" skipped=\"" +
                      std::to_string(count(verdicts, Outcome::skipped) + count(verdicts, Outcome::waived)) + "\">\n    <properties><property name=\"seed\" value=\"" +
                      std::to_string(options.seed) + "\"/></properties>\n";
    for (const Verdict& one : verdicts) {
        out += "    <testcase name=\"" + one_line(name_of(one), true) + "\" classname=\"" + plugin + "\" time=\"" + std::to_string(one.took_ms / 1000) + "." +
               std::to_string(1000 + one.took_ms % 1000).substr(1) + "\"";
        if (one.outcome == Outcome::passed)
            out += "/>\n";
        else if (one.outcome == Outcome::failed)
            out += "><failure message=\"" + one_line(one.text, true) + "\"/></testcase>\n";
        else
            out += "><skipped message=\"" + one_line(one.text, true) + "\"/></testcase>\n";
    }
    return out + "  </testsuite>\n</testsuites>\n";
}

std::string report_json(const RunOptions& options, const std::vector<Verdict>& verdicts) {
    json::array all;
    for (const Verdict& one : verdicts)
        all.push_back(json::object{{"id", one.requirement->id},
                                   {"component", one.component},
                                   {"requirement", one.requirement->text},
                                   {"otherwise", one.requirement->otherwise},
                                   {"outcome", json::string(word_of(one.outcome).data(), word_of(one.outcome).size())},
                                   {"text", one_line(one.text, false)},
                                   {"seed", one.seed},
                                   {"took_ms", one.took_ms}});
    return json::serialize(json::object{{"plugin", options.plugin},
                                        {"seed", options.seed},
                                        {"passed", count(verdicts, Outcome::passed)},
                                        {"failed", count(verdicts, Outcome::failed)},
                                        {"skipped", count(verdicts, Outcome::skipped)},
                                        {"waived", count(verdicts, Outcome::waived)},
                                        {"checks", std::move(all)}}) +
           "\n";
}

}  // namespace larder::kit
