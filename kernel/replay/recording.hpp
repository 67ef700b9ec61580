// kernel/replay/recording.hpp -- a trace of what a running kernel is asked.
//
// It reads the cache's tape whenever its owner takes bytes, and at no other time: there is no thread, and
// nobody on a request's way waits. Who takes too seldom loses operations, which the trace says. What leaves
// are pseudonyms (pseudonyms.hpp), under a key that is forgotten with the recording.
#pragma once

#include "kernel/api/kernel.hpp"
#include "kernel/core/tape.hpp"
#include "kernel/replay/pseudonyms.hpp"
#include "kernel/replay/trace_writer.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::replay {

class Recording final : public TapeOwner {
  public:
    struct Part {
        std::string bytes;   // of the trace, to be appended to what came before
        bool more = false;   // there is more already
        bool over = false;   // nobody records any more: these are the last
        std::uint64_t operations = 0, lost = 0;  // so far
    };
    // One key in `sample`. Null: `problem` says why; one recording at a time.
    static std::shared_ptr<Recording> begin(Kernel& kernel, std::uint64_t sample, std::string& problem);
    // The one of this name that goes on; null: there is none.
    static std::shared_ptr<Recording> find(Kernel& kernel, std::string_view name);

    const std::string& name() const { return name_; }  // nobody can guess it
    Part take();  // [any thread]
    Part end();   // likewise; ends it

  private:
    Recording(Kernel& kernel, const SipKey& key, const TraceHead& head);
    void write(const Taped& what, std::span<const std::string_view> parts);
    std::uint32_t space(std::uint32_t number);
    void hide_key(std::uint32_t number, std::string_view canonical, std::string& out) const;
    void follow_policy();
    Part read(std::size_t most);

    Kernel& kernel_;
    std::string name_;
    std::uint64_t began_ns_ = 0;
    std::mutex mutex_;  // guards what follows
    Pseudonyms pseudonyms_;
    TraceWriter writer_;
    std::shared_ptr<const dsl::Policy> policy_;
    std::vector<std::uint32_t> spaces_;  // by the kernel's number; UINT32_MAX: not named yet
    std::uint32_t named_ = 0;
    std::uint64_t operations_ = 0, lost_ = 0;
    std::vector<std::string> texts_;     // of one operation, hidden
    std::vector<Given> given_;
};

}  // namespace larder::replay
