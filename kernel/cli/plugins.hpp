// kernel/cli/plugins.hpp -- a plugin's manifest for people and for programs.
#pragma once

#include "kernel/loader/plugin_registry.hpp"

#include <boost/json.hpp>

namespace larder::cli {

void print_plugin(const loader::ListedPlugin& plugin);
boost::json::object plugin_json(const loader::ListedPlugin& plugin);

}  // namespace larder::cli
