// kernel/serve/crash.hpp -- a crash inside a plugin names the plugin.
#pragma once

#include <string>

namespace larder::serve {

// From now on a fatal signal first writes `larder: SIGSEGV in store.l1 get (org.larder.memory 1.0.0)` to
// standard error, then does what it does. Not in sanitized builds: they report in more detail. An
// exit() inside a plugin writes the same of itself, and the process ends with status 70, as a program
// that meant to end would not have been in a plugin.
//
// crash_book: where this is also noted (kernel/loader/crash_book.hpp); empty: nowhere. To be called once,
// by whoever owns the process.
void name_plugin_in_crashes(const std::string& crash_book = {});

}  // namespace larder::serve
