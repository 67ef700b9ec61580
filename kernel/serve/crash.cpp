// kernel/serve/crash.cpp -- a crash inside a plugin names the plugin.
#include "kernel/serve/crash.hpp"

#include "kernel/loader/plugin_guard.hpp"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace larder::serve {
#if !defined(LARDER_SANITIZED)
namespace {

void write_text(const char* text) noexcept {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

const char* name_of_signal(int number) noexcept {
    switch (number) {
        case SIGSEGV: return "SIGSEGV";
        case SIGBUS: return "SIGBUS";
        case SIGILL: return "SIGILL";
        case SIGFPE: return "SIGFPE";
        default: return "SIGABRT";
    }
}

// Async-signal-safe. SA_RESETHAND has put the default back: raising it again ends the process.
void tell(int number) noexcept {
    if (loader::current_crumb != nullptr) {
        write_text("larder: ");
        write_text(name_of_signal(number));
        write_text(" ");
        loader::write_crumb(STDERR_FILENO);
    }
    ::raise(number);
}

}  // namespace

void name_plugin_in_crashes() noexcept {
    struct sigaction action {};
    action.sa_handler = tell;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
        ::sigaction(number, &action, nullptr);
}
#else
void name_plugin_in_crashes() noexcept {}
#endif

}  // namespace larder::serve
