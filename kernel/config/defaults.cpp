// kernel/config/defaults.cpp -- where things are when nobody says.
#include "kernel/config/host_config.hpp"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace larder::config {
namespace {

constexpr std::string_view built_in =
    "[store.l1]\n"
    "plugin = \"memory\"\n"
    "[gateway.resp]\n"
    "plugin = \"resp\"\n"
    "listen = [\"127.0.0.1:7380\"]\n";
struct BuiltInCodec {
    const char* file;
    std::string_view text;
};
constexpr BuiltInCodec built_in_codecs[] = {
    {"compressor_brotli.so", "[codec.brotli]\nplugin = \"brotli\"\n"},
    {"compressor_zstd.so", "[codec.zstd]\nplugin = \"zstd\"\n"},
    {"compressor_zlib.so", "[codec.gzip]\nplugin = \"zlib\"\nformat = \"gzip\"\n[codec.zlib]\nplugin = \"zlib\"\n"},
};

bool is_on(const std::vector<std::string>& path, const char* file) {
    std::error_code ignored;
    for (const std::string& folder : path)
        if (std::filesystem::exists(std::filesystem::path(folder) / file, ignored)) return true;
    return false;
}

}  // namespace

LoadedConfig default_host_config(const std::vector<std::string>& plugin_path,
                                 Environment environment) {
    std::string text(built_in);
    for (const BuiltInCodec& codec : built_in_codecs)
        if (is_on(plugin_path, codec.file)) text += codec.text;
    auto out = parse_host_config("built-in defaults", std::move(text), std::move(environment));
    out.config.file.clear();
    out.config.plugin_path = plugin_path;
    return out;
}

std::vector<std::string> default_plugin_path() {
    std::vector<std::string> out;
    const char* given = ::getauxval(AT_SECURE) != 0 ? nullptr : std::getenv("LARDER_PLUGIN_PATH");
    for (std::string_view rest = given == nullptr ? "" : given; !rest.empty();) {
        const auto colon = rest.find(':');
        if (colon != 0) out.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    if (!out.empty()) return out;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto beside = program.parent_path() / "plugins";
    if (!error && std::filesystem::is_directory(beside, error)) return {beside.string()};
    // An installation that stands elsewhere than it was configured for.
    const auto installed = std::filesystem::weakly_canonical(program.parent_path() / LARDER_PLUGIN_DIR_BESIDE, error);
    if (!error && std::filesystem::is_directory(installed, error)) return {installed.string()};
    return {LARDER_PLUGIN_DIR};
}

std::string default_socket() {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/larder.sock";
    if (::geteuid() == 0) return "/run/larder/larder.sock";
    return "/tmp/larder-" + std::to_string(::geteuid()) + "/larder.sock";
}

}  // namespace larder::config
