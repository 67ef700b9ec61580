// tests/unit/policies/seed_system.hpp -- a shipped policy in a whole kernel, with the plugins that ship,
// on virtual time.
#pragma once

#include "catch.hpp"
#include "kernel/api/kernel.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/core/random.hpp"

#include <boost/json.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::test {

using With = std::vector<std::pair<std::string, std::string>>;

inline std::string shipped_policy(std::string_view name) {
    return LARDER_SOURCE_DIR "/policies/" + std::string(name) + ".larder";
}

struct SeedOptions {
    std::string profile;
    std::map<std::string, std::string> env;  // the whole environment of the policy
    std::string capacity = "64MiB";          // of l1
};

class SeedSystem {
  public:
    // `policy`: the name of a shipped one, or the path of any.
    explicit SeedSystem(const std::string& policy, SeedOptions options = {}) : executor(clock) {
        const std::string path = policy.front() == '/' ? policy : shipped_policy(policy);
        config::Environment environment;
        environment.env = [env = options.env](std::string_view name) -> std::optional<std::string> {
            const auto it = env.find(std::string(name));
            if (it == env.end()) return std::nullopt;
            return it->second;
        };
        // Codecs, sources and sinks that no plugin of this release brings are missing, as in a host
        // that has not configured them.
        auto loaded = config::parse_host_config(
            "seed.toml",
            "policy = [\"" + path + "\"]\n" +
                (options.profile.empty() ? "" : "profile = \"" + options.profile + "\"\n") +
                "[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
                "[log]\nlevel = \"error\"\n[admin]\nenabled = false\n[limits]\nrecords = 16384\n"
                "[store.l1]\nplugin = \"memory\"\ncapacity = \"" + options.capacity + "\"\n"
                "[store.l2]\nplugin = \"memory\"\ncapacity = \"64MiB\"\n"
                "[store.db]\nplugin = \"memory\"\ncapacity = \"64MiB\"\n"
                "[codec.brotli]\nplugin = \"brotli\"\nquality = 1\n",
            environment);
        INFO(dsl::render_text(*loaded.config.sources, loaded.found, false));
        REQUIRE(loaded.ok());
        KernelOptions made;
        made.config = std::move(loaded.config);
        made.allow_missing = true;
        made.clock = &clock;
        made.random = &random;
        made.executor = &executor;
        std::string problem;
        kernel = Kernel::open(std::move(made), problem);
        INFO(problem);
        REQUIRE(kernel);
        REQUIRE(kernel->start(problem));
    }
    ~SeedSystem() {
        kernel->stop();
        executor.stop();
    }

    std::uint32_t ns(std::string_view name) {
        std::uint32_t number = 0;
        INFO("namespace " << name);
        REQUIRE(cache().ns_find(name, &number) == LARDER_OK);
        return number;
    }
    larder_status put(std::string_view space, std::string_view key, std::string_view value,
                      const With& with = {}) {
        std::vector<larder_pair> pairs;
        for (const auto& [name, text] : with) pairs.push_back({bytes(name), bytes(text)});
        larder_cache_set item{};
        item.ns = ns(space);
        item.key = bytes(key);
        item.value = bytes(value);
        item.with = pairs.data();
        item.with_count = static_cast<std::uint32_t>(pairs.size());
        cache().set_many(&item, 1, nullptr);
        return item.status;
    }
    // The fresh value, with the time it has left; what is served as stale only counts as gone.
    struct Got {
        std::string value;
        std::chrono::milliseconds left{};
    };
    std::optional<Got> get(std::string_view space, std::string_view key) {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = bytes(key);
        cache().get_many(&item, 1, nullptr);
        if (item.status != LARDER_OK) return std::nullopt;
        Got got{std::string(static_cast<const char*>(item.value.data), item.value.size),
                std::chrono::milliseconds(item.ttl_ms)};
        item.value.release(&item.value);
        if ((item.found & LARDER_FOUND_STALE) != 0) return std::nullopt;
        return got;
    }
    bool has(std::string_view space, std::string_view key) { return get(space, key).has_value(); }
    void drop(std::uint32_t kind, std::string_view space, std::string_view what) {
        const larder_target target{kind, space.empty() ? LARDER_NS_NONE : ns(space), bytes(what)};
        REQUIRE(cache().change(LARDER_DROP, &target, 1, nullptr, nullptr) == LARDER_OK);
    }
    void request(std::string_view method, std::string_view path, const With& headers = {},
                 std::string_view body = {}) {
        std::vector<larder_pair> pairs;
        for (const auto& [name, text] : headers) pairs.push_back({bytes(name), bytes(text)});
        larder_request asked{};
        asked.struct_size = sizeof asked;
        asked.status = 200;
        asked.method = bytes(method);
        asked.path = bytes(path);
        asked.headers = pairs.data();
        asked.header_count = static_cast<std::uint32_t>(pairs.size());
        asked.body = bytes(body);
        REQUIRE(cache().request(asked, nullptr, nullptr) == LARDER_OK);
    }
    void event(std::string_view name, const With& values = {}) {
        std::vector<larder_pair> pairs;
        for (const auto& [n, v] : values) pairs.push_back({bytes(n), bytes(v)});
        REQUIRE(cache().event(name, pairs.data(), pairs.size(), nullptr, nullptr) == LARDER_OK);
    }
    void after(std::chrono::milliseconds time) { executor.advance(time); }
    // One number of a namespace's or tier's statistics.
    std::int64_t stat(const char* section, std::string_view name, const char* what) {
        const auto root = boost::json::parse(cache().stats_json(section));
        return root.at(section).as_object().at(boost::json::string_view(name.data(), name.size()))
            .as_object().at(what).to_number<std::int64_t>();
    }
    const dsl::Namespace& space(std::string_view name) {
        policy_ = cache().policy();
        const auto index = policy_->find(name);
        INFO("namespace " << name);
        REQUIRE(index);
        return policy_->namespaces[*index];
    }
    Cache& cache() { return kernel->cache(); }

    ManualClock clock;
    SeededRandom random{1};
    ManualExecutor executor;
    std::unique_ptr<Kernel> kernel;  // ends before what it was given

  private:
    static larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
    std::shared_ptr<const dsl::Policy> policy_;
};

}  // namespace larder::test
