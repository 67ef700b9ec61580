// plugins/gateway_resp/gateway_resp.cpp -- the Redis protocol as a larder plugin: options in, a
// server out.
#include "server.hpp"

#include <larder/plugin/cpp.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <thread>

namespace larder::resp {
namespace {

using plugin::Error;

void refuse(const plugin::Config& config, const char* option, const std::string& why) {
    const std::string where = config.where(option);
    throw Error(LARDER_E_CONFIG, (where.empty() ? "" : where + ": ") + option + ": " + why);
}

Options read_options(const plugin::Config& config) {
    Options o;
    o.listen = config.list("listen");
    const std::string_view mode = config.text("unix_mode");
    const char* const end = mode.data() + mode.size();
    const auto [stopped, bad] = std::from_chars(mode.data(), end, o.unix_mode, 8);
    if (bad != std::errc{} || stopped != end || o.unix_mode > 0777) {
        refuse(config, "unix_mode", "expected an octal mode such as 0660");
    }
    o.fallback = config.text("namespace");
    o.open_role = role_of(config.text("role"));
    o.fence = config.boolean("fence");
    o.max_connections = static_cast<std::size_t>(config.integer("max_connections"));
    o.max_value = config.size("max_value");
    o.input_limit = config.size("input_limit");
    o.output_limit = config.size("output_limit");
    o.timeout_ns = static_cast<std::uint64_t>(config.duration_ns("timeout"));
    o.idle_timeout_ns = static_cast<std::uint64_t>(config.duration_ns("idle_timeout"));
    o.call_timeout_ns = static_cast<std::uint64_t>(config.duration_ns("call_timeout"));
    constexpr unsigned enough_threads = 4;
    o.threads = static_cast<unsigned>(config.integer("threads"));
    if (o.threads == 0) {
        o.threads = std::clamp(std::thread::hardware_concurrency(), 1u, enough_threads);
    }
    // Looking for work that a single core would have to make meanwhile finds none.
    o.looks = std::thread::hardware_concurrency() > 1
                  ? static_cast<unsigned>(config.integer("looks"))
                  : 0;

    constexpr std::size_t framing = 1024;
    if (o.input_limit < o.max_value + framing) {
        refuse(config, "input_limit",
               "a value of max_value does not fit: make it at least " +
                   std::to_string(o.max_value + framing) + " bytes");
    }
    if (o.output_limit / 2 < o.max_value) {
        refuse(config, "output_limit",
               "make it at least twice max_value, " + std::to_string(o.max_value * 2) + " bytes");
    }
    return o;
}

bool wants_tls(const std::string& text) { return text.starts_with("tls:"); }

// NULL where no listener asks for it.
std::unique_ptr<const TlsContext> read_tls(plugin::Host host, const plugin::Config& config) {
    const std::vector<std::string> listen = config.list("listen");
    if (std::none_of(listen.begin(), listen.end(), wants_tls)) {
        return nullptr;
    }
    TlsOptions options;
    options.certificate = config.text("tls_certificate", "");
    options.client_ca = config.text("tls_client_ca", "");
    if (options.certificate.empty()) {
        refuse(config, "tls_certificate", "a tls: address in listen needs one");
    }
    std::unique_ptr<const TlsContext> made;
    std::string why = "a tls: address in listen needs the certificate's key";
    host.with_secret(config, "tls_key", [&](std::string_view key) {
        try {
            made = std::make_unique<const TlsContext>(options, key);
        } catch (const std::runtime_error& error) {
            why = error.what();
        }
    });
    if (made == nullptr) {
        refuse(config, "tls_key", why);
    }
    return made;
}

Users read_users(plugin::Host host, const plugin::Config& config) {
    Users users;
    unsigned wrong_line = 0;
    const auto trimmed = [](std::string_view secret) {
        return std::string(secret.substr(0, secret.find_last_not_of("\r\n") + 1));
    };
    host.with_secret(config, "password", [&](std::string_view secret) {
        users.add({"default", trimmed(secret), role_of(config.text("role"))});
    });
    host.with_secret(config, "users", [&](std::string_view secret) {
        unsigned line = 0;
        wrong_line = users.add_lines(secret, line) ? 0 : line;
    });
    if (wrong_line != 0) {
        refuse(config, "users",
               "line " + std::to_string(wrong_line) +
                   " is not NAME ROLE PASSWORD (roles: read, write, invalidate, admin)");
    }
    return users;
}

class RespGateway {
  public:
    static constexpr const char* name = "resp";
    static constexpr std::uint64_t caps = 0;

    RespGateway(plugin::Host host, const plugin::Config& config)
        : gateway_(host.raw(), read_options(config), read_users(host, config),
                   read_tls(host, config)),
          server_(gateway_) {
        if (gateway_.cache == nullptr) {
            throw Error(LARDER_E_VERSION, "this kernel has no " LARDER_SVC_CACHE);
        }
        for (const std::string& text : gateway_.options.listen) {
            ListenAddress where;
            if (!ListenAddress::parse(text, where)) {
                refuse(config, "listen",
                       "'" + text + "' is not HOST:PORT, [V6]:PORT, tls:HOST:PORT or unix:/PATH");
            }
            if (gateway_.users.empty() && !where.local()) {
                refuse(config, "listen",
                       "other machines reach '" + text +
                           "': configure password or users, or listen on 127.0.0.1");
            }
        }
    }

    void start() {
        try {
            server_.start();
        } catch (const std::runtime_error& error) {
            throw Error(LARDER_E_IO, error.what());
        }
    }
    void stop(std::uint64_t deadline_ns) { server_.stop(deadline_ns); }

    std::string address(std::uint32_t index) const { return server_.address(index); }

    larder_status stats(larder_gateway_stats& out) const {
        const Counters& c = gateway_.counters;
        out.connections = c.connections.load(std::memory_order_relaxed);
        out.connections_total = c.connections_total.load(std::memory_order_relaxed);
        out.requests = c.requests.load(std::memory_order_relaxed);
        out.errors = c.errors.load(std::memory_order_relaxed);
        out.bytes_in = c.bytes_in.load(std::memory_order_relaxed);
        out.bytes_out = c.bytes_out.load(std::memory_order_relaxed);
        return LARDER_OK;
    }

  private:
    Gateway gateway_;
    Server server_;
};

}  // namespace
}  // namespace larder::resp

LARDER_MODULE(&larder::plugin::Gateway<larder::resp::RespGateway>::value)
