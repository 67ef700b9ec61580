// kernel/cli/top.cpp -- larder top: a running kernel, looked at once a second.
//
// The screen is drawn from the answers of `stats`, so looking costs the kernel one report a second and
// nothing while nobody looks. On a terminal it redraws in place and takes keys; elsewhere it prints one
// screen after the other.
#include "kernel/cli/host.hpp"
#include "kernel/cli/top_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

namespace larder::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

// The terminal in the alternate screen, keys coming one by one; as it was when this ends.
class RawTerminal {
  public:
    RawTerminal() {
        if (::tcgetattr(STDIN_FILENO, &before_) == 0) {
            termios raw = before_;
            raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            raw.c_cc[VMIN] = 0;
            raw.c_cc[VTIME] = 0;
            changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
        }
        struct sigaction act {};
        act.sa_handler = [](int) { interrupted = 1; };  // so that the destructor runs
        ::sigaction(SIGINT, &act, nullptr);
        ::sigaction(SIGTERM, &act, nullptr);
        print("\x1b[?1049h\x1b[?25l");
    }
    ~RawTerminal() {
        print("\x1b[?25h\x1b[?1049l");
        std::fflush(stdout);
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    static void measure(Screen& screen) {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return;
        screen.columns = size.ws_col;
        screen.lines = size.ws_row > 1 ? size.ws_row - 1U : 1;
    }

  private:
    termios before_{};
    bool changed_ = false;
};

// A key, or 0 when the time is over or a signal came.
char key_within(Clock::duration time) {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    char key = 0;
    if (::poll(&waiting, 1, static_cast<int>(ms > 0 ? ms : 0)) == 1 && ::read(STDIN_FILENO, &key, 1) != 1)
        return 'q';  // the terminal is gone
    return key;
}

struct Reading {
    json::object stats;
    Clock::time_point at;
};

class Top {
  public:
    Top(const Remote& remote, Clock::duration interval) : remote_(remote), interval_(interval) {}

    // False: it has been said why not.
    bool read(Reading& out) const {
        std::string problem;
        const auto answer = remote_.try_ask("stats", {}, problem);
        if (!answer || answer->exit != exit_fine) {
            complain("larder top: " + (answer ? answer->err : problem));
            return false;
        }
        json::error_code error;
        json::value said = json::parse(answer->out, error);
        if (error || !said.is_object()) {
            complain("larder top: the kernel's numbers are no JSON object");
            return false;
        }
        out = {std::move(said.as_object()), Clock::now()};
        return true;
    }

    int once() const {
        Reading before, now;
        if (!read(before)) return exit_unreachable;
        wait();
        if (interrupted != 0) return exit_fine;
        if (!read(now)) return exit_unreachable;
        const double seconds = between(before, now);
        Screen screen;
        screen.columns = 400;
        screen.lines = 4'000;
        screen.colour = is_colourful(STDOUT_FILENO);
        print(remote_.json ? render_json(before.stats, now.stats, seconds)
                           : render(before.stats, now.stats, seconds, screen));
        return exit_fine;
    }

    int watch() const {
        Reading before, now;
        if (!read(before)) return exit_unreachable;
        now = before;
        Screen screen;
        screen.colour = is_colourful(STDOUT_FILENO);
        bool paused = false, lost = false;
        {
            const RawTerminal terminal;
            while (interrupted == 0 && !lost) {
                RawTerminal::measure(screen);
                print("\x1b[H\x1b[2J" + render(before.stats, now.stats, between(before, now), screen) +
                      "q quit   s sorted by " + std::string(title(screen.sort)) +
                      (paused ? "   p paused, goes on" : "   p pause"));
                std::fflush(stdout);
                const char key = key_within(now.at + interval_ - Clock::now());
                if (key == 'q') break;
                if (key == 's') screen.sort = next(screen.sort);
                if (key == 'p') paused = !paused;
                if (key != 0 || interrupted != 0) continue;
                if (paused) {
                    now.at = Clock::now();
                    continue;
                }
                Reading fresh;
                lost = !read(fresh);
                if (!lost) before = std::exchange(now, std::move(fresh));
            }
        }
        return lost ? exit_unreachable : exit_fine;
    }

  private:
    static double between(const Reading& before, const Reading& now) {
        const double seconds = std::chrono::duration<double>(now.at - before.at).count();
        return seconds > 0 ? seconds : 1;
    }
    void wait() const {
        ::poll(nullptr, 0, static_cast<int>(
            std::chrono::duration_cast<std::chrono::milliseconds>(interval_).count()));
    }

    const Remote& remote_;
    Clock::duration interval_;
};

}  // namespace

int run_top(Words words) {
    CLI::App app;
    describe(app, "top",
             "Shows a running kernel, looked at once a second: tiers, reads and hits of each namespace, the\n"
             "last invalidations with their rule. Keys: q quits, s sorts by the next column, p pauses.");
    Remote remote;
    double seconds = 1;
    bool once = false;
    remote.add_to(app);
    app.add_flag("--once", once, "print one screen, of what happens within one interval, and end");
    app.add_option("--interval", seconds, "seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    if (const auto status = parse(app, std::move(words))) return *status;
    const Top top(remote, std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
    const bool terminal = ::isatty(STDOUT_FILENO) != 0 && ::isatty(STDIN_FILENO) != 0;
    return once || remote.json || !terminal ? top.once() : top.watch();
}

}  // namespace larder::cli
