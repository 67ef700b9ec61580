// plugins/gateway_resp/commands_command.cpp -- COMMAND: the table, told to clients; and HELP of
// containers.
#include "commands.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

bool is_subcommand(const Command& command) noexcept {
    return command.name.find('|') != std::string_view::npos;
}

std::vector<std::string_view> flag_names(const Command& command) {
    std::vector<std::string_view> names;
    const auto add = [&](std::uint32_t flag, std::string_view name) {
        if ((command.flags & flag) != 0) {
            names.push_back(name);
        }
    };
    add(kRead, "readonly");
    add(kWrite, "write");
    add(kAdmin, "admin");
    add(kFast, "fast");
    add(kNoAuth, "no_auth");
    add(kNoMulti, "no_multi");
    return names;
}

std::vector<std::string_view> categories(const Command& command) {
    std::vector<std::string_view> names;
    if ((command.flags & kRead) != 0) {
        names.push_back("@read");
    }
    if ((command.flags & kWrite) != 0) {
        names.push_back("@write");
    }
    if ((command.flags & kAdmin) != 0) {
        names.push_back("@admin");
    }
    names.push_back((command.flags & kFast) != 0 ? "@fast" : "@slow");
    return names;
}

void describe(Exchange& x, const Command& command) {
    const auto words = [&](const std::vector<std::string_view>& names) {
        x.reply.set(names.size());
        for (const std::string_view name : names) {
            x.reply.simple(name);
        }
    };
    x.reply.array(10);
    x.reply.bulk(command.name);
    x.reply.integer(command.arity);
    words(flag_names(command));
    x.reply.integer(command.first_key);
    x.reply.integer(command.last_key);
    x.reply.integer(command.key_step);
    words(categories(command));
    x.reply.array(0);  // tips
    x.reply.array(0);  // key specifications
    const auto subs = subcommands(command);
    x.reply.array(subs.size());
    for (const Command& sub : subs) {
        describe(x, sub);
    }
}

// "get", "client|id"
const Command* named(std::string_view name) noexcept {
    const std::size_t bar = name.find('|');
    const Command* command = find_command(name.substr(0, bar));
    if (command == nullptr || bar == std::string_view::npos) {
        return command;
    }
    return find_subcommand(*command, name.substr(bar + 1));
}

template <class Each>
void each_top_level(Each&& each) {
    for (const Command& command : commands()) {
        if (!is_subcommand(command)) {
            each(command);
        }
    }
}

void document(Exchange& x, const Command& command) {
    x.reply.bulk(command.name);
    x.reply.map(command.note.empty() ? 3 : 4);
    x.reply.bulk("summary");
    x.reply.bulk(command.summary);
    x.reply.bulk("since");
    x.reply.bulk("1.0.0");
    x.reply.bulk("group");
    x.reply.bulk(command.group);
    if (!command.note.empty()) {
        x.reply.bulk("note");
        x.reply.bulk(command.note);
    }
}

}  // namespace

Step command_all(Exchange& x) {
    x.reply.array(top_level_count());
    each_top_level([&](const Command& command) { describe(x, command); });
    return Step::Done;
}

Step command_count(Exchange& x) { return x.integer(static_cast<std::int64_t>(top_level_count())); }

Step command_info(Exchange& x) {
    if (x.args.size() == 2) {
        return command_all(x);
    }
    x.reply.array(x.args.size() - 2);
    for (const std::string_view name : x.args.subspan(2)) {
        const Command* command = named(name);
        if (command == nullptr) {
            x.reply.null_array();
        } else {
            describe(x, *command);
        }
    }
    return Step::Done;
}

Step command_docs(Exchange& x) {
    std::vector<const Command*> chosen;
    if (x.args.size() == 2) {
        each_top_level([&](const Command& command) { chosen.push_back(&command); });
    }
    for (const std::string_view name : x.args.subspan(2)) {
        if (const Command* command = named(name)) {
            chosen.push_back(command);
        }
    }
    x.reply.map(chosen.size());
    for (const Command* command : chosen) {
        document(x, *command);
    }
    return Step::Done;
}

// COMMAND LIST [FILTERBY PATTERN glob | ACLCAT category | MODULE name]: subcommands too, as Redis.
Step command_list(Exchange& x) {
    std::string_view pattern = "*";
    std::string category;
    bool none = false;
    if (x.args.size() == 5 && same_word(x.args[2], "filterby")) {
        if (same_word(x.args[3], "pattern")) {
            pattern = x.args[4];
        } else if (same_word(x.args[3], "aclcat")) {
            category.append("@").append(x.args[4]);
        } else if (same_word(x.args[3], "module")) {
            none = true;
        } else {
            return x.syntax_error();
        }
    } else if (x.args.size() != 2) {
        return x.syntax_error();
    }
    std::vector<std::string_view> names;
    for (const Command& command : commands()) {
        const auto in = categories(command);
        const bool fits = category.empty() || std::find(in.begin(), in.end(), category) != in.end();
        if (!none && fits && glob_match(pattern, command.name)) {
            names.push_back(command.name);
        }
    }
    x.reply.array(names.size());
    for (const std::string_view name : names) {
        x.reply.bulk(name);
    }
    return Step::Done;
}

Step command_getkeys(Exchange& x) {
    const Args inner = x.args.subspan(2);
    const Command* command = find_command(inner[0]);
    if (command != nullptr && (command->flags & kContainer) != 0 && inner.size() > 1) {
        command = find_subcommand(*command, inner[1]);
    }
    if (command == nullptr) {
        return x.error("ERR Invalid command specified");
    }
    if (command->first_key == 0) {
        return x.error("ERR The command has no key arguments");
    }
    const bool fits = command->arity >= 0
                          ? inner.size() == static_cast<std::size_t>(command->arity)
                          : inner.size() >= static_cast<std::size_t>(-command->arity);
    if (!fits) {
        return x.error("ERR Invalid number of arguments specified for command");
    }
    const auto size = static_cast<int>(inner.size());
    const int last = command->last_key < 0 ? size + command->last_key : command->last_key;
    std::vector<std::string_view> found;
    for (int i = command->first_key; i <= last && i < size; i += command->key_step) {
        found.push_back(inner[static_cast<std::size_t>(i)]);
    }
    x.reply.array(found.size());
    for (const std::string_view key : found) {
        x.reply.bulk(key);
    }
    return Step::Done;
}

// CLIENT HELP, CONFIG HELP, LARDER HELP ...: what the table knows of the container.
Step container_help(Exchange& x) {
    const std::string_view full = x.command->name;
    const Command* container = find_command(full.substr(0, full.find('|')));
    std::string upper(container->name);
    for (char& c : upper) {
        c = static_cast<char>(c - 'a' + 'A');
    }
    const auto subs = subcommands(*container);
    x.reply.array(subs.size() * 2 + 1);
    x.reply.simple(upper + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (const Command& sub : subs) {
        std::string word(sub.name.substr(sub.name.find('|') + 1));
        for (char& c : word) {
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        x.reply.simple(word + (sub.usage.empty() ? "" : " ") + std::string(sub.usage));
        x.reply.simple("    " + std::string(sub.summary));
    }
    return Step::Done;
}

}  // namespace larder::resp
