// plugins/redis_wire/journal.cpp -- see journal.hpp.
#include "journal.hpp"

namespace larder::redis_wire {

void Journal::trouble(std::string_view command, std::string_view server, std::string_view cause) {
    constexpr std::size_t longest = 200;
    const std::string what = std::string(command) + " at " + std::string(server) + ": " +
                             std::string(cause.substr(0, longest));
    std::uint64_t withheld = 0;
    {
        const std::lock_guard lock(mutex_);
        if (said_.size() >= most_causes && said_.count(what) == 0) {
            said_.clear();
        }
        Said& said = said_[what];
        const std::uint64_t now = host_.mono_ns();
        if (said.at_ns != 0 && now - said.at_ns < pause_ns) {
            ++said.withheld;
            return;
        }
        said.at_ns = now;
        withheld = std::exchange(said.withheld, 0);
    }
    host_.log(LARDER_LOG_WARN,
              {speaker_, ": ", what,
               withheld == 0 ? "" : " (and " + std::to_string(withheld) + " times since it was said last)"});
}

void Journal::say(std::int32_t level, std::string_view server, std::string_view text) {
    host_.log(level, {speaker_, ": ", server, ": ", text});
}

}  // namespace larder::redis_wire
