// plugins/exporter_cdn/outbox.cpp -- a list in order of arrival, with an index by tag.
#include "outbox.hpp"

#include <algorithm>
#include <utility>

namespace larder::exporter_cdn {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

}  // namespace

void Outbox::merge(Purge purge) {
    if (const auto found = by_tag_.find(purge.tag); found != by_tag_.end()) {
        Purge& there = *found->second;
        there.soft = there.soft && purge.soft;
        there.since_ns = std::min(there.since_ns, purge.since_ns);
        return;
    }
    waiting_.push_back(std::move(purge));
    by_tag_.emplace(waiting_.back().tag, std::prev(waiting_.end()));
}

bool Outbox::add(std::string tag, bool soft, std::uint64_t now_ns) {
    if (everything_) {
        return true;  // it goes with everything else
    }
    if (waiting_.size() >= limits_.most_waiting && by_tag_.find(tag) == by_tag_.end()) {
        return false;
    }
    merge({std::move(tag), soft, now_ns});
    return true;
}

void Outbox::add_everything(std::uint64_t now_ns) {
    by_tag_.clear();
    waiting_.clear();
    everything_ = everything_.value_or(now_ns);
}

std::optional<std::uint64_t> Outbox::due_ns() const {
    if (size() == 0) {
        return std::nullopt;
    }
    const std::uint64_t since = everything_ ? *everything_ : waiting_.front().since_ns;
    return std::max(since + limits_.gather_ns, retry_ns_);
}

Batch Outbox::take() {
    Batch out;
    if (everything_) {
        out.everything = true;
        out.since_ns = *everything_;
        everything_.reset();
        return out;
    }
    out.soft = waiting_.front().soft;
    std::size_t bytes = 0;
    for (auto one = waiting_.begin(); one != waiting_.end() && out.tags.size() < limits_.most_tags;) {
        if (one->soft != out.soft) {
            ++one;
            continue;
        }
        bytes += one->tag.size() + 1;
        if (!out.tags.empty() && bytes > limits_.most_bytes) {
            break;
        }
        by_tag_.erase(one->tag);
        out.tags.push_back(std::move(*one));
        one = waiting_.erase(one);
    }
    return out;
}

void Outbox::delivered() {
    failures_ = 0;
    retry_ns_ = 0;
}

std::size_t Outbox::failed(Batch batch, std::uint64_t now_ns) {
    const unsigned doubled = std::min(failures_, 5U);
    retry_ns_ = now_ns + std::min(30 * second, second << doubled);
    ++failures_;
    const auto is_over = [&](std::uint64_t since) { return now_ns - since >= limits_.give_up_ns; };
    if (batch.everything) {
        if (is_over(batch.since_ns)) {
            return 1;
        }
        add_everything(batch.since_ns);
        return 0;
    }
    std::size_t lost = 0;
    for (Purge& purge : batch.tags) {
        if (is_over(purge.since_ns)) {
            ++lost;
        } else if (!everything_) {
            merge(std::move(purge));
        }
    }
    return lost;
}

}  // namespace larder::exporter_cdn
