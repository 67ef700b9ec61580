// plugins/redis_wire/loop.cpp -- see loop.hpp.
#include "loop.hpp"

#include <larder/plugin/signals_blocked.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace larder::redis_wire {

namespace asio = boost::asio;

struct Loop::Impl {
    asio::io_context context{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard;
    std::thread thread;
    std::atomic<std::thread::id> runs_on{};
};

Loop::Loop(plugin::Host host, unsigned looks)
    : host_(host), looking_(looks), impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::start() {
    impl_->context.restart();
    impl_->guard.emplace(impl_->context.get_executor());
    const plugin::SignalsBlocked blocked;
    try {
        impl_->thread = std::thread([this] {
            impl_->runs_on = std::this_thread::get_id();
            for (;;) {
                try {
                    turn();
                    break;
                } catch (const std::exception& error) {
                    // Out of memory, as a rule. What threw is lost; its deadline ends who waits for it.
                    host_.log(LARDER_LOG_ERROR, {"redis: ", error.what()});
                }
            }
            impl_->runs_on = std::thread::id();
        });
    } catch (...) {
        impl_->guard.reset();
        throw;
    }
}

// Until nothing is left to do.
void Loop::turn() {
    asio::io_context& context = impl_->context;
    for (;;) {
        if (context.poll() != 0) {
            looking_.found();
        } else if (context.stopped() || (!looking_.again() && context.run_one() == 0)) {
            return;
        }
    }
}

void Loop::join() noexcept {
    if (!impl_->thread.joinable()) {
        return;
    }
    impl_->guard.reset();
    impl_->thread.join();
}

void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

bool Loop::here() const noexcept { return impl_->runs_on.load() == std::this_thread::get_id(); }

asio::io_context& Loop::context() noexcept { return impl_->context; }

// ---- timers -------------------------------------------------------------------------------------

struct Loop::Timer::Impl : std::enable_shared_from_this<Impl> {
    explicit Impl(Loop& l) : loop(l), timer(l.context()) {}

    void wait() {
        constexpr std::uint64_t least_ns = 500'000;  // a coarse clock has not reached it yet
        const std::uint64_t now = loop.now_ns();
        timer.expires_after(std::chrono::nanoseconds(when > now ? std::max(when - now, least_ns) : 0));
        timer.async_wait([me = shared_from_this(), turn = turn](const boost::system::error_code&) {
            if (turn != me->turn || !me->fn) {
                return;
            }
            if (me->loop.now_ns() < me->when) {
                me->wait();
                return;
            }
            const std::function<void()> now_due = std::exchange(me->fn, nullptr);
            now_due();
        });
    }

    Loop& loop;
    asio::steady_timer timer;
    std::function<void()> fn;
    std::uint64_t when = 0, turn = 0;
};

Loop::Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}
Loop::Timer::~Timer() { cancel(); }

void Loop::Timer::at(std::uint64_t when_ns, std::function<void()> fn) {
    ++impl_->turn;
    impl_->when = when_ns;
    impl_->fn = std::move(fn);
    impl_->wait();
}

void Loop::Timer::cancel() noexcept {
    ++impl_->turn;
    impl_->fn = nullptr;
    boost::system::error_code ignored;
    impl_->timer.cancel(ignored);
}

bool Loop::Timer::set() const noexcept { return static_cast<bool>(impl_->fn); }

}  // namespace larder::redis_wire
