// plugins/store_lmdb/options.cpp -- see options.hpp.
#include "options.hpp"

#include "folder.hpp"

namespace larder::store_lmdb {

namespace {

Options common(const plugin::Config& config) {
    Options out;
    out.instance = config.instance_name();
    out.folder = config.has("path") ? std::string(config.text("path")) : default_folder(out.instance);
    while (out.folder.size() > 1 && out.folder.back() == '/') {
        out.folder.pop_back();
    }
    if (out.folder.empty()) {
        throw plugin::Error(LARDER_E_CONFIG, "path is empty: name a folder, or leave it out");
    }
    out.capacity = config.size("capacity", std::uint64_t{1} << 30);
    out.entries = static_cast<std::uint64_t>(config.integer("entries", 0));
    out.queue = static_cast<std::size_t>(config.integer("queue", 10'000));
    return out;
}

}  // namespace

Options Options::read(const plugin::Config& config) {
    Options out = common(config);
    out.prefix = config.text("prefix", "larder");
    if (out.prefix.empty() || out.prefix.size() > 100 || out.prefix.find_first_of(":{}") != std::string::npos) {
        throw plugin::Error(LARDER_E_CONFIG, "prefix has 1 to 100 bytes, and no : { }");
    }
    out.sync = config.text("durability", "process") == "machine";
    return out;
}

Options Options::of_spill(const plugin::Config& config) {
    Options out = common(config);
    out.folder += "/spill";  // so that no folder of a store that is to be kept can be named
    out.begins_empty = true;
    return out;
}

}  // namespace larder::store_lmdb
