// plugins/exporter_cdn/shape.hpp -- how a CDN wants to be told: paths, headers, bodies, and what it cannot be told.
//
// Fastly: developer.fastly.com/reference/api/purging. Up to 256 keys in one Surrogate-Key header of at most 16 KiB;
// Fastly-Soft-Purge makes them stale instead of gone; everything is purge_all, which has no soft form.
// Cloudflare: developers.cloudflare.com/api, zones/{id}/purge_cache. At most 30 tags a call; no soft form at all.
#pragma once

#include "outbox.hpp"
#include "plugins/http_post/post.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::exporter_cdn {

enum class Shape { fastly, cloudflare };

std::string_view default_api(Shape shape);
std::size_t most_tags(Shape shape);
inline bool knows_soft(Shape shape) { return shape == Shape::fastly; }

// Whether a request can name this tag: 1 to 1,024 printable ASCII characters without spaces and commas.
bool is_sayable(std::string_view tag);
// Letters, digits, - and _, so that an id cannot lead to another path.
bool is_id(std::string_view id);
// What may stand in a header's value.
bool is_token(std::string_view token);

struct Message {
    std::string path;  // below the API's
    http_post::Headers headers;
    std::string body;
};

Message message_for(Shape shape, std::string_view id, std::string_view token, const Batch& batch);

}  // namespace larder::exporter_cdn
