// plugins/gateway_resp/command_table.hpp -- every command the gateway knows, once.
//
// Dispatch, arity checks, roles, COMMAND INFO/DOCS/GETKEYS and docs/resp.md all read this table, so
// that none of them can say something else than the others. A subcommand is a row of its own,
// "client|id".
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace larder::resp {

class Exchange;

// What a handler leaves behind.
enum class Step {
    Done,     // the reply is complete
    Waiting,  // the cache answers later: the connection stands still until then
    Draining  // more of the reply follows once the client has read what waits
};
using Handler = Step (*)(Exchange&);

enum CommandFlag : std::uint32_t {
    kRead = 1u << 0,   // looks at entries
    kWrite = 1u << 1,  // may change entries
    kFast = 1u << 2,   // constant time
    kAdmin = 1u << 3,
    kNoAuth = 1u << 4,     // before AUTH too
    kContainer = 1u << 5,  // its second word is a subcommand
    kNow = 1u << 6,        // runs inside MULTI instead of being queued
    kNoMulti = 1u << 7,    // not allowed inside MULTI
    kMovable = 1u << 8,    // its keys are named by NS KEY, not by position
    kAlone = 1u << 9,      // while it runs, no request of another client does
    kPubSub = 1u << 10     // a RESP2 client that listens to channels may ask for it
};

struct Command {
    std::string_view name;  // lower case; "client|id" for a subcommand
    int arity;              // with the name; negative: at least
    std::uint32_t flags;
    std::uint32_t role;                 // LARDER_ROLE_* that may run it
    int first_key, last_key, key_step;  // as COMMAND INFO; 0 0 0: none
    Handler run;                        // NULL for a container
    std::string_view group;
    std::string_view usage;  // the arguments, for docs and HELP
    std::string_view summary;
    std::string_view note = {};  // where it differs from Redis
};

// All rows, subcommands behind their container.
[[nodiscard]] std::span<const Command> commands() noexcept;
[[nodiscard]] std::span<const Command> subcommands(const Command& container) noexcept;
// name in any case. NULL: unknown. [hot]
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;
[[nodiscard]] const Command* find_subcommand(const Command& container,
                                             std::string_view name) noexcept;
[[nodiscard]] std::size_t top_level_count() noexcept;

// docs/resp.md's table.
[[nodiscard]] std::string command_markdown();

}  // namespace larder::resp
