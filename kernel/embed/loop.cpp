// kernel/embed/loop.cpp -- see loop.hpp.
#include "kernel/embed/loop.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace larder::embed {

LoopQueue::LoopQueue() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

LoopQueue::~LoopQueue() {
    if (fd_ >= 0) ::close(fd_);
}

void LoopQueue::wake() {
    const std::uint64_t one = 1;
    while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {}
}

void LoopQueue::unwake() {
    std::uint64_t count = 0;
    while (::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {}
}

std::uint64_t LoopQueue::begin(std::uint64_t user) {
    const std::lock_guard lock(mutex_);
    if (closed_ || under_way_.size() + queue_.size() >= most) return 0;
    under_way_.emplace(++tickets_, user);
    return tickets_;
}

bool LoopQueue::complete(std::uint64_t ticket, Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    const auto found = under_way_.find(ticket);
    if (found == under_way_.end()) return false;
    queue_.push_back({found->second, std::move(outcome)});
    under_way_.erase(found);
    if (queue_.size() == 1) wake();
    return true;
}

void LoopQueue::forget(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    under_way_.erase(ticket);
}

void LoopQueue::tell(std::uint64_t user, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    if (closed_ || queue_.size() >= most) return;
    queue_.push_back({user, std::move(outcome)});
    if (queue_.size() == 1) wake();
}

std::size_t LoopQueue::drain(larder_completion* out, std::size_t most_of_them) {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return 0;
    const std::size_t n = std::min(most_of_them, queue_.size());
    for (std::size_t i = 0; i < n; ++i) {
        Queued& first = queue_.front();
        out[i] = {first.user, first.outcome.result, 0, first.outcome.ref.give(), first.outcome.lease};
        queue_.pop_front();
    }
    if (queue_.empty()) unwake();
    return n;
}

LoopQueue::Cancelled LoopQueue::cancel(std::uint64_t user) {
    const std::lock_guard lock(mutex_);
    Cancelled out;
    out.count = std::erase_if(under_way_, [&](const auto& one) { return one.second == user; });
    if (queue_.empty()) return out;
    out.count += std::erase_if(queue_, [&](const Queued& one) {
        if (one.user != user) return false;
        if (one.outcome.lease != 0) out.leases.push_back(one.outcome.lease);
        return true;
    });
    if (queue_.empty()) unwake();
    return out;
}

LoopQueue::Cancelled LoopQueue::close() {
    const std::lock_guard lock(mutex_);
    Cancelled out;
    closed_ = true;
    out.count = under_way_.size() + queue_.size();
    under_way_.clear();
    for (const Queued& one : queue_)
        if (one.outcome.lease != 0) out.leases.push_back(one.outcome.lease);
    queue_.clear();
    return out;
}

}  // namespace larder::embed
