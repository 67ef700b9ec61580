// kernel/cli/record.cpp -- larder record: a trace of what a running kernel is asked.
//
// The kernel keeps what comes in a ring; this takes it out several times a second and writes it down. When
// this goes away without a word, the kernel ends the recording by itself.
#include "kernel/cli/host.hpp"
#include "kernel/loader/quantity.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>

namespace larder::cli {
namespace {

namespace json = boost::json;
using Steady = std::chrono::steady_clock;

constexpr int pause_ms = 50;  // between two looks, which empties the ring at a million operations a second

volatile std::sig_atomic_t interrupted = 0;

// "1/16" or "16": one key in so many.
std::optional<std::uint64_t> sample_of(std::string_view text) {
    if (text.starts_with("1/")) text.remove_prefix(2);
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out == 0 || out > 1'000'000) return std::nullopt;
    return out;
}

std::string name_of_now() {
    std::array<char, 64> text{};
    const std::time_t now = std::time(nullptr);
    std::tm at{};
    ::gmtime_r(&now, &at);
    std::strftime(text.data(), text.size(), "larder-%Y%m%d-%H%M%S.trace", &at);
    return text.data();
}

class Output {
  public:
    // False: it has been said why.
    bool open(const std::string& path) {
        fd_ = path == "-" ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd_ < 0) complain("larder record: " + path + ": " + std::strerror(errno));
        return fd_ >= 0;
    }
    ~Output() {
        if (fd_ >= 0) ::close(fd_);
    }
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
            if (done < 0 && errno == EINTR) continue;
            if (done < 0) {
                complain(std::string("larder record: the trace cannot be written: ") + std::strerror(errno));
                return false;
            }
            written_ += static_cast<std::uint64_t>(done);
            bytes.remove_prefix(static_cast<std::size_t>(done));
        }
        return true;
    }
    std::uint64_t written() const { return written_; }

  private:
    int fd_ = -1;
    std::uint64_t written_ = 0;
};

struct Part {
    bool more = false, over = false;
    std::uint64_t operations = 0, lost = 0;
};

// Asks for what there is and writes it. Nullopt: it has been said what is wrong.
std::optional<Part> take(const Remote& remote, const char* verb, const std::string& name, Output& output) {
    std::string problem;
    const auto answer = remote.try_ask("record", {verb, name}, problem);
    if (!answer || answer->exit != exit_fine) {
        complain("larder record: " + (answer ? answer->err : problem));
        return std::nullopt;
    }
    const std::size_t line = answer->out.find('\n');
    json::error_code error;
    const json::value said = json::parse(answer->out.substr(0, line), error);
    if (error || line == std::string::npos || !said.is_object()) {
        complain("larder record: the kernel's answer is none that this larder understands");
        return std::nullopt;
    }
    const json::object& head = said.get_object();
    if (!output.write(std::string_view(answer->out).substr(line + 1))) return std::nullopt;
    return Part{head.at("more").as_bool(), head.at("over").as_bool(), head.at("operations").to_number<std::uint64_t>(), head.at("lost").to_number<std::uint64_t>()};
}

void on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

int run_record(Words words) {
    CLI::App app;
    describe(app, "record",
             "Records what a running kernel is asked, until Ctrl-C or for a time, as a trace for\n"
             "`larder replay`. Keys and values of requests are written as pseudonyms.");
    Remote remote;
    std::string lasts, out, sample = "1";
    remote.add_to(app);
    app.add_option("--for", lasts, "so long: 10m")->type_name("TIME");
    app.add_option("-o,--out", out, "file; else one named by the time, - is standard output")->type_name("FILE");
    app.add_option("--sample", sample, "1/16 records all that concerns one key in sixteen")->capture_default_str();
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto one_in = sample_of(sample);
    const auto limit = lasts.empty() ? std::optional<std::int64_t>(0) : loader::duration_ns(lasts);
    if (!one_in || !limit || *limit < 0) {
        complain(!one_in ? "larder record: --sample is 1/16 or the like, not `" + sample + "`" : "larder record: --for is a time such as 10m, not `" + lasts + "`");
        return exit_usage;
    }
    std::string problem;
    const auto begun = remote.try_ask("record", {"start", std::to_string(*one_in)}, problem);
    if (!begun || begun->exit != exit_fine) {
        complain("larder record: " + (begun ? begun->err : problem));
        return begun ? begun->exit : exit_unreachable;
    }
    const std::string name = begun->out;
    if (out.empty()) out = name_of_now();
    Output output;
    on_signals();
    if (!output.open(out)) {
        static_cast<void>(remote.try_ask("record", {"end", name}, problem));
        return exit_findings;
    }
    if (out != "-") complain("recording to " + out + (lasts.empty() ? "; Ctrl-C ends it" : " for " + lasts));
    const auto until = Steady::now() + std::chrono::nanoseconds(*limit);
    std::optional<Part> part;
    while (interrupted == 0 && (lasts.empty() || Steady::now() < until)) {
        part = take(remote, "take", name, output);
        if (!part) return exit_findings;
        if (part->over) break;
        if (!part->more) ::poll(nullptr, 0, pause_ms);
    }
    if (!part || !part->over) part = take(remote, "end", name, output);
    if (!part) return exit_findings;
    complain(std::to_string(part->operations) + " operations, " + std::to_string(part->lost) + " lost, " + std::to_string(output.written()) + " bytes");
    return exit_fine;
}

}  // namespace larder::cli
