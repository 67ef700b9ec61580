// larder/asio.hpp -- liblarder on an Asio io_context: a get that is awaited, with any completion token.
//
//     larder::host::AsioLoop loop(io.get_executor(), kernel);
//     auto answer = co_await loop.async_get(users, "42", asio::use_awaitable);
//     if (answer.lease) answer.lease.fill(co_await load_from_database(42));
//
// What is in memory is known before anything is awaited: try_get() first, and async_get() only for LARDER_R_WAIT, saves a trip
// through the executor. One loop for an io_context that one thread runs, or for a strand.
#ifndef LARDER_ASIO_HPP
#define LARDER_ASIO_HPP

#include <larder/larder.hpp>

#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace larder::host {

// A larder_loop on an executor. Not for several threads at once. The kernel outlives it, and so does the io_context.
class AsioLoop {
  public:
    // What completions run on.
    using Executor = boost::asio::any_io_executor;

    // An io_context's executor, or a strand.
    AsioLoop(Executor executor, const Kernel& kernel) : state_(std::make_shared<State>(std::move(executor), kernel.get())) {}
    ~AsioLoop() { state_->close(); }
    AsioLoop(const AsioLoop&) = delete;
    AsioLoop& operator=(const AsioLoop&) = delete;

    // What is known now; the result is WAIT where only async_get can tell.
    Answer try_get(Space space, std::string_view key) {
        Answer out = space.get(key, state_->loop, 0);
        if (out.result == LARDER_R_WAIT) larder_loop_cancel(state_->loop, 0);
        return out;
    }
    // Completes with an Answer, never inside this call, on the handler's executor (the loop's, where it has none).
    template <class Token>
    auto async_get(Space space, std::string_view key, Token&& token) {
        return boost::asio::async_initiate<Token, void(Answer)>(
            [state = state_, space](auto handler, std::string key_text) {
                using Handler = std::decay_t<decltype(handler)>;
                const std::uint64_t user = ++state->users;
                Answer now = space.get(key_text, state->loop, user);
                auto pending = std::make_unique<Waiting<Handler>>(std::move(handler), state->executor);
                if (now.result != LARDER_R_WAIT) return pending->complete(std::move(now));
                state->waiting.emplace(user, std::move(pending));
                state->listen();
            },
            token, std::string(key));
    }

  private:
    struct AnyWaiting {
        virtual ~AnyWaiting() = default;
        virtual void complete(Answer answer) = 0;
    };
    template <class Handler>
    struct Waiting final : AnyWaiting {
        Waiting(Handler made, const Executor& fallback) : handler(std::move(made)), executor(boost::asio::get_associated_executor(handler, fallback)) {}
        void complete(Answer answer) override {
            boost::asio::post(executor, [handler_now = std::move(handler), answer_now = std::move(answer)]() mutable { handler_now(std::move(answer_now)); });
        }
        Handler handler;
        boost::asio::associated_executor_t<Handler, Executor> executor;
    };
    struct State : std::enable_shared_from_this<State> {
        State(Executor made, larder_kernel* k) : executor(std::move(made)), kernel(k), loop(larder_loop_new(k)), fd(executor) {
            if (loop != nullptr) fd.assign(larder_loop_fd(loop));
        }
        void listen() {
            if (listening || loop == nullptr) return;
            listening = true;
            fd.async_wait(boost::asio::posix::descriptor_base::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
                self->listening = false;
                if (!error) self->drain();
            });
        }
        void drain() {
            larder_completion done[64];
            for (std::size_t n = 64; n == 64;) {
                n = larder_loop_drain(loop, done, 64);
                for (std::size_t i = 0; i < n; ++i) {
                    Answer answer{done[i].result, Value(done[i].ref), Lease(kernel, done[i].lease)};
                    const auto found = waiting.find(done[i].user);
                    if (found == waiting.end()) continue;
                    const std::unique_ptr<AnyWaiting> one = std::move(found->second);
                    waiting.erase(found);
                    one->complete(std::move(answer));
                }
            }
            if (!waiting.empty()) listen();
        }
        // Who still waits is told that it is over.
        void close() {
            if (loop == nullptr) return;
            fd.release();  // the loop's, not Asio's
            larder_loop_free(std::exchange(loop, nullptr));
            auto left = std::move(waiting);
            for (auto& [user, one] : left) one->complete(Answer{LARDER_R_CLOSED, {}, {}});
        }
        Executor executor;
        larder_kernel* kernel;
        larder_loop* loop;
        boost::asio::posix::stream_descriptor fd;
        std::unordered_map<std::uint64_t, std::unique_ptr<AnyWaiting>> waiting;
        std::uint64_t users = 0;
        bool listening = false;
    };
    std::shared_ptr<State> state_;
};

}  // namespace larder::host

#endif
