// kernel/kit/checks_exporter.cpp -- LPR-6xx: numbers and events go out, or it is said that they did not.
#include "kernel/kit/edge.hpp"
#include "kernel/kit/subject.hpp"

#include <cmath>
#include <limits>
#include <sstream>

namespace larder::kit {
namespace {

using loader::Kind;

bool is_error(larder_status status) { return status < 0 && status >= LARDER_E_REFUSED; }
larder_bytes text(std::string_view t) { return plugin::bytes_of(t); }

// Three families; one label has what has to be escaped.
struct Numbers {
    larder_pair label{text("namespace"), text("a\"b\\c\nd")};
    double le[3] = {0.001, 0.1, std::numeric_limits<double>::infinity()};
    std::uint64_t counts[3] = {1, 3, 4};
    larder_sample counter{&label, 1, 0, 17, 0, nullptr, nullptr};
    larder_sample gauge{nullptr, 0, 0, -2.5, 0, nullptr, nullptr};
    larder_sample histogram{nullptr, 0, 3, 0.25, 4, le, counts};
    larder_family families[3] = {
        {sizeof(larder_family), LARDER_METRIC_COUNTER, text("larder_kit_requests_total"), text("Requests, \\ and\nso on."), text(""), &counter, 1},
        {sizeof(larder_family), LARDER_METRIC_GAUGE, text("larder_kit_level"), text("A level."), text("bytes"), &gauge, 1},
        {sizeof(larder_family), LARDER_METRIC_HISTOGRAM, text("larder_kit_seconds"), text("How long."), text("seconds"), &histogram, 1}};
    const larder_family* all[3] = {&families[0], &families[1], &families[2]};
};

struct Rendered {
    std::string text, type;
    larder_status answer = LARDER_OK;  // what the sink says
};

larder_status render(Subject& subject, loader::PluginInstance& exporter, Rendered& into) {
    static_cast<void>(subject);
    const Numbers numbers;
    const larder_text_sink sink{sizeof(larder_text_sink), 0, &into, [](void* ctx, larder_bytes chunk) noexcept -> larder_status {
                                    auto& me = *static_cast<Rendered*>(ctx);
                                    me.text += plugin::text_of(chunk);
                                    return me.answer;
                                }};
    const char* type = nullptr;
    const larder_status status = exporter.table<larder_exporter_v1>().render(exporter.self(), text("text/plain"), numbers.all, 3, &sink, &type);
    into.type = type == nullptr ? "" : type;
    return status;
}

bool is_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':')) return false;
    return true;
}

// One line of Prometheus' text: name{labels} value. False: it is none.
bool is_sample(const std::string& line) {
    const auto brace = line.find('{'), blank = line.find(' ');
    std::string_view rest = line;
    if (brace != line.npos && (blank == line.npos || brace < blank)) {
        if (!is_name(rest.substr(0, brace))) return false;
        bool quoted = false;
        std::size_t at = brace + 1;
        for (; at < line.size() && (quoted || line[at] != '}'); ++at) {
            if (quoted && line[at] == '\\') {
                ++at;
            } else if (line[at] == '"') {
                quoted = !quoted;
            }
        }
        if (at >= line.size()) return false;
        rest.remove_prefix(at + 1);
    } else {
        if (blank == line.npos || !is_name(rest.substr(0, blank))) return false;
        rest.remove_prefix(blank);
    }
    std::istringstream words{std::string(rest)};
    std::string value, more;
    if (!(words >> value)) return false;
    if (value != "+Inf" && value != "-Inf" && value != "NaN") {
        char* end = nullptr;
        static_cast<void>(std::strtod(value.c_str(), &end));
        if (end == value.c_str() || *end != '\0') return false;
    }
    return !(words >> more) || more.find_first_not_of("-0123456789") == more.npos;
}

std::shared_ptr<loader::PluginInstance> with(Subject& subject, std::uint64_t cap, const char* word) {
    auto exporter = subject.make();
    if ((exporter->caps() & cap) == 0) skip(std::string("it has no `") + word + "`");
    std::string why;
    if (!subject.try_start(*exporter, why)) skip("start refuses here: " + why);
    return exporter;
}

void renders(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_PULL, "pull");
    Rendered out;
    const larder_status status = render(subject, *exporter, out);
    require(status == LARDER_OK, "render answers " + status_text(status));
    require(!out.type.empty(), "render names no content type");
    require(out.text.find("larder_kit_requests_total") != out.text.npos && out.text.find("17") != out.text.npos, "render leaves a sample out");
    subject.no_sins(*exporter);
}

void parses(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_PULL, "pull");
    Rendered out;
    require(render(subject, *exporter, out) == LARDER_OK, "render fails");
    if (out.type.rfind("text/plain", 0) != 0) skip("it does not render Prometheus' text");
    std::istringstream lines(out.text);
    std::size_t samples = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        require(is_sample(line), "a line is no sample: " + line.substr(0, 80));
        ++samples;
    }
    require(samples >= 7, "of three families there are " + std::to_string(samples) + " lines");
    require(out.text.find(R"(a\"b\\c\nd)") != out.text.npos, "the label's value is not escaped");
    require(out.text.find("le=\"+Inf\"") != out.text.npos, "the histogram has no +Inf");
}

void same_twice(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_PULL, "pull");
    Rendered one, two;
    require(render(subject, *exporter, one) == LARDER_OK && render(subject, *exporter, two) == LARDER_OK, "render fails");
    require(one.text == two.text, "the same numbers are rendered differently");
}

void reader_gone(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_PULL, "pull");
    Rendered out;
    out.answer = LARDER_E_CLOSED;
    const larder_status status = render(subject, *exporter, out);
    require(status == LARDER_E_CLOSED, "render answers " + status_text(status) + " when its reader has gone");
    subject.no_sins(*exporter);
}

void pushes(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_PUSH, "push");
    const Numbers numbers;
    const larder_call call = subject.call(Ms(500));
    const larder_status status = exporter->table<larder_exporter_v1>().push(exporter->self(), numbers.all, 3, &call);
    require(status == LARDER_OK || is_error(status), "push answers " + status_text(status));
    subject.no_sins(*exporter);
}

void events(Subject& subject) {
    const auto exporter = with(subject, LARDER_EXP_CAP_EVENTS, "events");
    const larder_event event{sizeof(larder_event), LARDER_LOG_WARN, subject.host().wall_ms(), text("alert"), text("low_hits"), text(R"({"firing":true,"value":0.42})")};
    const larder_event odd{sizeof(larder_event), 99, 0, text("nobody knows this"), text(std::string_view("\0\n\"", 3)), text("{}")};
    const larder_event* both[] = {&event, &odd};
    const larder_call call = subject.call(Ms(500));
    const larder_status status = exporter->table<larder_exporter_v1>().events(exporter->self(), both, 2, &call);
    require(status == LARDER_OK || is_error(status), "events answers " + status_text(status));
    subject.no_sins(*exporter);
}

constexpr Requirement all[] = {
    {"LPR-601", Kind::exporter, "With `pull`, render has every sample and names its content type.", "numbers are missing", renders},
    {"LPR-602", Kind::exporter, "Prometheus' text can be parsed: names, escapes, buckets.", "a scrape fails", parses},
    {"LPR-603", Kind::exporter, "The same numbers are the same text.", "graphs flicker", same_twice},
    {"LPR-604", Kind::exporter, "When its reader has gone, render stops and says so.", "work for nobody", reader_gone},
    {"LPR-605", Kind::exporter, "With `push`, it ends by its deadline, whoever listens.", "numbers stop", pushes},
    {"LPR-606", Kind::exporter, "With `events`, any event is taken, and it ends by its deadline.", "alerts stop", events},
};

}  // namespace

std::span<const Requirement> exporter_requirements() { return all; }

}  // namespace larder::kit
