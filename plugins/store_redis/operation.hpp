// plugins/store_redis/operation.hpp -- one call of the kernel, from its arguments to its answer.
//
// An operation is written as commands when it is made, so that nothing borrowed is needed afterwards but
// the arrays that live until done. It ends once: done is called on the loop, or, where the call has none, the
// thread that made the call waits. Then it is gone.
#pragma once

#include "batch.hpp"
#include "counters.hpp"
#include "options.hpp"
#include "scripts.hpp"
#include "topology.hpp"
#include "wire.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::store_redis {

// What operations of a store share. All of it outlives them.
struct Workshop {
    const Options& options;
    Loop& loop;
    Topology& topology;
    Journal& journal;
    Counters& counters;
};

class Operation : public Batch {
  public:
    Operation(const Workshop& shop, const larder_call& call, const char* name);
    virtual ~Operation() = default;

    // Sends it: PENDING, or how it ended. value: where a call without done wants what value() is.
    static larder_status run(std::unique_ptr<Operation> operation, larder_value* value = nullptr);

    void on_end(larder_status status) noexcept final;
    void on_again() noexcept override { noscript_ = false; }
    const char* name() const noexcept final { return name_; }

  protected:
    // What every reply came to. May throw.
    virtual larder_status result() = 0;
    // It ended with an error: give back what was got.
    virtual void failed(larder_status status) noexcept { static_cast<void>(status); }
    // What done gets; nullptr: nothing.
    virtual larder_value* value() noexcept { return nullptr; }

    // Writes EVALSHA with so many keys and arguments; key() and word()s follow.
    void script(const Script& script, std::size_t keys, std::size_t arguments);
    // An error reply, noted in the log, as a status. OK when it is none, or one that is mended by sending
    // the scripts' texts.
    larder_status error_of(const Reply& reply);
    static larder_status error_of_text(std::string_view text) noexcept;
    // "PREFIX:l:..." of "PREFIX:v:..."; empty: not a value's key, and it has no lease.
    std::string lease_of(std::string_view key) const;

    const Workshop& shop_;

  private:
    struct Waiter;
    void spell_scripts_out();
    void finish(larder_status status) noexcept;

    const char* name_;
    larder_done_fn done_;
    void* done_ctx_;
    Waiter* waiter_ = nullptr;
    larder_value* out_ = nullptr;
    std::vector<std::pair<std::uint32_t, const Script*>> scripts_;  // where EVALSHA stands in wire
    bool noscript_ = false, spelled_ = false;
};

}  // namespace larder::store_redis
