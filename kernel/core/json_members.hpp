// kernel/core/json_members.hpp -- the members of a JSON object, changed without reading their values.
//
// A migration renames two members of a value that has forty. So the object is cut into its members and
// each value stays the text it was: numbers keep their digits, members their order, and nothing is built
// that is not asked for. An object within is cut when a path leads into it.
//
// The text may be anything. It is read once, whole: what is not JSON (RFC 8259) or nests deeper than
// 64 levels is no object. A name that stands twice means its last value.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

class JsonMembers {
  public:
    JsonMembers() = default;  // {}
    // False: the text is no object, and this is {}. The text outlives this.
    bool read(std::string_view text);

    // The value's text as it stands; data() null: there is none. REQUIRES: a path of at least one name.
    std::string_view find(std::span<const std::string> path);
    // Takes the member out; nothing is there: an empty text.
    std::string take(std::span<const std::string> path);
    // Calls it `name` from now on, where it stands; another one of that name goes. Nothing is there: nothing is done.
    void rename(std::span<const std::string> path, const std::string& name);
    // Puts `json` there, in the place of what is there; objects on the way are made. False: something on the
    // way is no object, and nothing was changed. REQUIRES: json is JSON.
    bool put(std::span<const std::string> path, std::string json);

    std::string text() const;

  private:
    struct Member {
        std::string name;       // decoded
        std::string_view raw;   // of the name, with its quotes; empty: to be written from `name`
        std::string_view value;
        std::string own;        // where the value is this one's
        std::unique_ptr<JsonMembers> object;  // where it was cut, or made
    };
    Member* member(const std::string& name);
    // The object that holds the last name of the path; null: there is none.
    JsonMembers* holder(std::span<const std::string> path, bool make);
    void append_to(std::string& out) const;

    std::vector<Member> members_;
    std::string kept_;  // what members view, where nobody else keeps it
};

}  // namespace larder
