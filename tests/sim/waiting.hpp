// tests/sim/waiting.hpp -- what waits in the core waits for the scheduler, found out by the linker.
//
// A binary of the simulator is linked with --wrap for each function in waiting.cpp: what its objects call
// pthread_mutex_lock is __wrap_pthread_mutex_lock there. In a thread that is not simulated each does what it always did.
#pragma once

#include <pthread.h>

#include <string>

namespace larder::sim {

int real_try_lock(pthread_mutex_t* mutex);
int real_unlock(pthread_mutex_t* mutex);

// Says what went wrong and in which seed, and ends the process: nothing can go on.
[[noreturn]] void give_up_for_good(const std::string& what);
// What it says besides, and how: of the one that runs worlds.
extern void (*on_giving_up)(const std::string& what);

}  // namespace larder::sim
