// kernel/api/deliveries.cpp -- events on their way to exporters.
#include "kernel/api/deliveries.hpp"

#include <larder/plugin/exporter.h>

#include <algorithm>
#include <chrono>

namespace larder::api {
namespace {

larder_bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

void Deliveries::send(const std::shared_ptr<loader::PluginInstance>& exporter, OutgoingEvent event) {
    std::shared_ptr<Queue> queue;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (closed_) return;
        auto& place = queues_[exporter.get()];
        if (!place) place = std::make_shared<Queue>();
        place->exporter = exporter;
        if (place->waiting.size() >= most_waiting) {  // the oldest has waited longest for nothing
            place->waiting.erase(place->waiting.begin() + static_cast<std::ptrdiff_t>(place->sending));
            ++counts_.lost;
            if (!place->overflown)
                log_->write(LARDER_LOG_ERROR, "kernel", exporter->title() + ": " + std::to_string(most_waiting) + " events wait for it; the oldest are lost");
            place->overflown = true;
        }
        place->waiting.push_back(std::move(event));
        if (place->busy) return;
        place->busy = true;
        queue = place;
    }
    post(queue);
}

void Deliveries::post(const std::shared_ptr<Queue>& queue) {
    if (executor_.post(true, [self = shared_from_this(), queue] { self->run(queue); })) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    queue->busy = false;  // the next event tries again
}

void Deliveries::run(const std::shared_ptr<Queue>& queue) {
    std::deque<OutgoingEvent> sent;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (closed_ || queue->waiting.empty()) {
            queue->busy = false;
            if (queue->waiting.empty()) queues_.erase(queue->exporter.get());
            return;
        }
        const auto n = static_cast<std::ptrdiff_t>(std::min(most_at_once, queue->waiting.size()));
        sent.assign(queue->waiting.begin(), queue->waiting.begin() + n);
        queue->sending = sent.size();
    }
    std::vector<larder_event> views(sent.size());
    std::vector<const larder_event*> pointers;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        views[i] = {sizeof(larder_event), sent[i].severity, sent[i].at_ms, bytes(sent[i].type), bytes(sent[i].subject), bytes(sent[i].json)};
        pointers.push_back(&views[i]);
    }
    constexpr std::uint64_t patience_ns = 30'000'000'000;
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = clock_.mono_ns() + patience_ns;
    const larder_status status = queue->exporter->table<larder_exporter_v1>().events(queue->exporter->self(), pointers.data(), pointers.size(), &call);
    std::chrono::milliseconds pause{0};
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const std::size_t there = std::min(sent.size(), queue->waiting.size());
        queue->sending = 0;
        if (status == LARDER_OK) {
            counts_.delivered += sent.size();
            queue->waiting.erase(queue->waiting.begin(), queue->waiting.begin() + static_cast<std::ptrdiff_t>(there));
            queue->tries = 0;
        } else if (++queue->tries >= most_tries) {
            counts_.lost += sent.size();
            queue->waiting.erase(queue->waiting.begin(), queue->waiting.begin() + static_cast<std::ptrdiff_t>(there));
            queue->tries = 0;
            log_->write(LARDER_LOG_ERROR, "kernel", queue->exporter->title() + ": gave up " + std::to_string(sent.size()) + " events after " +
                                                        std::to_string(most_tries) + " tries (" + std::to_string(status) + ")");
        } else {
            ++counts_.failed;
            pause = std::chrono::milliseconds(std::min(60'000, 500 << queue->tries));
        }
    }
    if (pause.count() == 0) return post(queue);
    executor_.after(pause, [self = shared_from_this(), queue] { self->post(queue); });
}

void Deliveries::close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    queues_.clear();
}

Deliveries::Counts Deliveries::counts() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
}

}  // namespace larder::api
