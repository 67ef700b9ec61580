// plugins/invalidator_route/route_source.cpp -- the thread that listens, and what it does with a
// line.
#include "route_source.hpp"

#include <larder/plugin/signals_blocked.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace larder::invalidator_route {
namespace {

constexpr int look_again_ms = 1000;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t between_complaints_ns = 10 * second_ns;
constexpr std::uint64_t request_patience_ns = 5 * second_ns;
constexpr int most_tries = 8;

std::optional<JsonLine> json_from(const plugin::Config& config) {
    if (config.text("format", "common") != "json") {
        return std::nullopt;
    }
    return JsonLine(config.text("json_method", "method"), config.text("json_path", "path"),
                    config.text("json_status", "status"));
}

bool retryable(larder_status st) noexcept {
    return st == LARDER_E_BUSY || st == LARDER_E_TIMEOUT || st == LARDER_E_IO;
}

// The beginning of a line, fit for a log: nothing in it can begin a line of its own.
std::string shown(std::string_view line) {
    constexpr std::size_t most = 80;
    std::string text(line.substr(0, most));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
    return line.size() > most ? text + "..." : text;
}

void swallow(int fd) noexcept {
    std::array<char, 4096> bytes;
    while (::read(fd, bytes.data(), bytes.size()) > 0) {
    }
}

}  // namespace

RouteSource::RouteSource(plugin::Host host, const plugin::Config& config)
    : host_(host), log_path_(config.text("log", "")), json_(json_from(config)) {
    if (!log_path_.empty()) {
        log_.emplace(log_path_);
    }
    if (const std::string_view path = config.text("socket", ""); !path.empty()) {
        socket_ = std::make_unique<EventSocket>(std::string(path));
    }
    if (!log_ && !socket_) {
        throw plugin::Error(LARDER_E_CONFIG,
                            "expected log or socket: there is nothing to listen to");
    }
}

void RouteSource::start() {
    if (thread_.joinable()) {
        return;
    }
    cache_ = &host_.cache();
    requests_ = host_.counter("requests_total", "requests told to the policy's route rules");
    bad_lines_ = host_.counter("bad_lines_total", "lines that could not be read");
    too_long_ = host_.counter("too_long_total", "lines and datagrams over 64 KiB, skipped");
    failed_ = host_.counter("failed_total", "requests the kernel did not take");
    wake_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) {
        throw plugin::Error(LARDER_E_IO, "no event descriptor: too many open files");
    }
    if (socket_) {
        socket_->open();
    }
    if (log_) {
        watch_log();
        log_->open_at_end();
        log_missing_ = !log_->open();
        if (log_missing_) {
            host_.log(LARDER_LOG_WARN,
                      {log_path_, ": not there yet; read from its beginning when it is"});
        }
    }
    stopping_ = false;
    const plugin::SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

void RouteSource::stop(std::uint64_t) noexcept {
    if (thread_.joinable()) {
        stopping_ = true;
        const std::uint64_t one = 1;
        static_cast<void>(!::write(wake_.get(), &one, sizeof one));
        thread_.join();
    }
    if (socket_) {
        socket_->close();
    }
}

plugin::Health RouteSource::health() const {
    if (log_missing_) {
        return {LARDER_HEALTH_DEGRADED, log_path_ + " is not there"};
    }
    return {};
}

// The folder, not the file: a log that is rotated is another file under the same name.
void RouteSource::watch_log() {
    std::filesystem::path folder = std::filesystem::path(log_path_).parent_path();
    if (folder.empty()) {
        folder = ".";
    }
    watch_ = FileDescriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch_ || ::inotify_add_watch(watch_.get(), folder.c_str(),
                                       IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        watch_.close();
        host_.log(LARDER_LOG_INFO,
                  {log_path_, ": changes are not told here; looking once a second"});
    }
}

bool RouteSource::wait(int patience_ms) {
    std::array<pollfd, 3> fds{{{wake_.get(), POLLIN, 0},
                               {socket_ ? socket_->descriptor() : -1, POLLIN, 0},
                               {watch_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), patience_ms);
    if ((fds[2].revents & POLLIN) != 0) {
        swallow(watch_.get());
    }
    return !stopping_;
}

void RouteSource::run() {
    bool more = true;
    while (wait(more ? 0 : look_again_ms)) {
        more = false;
        try {
            if (socket_) {
                more |=
                    socket_->receive([this](std::string_view line) { hear_datagram_line(line); });
            }
            if (log_) {
                more |= log_->read(host_.mono_ns(),
                                   [this](std::string_view line) { hear_log_line(line); });
                log_missing_ = !log_->open();
            }
            count_too_long();
        } catch (const std::exception& e) {
            host_.log(LARDER_LOG_ERROR, e.what());
        }
    }
}

void RouteSource::hear_log_line(std::string_view line) {
    if (json_ ? json_->read(line, event_) : read_common_log(line, event_)) {
        tell(event_);
    } else {
        complain(line);
    }
}

void RouteSource::hear_datagram_line(std::string_view line) {
    if (read_plain(line, event_)) {
        tell(event_);
    } else {
        complain(line);
    }
}

larder_status RouteSource::request(const RouteEvent& event) const {
    larder_request request{};
    request.struct_size = sizeof request;
    request.status = event.status;
    request.method = plugin::bytes_of(event.method);
    request.path = plugin::bytes_of(event.path);
    request.query = plugin::bytes_of(event.query);
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = host_.mono_ns() + request_patience_ns;
    call.role = LARDER_ROLE_INVALIDATE;
    return cache_->request(host_.raw(), &request, nullptr, &call);
}

// A request that is lost leaves stale values behind, so a kernel that is busy is asked again: eight
// times over two and a half seconds.
void RouteSource::tell(const RouteEvent& event) {
    if (stopping_) {
        return;
    }
    larder_status st = request(event);
    for (int tries = 1, pause_ms = 10; tries < most_tries && retryable(st) && !stopping_;
         ++tries, pause_ms *= 2) {
        pollfd wake{wake_.get(), POLLIN, 0};
        ::poll(&wake, 1, pause_ms);
        st = request(event);
    }
    if (st >= LARDER_OK) {
        requests_.add();
        return;
    }
    failed_.add();
    host_.log(LARDER_LOG_ERROR,
              {"the kernel did not take ", shown(event.method + " " + event.path),
               ": what it makes stale stays until its ttl (status ", std::to_string(st), ")"});
}

void RouteSource::complain(std::string_view line) {
    bad_lines_.add();
    ++bad_since_complaint_;
    const std::uint64_t now = host_.mono_ns();
    if (now < next_complaint_ns_) {
        return;
    }
    host_.log(LARDER_LOG_WARN,
              {"lines that hold no request: ", std::to_string(bad_since_complaint_),
               "; the last one: ", shown(line)});
    bad_since_complaint_ = 0;
    next_complaint_ns_ = now + between_complaints_ns;
}

void RouteSource::count_too_long() {
    const std::uint64_t now = (log_ ? log_->too_long() : 0) + (socket_ ? socket_->too_long() : 0);
    if (now != too_long_told_) {
        too_long_.add(static_cast<double>(now - too_long_told_));
        too_long_told_ = now;
    }
}

}  // namespace larder::invalidator_route
