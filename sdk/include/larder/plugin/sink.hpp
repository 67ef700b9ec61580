// larder/plugin/sink.hpp -- who a shared store tells: the sink of larder.shared/1, as `listen` took it.
//
// Not thread-safe: a store has a lock or a thread of its own around it, because of two calls of a sink only one may be under
// way, and none when listen has returned.
#ifndef LARDER_PLUGIN_SINK_HPP
#define LARDER_PLUGIN_SINK_HPP
#include "shared.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace larder::plugin {

class Sink {
  public:
    // Takes the place of who listened before; NULL: nobody listens. Members that an older kernel's sink does not have stay
    // NULL. trusted: whether the store tells every change at this moment, which is said at once.
    void take(const larder_sink* sink, bool trusted) noexcept {
        sink_ = {};
        if (sink == nullptr) return;
        std::memcpy(&sink_, sink, std::min<std::size_t>(sink->struct_size, sizeof sink_));
        sink_.struct_size = sizeof sink_;
        if (!trusted) return;
        changed_all();
        trust(true);
    }
    bool listens() const noexcept { return sink_.struct_size != 0; }

    void changed(const larder_bytes* keys, std::size_t n) const noexcept {
        if (sink_.changed != nullptr) sink_.changed(sink_.ctx, keys, n);
    }
    void changed_all() const noexcept {
        if (sink_.changed_all != nullptr) sink_.changed_all(sink_.ctx);
    }
    void trust(bool yes) const noexcept {
        if (sink_.trust != nullptr) sink_.trust(sink_.ctx, yes ? 1 : 0);
    }
    void renewed(bool older) const noexcept {
        if (sink_.renewed != nullptr) sink_.renewed(sink_.ctx, older ? 1 : 0);
    }

  private:
    larder_sink sink_{};
};

}  // namespace larder::plugin
#endif
