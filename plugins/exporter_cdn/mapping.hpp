// plugins/exporter_cdn/mapping.hpp -- which invalidations become which purges.
//
// A tag is purged by its name: as the application writes it (`user:42`), not as keys spell it (`user%3A42`).
// Namespaces and keys have no name that a CDN knows, so options say which tag stands for them:
//     "menu=menu-pages"        `drop menu`, and patterns in it, purge the tag menu-pages
//     "user=user-{key}"        `drop user "42"` purges user-42
//     "*"                      both for every namespace, under the names that gateway_http gives with its option
//                              `cdn`: menu, user:42, and user:* for what depends on any entry of user
// Everything else is nothing to the CDN.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace larder::exporter_cdn {

class Mapping {
  public:
    // Throws std::invalid_argument, which says what is wrong with an entry.
    Mapping(const std::vector<std::string>& entries, bool everything);

    struct Purges {  // each called any number of times
        std::function<void(std::string tag, bool soft)> tag;
        std::function<void()> everything;
    };
    // Of an event "invalidate" of the kernel. False: it cannot be read.
    bool read(std::string_view json, const Purges& to) const;

  private:
    std::multimap<std::string, std::string, std::less<>> tags_;  // by namespace
    bool every_ = false;
    bool everything_;
};

}  // namespace larder::exporter_cdn
