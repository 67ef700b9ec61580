// plugins/redis_wire/loop.hpp -- the store's thread: sockets, timers, and what others post to it.
//
// One thread for all servers of a store: what runs on it needs no lock against the rest of it. Times
// are the host's monotonic clock, read here and nowhere else; a timer that fires early by that clock
// (it may be coarse, or a test's) waits again.
#pragma once

#include "plugins/redis_wire/looking.hpp"

#include <larder/plugin/host.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace larder::redis_wire {

class Loop {
  public:
    // looks: how often it looks for more, some 0.3 us each, before it sleeps; 0: never.
    explicit Loop(plugin::Host host, unsigned looks = 0);
    ~Loop();  // REQUIRES: join() returned, or start() was never called.
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void start();
    // Ends the thread when nothing is left to do: no socket open, no timer set. Whoever owns sockets
    // and timers closes them first. REQUIRES: not on the loop.
    void join() noexcept;

    // Runs work on the loop, later, in the order posted; not when the loop has ended. [any]
    void post(std::function<void()> work);
    bool here() const noexcept;  // on the loop's thread? [any]
    std::uint64_t now_ns() const noexcept { return host_.mono_ns(); }
    boost::asio::io_context& context() noexcept;

    // Calls fn once, at or after a moment of the host's clock, on the loop. Everything on the loop;
    // may be destroyed from within fn.
    class Timer {
      public:
        explicit Timer(Loop& loop);
        ~Timer();
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;
        void at(std::uint64_t when_ns, std::function<void()> fn);  // takes the place of what was set
        void cancel() noexcept;
        bool set() const noexcept;

      private:
        struct Impl;
        std::shared_ptr<Impl> impl_;
    };

  private:
    struct Impl;
    void turn();

    plugin::Host host_;
    Looking looking_;  // the thread's
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::redis_wire
