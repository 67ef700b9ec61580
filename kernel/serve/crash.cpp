// kernel/serve/crash.cpp -- a crash inside a plugin names the plugin.
#include "kernel/serve/crash.hpp"

#include "kernel/loader/crash_book.hpp"
#include "kernel/loader/plugin_guard.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace larder::serve {
namespace {

constexpr int ended_by_plugin = 70;  // EX_SOFTWARE of <sysexits.h>

int book = -1;  // set before the handlers are

void write_text(const char* text) noexcept {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// False: this thread is in no plugin. Async-signal-safe.
bool tell(const char* how) noexcept {
    const loader::Crumb* const crumb = loader::current_crumb;
    if (crumb == nullptr) return false;
    write_text("larder: ");
    write_text(how);
    write_text(" ");
    loader::write_crumb(STDERR_FILENO);
    if (book >= 0) loader::note_crash(book, how, *crumb);
    return true;
}

void at_exit() noexcept {
    if (tell("exit()")) ::_exit(ended_by_plugin);
}

#if !defined(LARDER_SANITIZED)
const char* name_of_signal(int number) noexcept {
    switch (number) {
        case SIGSEGV: return "SIGSEGV";
        case SIGBUS: return "SIGBUS";
        case SIGILL: return "SIGILL";
        case SIGFPE: return "SIGFPE";
        default: return "SIGABRT";
    }
}

// SA_RESETHAND has put the default back: raising it again ends the process.
void on_signal(int number) noexcept {
    static_cast<void>(tell(name_of_signal(number)));
    ::raise(number);
}

void take_signals() noexcept {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
        ::sigaction(number, &action, nullptr);
}
#else
void take_signals() noexcept {}
#endif

}  // namespace

void name_plugin_in_crashes(const std::string& crash_book) {
    if (!crash_book.empty()) {
        // A crash may come before the state folder is opened, which is what makes it otherwise.
        const std::filesystem::path folder = std::filesystem::path(crash_book).parent_path();
        std::error_code ignored;
        std::filesystem::create_directories(folder.parent_path(), ignored);
        ::mkdir(folder.c_str(), 0700);
        book = ::open(crash_book.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    static_cast<void>(std::atexit(at_exit));
    take_signals();
}

}  // namespace larder::serve
