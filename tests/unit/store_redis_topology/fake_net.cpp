// tests/unit/store_redis_topology/fake_net.cpp -- see fake_net.hpp.
#include "fake_net.hpp"

#include "plugins/redis_wire/loop.hpp"
#include "reply_text.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace larder::test {
namespace {

Net* current = nullptr;

std::vector<Words> commands_of(std::string_view wire) {
    std::vector<Words> commands;
    const auto number = [&wire] {
        const std::size_t end = wire.find("\r\n");
        const auto n = std::stoull(std::string(wire.substr(1, end - 1)));
        wire.remove_prefix(end + 2);
        return n;
    };
    while (!wire.empty()) {
        Words words;
        for (auto left = number(); left != 0; --left) {
            const auto size = number();
            words.emplace_back(wire.substr(0, size));
            wire.remove_prefix(size + 2);
        }
        commands.push_back(std::move(words));
    }
    return commands;
}

}  // namespace

std::size_t FakeNode::count(const std::string& first) const {
    return static_cast<std::size_t>(
        std::count_if(seen.begin(), seen.end(), [&](const Words& w) { return w[0] == first; }));
}

Net::Net() { current = this; }
Net::~Net() { current = nullptr; }
Net& Net::it() { return *current; }

void Net::run() {
    for (bool busy = true; busy;) {
        busy = false;
        for (auto& work : std::exchange(posted, {})) {
            busy = true;
            work();
        }
        for (auto timer = timers.begin(); timer != timers.end(); ++timer) {
            if (timer->second.when_ns <= now_ns()) {
                const auto fn = std::move(timer->second.fn);
                timers.erase(timer);
                fn();
                busy = true;
                break;
            }
        }
        for (std::size_t i = 0; i < sent.size(); ++i) {
            const Sent now = sent[i];
            FakeNode& node = nodes[now.address];
            if (node.silent && now.exchange->deadline_ns > now_ns()) {
                continue;
            }
            sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(i));
            busy = true;
            larder_status status = node.silent ? LARDER_E_TIMEOUT : LARDER_OK;
            const auto commands = commands_of(now.exchange->wire);
            node.exchange_sizes.push_back(static_cast<std::uint32_t>(commands.size()));
            for (std::uint32_t k = 0; k < commands.size() && status == LARDER_OK; ++k) {
                if (node.breaks) {
                    status = LARDER_E_IO;
                    break;
                }
                node.seen.push_back(commands[k]);
                log.emplace_back(now.address, commands[k]);
                redis_wire::Reply reply;
                fill(reply, node.answer ? node.answer(commands[k]) : "+OK\r\n");
                if (!now.exchange->on_reply(k, reply)) {
                    status = LARDER_E_IO;
                }
            }
            now.exchange->on_end(status);
            break;
        }
    }
}

void Net::advance_ms(std::uint64_t ms) {
    const std::uint64_t end = now_ns() + ms * 1'000'000;
    run();
    while (now_ns() < end) {
        std::uint64_t next = end;
        for (const auto& [key, task] : timers) {
            next = std::min(next, std::max(task.when_ns, now_ns()));
        }
        for (const Sent& s : sent) {
            next = std::min(next, std::max(s.exchange->deadline_ns, now_ns()));
        }
        host.advance_clock_only(std::chrono::nanoseconds(next - now_ns()));
        run();
    }
}

}  // namespace larder::test

namespace larder::redis_wire {

using test::Net;

// ---- Loop ---------------------------------------------------------------------------------------

struct Loop::Impl {};
Loop::Loop(plugin::Host host, unsigned looks) : host_(host), looking_(looks) {}
Loop::~Loop() = default;
void Loop::start() {}
void Loop::join() noexcept {}
void Loop::post(std::function<void()> work) { Net::it().posted.push_back(std::move(work)); }
bool Loop::here() const noexcept { return true; }

struct Loop::Timer::Impl {};
Loop::Timer::Timer(Loop&) : impl_(std::make_shared<Impl>()) {}
Loop::Timer::~Timer() { cancel(); }
void Loop::Timer::at(std::uint64_t when_ns, std::function<void()> fn) {
    Net::it().timers[impl_.get()] = {when_ns, ++Net::it().numbers, std::move(fn)};
}
void Loop::Timer::cancel() noexcept { Net::it().timers.erase(impl_.get()); }
bool Loop::Timer::set() const noexcept { return Net::it().timers.count(impl_.get()) != 0; }

}  // namespace larder::redis_wire

namespace larder::store_redis {

using test::Net;

// ---- Server -------------------------------------------------------------------------------------

struct Server::Impl {
    Endpoint endpoint;
    ServerEvents& events;
    bool open = false;
    test::FakeNode& node() const {
        return Net::it()[endpoint.host + ":" + std::to_string(endpoint.port)];
    }
};

Server::Server(const Surroundings&, Endpoint endpoint, ServerEvents& events)
    : impl_(new Impl{std::move(endpoint), events}) {}
Server::~Server() = default;

void Server::open(bool) {
    impl_->open = true;
    test::FakeNode& node = impl_->node();
    ++node.opened;
    node.server = this;
    node.events = &impl_->events;
}

void Server::close(larder_status status) noexcept {
    impl_->open = false;
    ++impl_->node().closed;
    impl_->node().server = nullptr;
    std::vector<Exchange*> mine;
    std::erase_if(Net::it().sent, [&](const Net::Sent& s) {
        if (s.server == this) {
            mine.push_back(s.exchange);
        }
        return s.server == this;
    });
    for (Exchange* exchange : mine) {
        exchange->on_end(status);
    }
}

larder_status Server::run_here(Exchange& exchange) { return send(exchange); }
larder_status Server::send(Exchange& exchange) {
    if (!impl_->open) {
        return LARDER_E_CLOSED;
    }
    if (impl_->node().refuses) {
        return LARDER_E_IO;
    }
    Net::it().sent.push_back({this, impl_->endpoint.host + ":" + std::to_string(impl_->endpoint.port), &exchange});
    return LARDER_OK;
}

void Server::cancel(const void* tag) {
    std::vector<Exchange*> mine;
    std::erase_if(Net::it().sent, [&](const Net::Sent& s) {
        const bool it = s.server == this && s.exchange->tag == tag;
        if (it) {
            mine.push_back(s.exchange);
        }
        return it;
    });
    for (Exchange* exchange : mine) {
        exchange->on_end(LARDER_E_CANCELLED);
    }
}

void Server::set_canary_tag(std::string_view tag) { impl_->node().canary_tag = tag; }

const Endpoint& Server::endpoint() const noexcept { return impl_->endpoint; }
bool Server::up() const noexcept { return impl_->open && !impl_->node().refuses; }
std::string Server::cause() const { return "refused"; }
std::uint64_t Server::now_ms() const noexcept { return impl_->node().clock_ms; }

}  // namespace larder::store_redis
