// kernel/cli/plugin_new.hpp -- what `larder plugin new` writes: the files of sdk/templates with names filled in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace larder::cli {

struct PluginTemplate {
    std::string_view path;  // below sdk/templates: "cpp/store.cpp"
    std::string_view text;
};
const std::vector<PluginTemplate>& plugin_templates();

// Writes a plugin's folder. The exit status; what is wrong has been said.
int new_plugin(const std::string& kind, const std::string& name, const std::string& language, const std::string& folder);

// Detail shared with `plugin info`: kinds for which a language has a template, "store, compressor".
std::string kinds_in(std::string_view language);

}  // namespace larder::cli
