// kernel/embed/loops.cpp -- loops as hosts hold them, and what arrives on them.
#include "kernel/embed/admin.hpp"
#include "kernel/serve/figures_json.hpp"

#include <utility>

#include <boost/json/serialize.hpp>

using namespace larder;
using namespace larder::embed;

std::shared_ptr<larder_kernel::Admin> larder_kernel::Admin::open(Kernel& kernel, const config::AdminOptions& options, const config::Environment& environment,
                                                                 std::uint64_t max_value_bytes, std::string& problem) {
    auto made = std::make_shared<Admin>();
    if (options.enabled) {
        serve::AdminServerOptions how;
        how.socket = options.socket.empty() ? config::default_socket() : options.socket;
        how.request_bytes = max_value_bytes + (1u << 20);
        made->socket = serve::AdminServer::open(kernel, how, problem);
        if (made->socket == nullptr) return nullptr;
    }
    if (options.listen.empty()) return made;
    made->api = serve::AdminApi::make(kernel, options, environment, kernel.clock(), problem);
    if (made->api == nullptr) return nullptr;
    serve::HttpListenerOptions how;
    how.listen = options.listen;
    how.remote = options.remote;
    how.connections = static_cast<std::size_t>(options.connections);
    made->http = serve::HttpListener::open(how, [api = made->api.get()](const serve::HttpRequest& request) { return api->answer(request); }, problem);
    return made->http == nullptr ? nullptr : made;
}

namespace larder::embed {

void watch_alerts(larder_kernel& k) {
    k.kernel->on_alert([&k](const AlertNotice& notice) {
        auto told = serve::alerts_json({notice.state});
        const HeldRef text(make_ref(boost::json::serialize(told.front())));
        const std::lock_guard lock(k.watchers_mutex);
        std::erase_if(k.watchers, [](const auto& one) { return one.first.expired(); });
        for (const auto& [watching, user] : k.watchers)
            if (const auto queue = watching.lock()) queue->tell(user, {LARDER_R_HIT, text.share(), 0});
    });
}

void deliver(larder_kernel* k, LoopQueue& queue, std::uint64_t ticket, Outcome outcome) {
    if (queue.complete(ticket, outcome) || outcome.lease == 0) return;
    give_up(k, outcome.lease);
}

larder_result here_or_later(larder_kernel* k, larder_loop* loop, std::uint64_t user, HeldRef& ref, std::function<Outcome()> work) {
    if (loop == nullptr) {
        Outcome outcome = work();
        ref = std::move(outcome.ref);
        return outcome.result;
    }
    const std::uint64_t ticket = loop->queue->begin(user);
    if (ticket == 0) return refuse(LARDER_R_BUSY, "more is under way on this loop than it holds");
    const bool taken = k->post([k, queue = loop->queue, ticket, work = std::move(work)] {
        Outcome outcome{LARDER_R_FAILED, {}, 0};
        try {
            outcome = work();
        } catch (const std::exception& error) {
            k->kernel->log(LARDER_LOG_ERROR, "embed", error.what());
        }
        deliver(k, *queue, ticket, std::move(outcome));
    });
    if (taken) return LARDER_R_WAIT;
    loop->queue->forget(ticket);
    return refuse(LARDER_R_BUSY, "the kernel's queue is full");
}

}  // namespace larder::embed

larder_loop* larder_loop_new(larder_kernel* k) {
    larder_loop* made = nullptr;
    guarded(k, [&]() -> larder_result {
        auto loop = std::make_unique<larder_loop>();
        loop->kernel = k;
        loop->queue = std::make_shared<LoopQueue>();
        if (!loop->queue->good()) return refuse(LARDER_R_BUSY, "no descriptor is left in this process (eventfd)");
        made = loop.release();
        return LARDER_R_DONE;
    });
    return made;
}

int larder_loop_fd(const larder_loop* loop) { return loop == nullptr ? -1 : loop->queue->fd(); }

size_t larder_loop_drain(larder_loop* loop, larder_completion* out, size_t max) {
    if (loop == nullptr || out == nullptr) return 0;
    std::size_t n = 0;
    guarded(loop->kernel, [&]() -> larder_result {
        loop->kernel->run_due();
        n = loop->queue->drain(out, max);
        return LARDER_R_DONE;
    });
    return n;
}

size_t larder_loop_cancel(larder_loop* loop, uint64_t user) {
    std::size_t n = 0;
    if (loop == nullptr) return 0;
    guarded(loop->kernel, [&]() -> larder_result {
        const LoopQueue::Cancelled gone = loop->queue->cancel(user);
        for (const std::uint64_t lease : gone.leases) give_up(loop->kernel, lease);
        n = gone.count;
        return LARDER_R_DONE;
    });
    return n;
}

larder_result larder_loop_watch_alerts(larder_loop* loop, uint64_t user) {
    if (loop == nullptr) return refuse(LARDER_R_INVALID, "the loop is NULL");
    return guarded(loop->kernel, [&]() -> larder_result {
        const std::lock_guard lock(loop->kernel->watchers_mutex);
        loop->kernel->watchers.emplace_back(loop->queue, user);
        return LARDER_R_DONE;
    });
}

void larder_loop_free(larder_loop* loop) {
    if (loop == nullptr) return;
    guarded(loop->kernel, [&]() -> larder_result {
        for (const std::uint64_t lease : loop->queue->close().leases) give_up(loop->kernel, lease);
        return LARDER_R_DONE;
    });
    delete loop;
}
