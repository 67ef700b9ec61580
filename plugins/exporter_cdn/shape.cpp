// plugins/exporter_cdn/shape.cpp -- see shape.hpp.
#include "shape.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace larder::exporter_cdn {
namespace {

bool is_visible(char c) { return c > 0x20 && c < 0x7F; }

Message fastly(std::string_view id, std::string_view token, const Batch& batch) {
    Message out;
    out.path = "/service/" + std::string(id) + (batch.everything ? "/purge_all" : "/purge");
    out.headers = {{"Fastly-Key", std::string(token)}, {"Accept", "application/json"}};
    if (batch.everything) {
        return out;
    }
    std::string keys;
    for (const Purge& purge : batch.tags) {
        keys += keys.empty() ? "" : " ";
        keys += purge.tag;
    }
    out.headers.emplace_back("Surrogate-Key", std::move(keys));
    if (batch.soft) {
        out.headers.emplace_back("Fastly-Soft-Purge", "1");
    }
    return out;
}

Message cloudflare(std::string_view id, std::string_view token, const Batch& batch) {
    boost::json::object body;
    if (batch.everything) {
        body["purge_everything"] = true;
    } else {
        boost::json::array tags;
        for (const Purge& purge : batch.tags) {
            tags.emplace_back(purge.tag);
        }
        body["tags"] = std::move(tags);
    }
    return {"/zones/" + std::string(id) + "/purge_cache",
            {{"Authorization", "Bearer " + std::string(token)}},
            boost::json::serialize(body)};
}

}  // namespace

std::string_view default_api(Shape shape) {
    return shape == Shape::fastly ? "https://api.fastly.com" : "https://api.cloudflare.com/client/v4";
}

std::size_t most_tags(Shape shape) { return shape == Shape::fastly ? 256 : 30; }

bool is_sayable(std::string_view tag) {
    return !tag.empty() && tag.size() <= 1024 &&
           std::all_of(tag.begin(), tag.end(), [](char c) { return is_visible(c) && c != ','; });
}

bool is_id(std::string_view id) {
    return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

bool is_token(std::string_view token) { return !token.empty() && std::all_of(token.begin(), token.end(), is_visible); }

Message message_for(Shape shape, std::string_view id, std::string_view token, const Batch& batch) {
    return shape == Shape::fastly ? fastly(id, token, batch) : cloudflare(id, token, batch);
}

}  // namespace larder::exporter_cdn
