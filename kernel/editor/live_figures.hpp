// kernel/editor/live_figures.hpp -- what a running kernel counts, for who must not wait for it.
//
// A question is answered with what was heard last; asking sets off the next question to the kernel, on
// a thread of its own, and nobody waits for that. So the first hover shows nothing live, and the next
// one what the kernel said meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace larder::editor {

class LiveFigures {
  public:
    using Clock = std::chrono::steady_clock;
    // The kernel's statistics as JSON, or nullopt when none answers. Called on the thread.
    using Ask = std::function<std::optional<std::string>()>;

    static constexpr std::chrono::seconds fresh{2};   // younger is not asked for again
    static constexpr std::chrono::seconds stale{30};  // older is not shown

    explicit LiveFigures(Ask ask);
    ~LiveFigures();
    LiveFigures(const LiveFigures&) = delete;
    LiveFigures& operator=(const LiveFigures&) = delete;

    // "48,211 entries, 92.4 % hits of 1,204,611 reads, 17 dropped"; empty when nothing is known.
    std::string of(const std::string& space, Clock::time_point now);

  private:
    void run();

    Ask ask_;
    std::mutex mutex_;
    std::condition_variable wanted_;
    bool asked_ = false, ends_ = false;                     // under mutex_
    std::map<std::string, std::string> lines_;              // under mutex_
    std::optional<Clock::time_point> heard_, asked_at_;     // under mutex_
    Clock::time_point now_{};                               // under mutex_
    std::thread thread_;
};

// The same line from the kernel's statistics, by namespace. Anything that is not as expected is left out.
std::map<std::string, std::string> figures_by_namespace(const std::string& stats);

}  // namespace larder::editor
