// kernel/cli/tail.cpp -- larder tail: what happens in a running kernel, line by line.
//
// The kernel keeps its last events in a ring and numbers them; this asks for those after the last one
// it has printed. What the ring lost in between is said, not hidden.
#include "kernel/cli/host.hpp"
#include "kernel/cli/terminal_text.hpp"

#include <boost/json.hpp>

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace larder::cli {
namespace {

namespace json = boost::json;

constexpr int pause_ms = 200;  // a person's eye asks no more often

struct Filter {
    Words types;
    std::string containing;

    bool takes(std::string_view type, std::string_view text) const {
        return (types.empty() || std::find(types.begin(), types.end(), type) != types.end()) &&
               (containing.empty() || text.find(containing) != std::string_view::npos);
    }
};

class Tail {
  public:
    Tail(const Remote& remote, Filter filter) : remote_(remote), filter_(std::move(filter)) {}

    // Prints what came after the last look, of these at most the last `most`. False: nobody answers, it
    // has been said.
    bool look(std::size_t most) {
        std::string problem;
        const auto answer = remote_.try_ask("events", {std::to_string(last_)}, problem);
        if (!answer || answer->exit != exit_fine) {
            complain("larder tail: " + (answer ? answer->err : problem));
            return false;
        }
        Words lines;
        std::istringstream events(answer->out);
        for (std::string line; std::getline(events, line);) take(line, lines);
        const std::size_t skipped = lines.size() > most ? lines.size() - most : 0;
        for (std::size_t i = skipped; i < lines.size(); ++i) print(lines[i]);
        std::fflush(stdout);
        looked_ = true;
        return true;
    }

  private:
    void take(const std::string& line, Words& lines) {
        json::error_code error;
        const json::value said = json::parse(line, error);
        if (error || !said.is_object()) return;
        const json::object& event = said.get_object();
        const auto field = [&](const char* name) { return json::value_to<std::string>(event.at(name)); };
        const auto number = event.at("number").to_number<std::uint64_t>();
        if (looked_ && number > last_ + 1)
            complain(std::to_string(number - last_ - 1) + " events were gone before they could be read");
        last_ = number;
        const std::string type = field("type"), text = field("text");
        if (!filter_.takes(type, text)) return;
        lines.push_back(remote_.json ? line + "\n"
                                     : time_text(event.at("at_ms").to_number<std::uint64_t>()) + "  " + type +
                                           "  " + printable(text) + "\n");
    }

    const Remote& remote_;
    Filter filter_;
    std::uint64_t last_ = 0;
    bool looked_ = false;
};

}  // namespace

int run_tail(Words words) {
    CLI::App app;
    describe(app, "tail",
             "Prints what happens in a running kernel, as it happens: invalidations with their rule and\n"
             "request, stores that come and go, reloads. Ends with Ctrl-C.");
    Remote remote;
    Filter filter;
    std::size_t lines = 10;
    bool once = false;
    remote.add_to(app);
    app.add_option("-n,--lines", lines, "begin with so many of the last ones")->capture_default_str();
    app.add_option("-t,--type", filter.types, "only these: invalidate, store, reload, start, ...; may be repeated")
        ->type_name("TYPE")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("-g,--containing", filter.containing, "only lines with this text")->type_name("TEXT");
    app.add_flag("--once", once, "print what is there and end");
    if (const auto status = parse(app, std::move(words))) return *status;
    Tail tail(remote, std::move(filter));
    if (!tail.look(lines)) return exit_unreachable;
    while (!once) {
        ::poll(nullptr, 0, pause_ms);
        if (!tail.look(SIZE_MAX)) return exit_unreachable;
    }
    return exit_fine;
}

}  // namespace larder::cli
