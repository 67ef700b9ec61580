// plugins/gateway_resp/connection_mail.cpp -- a connection's mail, and its way through the turnstile.
#include "commands.hpp"
#include "connection.hpp"

namespace larder::resp {

void Connection::receive_mail(Mail mail) {
    if (closed_ || closing_) {
        return;
    }
    if (output_.pending() > gateway_.options.output_limit) {
        return fail("does not read the messages it asked for");
    }
    x_.session.mail.push_back(std::move(mail));
    if (step_ == Step::Done && !exec_running_) {
        write_mail();
        flush();
    }
}

// Goes out whatever CLIENT REPLY says: it is no reply. REQUIRES: no reply is half made.
void Connection::write_mail() {
    if (step_ != Step::Done || exec_running_) {
        return;
    }
    for (const Mail& mail : x_.session.mail) {
        output_.append(*mail);
    }
    x_.session.mail.clear();
}

// False: run() is called again when the way is free.
bool Connection::come_in(Turnstile::Manner manner) {
    if (inside_ == manner || inside_ == Turnstile::Manner::Alone) {
        return true;
    }
    go_out();
    if (!gateway_.turnstile.enter(manner)) {
        const auto again = [self = shared_from_this(), &loop = loop_] {
            loop.post([self] {
                self->parked_ = false;
                if (!self->closed_) {
                    self->turn();
                }
            });
        };
        if (!gateway_.turnstile.wait_for(manner, again)) {
            parked_ = true;
            return false;
        }
    }
    inside_ = manner;
    return true;
}

void Connection::go_out() noexcept {
    if (inside_) {
        gateway_.turnstile.leave(*inside_);
        inside_.reset();
    }
}

// Alone: what other clients have to see as one step. A transaction of one request is one anyway.
Turnstile::Manner Connection::manner_of_request() const noexcept {
    const Session& session = x_.session;
    if (x_.command == nullptr || (x_.command->flags & kAlone) == 0) {
        return Turnstile::Manner::Together;
    }
    const bool queues = session.in_multi && (x_.command->flags & kNow) == 0;
    const bool empty = x_.command->run == &exec && session.queue.empty();
    return queues || empty ? Turnstile::Manner::Together : Turnstile::Manner::Alone;
}

}  // namespace larder::resp
