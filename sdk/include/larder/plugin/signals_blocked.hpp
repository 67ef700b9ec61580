// larder/plugin/signals_blocked.hpp -- no signal for this thread, nor for those it makes, while one of these lives.
//
// Signals are the host's: a thread of ours that took one would leave the host asleep in its own wait. A new thread
// inherits the mask of the one that makes it, so make yours while one of these lives.
#ifndef LARDER_PLUGIN_SIGNALS_BLOCKED_HPP
#define LARDER_PLUGIN_SIGNALS_BLOCKED_HPP
#include <csignal>

namespace larder::plugin {

class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace larder::plugin

#endif
