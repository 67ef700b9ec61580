// kernel/cli/plugin_new.cpp -- larder plugin new: a plugin that works, to be changed into one's own.
#include "kernel/cli/plugin_new.hpp"

#include "kernel/cli/verb.hpp"
#include "kernel/loader/kind.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

namespace larder::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view languages[] = {"cpp", "c", "rust"};

const PluginTemplate* find(std::string_view path) {
    for (const PluginTemplate& one : plugin_templates())
        if (one.path == path) return &one;
    return nullptr;
}

std::string source_of(std::string_view language, std::string_view kind) {
    const std::string_view ending = language == "rust" ? "rs" : language;
    return std::string(language) + "/" + std::string(kind) + "." + std::string(ending);
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

// "my_jar" -> "MyJar"
std::string class_of(std::string_view name) {
    std::string out;
    bool begins = true;
    for (const char c : name) {
        if (c != '_') out += begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        begins = c == '_';
    }
    // A class of the SDK's, or the namespace's own words.
    for (const char* taken : {"Store", "Compressor", "Warmer", "Invalidator", "Session", "Exporter", "Gateway", "Host", "Config", "Reply", "Value", "Error", "Health"})
        if (out == taken) return "My" + out;
    return out;
}

std::string filled(std::string_view text, const std::map<std::string, std::string>& names) {
    std::string out(text);
    for (const auto& [name, value] : names)
        for (std::size_t at = 0; (at = out.find(name, at)) != out.npos; at += value.size()) out.replace(at, name.size(), value);
    return out;
}

std::string section_of(std::string_view kind) {
    if (kind == "compressor") return "codec";
    if (kind == "warmer") return "source";
    return std::string(kind);
}

}  // namespace

std::string kinds_in(std::string_view language) {
    std::string out;
    for (const char* kind : {"store", "compressor", "warmer", "invalidator", "session", "exporter", "gateway"})
        if (find(source_of(language, kind)) != nullptr) out += (out.empty() ? "" : ", ") + std::string(kind);
    return out;
}

int new_plugin(const std::string& kind, const std::string& name, const std::string& language, const std::string& folder) {
    const auto refuse = [](const std::string& why) {
        complain("larder plugin new: " + why);
        return static_cast<int>(exit_usage);
    };
    if (!loader::kind_of(std::string_view(kind))) return refuse("`" + kind + "` is no kind of plugin; there are " + kinds_in("cpp"));
    if (!is_name(name)) return refuse("a plugin's name begins with a-z and has a-z, 0-9 and _, at most 40 of them; found `" + name + "`");
    if (std::find(std::begin(languages), std::end(languages), language) == std::end(languages)) return refuse("--lang is cpp, c or rust; found `" + language + "`");
    const std::string source = source_of(language, kind);
    if (find(source) == nullptr)
        return refuse("there is no template of a " + kind + " in " + language + ", which has " + kinds_in(language) + "; C++ has all kinds");

    const std::string file = kind + "_" + name;
    const bool rust = language == "rust";
    std::string dashed = name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    const std::map<std::string, std::string> names = {
        {"@NAME@", name},
        {"@DASHED@", dashed},
        {"@KIND@", kind},
        {"@CLASS@", class_of(name)},
        {"@SECTION@", section_of(kind)},
        {"@LANGUAGE@", rust ? "Rust" : language == "c" ? "C" : "C++"},
        {"@BUILD@", rust ? "cargo build --release --offline" : "cmake -S . -B build && cmake --build build"},
        {"@LIBRARY@", rust ? "target/release/lib" + file + ".so" : "build/" + file + ".so"},
        {"@MANIFEST_NOTE@", rust ? "; its id and version stand in `src/lib.rs`, too" : ""}};
    std::map<std::string, std::string> files;
    const auto take = [&](const std::string& path, const std::string& from) { files[path] += filled(find(from)->text, names); };
    take(file + ".larder.toml", "manifest/" + kind + ".toml");
    take("README.md", "README.md");
    if (rust) {
        take("Cargo.toml", "rust/Cargo.toml");
        take("src/abi.rs", "rust/abi.rs");
        take("src/lib.rs", source);
        take("src/lib.rs", "rust/module.rs");
    } else {
        take("CMakeLists.txt", language + "/CMakeLists.txt");
        take(file + "." + language, source);
    }
    const fs::path root = folder.empty() ? fs::path(file) : fs::path(folder);
    std::error_code error;
    if (fs::exists(root, error) && !fs::is_empty(root, error)) return refuse(root.string() + " is there already, and not empty");
    for (const auto& [path, text] : files) {
        fs::create_directories((root / path).parent_path(), error);
        std::ofstream out(root / path, std::ios::binary);
        out << text;
        if (!out.flush()) return refuse((root / path).string() + " cannot be written");
    }
    for (const auto& [path, text] : files) print((root / path).string() + "\n");
    print("Next: cd " + root.string() + " && " + names.at("@BUILD@") + " && larder plugin test " + names.at("@LIBRARY@") + "\n");
    return exit_fine;
}

}  // namespace larder::cli
