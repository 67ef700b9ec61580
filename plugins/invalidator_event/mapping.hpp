// plugins/invalidator_event/mapping.hpp -- from a message to an event of the policy: its name and its values.
//
// A message has a place (the channel or stream it came by) and says what happened in JSON,
//
//     {"event": "user_changed", "user_id": 42, "user": {"tenant": "t1"}}
//
// in fields of a stream entry, or in a text of no structure. Its name is its member `event_field`, else its
// place, then looked up in `events`. Its values are what `fields` takes by path, then its members by their own
// names. Texts, whole numbers, numbers and truths are values; null, objects and lists are none, nor is what is
// longer than 1 KiB or a number that a double does not hold exactly: a wrong id would drop the wrong entry,
// while for one that is missing the kernel drops more.
//
// What comes from outside is bounded: bytes, depth (32), values (64).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::invalidator_event {

struct BoundEvent {
    std::string name;
    std::vector<std::pair<std::string, std::string>> values;
};

struct MappingOptions {
    bool json = true;                    // false: the whole payload is one value
    std::string event_field = "event";
    std::string payload_field = "payload";  // of a stream entry: the field that holds JSON
    std::string value_name = "value";    // what a payload without members is called
    std::vector<std::string> events;     // "NAME=EVENT", NAME may end in *
    std::vector<std::string> fields;     // "VALUE=path.in.payload", "EVENT:VALUE=path"
    std::size_t max_payload = std::size_t{64} << 10;
};

class Mapping {
  public:
    enum class Outcome { event, malformed, too_large };
    using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

    // Throws plugin::Error (LARDER_E_CONFIG) when an element of events or fields is none.
    explicit Mapping(MappingOptions options);

    // out and, unless it is an event, why are written; why quotes nothing of the payload.
    Outcome read(std::string_view place, std::string_view payload, BoundEvent& out,
                 std::string& why) const;
    Outcome read_entry(std::string_view place, const Fields& fields, BoundEvent& out,
                       std::string& why) const;

  private:
    struct Rename {
        std::string from, to;
        bool prefix;
    };
    struct Path {
        std::string event, name;  // event empty: of all
        std::vector<std::string> members;
    };
    class Reading;

    std::string_view named(std::string_view found) const;

    const MappingOptions options_;
    std::vector<std::string> event_path_;
    std::vector<Rename> renames_;
    std::vector<Path> paths_;
};

}  // namespace larder::invalidator_event
