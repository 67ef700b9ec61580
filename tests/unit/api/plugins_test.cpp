// tests/unit/api/plugins_test.cpp -- the engine over the plugins that ship: memory and brotli.
#include "catch.hpp"
#include "kernel/api/kernel.hpp"
#include "support/temporary_folder.hpp"

#include <boost/json.hpp>

#include <optional>
#include <random>

using namespace larder;

namespace {

const char* const policy = R"(larder 1
namespace page { key "{id}"; ttl 5m; compress brotli above 1KiB }
namespace few  { key "{id}"; ttl 5m; limit 10 entries }
namespace thin { key "{id}"; ttl 5m; limit 64KiB }
namespace wide { key "{id}"; ttl 5m; tag "wide" }
)";

class Running {
  public:
    Running() {
        folder_.write("p.larder", policy);
        auto conf = config::parse_host_config("test.toml",
            "policy = [\"" + folder_.file("p.larder") + "\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\n"
            "trust_path = true\n[log]\nlevel = \"error\"\n[admin]\nenabled = false\n"
            "[store.l1]\nplugin = \"memory\"\ncapacity = \"4MiB\"\n[codec.brotli]\nplugin = \"brotli\"\n");
        KernelOptions options;
        options.config = std::move(conf.config);
        std::string problem;
        kernel = Kernel::open(std::move(options), problem);
        INFO(problem);
        REQUIRE(kernel);
        REQUIRE(kernel->start(problem));
    }
    larder_status put(std::string_view space, std::string_view key, std::string_view value) {
        larder_cache_set item{};
        kernel->cache().ns_find(space, &item.ns);
        item.key = {key.data(), key.size()};
        item.value = {value.data(), value.size()};
        kernel->cache().set_many(&item, 1, nullptr);
        return item.status;
    }
    std::optional<std::string> get(std::string_view space, std::string_view key) {
        larder_cache_get item{};
        kernel->cache().ns_find(space, &item.ns);
        item.key = {key.data(), key.size()};
        kernel->cache().get_many(&item, 1, nullptr);
        if (item.status != LARDER_OK) return std::nullopt;
        std::string value(static_cast<const char*>(item.value.data), item.value.size);
        item.value.release(&item.value);
        return value;
    }
    boost::json::object stats(const char* section, const char* name) {
        const auto root = boost::json::parse(kernel->cache().stats_json(section));
        return root.at(section).at(name).as_object();
    }

  private:
    test::TemporaryFolder folder_;

  public:
    std::unique_ptr<Kernel> kernel;  // ends before the folder
};

}  // namespace

TEST_CASE("values above the threshold are kept compressed and come back as they were") {
    Running larder;
    const std::string large(100'000, 'a'), small(1000, 'a');
    REQUIRE(larder.put("page", "small", small) == LARDER_OK);
    const auto before = larder.stats("namespaces", "page").at("bytes").to_number<std::int64_t>();
    CHECK(before > 1000);
    REQUIRE(larder.put("page", "large", large) == LARDER_OK);
    CHECK(larder.stats("namespaces", "page").at("bytes").to_number<std::int64_t>() - before < 5000);
    CHECK(larder.get("page", "large") == large);
    CHECK(larder.get("page", "small") == small);
}

TEST_CASE("what does not get smaller is kept as it is") {
    Running larder;
    std::mt19937 random(5);
    std::string noise(10'000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    REQUIRE(larder.put("page", "noise", noise) == LARDER_OK);
    CHECK(larder.get("page", "noise") == noise);
}

TEST_CASE("a namespace keeps to its limit in entries and in bytes, and others are left alone") {
    Running larder;
    REQUIRE(larder.put("wide", "x", "kept") == LARDER_OK);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(larder.put("few", std::to_string(i), "v") == LARDER_OK);
        REQUIRE(larder.put("thin", std::to_string(i), std::string(1000, 'v')) == LARDER_OK);
    }
    CHECK(larder.stats("namespaces", "few").at("entries").to_number<int>() <= 10);
    CHECK(larder.stats("namespaces", "few").at("entries").to_number<int>() >= 9);
    CHECK(larder.stats("namespaces", "thin").at("bytes").to_number<int>() <= 64 * 1024);
    CHECK(larder.stats("namespaces", "thin").at("bytes").to_number<int>() > 48 * 1024);
    CHECK(larder.get("wide", "x") == "kept");
    // Also on the shelf that a drop moved it to.
    const larder_target all{LARDER_TARGET_NAMESPACE, [&] { std::uint32_t ns = 0; larder.kernel->cache().ns_find("few", &ns); return ns; }(), {}};
    larder.kernel->cache().change(LARDER_DROP, &all, 1, nullptr, nullptr);
    for (int i = 0; i < 100; ++i) larder.put("few", std::to_string(i), "v");
    CHECK(larder.stats("namespaces", "few").at("entries").to_number<int>() <= 10);
}

TEST_CASE("full memory evicts and goes on") {
    Running larder;
    for (int i = 0; i < 20'000; ++i) REQUIRE(larder.put("wide", std::to_string(i), std::string(1000, 'v')) == LARDER_OK);
    const auto tier = larder.stats("tiers", "l1");
    CHECK(tier.at("bytes").to_number<std::int64_t>() <= 4 * 1024 * 1024);
    CHECK(tier.at("evictions").to_number<std::int64_t>() > 10'000);
    CHECK(larder.get("wide", "19999"));
    CHECK(larder.put("wide", "too large", std::string(8 << 20, 'v')) == LARDER_E_TOO_LARGE);
    CHECK(larder.get("wide", "19999"));
}
