// plugins/net/event_loop.cpp -- see event_loop.hpp.
#include "event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace larder::net {
namespace {

constexpr int most_events = 256;
constexpr int most_worth = 16;
constexpr unsigned sleeps_between_tries = 32;

[[noreturn]] void throw_last(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void drain(int descriptor) noexcept {
    std::uint64_t count = 0;
    while (::read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

}  // namespace

EventLoop::EventLoop(unsigned looks) : looks_(looks) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (epoll_ < 0 || wake_ < 0 || timer_ < 0 || !add(wake_, EPOLLIN, &wake_) ||
        !add(timer_, EPOLLIN, &timer_)) {
        const std::system_error error(errno, std::generic_category(), "cannot watch sockets");
        close_all();
        throw error;
    }
}

EventLoop::~EventLoop() { close_all(); }

void EventLoop::close_all() noexcept {
    for (const int descriptor : {timer_, wake_, epoll_}) {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
}

bool EventLoop::add(int descriptor, std::uint32_t events, void* data) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = data;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool EventLoop::watch(int descriptor, Watcher& watcher) {
    return add(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &watcher);
}

bool EventLoop::watch_listener(int descriptor, Watcher& watcher) {
    return add(descriptor, EPOLLIN, &watcher);
}

void EventLoop::unwatch(int descriptor) noexcept {
    epoll_event unused{};  // kernels before 2.6.9 want one
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &unused);
}

// ---- the rounds ---------------------------------------------------------------------------------

void EventLoop::run() {
    epoll_event events[most_events];
    while (!stopped_) {
        const int ready = wait(events, most_events);
        for (int i = 0; i < ready; ++i) {
            void* const data = events[i].data.ptr;
            if (data == &wake_) {
                drain(wake_);
                run_posted();
            } else if (data == &timer_) {
                drain(timer_);
                tick_();
            } else {
                static_cast<Watcher*>(data)->on_ready(events[i].events);
            }
        }
        run_again();
        end_round();
    }
}

// Looking costs a system call of some 0.3 us, being woken some 5 to 50 us.
int EventLoop::wait(epoll_event* events, int room) {
    const auto look = [&](int timeout) {
        return std::max(::epoll_wait(epoll_, events, room, timeout), 0);  // else: interrupted
    };
    if (!again_.empty()) {
        return look(0);
    }
    if (looks_ != 0 && (worth_ > 0 || ++slept_ > sleeps_between_tries)) {
        slept_ = 0;
        for (unsigned i = 0; i < looks_; ++i) {
            const int ready = look(0);
            if (ready != 0) {
                worth_ = std::min(worth_ + 2, most_worth);
                return ready;
            }
        }
        worth_ = std::max(worth_ - 1, 0);
    }
    return look(-1);
}

void EventLoop::run_again() {
    running_again_.swap(again_);
    for (const auto& watcher : running_again_) {
        watcher->on_ready(0);
    }
    running_again_.clear();
}

void EventLoop::end_round() {
    for (std::size_t i = 0; i < ending_.size(); ++i) {  // may become longer meanwhile
        ending_[i]->on_round_end();
    }
    ending_.clear();
    buried_.clear();
}

// ---- what others want ---------------------------------------------------------------------------

void EventLoop::post(Task task) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    if (!woken_) {
        woken_ = true;
        const std::uint64_t one = 1;
        while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
}

void EventLoop::run_posted() {
    {
        const std::lock_guard lock(mutex_);
        running_.swap(posted_);
        woken_ = false;
    }
    for (const Task& task : running_) {
        task();
    }
    running_.clear();
}

void EventLoop::tick_every(std::uint64_t period_ns) {
    constexpr std::uint64_t second = 1'000'000'000;
    itimerspec when{};
    when.it_interval.tv_sec = static_cast<time_t>(period_ns / second);
    when.it_interval.tv_nsec = static_cast<long>(period_ns % second);
    when.it_value = when.it_interval;
    if (::timerfd_settime(timer_, 0, &when, nullptr) != 0) {
        throw_last("cannot set a timer");
    }
}

}  // namespace larder::net
