// plugins/warmer_http/http_source.hpp -- values by HTTP: GET finds one, PUT writes it, DELETE removes it.
//
// The answer's body is the value, byte for byte; how long it lives is the policy's affair, so nothing of its
// header is looked at but the status. Redirects are not followed: the policy says the path.
//
// A text of the policy is a path behind `url`, or a whole address. Then its beginning has to be `url` or one of
// `allow`, letter by letter up to a `/`, `?` or the end: who writes policies cannot make this process ask anybody else. Secrets
// (`authorization`, `headers`) go to `url` alone.
#pragma once

#include "plugins/http_post/post.hpp"

#include <larder/plugin/warmer.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::warmer_http {

class HttpSource {
  public:
    static constexpr const char* name = "http";
    static constexpr std::uint64_t caps = LARDER_WARM_CAP_WRITE;

    HttpSource(plugin::Host host, const plugin::Config& config);

    larder_status fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set, plugin::Reply out);
    larder_status write(const larder_warm_item& source, std::span<larder_source_write> writes, const larder_call& call);

  private:
    // Status 0: nobody answered, which is logged.
    http_post::Answer ask(std::string method, std::string_view text, std::span<const larder_pair> fields, std::string_view body, std::uint64_t deadline_ns,
                          bool& possible);
    void tell(std::string_view what, const http_post::Target& target, std::string_view path, std::string_view problem);

    const plugin::Host host_;
    // Whom a text of the policy means, and what is left of it; null: nobody that may be asked.
    const http_post::Target* target_of(std::string_view& text) const;
    std::vector<http_post::Target> targets_;  // `url` first, then those allowed besides
    http_post::Headers headers_;
    std::string content_type_;
    std::size_t max_value_;
};

}  // namespace larder::warmer_http
