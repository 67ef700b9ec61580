// plugins/net/event_loop.hpp -- one thread's sockets: which are ready, what others have posted,
// and now and then a tick.
//
// Epoll, edge-triggered: a socket is registered once, for both directions, and never again told about.
// So a request costs one read, one write and its share of an epoll_wait. (Boost.Asio, which this
// replaces, calls epoll_ctl whenever somebody waits for readiness: one system call more a turn, see
// docs/performance.md.) The price: whoever is told that a socket is ready has to remember it until a
// read comes back short, and asks with again() for its next turn when it has left something.
//
// Before it sleeps, a busy loop looks a few times more. To wake a sleeping thread costs its peer more
// than the request, above all in a virtual machine. It does so only while looking finds something.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

struct epoll_event;

namespace larder::net {

class Watcher {
  public:
    // events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, ... as epoll_wait says; 0: again() was asked for.
    virtual void on_ready(std::uint32_t events) = 0;
    // It asked for this with at_round_end().
    virtual void on_round_end() {}

  protected:
    ~Watcher() = default;
};

// Everything but post() on the loop's thread, or before it runs.
class EventLoop {
  public:
    using Task = std::function<void()>;

    // looks: how often it looks for more before it sleeps; 0: never. Throws std::system_error.
    explicit EventLoop(unsigned looks = 0);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Until stop(). REQUIRES: no exception leaves a task or a watcher.
    void run();
    void stop() noexcept { stopped_ = true; }
    // Runs task on the loop's thread, after those posted before. [any]
    void post(Task task);

    // Told when the descriptor becomes ready, edge-triggered, until it is closed. False: the system
    // takes no more. The watcher has to live until then and, if it closes the descriptor while it is
    // told something, until bury() has freed it.
    [[nodiscard]] bool watch(int descriptor, Watcher& watcher);
    // The same for a listening socket: told as long as somebody waits to be accepted.
    [[nodiscard]] bool watch_listener(int descriptor, Watcher& watcher);
    void unwatch(int descriptor) noexcept;
    // One more turn for the watcher, after all that are ready now.
    void again(std::shared_ptr<Watcher> watcher) { again_.push_back(std::move(watcher)); }
    // Told once when all that are ready now have had their turn.
    void at_round_end(Watcher& watcher) { ending_.push_back(&watcher); }
    // Frees it when nothing of this round can point to it any more.
    void bury(std::shared_ptr<void> object) { buried_.push_back(std::move(object)); }

    // Called every period; 0: not any more. Real time, as all else here that waits.
    void tick_every(std::uint64_t period_ns);
    void on_tick(Task tick) { tick_ = std::move(tick); }

  private:
    bool add(int descriptor, std::uint32_t events, void* data) noexcept;
    int wait(epoll_event* events, int room);
    void run_posted();
    void run_again();
    void end_round();
    void close_all() noexcept;

    int epoll_ = -1, wake_ = -1, timer_ = -1;
    bool stopped_ = false;
    const unsigned looks_;
    int worth_ = 0;        // rises when looking found something, falls when it did not
    unsigned slept_ = 0;   // times in a row without looking
    Task tick_;
    std::vector<std::shared_ptr<Watcher>> again_, running_again_;
    std::vector<Watcher*> ending_;  // live at least as long as what is buried
    std::vector<std::shared_ptr<void>> buried_;
    std::vector<Task> running_;

    std::mutex mutex_;
    std::vector<Task> posted_;  // guarded by mutex_
    bool woken_ = false;        // guarded by mutex_: wake_ was written to and not read yet
};

}  // namespace larder::net
