// plugins/gateway_resp/connection.cpp -- see connection.hpp.
#include "connection.hpp"

#include "commands.hpp"

#include <sys/epoll.h>

#include <algorithm>

namespace larder::resp {

namespace {

constexpr std::size_t largest_batch = 64;
constexpr std::size_t usual_read = 16u << 10, large_read = 64u << 10, largest_read = 1u << 20;
constexpr std::size_t written_at_once = 1u << 20;     // then it is somebody else's turn
constexpr std::size_t worth_waiting_for = 64u << 10;  // of half a request, in one timeout

}  // namespace

Connection::Connection(Gateway& gateway, Home& home, Stream stream, std::string address,
                       std::string local)
    : gateway_(gateway),
      home_(home),
      loop_(home.loop()),
      stream_(std::move(stream)),
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
    // Without users, whoever can reach the listener (loopback, a socket file) has one role.
    x_.session.authenticated = gateway.users.empty();
    x_.session.role =
        gateway.users.empty() ? gateway.options.open_role : std::uint32_t{LARDER_ROLE_READ};
}

void Connection::start() {
    x_.session.record->kill = [weak = weak_from_this(), &loop = loop_] {
        loop.post([weak] {
            if (const auto self = weak.lock()) {
                self->close();
            }
        });
    };
    x_.session.record->deliver = [weak = weak_from_this(), &loop = loop_](Mail mail) {
        loop.post([weak, mail = std::move(mail)]() mutable {
            if (const auto self = weak.lock()) {
                self->receive_mail(std::move(mail));
            }
        });
    };
    gateway_.clients.add(x_.session.record);
    if (!loop_.watch(stream_.descriptor(), *this)) {
        fail("cannot be watched: the system takes no more sockets");
    }
}

// ---- in -----------------------------------------------------------------------------------------

void Connection::on_ready(std::uint32_t events) {
    if (closed_) {
        return;
    }
    queued_ = queued_ && events != 0;
    constexpr std::uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    hung_up_ = hung_up_ || (events & over) != 0;
    readable_ = readable_ || hung_up_ || (events & EPOLLIN) != 0;
    try {
        if (writing_ && (write_more_ || (events & (over | EPOLLOUT)) != 0)) {
            writing_ = write_more_ = false;
            write_some();
            turn();
        }
        if (lingering_) {
            discard_input();
        } else if (readable_ && may_read() && receive()) {
            turn();
        }
    } catch (const std::bad_alloc&) {
        fail("there is no memory for its request");
    }
}

// A request in work stops the reading: what the cache was given points into the input.
bool Connection::may_read() const noexcept {
    return !closed_ && !closing_ && step_ == Step::Done && !exec_running_ && !held_ &&
           !parked_ && !output_full();
}

// After all others: they had no turn yet.
void Connection::go_on_reading() {
    if (readable_ && !queued_ && may_read()) {
        queued_ = true;
        loop_.again(shared_from_this());
    }
}

// False: there is nothing to run.
bool Connection::receive() {
    const std::size_t usual = read_more_ ? large_read : usual_read;
    const std::size_t size = std::clamp(parser_.missing(), usual, largest_read);
    char* const room = input_.grow(size);
    std::size_t got = 0;
    bool drained = false;
    switch (stream_.read(room, size, got, drained)) {
        case Io::Done:
            break;
        case Io::Later:
            readable_ = false;
            return false;
        case Io::Ended:
            ended_ = closing_ = true;
            readable_ = false;
            return true;
        case Io::Failed:
            close();
            return false;
    }
    input_.commit(got);
    read_more_ = got == size;
    readable_ = !drained || hung_up_;
    count(gateway_.counters.bytes_in, got);
    heard_ns_ = gateway_.now_ns();
    ClientRecord& record = *x_.session.record;
    record.last_ns.store(heard_ns_, std::memory_order_relaxed);
    record.input_bytes.store(input_.size(), std::memory_order_relaxed);
    record.input_room.store(input_.capacity(), std::memory_order_relaxed);
    x_.forget_names();
    return true;
}

// ---- requests
// --------------------------------------------------------------------------------------

void Connection::turn() {
    try {
        run();
        gateway_.tracking.send_broadcasts(x_.changer());
        write_mail();
        flush_soon();
        go_on_reading();
    } catch (const std::bad_alloc&) {
        return fail("there is no memory for its replies");
    }
    end_if_over();
}

void Connection::end_if_over() {
    if (closing_ && !closed_ && !parked_ && step_ == Step::Done && !exec_running_ &&
        output_.pending() == 0) {
        linger();
    }
}

void Connection::run() {
    run_inside();
    if (step_ != Step::Waiting) {
        go_out();
    }
}

void Connection::run_inside() {
    for (;;) {
        if (step_ == Step::Waiting || closed_ || parked_) {
            return;
        }
        if (output_full()) {
            flush();
            if (closed_ || output_full()) {
                return;
            }
        }
        if (!inside_ && !come_in(Turnstile::Manner::Together)) {
            return;
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
    if (!held_ && !next_request()) {
        return batch_size_ != 0 && run_batch();
    }
    if (add_to_batch()) {
        held_ = false;
        return batch_size_ < largest_batch || run_batch();
    }
    if (batch_size_ != 0) {
        held_ = true;  // it comes after them
        return run_batch();
    }
    x_.args = parser_.args();
    x_.command = find_command(x_.args[0]);
    held_ = !come_in(manner_of_request());
    if (held_) {
        return false;
    }
    begin();
    return true;
}

// True: the parser has one.
bool Connection::next_request() {
    const Parsed parsed = parser_.next(input_, x_.session.authenticated);
    if (parsed != Parsed::Incomplete) {
        half_since_ns_ = half_size_ = 0;
    }
    if (parsed == Parsed::Request) {
        return true;
    }
    if (batch_size_ != 0) {
        return false;  // comes here again when the batch has run
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
    count(gateway_.counters.errors);
    x_.reply.error("ERR " + std::string(parser_.error()));
    closing_ = true;
    input_.consume(input_.size());
    return false;
}

void Connection::begin() {
    count(gateway_.counters.requests);
    Session& session = x_.session;
    if (session.mute == Session::Mute::Next) {
        session.mute = Session::Mute::This;
    }
    output_.mute(session.mute == Session::Mute::All || session.mute == Session::Mute::This);
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
    if (!exec_running_) {
        write_mail();
        if (inside_ == Turnstile::Manner::Alone) {
            go_out();
        }
    }
}

// ---- transactions
// ------------------------------------------------------------------------------------

void Connection::start_exec() {
    x_.session.in_multi = false;
    x_.forget_watched();
    x_.reply.array(x_.session.queue.size());
    exec_running_ = true;
    exec_next_ = 0;
}

void Connection::run_queued() {
    if (exec_next_ == x_.session.queue.size()) {
        leave_multi();
        follow_exec(x_);
        write_mail();
        go_out();
        return;
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
    advance(execute(x_));
}

void Connection::leave_multi() noexcept {
    Session& session = x_.session;
    session.in_multi = session.multi_broken = exec_running_ = false;
    session.queue.clear();
    session.queued_bytes = exec_next_ = 0;
    x_.forget_watched();
    session.record->queued.store(-1, std::memory_order_relaxed);
    session.record->queued_bytes.store(0, std::memory_order_relaxed);
}

// ---- answers that come later
// ---------------------------------------------------------------------

larder_done_fn Connection::done_fn() noexcept {
    return [](void* ctx, larder_status status, larder_value*) noexcept {
        auto* const me = static_cast<Connection*>(ctx);
        me->loop_.post([me, status] { me->answer(status); });
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
        me->loop_.post([me, status] { me->answer(status); });
    };
    return gateway_.executor->post(gateway_.host, 1, task, this) == LARDER_OK;
}

void Connection::answer(larder_status status) {
    const std::shared_ptr<Connection> keep = std::move(self_);
    step_ = Step::Done;
    if (closed_) {
        x_.finish();
        go_out();
        return home_.closed(*this);
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

// Replies of all that are ready are written one after the other at the end. The first wakes the
// client's process where it sleeps, which costs as much as a dozen requests; the others find it awake.
void Connection::flush_soon() {
    if (!flushing_ && !writing_ && !closed_ && output_.pending() != 0) {
        loop_.at_round_end(*this);
        flushing_ = true;
    }
}

void Connection::on_round_end() {
    flushing_ = false;
    flush();
    try {
        go_on_reading();
    } catch (const std::bad_alloc&) {
        return fail("there is no memory for its requests");
    }
    end_if_over();
}

void Connection::flush() {
    if (!writing_ && !closed_ && output_.pending() != 0) {
        write_some();
    }
}

void Connection::write_some() {
    std::size_t written = 0;
    bool full = false;
    while (output_.pending() != 0 && written < written_at_once) {
        constexpr std::size_t most_parts = 64;
        iovec parts[most_parts];
        const std::size_t n = output_.gather(parts, most_parts);
        std::size_t sent = 0;
        const Io how = stream_.write(parts, n, sent);
        if (how == Io::Failed || how == Io::Ended) {
            return close();
        }
        if (how == Io::Later) {
            full = true;
            break;
        }
        output_.sent(sent);
        written += sent;
    }
    count(gateway_.counters.bytes_out, written);
    x_.session.record->output_bytes.store(output_.pending(), std::memory_order_relaxed);
    if (output_.pending() == 0) {
        stuck_since_ns_ = 0;
        return;
    }
    if (written != 0 || stuck_since_ns_ == 0) {
        stuck_since_ns_ = gateway_.now_ns();
    }
    writing_ = true;
    write_more_ = !full;  // the others first; the socket will not become ready again
    if (write_more_ && !queued_) {
        queued_ = true;
        loop_.again(shared_from_this());
    }
}

}  // namespace larder::resp
