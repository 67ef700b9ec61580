// tests/unit/config/documented_test.cpp -- conf/larder.toml holds what it promises: every option, its default.
#include "catch.hpp"
#include "kernel/config/host_config.hpp"
#include "kernel/config/host_schema.hpp"
#include "kernel/loader/manifest.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

using namespace larder;

namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

const std::filesystem::path source_dir = LARDER_SOURCE_DIR;

// What stands under a header, commented lines as if they were not: `# name = value`.
struct Section {
    std::map<std::string, std::string> keys;
    std::string plugin;
};

std::map<std::string, Section> sections(const std::string& text) {
    static const std::regex header(R"(^(?:# )?\[([a-z]+(?:\.\w+)?)\]$)");
    static const std::regex key(R"(^(?:# )?(\w+) = (.+)$)");
    std::map<std::string, Section> out;
    std::string now;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_match(line, match, header)) {
            now = match[1];
        } else if (std::regex_match(line, match, key)) {
            if (match[1] == "plugin")
                out[now].plugin = match[2].str().substr(1, match[2].str().size() - 2);
            else
                out[now].keys[match[1]] = match[2];
        }
    }
    return out;
}

// The whole file as if nothing in it were commented out.
std::string uncommented(const std::string& text) {
    static const std::regex line(R"(^# (\[[a-z]+\.\w+\]|\w+ = .+)$)");
    std::istringstream lines(text);
    std::string out;
    for (std::string one; std::getline(lines, one);)
        out += std::regex_replace(one, line, "$1") + "\n";
    return out;
}

std::vector<loader::Manifest> shipped() {
    std::vector<loader::Manifest> out;
    for (const auto& folder : std::filesystem::directory_iterator(source_dir / "plugins")) {
        if (!folder.is_directory()) continue;
        for (const auto& file : std::filesystem::directory_iterator(folder)) {
            if (!file.path().string().ends_with(".larder.toml")) continue;
            std::string problem;
            auto manifest = loader::parse_manifest(content(file.path()), problem);
            INFO(file.path() << ": " << problem);
            REQUIRE(manifest);
            out.push_back(std::move(*manifest));
        }
    }
    return out;
}

std::string default_as_written(const loader::OptionSpec& spec, const std::string& manifest) {
    // From the manifest's text, because a size is bytes once it is read: `name = "x"` ... `default = y`.
    const auto at = manifest.find("name = \"" + spec.name + "\"\ntype");
    const auto end = manifest.find("[[", at);
    const auto found = manifest.find("\ndefault = ", at);
    if (at == std::string::npos || found == std::string::npos || found > end) return {};
    const auto from = found + std::string("\ndefault = ").size();
    return manifest.substr(from, manifest.find('\n', from) - from);
}

// "gateway.http" and "source.http" are of plugins that are called alike.
bool is_of_kind(const std::string& header, loader::Kind kind) {
    for (int i = 0; i <= static_cast<int>(config::Section::gateway); ++i) {
        const auto section = static_cast<config::Section>(i);
        if (header.starts_with(std::string(config::name_of(section)) + ".")) return config::kind_of(section) == kind;
    }
    return false;
}

}  // namespace

TEST_CASE("every kernel key stands in conf/larder.toml, commented out with its default") {
    const auto documented = sections(content(source_dir / "conf/larder.toml"));
    for (const config::KernelKey& key : config::kernel_keys()) {
        const std::string table = key.table == "store.NAME" ? "store.l1" : key.table == "source.NAME" ? "source.db" : std::string(key.table);
        INFO("[" << table << "] " << key.name);
        REQUIRE(documented.contains(table));
        const auto& keys = documented.at(table).keys;
        REQUIRE(keys.contains(std::string(key.name)));
        if (key.fallback.empty()) continue;
        std::string value = keys.at(std::string(key.name));
        value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
        CHECK(value == key.fallback);
    }
}

TEST_CASE("every option of every shipped plugin stands in conf/larder.toml with its default") {
    const auto documented = sections(content(source_dir / "conf/larder.toml"));
    const auto manifests = shipped();
    REQUIRE(manifests.size() >= 4);
    for (const loader::Manifest& manifest : manifests)
        for (const loader::ComponentManifest& component : manifest.components) {
            const auto section =
                std::find_if(documented.begin(), documented.end(), [&](const auto& one) {
                    return one.second.plugin == component.name && is_of_kind(one.first, component.kind);
                });
            INFO(loader::name_of(component.kind) << " " << component.name);
            REQUIRE(section != documented.end());
            for (const loader::OptionSpec& spec : component.options) {
                INFO("[" << section->first << "] " << spec.name);
                REQUIRE(section->second.keys.contains(spec.name));
                const auto fallback = default_as_written(spec, manifest.text);
                if (!fallback.empty()) CHECK(section->second.keys.at(spec.name) == fallback);
            }
        }
}

TEST_CASE("conf/larder.toml is valid as it stands, and with every example taken in") {
    const auto text = content(source_dir / "conf/larder.toml");
    for (const auto& each : {text, uncommented(text)}) {
        const auto loaded = config::parse_host_config("conf/larder.toml", each);
        INFO(dsl::render_text(*loaded.config.sources, loaded.found, false));
        CHECK(loaded.found.empty());
    }
    CHECK(uncommented(text) != text);
}

TEST_CASE("the examples of conf/larder.toml are options their plugins take") {
    const auto loaded = config::parse_host_config(
        "conf/larder.toml", uncommented(content(source_dir / "conf/larder.toml")));
    REQUIRE(loaded.ok());
    const auto manifests = shipped();
    for (const config::Instance& instance : loaded.config.instances) {
        const loader::ComponentManifest* component = nullptr;
        for (const auto& manifest : manifests)
            if (const auto* found = manifest.component(config::kind_of(instance.section), instance.plugin))
                component = found;
        INFO(instance.name << " " << instance.plugin);
        REQUIRE(component != nullptr);
        for (const config::Entry& option : instance.options) {
            INFO(option.key);
            CHECK(component->option(option.key) != nullptr);
        }
    }
}

TEST_CASE("the shipped configurations are valid, and differ as the seed's environments do") {
    config::Environment environment;
    environment.env = [](std::string_view) { return std::optional<std::string>(); };
    const auto development = config::load_host_config(
        (source_dir / "conf/development.toml").string(), environment);
    const auto production =
        config::load_host_config((source_dir / "conf/production.toml").string(), environment);
    REQUIRE(development.ok());
    REQUIRE(production.ok());
    CHECK(development.config.profile == "development");
    CHECK(production.config.profile == "production");
    const auto has_password = [](const config::HostConfig& config) {
        for (const auto* gateway : config.all(config::Section::gateway))
            for (const auto& option : gateway->options)
                if (option.key == "password") return true;
        return false;
    };
    CHECK_FALSE(has_password(development.config));
    CHECK(has_password(production.config));
}
