// plugins/store_memory/upkeep.cpp -- the timer and its end.
#include "upkeep.hpp"

namespace larder::store_memory {

void Upkeep::start() {
    const std::lock_guard lock(mutex_);
    if (!on_ && host_.find_service<larder_executor_api>(LARDER_SVC_EXECUTOR) != nullptr) {
        on_ = true;
        set_timer(later_ns);
    }
}

void Upkeep::stop() noexcept {
    std::unique_lock lock(mutex_);
    on_ = false;
    timer_.cancel();
    idle_.wait(lock, [&] { return !stepping_; });
}

void Upkeep::set_timer(std::uint64_t delay_ns) {
    timer_ = host_.after(delay_ns, [this] { step(); });
}

void Upkeep::step() {
    {
        const std::lock_guard lock(mutex_);
        if (!on_) {
            return;
        }
        stepping_ = true;
    }
    bool more = true;
    for (int i = 0; i < steps_at_once && more; ++i) {
        more = table_.tend();
    }
    const std::lock_guard lock(mutex_);
    stepping_ = false;
    idle_.notify_all();
    if (on_) {
        try {
            set_timer(more ? soon_ns : later_ns);
        } catch (const plugin::Error& e) {
            on_ = false;
            host_.log(
                LARDER_LOG_WARN,
                {"no more upkeep, memory of lapsed entries comes back on access: ", e.what()});
        }
    }
}

}  // namespace larder::store_memory
