// plugins/gateway_http/gateway_http.cpp -- a caching reverse proxy as a larder plugin: options in, a server
// out.
#include "server.hpp"

#include <larder/plugin/cpp.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <thread>

namespace larder::http {
namespace {

using plugin::Error;

[[noreturn]] void refuse(const plugin::Config& config, const char* option, const std::string& why) {
    const std::string where = config.where(option);
    throw Error(LARDER_E_CONFIG, (where.empty() ? "" : where + ": ") + option + ": " + why);
}

Options read_options(const plugin::Config& config) {
    Options o;
    o.listen = config.list("listen");
    const std::string_view mode = config.text("unix_mode");
    const char* const end = mode.data() + mode.size();
    const auto [stopped, bad] = std::from_chars(mode.data(), end, o.unix_mode, 8);
    if (bad != std::errc{} || stopped != end || o.unix_mode > 0777) refuse(config, "unix_mode", "expected an octal mode such as 0660");
    o.upstream = config.list("upstream");
    o.by_policy = config.text("freshness") == "policy";
    o.heuristic = config.real("heuristic");
    o.keep_s = config.duration_ns("keep") / 1'000'000'000;
    o.max_object = config.size("max_object");
    o.variants = static_cast<std::size_t>(config.integer("variants"));
    o.ignore_query = config.list("ignore_query");
    o.collapse = config.boolean("collapse");
    const auto duration = [&](const char* name) { return static_cast<std::uint64_t>(config.duration_ns(name)); };
    o.collapse_wait_ns = duration("collapse_wait");
    o.value_type = config.text("value_type");
    if (o.value_type.empty() || !std::all_of(o.value_type.begin(), o.value_type.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        refuse(config, "value_type", "expected a media type, such as application/json, or auto");
    o.name = config.text("name");
    if (!is_token(o.name)) refuse(config, "name", "expected a word of letters, digits and - . _");
    o.cache_status = config.boolean("cache_status");
    o.tags_to_clients = config.boolean("tags_to_clients");
    const std::string_view cdn = config.text("cdn");
    o.cdn = cdn == "fastly" ? Cdn::fastly : cdn == "cloudflare" ? Cdn::cloudflare : Cdn::none;
    o.groups = config.boolean("groups");
    o.purge = config.list("purge");
    o.graphql = config.list("graphql");
    o.forwarded = config.text("forwarded");
    o.max_connections = static_cast<std::size_t>(config.integer("max_connections"));
    o.upstream_connections = static_cast<std::size_t>(config.integer("upstream_connections"));
    o.head.head = config.size("max_head");
    o.head.target = std::min<std::size_t>(o.head.head, 16u << 10);
    o.max_body = config.size("max_body");
    o.timeout_ns = duration("timeout");
    o.idle_timeout_ns = duration("idle_timeout");
    o.connect_timeout_ns = duration("connect_timeout");
    o.upstream_timeout_ns = duration("upstream_timeout");
    o.upstream_idle_ns = duration("upstream_idle");
    o.call_timeout_ns = duration("call_timeout");
    o.breaker_failures = static_cast<unsigned>(config.integer("breaker_failures"));
    o.breaker_retry_ns = duration("breaker_retry");
    constexpr unsigned enough_threads = 4;
    o.threads = static_cast<unsigned>(config.integer("threads"));
    if (o.threads == 0) o.threads = std::clamp(std::thread::hardware_concurrency(), 1u, enough_threads);
    // Looking for work that a single core would have to make meanwhile finds none.
    o.looks = std::thread::hardware_concurrency() > 1 ? static_cast<unsigned>(config.integer("looks")) : 0;
    return o;
}

std::unique_ptr<Origins> read_origins(const plugin::Config& config) {
    std::string wrong;
    const auto entries = config.list("upstream");
    auto made = Origins::make(entries, static_cast<unsigned>(config.integer("breaker_failures")),
                              static_cast<std::uint64_t>(config.duration_ns("breaker_retry")), wrong);
    if (made == nullptr) refuse(config, "upstream", "'" + wrong + "' is not http://HOST:PORT, http://unix:/PATH or \"/PREFIX http://HOST:PORT\"");
    if (entries.empty()) refuse(config, "upstream", "name the application: upstream = [\"http://127.0.0.1:8000\"]");
    return made;
}

PurgeList read_purge(const plugin::Config& config) {
    PurgeList list;
    std::string wrong;
    if (!PurgeList::parse(config.list("purge"), list, wrong)) refuse(config, "purge", "'" + wrong + "' is not \"local\", an address or a network such as 10.0.0.0/8");
    return list;
}

// NULL where no listener asks for it.
std::unique_ptr<const net::TlsContext> read_tls(plugin::Host host, const plugin::Config& config) {
    const std::vector<std::string> listen = config.list("listen");
    if (std::none_of(listen.begin(), listen.end(), [](const std::string& text) { return text.starts_with("tls:"); })) return nullptr;
    net::TlsOptions options;
    options.certificate = config.text("tls_certificate", "");
    options.client_ca = config.text("tls_client_ca", "");
    if (options.certificate.empty()) refuse(config, "tls_certificate", "a tls: address in listen needs one");
    std::unique_ptr<const net::TlsContext> made;
    std::string why = "a tls: address in listen needs the certificate's key";
    host.with_secret(config, "tls_key", [&](std::string_view key) {
        try {
            made = std::make_unique<const net::TlsContext>(options, key);
        } catch (const std::runtime_error& error) {
            why = error.what();
        }
    });
    if (made == nullptr) refuse(config, "tls_key", why);
    return made;
}

class HttpGateway {
  public:
    static constexpr const char* name = "http";
    static constexpr std::uint64_t caps = 0;

    HttpGateway(plugin::Host host, const plugin::Config& config)
        : gateway_(host, read_options(config), read_origins(config), read_tls(host, config), read_purge(config)), server_(gateway_) {
        if (gateway_.cache == nullptr || !LARDER_HAS(gateway_.cache, serve)) throw Error(LARDER_E_VERSION, "this kernel has no " LARDER_SVC_CACHE " with serve");
        for (const std::string& text : gateway_.options.listen) {
            net::ListenAddress where;
            if (!net::ListenAddress::parse(text, where)) refuse(config, "listen", "'" + text + "' is not HOST:PORT, [V6]:PORT, tls:HOST:PORT or unix:/PATH");
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
        server_.stats(out);
        return LARDER_OK;
    }

  private:
    Gateway gateway_;
    Server server_;
};

}  // namespace
}  // namespace larder::http

LARDER_MODULE(&larder::plugin::Gateway<larder::http::HttpGateway>::value)
