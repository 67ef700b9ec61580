// tests/bench/plugin_border/null_store.hpp -- a store that answers and does nothing: what remains
// is the way to it.
#pragma once

#include <larder/plugin/store.hpp>

class NullStore {
  public:
    static constexpr const char* name = "null";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC;
    NullStore(larder::plugin::Host, const larder::plugin::Config&) {}
    explicit NullStore(const char* bytes) : bytes_(bytes) {}

    larder_status get(const larder_key& key, const larder_call&, larder::plugin::Reply out) {
        return out.fixed(bytes_ + (key.hash & 7), 128);
    }
    larder_status put(const larder_key&, const larder_put&, const larder_call&) {
        return LARDER_OK;
    }
    larder_status remove(const larder_key&, std::uint64_t, const larder_call&) {
        return LARDER_MISS;
    }
    larder_status touch(const larder_key&, const larder_touch&, const larder_call&) {
        return LARDER_MISS;
    }

  private:
    const char* bytes_ =
        "................................................................................"
        "..........................................................";
};
