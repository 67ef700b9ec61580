// kernel/config/codes.cpp -- the pages of the codes L05xx.
#include "kernel/config/codes.hpp"

#include <algorithm>

namespace larder::config {
namespace {

struct Page {
    std::string_view code, text;
};

constexpr Page pages[] = {
    {"L0501",
     "L0501: the configuration cannot be read\n\n"
     "The file is not there, is longer than 1 MiB, or is not TOML (https://toml.io). A mistake of\n"
     "syntax hides what stands behind it: mend it and check again.\n\n"
     "    [log]\n"
     "    level = info          # wrong: a text stands in quotes\n"
     "    level = \"info\"        # right\n"},
    {"L0502",
     "L0502: a key that nobody knows\n\n"
     "Every key of larder.toml means something; one that does not is a slip of the finger, and the\n"
     "setting it was meant for would silently keep its default. conf/larder.toml describes each\n"
     "key, `larder plugins` lists the options of each plugin.\n"},
    {"L0503",
     "L0503: a value of the wrong kind, or out of range\n\n"
     "Sizes and durations are texts with their unit, as in policies: \"64MiB\", \"1h30m\". What comes\n"
     "from the environment is text and is read by its place: `workers = { env = \"WORKERS\" }` takes\n"
     "\"8\". Names of instances have letters, digits, `_` and `-`, and no two instances of one kind\n"
     "share one.\n"},
    {"L0504",
     "L0504: a secret that stands in the file\n\n"
     "Configuration files are copied, mailed and committed. A secret stands in the environment or in\n"
     "a file of its own, and larder.toml says where:\n\n"
     "    password = { env = \"REDIS_PASSWORD\" }\n"
     "    password = { file = \"/run/secrets/redis\" }\n\n"
     "There is no default for a secret. larder reads it when it needs it, and never prints it.\n"},
    {"L0505",
     "L0505: a reference that leads nowhere\n\n"
     "The environment variable is not set, or the file cannot be read. Where a value may be absent,\n"
     "say what holds then: `{ env = \"LARDER_PROFILE\", default = \"development\" }`.\n"},
    {"L0506",
     "L0506: a plugin that cannot be used\n\n"
     "`plugin = \"memory\"` under [store.NAME] means store_memory.so in a folder of the plugin path;\n"
     "any other plugin is named by its absolute path. A file is refused when it is no plugin, was\n"
     "built for another ABI, or could have been changed by somebody else: it and every folder above\n"
     "it must be owned by root or by you, and be writable by nobody else (`trust_path = true` turns\n"
     "that into a warning). `larder plugins` shows what is there.\n"},
    {"L0507",
     "L0507: an option that the plugin does not take\n\n"
     "The options of a plugin stand in its manifest, which is read from the file without running it:\n"
     "`larder plugins` prints them with types, ranges and defaults.\n"},
    {"L0508",
     "L0508: a plugin that somebody else could change\n\n"
     "`trust_path = true` lets larder load a file although others than root and you may write it or\n"
     "a folder above it. Whoever can do that runs code in this process. Right for a build folder,\n"
     "wrong for a server.\n"},
};

}  // namespace

std::string_view explain_code(std::string_view code) {
    const auto found = std::find_if(std::begin(pages), std::end(pages),
                                    [&](const Page& page) { return page.code == code; });
    return found == std::end(pages) ? std::string_view() : found->text;
}

std::vector<std::string_view> all_codes() {
    std::vector<std::string_view> out;
    for (const Page& page : pages) out.push_back(page.code);
    return out;
}

}  // namespace larder::config
