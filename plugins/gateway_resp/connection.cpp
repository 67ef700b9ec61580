// plugins/gateway_resp/connection.cpp -- see connection.hpp.
#include "connection.hpp"

#include "commands.hpp"

#include <algorithm>

namespace larder::resp {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t largest_batch = 64;
constexpr std::size_t usual_read = 16u << 10, large_read = 64u << 10, largest_read = 1u << 20;
constexpr std::size_t written_at_once = 1u << 20;     // then it is somebody else's turn
constexpr std::size_t worth_waiting_for = 64u << 10;  // of half a request, in one timeout

const Command& get_command() noexcept {
    static const Command& found = *find_command("get");
    return found;
}

}  // namespace

Connection::Connection(Gateway& gateway, Loop& loop, Socket socket, std::string address,
                       std::string local)
    : gateway_(gateway),
      loop_(loop),
      socket_(std::move(socket)),
      pause_at_(gateway.options.output_limit / 2),
      parser_(gateway.options.request_limits()),
      x_(gateway, output_, *this) {
    auto record = std::make_shared<ClientRecord>();
    record->id = gateway.clients.next_id();
    record->address = std::move(address);
    record->local_address = std::move(local);
    record->since_ns = heard_ns_ = gateway.now_ns();
    record->last_ns.store(heard_ns_, std::memory_order_relaxed);
    x_.session.record = std::move(record);
    // Without users, whoever can reach the listener (loopback, a socket file) may invalidate.
    x_.session.authenticated = gateway.users.empty();
    x_.session.role = gateway.users.empty() ? LARDER_ROLE_INVALIDATE : LARDER_ROLE_READ;
}

void Connection::start() {
    x_.session.record->kill = [weak = weak_from_this(), &context = loop_.context()] {
        asio::post(context, [weak] {
            if (const auto self = weak.lock()) {
                self->close();
            }
        });
    };
    gateway_.clients.add(x_.session.record);
    socket_.non_blocking(true);
    wait_readable();
}

// ---- in
// ---------------------------------------------------------------------------------------------

// Waits for readiness, not for bytes: a connection that says nothing holds no buffer.
void Connection::wait_readable() {
    if (reading_ || closed_) {
        return;
    }
    reading_ = true;
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
        self->reading_ = false;
        self->on_readable(error);
    });
}

void Connection::on_readable(const error_code& error) {
    if (closed_) {
        return;
    }
    if (error) {
        return close();
    }
    if (lingering_) {
        return discard_input();
    }
    try {
        if (receive()) {
            turn();
        }
    } catch (const std::bad_alloc&) {
        fail("there is no memory for its request");
    }
}

// False: there is nothing to run.
bool Connection::receive() {
    const std::size_t usual = read_more_ ? large_read : usual_read;
    const std::size_t size = std::clamp(parser_.missing(), usual, largest_read);
    char* const room = input_.grow(size);
    error_code error;
    const std::size_t got = socket_.read_some(asio::buffer(room, size), error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
        wait_readable();
        return false;
    }
    if (error == asio::error::eof) {
        ended_ = closing_ = true;
        return true;
    }
    if (error) {
        close();
        return false;
    }
    input_.commit(got);
    read_more_ = got == size;
    count(gateway_.counters.bytes_in, got);
    heard_ns_ = gateway_.now_ns();
    x_.session.record->last_ns.store(heard_ns_, std::memory_order_relaxed);
    return true;
}

// ---- requests
// --------------------------------------------------------------------------------------

void Connection::turn() {
    try {
        run();
        flush();
    } catch (const std::bad_alloc&) {
        return fail("there is no memory for its replies");
    }
    if (closed_ || step_ == Step::Waiting) {
        return;
    }
    if (closing_) {
        if (step_ == Step::Done && !exec_running_ && output_.pending() == 0) {
            linger();
        }
    } else if (!output_full()) {
        wait_readable();
    }
}

void Connection::run() {
    for (;;) {
        if (step_ == Step::Waiting || closed_) {
            return;
        }
        if (output_full()) {
            flush();
            if (closed_ || output_full()) {
                return;
            }
        }
        if (step_ == Step::Draining) {
            advance(x_.next(x_));
        } else if (exec_running_) {
            run_queued();
        } else if ((closing_ && !ended_) || !run_one()) {
            return;
        }
    }
}

// False: there is no whole request left.
bool Connection::run_one() {
    if (!held_) {
        const Parsed parsed = parser_.next(input_, x_.session.authenticated);
        if (parsed == Parsed::Request && add_to_batch()) {
            return batch_size_ < largest_batch || run_batch();
        }
        held_ = parsed == Parsed::Request;
        if (batch_size_ != 0) {
            return run_batch();
        }
        if (parsed == Parsed::Incomplete) {
            const bool moving = input_.size() >= half_size_ + worth_waiting_for;
            if (input_.empty()) {
                half_since_ns_ = half_size_ = 0;
            } else if (half_since_ns_ == 0 || moving) {
                half_since_ns_ = heard_ns_;
                half_size_ = input_.size();
            }
            return false;
        }
        half_since_ns_ = half_size_ = 0;
        if (parsed == Parsed::Error) {
            count(gateway_.counters.errors);
            x_.reply.error("ERR " + std::string(parser_.error()));
            closing_ = true;
            input_.consume(input_.size());
            return false;
        }
    }
    held_ = false;
    begin();
    return true;
}

void Connection::begin() {
    count(gateway_.counters.requests);
    Session& session = x_.session;
    if (session.mute == Session::Mute::Next) {
        session.mute = Session::Mute::This;
    }
    output_.mute(session.mute == Session::Mute::All || session.mute == Session::Mute::This);
    x_.args = parser_.args();
    x_.command = find_command(x_.args[0]);
    if (x_.command != nullptr) {
        return advance(dispatch(x_));
    }
    // A browser tricked into talking to this port must not get a single request through.
    if (same_word(x_.args[0], "post") || same_word(x_.args[0], "host:")) {
        return fail("speaks HTTP");
    }
    if (!session.authenticated) {
        x_.error("NOAUTH Authentication required.");
        return advance(Step::Done);
    }
    advance(unknown_command(x_));
}

void Connection::advance(Step step) {
    step_ = step;
    if (step == Step::Waiting) {
        self_ = shared_from_this();
    } else if (step == Step::Done) {
        finish_request();
    }
}

void Connection::finish_request() {
    x_.finish();
    Session& session = x_.session;
    fresh_ = false;
    if (session.mute == Session::Mute::This) {
        session.mute = Session::Mute::No;
    }
    output_.mute(false);
    closing_ = closing_ || session.closing;
}

// ---- GETs in a row
// -----------------------------------------------------------------------------------

// Whether the parser's request is a plain GET that can be answered with others.
bool Connection::add_to_batch() {
    const Args args = parser_.args();
    const Session& session = x_.session;
    if (args.size() != 2 || !same_word(args[0], "get") || !session.authenticated ||
        session.in_multi || session.mute != Session::Mute::No) {
        return false;
    }
    larder_cache_get item{};
    std::string_view key;
    if (!x_.try_locate(args[1], item.ns, key)) {
        return false;
    }
    item.key = bytes_of(key);
    x_.gets.push_back(item);
    ++batch_size_;
    return true;
}

bool Connection::run_batch() {
    count(gateway_.counters.requests, batch_size_);
    const std::uint32_t fence = gateway_.options.fence ? LARDER_GET_FENCE : 0;
    const std::size_t size = std::exchange(batch_size_, 0);
    x_.command = &get_command();
    x_.session.record->last_command.store(x_.command, std::memory_order_relaxed);
    half_since_ns_ = half_size_ = 0;
    advance(x_.then(gateway_.cache->get_many(gateway_.host, x_.gets.data(), size, x_.call(fence)),
                    &reply_values));
    return true;
}

// ---- transactions
// ------------------------------------------------------------------------------------

void Connection::start_exec() {
    x_.session.in_multi = false;
    x_.session.watched.clear();
    x_.reply.array(x_.session.queue.size());
    exec_running_ = true;
    exec_next_ = 0;
}

void Connection::run_queued() {
    if (exec_next_ == x_.session.queue.size()) {
        return leave_multi();
    }
    const QueuedRequest& request = x_.session.queue[exec_next_++];
    queued_args_.clear();
    std::size_t at = 0;
    for (const std::uint32_t size : request.sizes) {
        queued_args_.emplace_back(request.bytes.data() + at, size);
        at += size;
    }
    output_.mute(x_.session.mute == Session::Mute::All);
    x_.args = queued_args_;
    x_.command = request.command;
    advance(request.command->run(x_));
}

void Connection::leave_multi() noexcept {
    Session& session = x_.session;
    session.in_multi = session.multi_broken = exec_running_ = false;
    session.queue.clear();
    session.queued_bytes = exec_next_ = 0;
    session.watched.clear();
    session.record->mode.store(session.monitor ? 'O' : 'N', std::memory_order_relaxed);
}

// ---- answers that come later
// ---------------------------------------------------------------------

larder_done_fn Connection::done_fn() noexcept {
    return [](void* ctx, larder_status status, larder_value*) noexcept {
        auto* const me = static_cast<Connection*>(ctx);
        asio::post(me->loop_.context(), [me, status] { me->answer(status); });
    };
}

bool Connection::run_off_thread(Step (*job)(Exchange&), Step (*next)(Exchange&)) {
    job_ = job;
    x_.next = next;
    const larder_task_fn task = [](void* ctx) noexcept {
        auto* const me = static_cast<Connection*>(ctx);
        me->x_.blocking = true;
        try {
            me->job_(me->x_);
        } catch (...) {
            me->x_.status = LARDER_E_NOMEM;
        }
        me->x_.blocking = false;
        const larder_status status = me->x_.status;
        asio::post(me->loop_.context(), [me, status] { me->answer(status); });
    };
    return gateway_.executor->post(gateway_.host, 1, task, this) == LARDER_OK;
}

void Connection::answer(larder_status status) {
    const std::shared_ptr<Connection> keep = std::move(self_);
    step_ = Step::Done;
    if (closed_) {
        x_.finish();
        return loop_.closed(*this);
    }
    x_.status = status;
    try {
        advance(x_.next(x_));
    } catch (const std::bad_alloc&) {
        return fail("there is no memory for its reply");
    }
    turn();
}

// ---- out
// --------------------------------------------------------------------------------------------

void Connection::flush() {
    if (!writing_ && !closed_ && output_.pending() != 0) {
        write_some();
    }
}

void Connection::write_some() {
    std::size_t written = 0;
    while (output_.pending() != 0 && written < written_at_once) {
        constexpr std::size_t most_parts = 64;
        asio::const_buffer parts[most_parts];
        const std::size_t n = output_.gather(parts, most_parts);
        error_code error;
        const std::size_t sent =
            socket_.write_some(std::span<const asio::const_buffer>(parts, n), error);
        if (error == asio::error::would_block || error == asio::error::try_again) {
            break;
        }
        if (error) {
            return close();
        }
        output_.sent(sent);
        written += sent;
    }
    count(gateway_.counters.bytes_out, written);
    if (output_.pending() == 0) {
        stuck_since_ns_ = 0;
        return;
    }
    if (written != 0 || stuck_since_ns_ == 0) {
        stuck_since_ns_ = gateway_.now_ns();
    }
    writing_ = true;
    socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& error) {
        self->writing_ = false;
        if (self->closed_) {
            return;
        }
        if (error) {
            return self->close();
        }
        self->write_some();
        self->turn();
    });
}

}  // namespace larder::resp
