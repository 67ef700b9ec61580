// kernel/cli/change.cpp -- larder plan, apply, rollback, policy: the policy of a running kernel.
//
// Files that are named are read here, with what they `use`, and sent; the kernel checks them again with
// its own environment, stores and plugins. Whether a change stays is watched by the kernel; this program
// only looks on.
#include "dsl/compile.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/editor/policy_text.hpp"
#include "kernel/loader/quantity.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace larder::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds between_looks{500};

// What a verb plans or applies, as the socket takes it. Nullopt: it has been said what cannot be read.
std::optional<Words> source_of(const std::string& verb, const Words& files, const std::string& kept, bool back) {
    if (back) return Words{"kept", kept};
    if (files.empty()) return Words{"files"};
    Words out{"texts"};
    bool good = true;
    dsl::CompileOptions options;
    options.read = [&](const std::string& path) {
        std::string why;
        auto text = editor::read_text(path, why);
        if (!text) {
            good = false;
            complain("larder " + verb + ": " + path + ": " + why);
            return text;
        }
        out.push_back(path);
        out.push_back(*text);
        return text;
    };
    // For what they `use`; whether they are right is the kernel's to say.
    dsl::compile(files, options);
    return good ? std::optional(std::move(out)) : std::nullopt;
}

std::string text_of(const json::object& from, const char* name) {
    const auto* const value = from.if_contains(name);
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::int64_t number_of(const json::object& from, const char* name) {
    const auto* const value = from.if_contains(name);
    json::error_code error;
    return value == nullptr || !value->is_number() ? 0 : value->to_number<std::int64_t>(error);
}

bool flag_of(const json::object& from, const char* name) {
    const auto* const value = from.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<json::object> object_of(const serve::Answer& answer) {
    json::error_code error;
    json::value read = json::parse(answer.out, error);
    if (error || !read.is_object()) return std::nullopt;
    return std::move(read.get_object());
}

std::string who_asks() {
    const char* const name = std::getenv("USER");
    const std::string who = name != nullptr && *name != '\0' ? name : "uid " + std::to_string(::geteuid());
    return who + " at the admin socket";
}

std::string seconds(std::int64_t ms) { return std::to_string((ms + 999) / 1000) + "s"; }

// One line on a terminal that is written over; elsewhere nothing until the end.
class Progress {
  public:
    ~Progress() { clear(); }
    void show(const std::string& line) {
        if (!terminal_) return;
        clear();
        const std::string cut = line.substr(0, 120);
        std::fwrite(cut.data(), 1, cut.size(), stderr);
        std::fflush(stderr);
        shown_ = true;
    }
    void clear() {
        if (!shown_) return;
        std::fputs("\r\033[K", stderr);
        shown_ = false;
    }

  private:
    const bool terminal_ = ::isatty(STDERR_FILENO) != 0;
    bool shown_ = false;
};

class Change {
  public:
    Change(std::string verb, const Remote& remote, Words source) : verb_(std::move(verb)), remote_(remote), source_(std::move(source)) {
        machine_.json = true;
    }

    // Asks for the plan. Nullopt: go on; else the exit status.
    std::optional<int> plan(bool show) {
        const auto answer = ask("plan", source_);
        if (!answer) return exit_unreachable;
        const auto read = object_of(*answer);
        if (!read) return told(*answer);
        running_ = text_of(*read, "running");
        if (show && !remote_.json) print(text_of(*read, "text"));
        return std::nullopt;
    }

    int apply(bool confirm, std::chrono::milliseconds watch) {
        Words words{running_, confirm ? "1" : "0", std::to_string(watch.count()), who_asks()};
        words.insert(words.end(), source_.begin(), source_.end());
        const auto answer = ask("apply", std::move(words));
        if (!answer) return exit_unreachable;
        const auto read = object_of(*answer);
        if (!read) return told(*answer);
        if (remote_.json) print(answer->out);
        else if (flag_of(*read, "success")) print(text_of(*read, "message"));
        else complain("larder " + verb_ + ": " + text_of(*read, "message"));
        if (!flag_of(*read, "success") || number_of(*read, "watched_ms") == 0) return answer->exit;
        return look_on(text_of(*read, "running"));
    }

  private:
    std::optional<serve::Answer> ask(const std::string& verb, Words words) {
        std::string problem;
        auto answer = machine_.try_ask(verb, std::move(words), problem);
        if (!answer) complain("larder " + verb_ + ": " + problem);
        return answer;
    }

    int told(const serve::Answer& answer) {
        complain("larder " + verb_ + ": " + (answer.err.empty() ? "the kernel's answer cannot be read" : answer.err));
        return answer.exit == exit_fine ? exit_findings : answer.exit;
    }

    int look_on(const std::string& id) {
        Progress progress;
        for (;;) {
            std::string problem;
            const auto answer = machine_.try_ask("policy", {}, problem);
            const auto now = answer ? object_of(*answer) : std::nullopt;
            if (!now) {
                progress.clear();
                complain("larder " + verb_ + ": the kernel does not answer any more: " + problem);
                return exit_unreachable;
            }
            if (!flag_of(*now, "watched")) {
                progress.clear();
                return ended(*now, id);
            }
            progress.show("watching, another " + seconds(number_of(*now, "left_ms")) + ": " + text_of(*now, "progress"));
            std::this_thread::sleep_for(between_looks);
        }
    }

    int ended(const json::object& now, const std::string& id) {
        const bool ours = text_of(now, "last_watched") == id;
        const bool returned = flag_of(now, "last_returned");
        if (ours && !returned) {
            if (!remote_.json) print("the policy " + id + " stays: " + text_of(now, "last") + "\n");
            return exit_fine;
        }
        if (ours) complain("larder " + verb_ + ": taken back: " + text_of(now, "last") + "; the policy " + text_of(now, "id") + " runs again");
        else complain("larder " + verb_ + ": somebody changed the policy meanwhile: " + text_of(now, "id") + " runs");
        return exit_findings;
    }

    const std::string verb_;
    const Remote& remote_;
    Remote machine_ = remote_;
    const Words source_;
    std::string running_;
};

void add_files(CLI::App& app, Words& files) {
    app.add_option("--policy", files, "policy file; may be repeated. Without it the files that the kernel's larder.toml names")
        ->type_name("FILE")
        ->allow_extra_args(false);
}

std::optional<std::chrono::milliseconds> watch_time(const std::string& verb, const std::string& text) {
    const auto ns = loader::duration_ns(text);
    if (ns && *ns > 0 && *ns <= 86'400'000'000'000) return std::chrono::milliseconds((*ns + 999'999) / 1'000'000);
    complain("larder " + verb + ": --watch is a duration from 1ms to 24h, like 1m");
    return std::nullopt;
}

}  // namespace

int run_plan(Words words) {
    // What would be warmed, and not what another policy would change.
    if (!words.empty() && words.front() == "warm") return run_plan_warm({words.begin() + 1, words.end()});
    CLI::App app;
    describe(app, "plan",
             "Tells what another policy would change in the running kernel: what its rules would do\n"
             "differently, which of the entries that are kept nobody could read any more, how many each\n"
             "rule reaches, and what guards say. Changes nothing. Status 0: nothing would change, 1: something would, 2: the\n"
             "policy cannot be used, 3: no kernel answers.");
    Remote remote;
    Words files;
    std::string format, to;
    bool back = false;
    remote.add_to(app);
    add_files(app, files);
    app.add_option("--format", format, "text or json")->type_name("FORMAT")->check(CLI::IsMember({"text", "json"}));
    app.add_flag("--rollback", back, "of `larder rollback`");
    app.add_option("--to", to, "with --rollback: the id of a policy that ran before; else the one before this one")->type_name("ID");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (format == "json") remote.json = true;
    const auto source = source_of("plan", files, to, back || !to.empty());
    return source ? remote.ask("plan", *source) : static_cast<int>(exit_usage);
}

int run_apply(Words words) {
    CLI::App app;
    describe(app, "apply",
             "Sends a policy to the running kernel, which checks it, tells what it changes, and runs it from\n"
             "one moment to the next. It is watched for a minute: when what a guard of the policy watches is\n"
             "breached, the kernel goes back by itself, whether this program still runs or not. Status 0: it\n"
             "runs and stays, 1: refused, or taken back, 3: no kernel answers.");
    Remote remote;
    Words files;
    std::string watch = "1m";
    bool confirm = false, unwatched = false;
    remote.add_to(app);
    add_files(app, files);
    app.add_flag("--confirm", confirm, "although a guard of the policy refuses it");
    app.add_option("--watch", watch, "how long it is watched")->type_name("TIME")->capture_default_str();
    app.add_flag("--no-watch", unwatched, "do not watch it");
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto time = unwatched ? std::optional(std::chrono::milliseconds(0)) : watch_time("apply", watch);
    const auto source = time ? source_of("apply", files, "", false) : std::nullopt;
    if (!source) return exit_usage;
    Change change("apply", remote, *source);
    if (const auto status = change.plan(true)) return *status;
    return change.apply(confirm, *time);
}

int run_rollback(Words words) {
    CLI::App app;
    describe(app, "rollback",
             "Goes back to the policy that ran before this one, whatever the files say now; during a watch,\n"
             "at once. `larder plan --rollback` tells what that changes, `larder policy` what is kept.");
    Remote remote;
    std::string to, watch;
    remote.add_to(app);
    app.add_option("--to", to, "the id of a policy that ran before; else the one before this one")->type_name("ID");
    app.add_option("--watch", watch, "watch it as apply does; else it is not watched")->type_name("TIME");
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto time = watch.empty() ? std::optional(std::chrono::milliseconds(0)) : watch_time("rollback", watch);
    if (!time) return exit_usage;
    Change change("rollback", remote, {"kept", to});
    return change.apply(true, *time);
}

int run_policy(Words words) {
    CLI::App app;
    describe(app, "policy",
             "Tells which policy the running kernel has, since when and by whom, whether it is being watched,\n"
             "and which ran before it. With --text its text.");
    Remote remote;
    std::string of;
    bool text = false;
    remote.add_to(app);
    app.add_flag("--text", text, "the text of the policy that runs");
    app.add_option("ID", of, "with --text: of this one that ran before");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (!text && !of.empty()) text = true;
    return remote.ask("policy", text ? (of.empty() ? Words{"text"} : Words{"text", of}) : Words{});
}

}  // namespace larder::cli
