// kernel/loader/plugin_guard.cpp -- the kernel's second net around a plugin's functions.
#include "kernel/loader/plugin_guard.hpp"

#include <unistd.h>

#include <cstring>

namespace larder::loader {

constinit thread_local const Crumb* current_crumb LARDER_FAST_TLS = nullptr;

namespace {

void put(int fd, const char* text) noexcept {
    // A crash report that cannot be written has no other place to go.
    [[maybe_unused]] const auto written = ::write(fd, text, std::strlen(text));
}

struct Verdict {
    larder_status status;
    const char* what;
};

Verdict verdict_of(Sin sin) noexcept {
    switch (sin) {
        case Sin::exception:
            return {LARDER_E_EXCEPTION, "let an exception out"};
        case Sin::unknown_status:
            return {LARDER_E_INTERNAL, "answered with a status that does not exist"};
        case Sin::pending:
            return {LARDER_E_INTERNAL, "answered PENDING where it had to finish"};
        case Sin::value:
            return {LARDER_E_CORRUPT, "answered OK with a value that is none"};
        case Sin::size:
        case Sin::none:
            break;
    }
    return {LARDER_E_CORRUPT, "answered OK with more bytes than there was room for"};
}

}  // namespace

void write_crumb(int fd) noexcept {
    const Crumb* crumb = current_crumb;
    if (crumb == nullptr) {
        return;
    }
    put(fd, "in ");
    put(fd, crumb->instance);
    put(fd, " ");
    put(fd, crumb->operation);
    put(fd, " (");
    put(fd, crumb->plugin);
    put(fd, ")\n");
}

[[gnu::cold, gnu::noinline]] larder_status GuardRecord::misbehaved(Sin sin,
                                                                   const Crumb& where) noexcept {
    counts_[static_cast<std::size_t>(sin)].fetch_add(1, std::memory_order_relaxed);
    const Verdict verdict = verdict_of(sin);
    try {
        const std::string line =
            std::string(where.instance) + ": " + where.operation + " " + verdict.what;
        host_->log(host_, LARDER_LOG_ERROR, line.data(), line.size());
    } catch (...) {
        // No memory for the line: the count tells.
    }
    return verdict.status;
}

}  // namespace larder::loader
