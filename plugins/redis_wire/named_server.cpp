// plugins/redis_wire/named_server.cpp -- see named_server.hpp.
#include "named_server.hpp"

#include "url.hpp"

#include <openssl/rand.h>

namespace larder::redis_wire {

void refuse(const plugin::Config& config, const char* option, const std::string& why) {
    const std::string where = config.where(option);
    throw plugin::Error(LARDER_E_CONFIG,
                        (where.empty() ? "" : where + ": ") + option + ": " + why);
}

void read_server(plugin::Host host, const plugin::Config& config, std::string_view url,
                 Endpoint& endpoint, ConnectionOptions& options) {
    Url parsed;
    std::string why;
    if (!parse_url(url, parsed, why)) {
        refuse(config, "url", why);
    }
    endpoint = parsed.endpoint;
    options.db = parsed.db.value_or(0);
    options.username = config.text("username", parsed.username);
    if (!parsed.username.empty() && options.username != parsed.username) {
        refuse(config, "username", "the url names another: write one of the two");
    }
    options.password = parsed.password;
    host.with_secret(config, "password",
                     [&](std::string_view secret) { options.password = secret; });
    if (!options.username.empty() && options.password.empty()) {
        refuse(config, config.has("username") ? "username" : "url",
               "a user needs a password: in the url, or as password");
    }
    options.connect_timeout_ns =
        static_cast<std::uint64_t>(config.duration_ns("connect_timeout", 5'000'000'000));
    options.tls_verify = config.boolean("tls_verify", true);
    options.tls_ca = config.text("tls_ca", "");
    options.tls_cert = config.text("tls_cert", "");
    options.tls_name = config.text("tls_name", "");
    host.with_secret(config, "tls_key", [&](std::string_view secret) { options.tls_key = secret; });
    if (options.tls_cert.empty() != options.tls_key.empty()) {
        refuse(config, "tls_cert", "tls_cert and tls_key belong together");
    }
    RAND_bytes(reinterpret_cast<unsigned char*>(&options.seed), sizeof options.seed);
}

}  // namespace larder::redis_wire
