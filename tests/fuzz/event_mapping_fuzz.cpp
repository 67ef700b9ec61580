// tests/fuzz/event_mapping_fuzz.cpp -- any bytes as a message: an event within its bounds, or a reason, and nothing of the
// message in the reason.
#include "plugins/invalidator_event/mapping.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace larder::invalidator_event;

namespace {

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void look(Mapping::Outcome outcome, const BoundEvent& event, const std::string& why) {
    if (outcome != Mapping::Outcome::event) {
        demand(!why.empty() && why.size() < 200);
        return;
    }
    demand(!event.name.empty() && event.name.size() <= 256 && event.values.size() <= 64);
    for (const auto& [name, value] : event.values) {
        demand(name.size() <= 256 && value.size() <= 1024);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Mapping mapping = [] {
        MappingOptions options;
        options.fields = {"user_id=a.b", "e:x=y"};
        options.events = {"q=e", "p*=f"};
        options.max_payload = 400;
        return Mapping(options);
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    BoundEvent event;
    std::string why;
    look(mapping.read("place", text, event, why), event, why);
    const std::size_t half = size / 2;
    const Mapping::Fields fields{{"payload", text.substr(0, half)},
                                 {text.substr(half), text.substr(half)},
                                 {"event", text.substr(half, 20)}};
    why.clear();
    look(mapping.read_entry("place", fields, event, why), event, why);
    return 0;
}
