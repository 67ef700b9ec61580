// kernel/serve/crash.hpp -- a crash inside a plugin names the plugin.
#pragma once

namespace larder::serve {

// From now on a fatal signal first writes `larder: SIGSEGV in store.l1 get (org.larder.memory 1.0.0)` to
// standard error, then does what it does. Not in sanitized builds: they report in more detail.
void name_plugin_in_crashes() noexcept;

}  // namespace larder::serve
