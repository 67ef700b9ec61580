// kernel/loader/crash_book.hpp -- which plugins have ended the process, and which are not run again.
//
// A process that crashes in a plugin is started again by whatever watches it, and crashes again: the
// cache is down because of one plugin. So the signal handler adds a line to a file of the state folder,
// and a plugin that has two lines within ten minutes is in quarantine: it is not run, a stand-in that
// is closed takes its place, and the rest goes on. Nothing but a person (`larder plugin release`) or
// another version of the plugin ends that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::loader {

struct Crumb;

struct Crash {
    std::int64_t at_s = 0;  // since 1970, UTC
    std::string how;        // "SIGSEGV", "exit()"
    std::string plugin;     // "org.larder.memory 1.0.0"
    std::string instance;   // "store.l1", or the plugin's path where no instance was yet
    std::string operation;  // "get"
};

inline constexpr const char* crash_book_name = "crashes";  // in the state folder

// In the order they happened, at most the last 1,000; none where there is no file. Lines that are not
// whole are left out.
std::vector<Crash> read_crashes(const std::string& file);
// Takes out what was noted of a plugin (its id) or an instance. How many there were; -1: `problem` says why not.
std::int64_t release_crashes(const std::string& file, std::string_view of, std::string& problem);

// Why it is in quarantine, one line; empty: it is not.
std::string quarantine_of(const std::vector<Crash>& crashes, std::string_view plugin);

// Adds a line. Async-signal-safe: `fd` was opened to append.
void note_crash(int fd, const char* how, const Crumb& where) noexcept;

}  // namespace larder::loader
