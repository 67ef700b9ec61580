// kernel/api/policy_texts.cpp -- a policy as texts.
#include "kernel/api/policy_texts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>

namespace larder::api {

PolicyTexts texts_of(const dsl::SourceMap& sources) {
    PolicyTexts out;
    for (std::uint32_t i = 0; i < sources.files(); ++i) {
        const dsl::Source& one = sources.file(dsl::FileId{i});
        out.files.emplace_back(one.name(), std::string(one.text()));
    }
    return out;
}

std::string complaint_about(const PolicyTexts& texts) {
    if (texts.files.empty()) return "no policy is given\n";
    if (texts.files.size() > dsl::SourceMap::max_files)
        return "a policy has at most " + std::to_string(dsl::SourceMap::max_files) + " files\n";
    std::map<std::string_view, int> seen;
    std::size_t bytes = 0;
    for (const auto& [name, text] : texts.files) {
        const bool unfit = name.empty() || name.size() > 4096 ||
                           std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
        if (unfit) return "a file of a policy has a name that cannot be shown\n";
        if (++seen[name] > 1) return "the file `" + name + "` is given twice\n";
        bytes += text.size();
    }
    if (bytes > most_policy_bytes)
        return "a policy that is applied has at most " + std::to_string(most_policy_bytes >> 20) + " MiB\n";
    return {};
}

dsl::Compiled compile_texts(const PolicyTexts& texts, dsl::CompileOptions options) {
    std::map<std::string, const std::string*> by_name;
    std::vector<std::string> names;
    for (const auto& [name, text] : texts.files) {
        names.push_back(name);
        by_name[std::filesystem::path(name).lexically_normal().string()] = &text;
    }
    options.read = [&by_name](const std::string& path) -> std::optional<std::string> {
        const auto it = by_name.find(path);
        if (it == by_name.end()) return std::nullopt;
        return *it->second;
    };
    return dsl::compile(names, options);
}

std::string policy_id(const dsl::Policy& policy) {
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(policy.fingerprint));
    return text.data();
}

}  // namespace larder::api
