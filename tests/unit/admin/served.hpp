// tests/unit/admin/served.hpp -- a kernel over the shipped plugins and its admin API, asked without a network.
#pragma once

#include "kernel/serve/admin_api.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace larder::test {

inline constexpr const char* admin_token = "the token of an operator";
inline constexpr const char* reader_token = "the token of a dashboard";
inline constexpr const char* app_token = "the token of an application";

class Served {
  public:
    // policy: its text, or `@policies/hotel.larder`, a file of the tree. admin: more lines of [admin].
    explicit Served(std::string_view policy, std::string_view admin = {}, std::string_view entities = {}) {
        const std::string file = policy.starts_with('@') ? std::string(LARDER_SOURCE_DIR) + "/" + std::string(policy.substr(1))
                                                         : folder_.file("p.larder");
        if (!policy.starts_with('@')) folder_.write("p.larder", std::string(policy));
        config::Environment environment;
        environment.env = [](std::string_view name) -> std::optional<std::string> {
            if (name == "ADMIN") return admin_token;
            if (name == "READER") return reader_token;
            if (name == "APP") return app_token;
            if (name == "SHORT") return "short";
            return std::nullopt;
        };
        auto conf = config::parse_host_config(
            "test.toml",
            "policy = [\"" + file + "\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
            "[log]\nlevel = \"info\"\nfile = \"" + folder_.file("log") + "\"\n[admin]\nenabled = false\n" + std::string(admin) + "\n"
            "[admin.tokens]\nops = { role = \"admin\", secret = { env = \"ADMIN\" } }\n"
            "dashboard = { role = \"read\", secret = { env = \"READER\" } }\n"
            "app = { role = \"invalidate\", secret = { env = \"APP\" } }\n"
            "[admin.entities]\n" + std::string(entities) + "\n"
            "[store.l1]\nplugin = \"memory\"\ncapacity = \"8MiB\"\n[store.l2]\nplugin = \"memory\"\ncapacity = \"8MiB\"\n"
            "[codec.brotli]\nplugin = \"brotli\"\n", environment);
        if (!conf.ok()) throw std::runtime_error(dsl::render_text(*conf.config.sources, conf.found, false));
        const config::AdminOptions options = conf.config.admin;
        KernelOptions made;
        made.config = std::move(conf.config);
        made.allow_missing = true;
        std::string problem;
        kernel = Kernel::open(std::move(made), problem);
        if (!kernel || !kernel->start(problem)) throw std::runtime_error(problem);
        api = serve::AdminApi::make(*kernel, options, environment, kernel->clock(), problem);
        if (!api) throw std::runtime_error(problem);
    }

    serve::HttpReply ask(std::string method, std::string target, std::string body = {}, std::string_view token = admin_token) {
        serve::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.peer = "127.0.0.1";
        if (!token.empty()) request.authorization = "Bearer " + std::string(token);
        return api->answer(request);
    }
    boost::json::object json(std::string method, std::string target, std::string body = {}) {
        const auto reply = ask(std::move(method), std::move(target), std::move(body));
        return boost::json::parse(reply.body).as_object();
    }
    // "NAMESPACE:KEY", as a client writes it.
    larder_status put(std::string_view full, std::string_view value = "x") {
        larder_cache_set item{};
        std::uint32_t prefix = 0;
        if (kernel->cache().resolve(full, LARDER_NS_NONE, &item.ns, &prefix) != LARDER_OK) return LARDER_E_INVALID;
        full.remove_prefix(prefix);
        item.key = {full.data(), full.size()};
        item.value = {value.data(), value.size()};
        kernel->cache().set_many(&item, 1, nullptr);
        return item.status;
    }
    bool has(std::string_view full) {
        larder_cache_get item{};
        std::uint32_t prefix = 0;
        if (kernel->cache().resolve(full, LARDER_NS_NONE, &item.ns, &prefix) != LARDER_OK) return false;
        full.remove_prefix(prefix);
        item.key = {full.data(), full.size()};
        kernel->cache().get_many(&item, 1, nullptr);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return item.status == LARDER_OK;
    }

  private:
    TemporaryFolder folder_;

  public:
    std::unique_ptr<Kernel> kernel;  // ends before the folder
    std::unique_ptr<serve::AdminApi> api;
};

}  // namespace larder::test
