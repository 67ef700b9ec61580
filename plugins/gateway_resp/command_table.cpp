// plugins/gateway_resp/command_table.cpp -- the rows, and finding one by name.
//
// A lookup is one hash of the name and, as the table is four times as large as it has names, one
// comparison; the table of hashes is made by the compiler.
#include "command_table.hpp"

#include "commands.hpp"

#include <array>

namespace larder::resp {
namespace {

constexpr std::uint32_t R = LARDER_ROLE_READ, W = LARDER_ROLE_WRITE, I = LARDER_ROLE_INVALIDATE,
                        A = LARDER_ROLE_ADMIN;
constexpr std::uint32_t kReadFast = kRead | kFast, kWriteFast = kWrite | kFast;
constexpr std::string_view set_note =
    "no time given: the namespace's ttl; plain forms go through the fence";

// clang-format off
constexpr Command rows[] = {
    // name, arity, flags, role, keys, handler, group, arguments, summary, note
    {"hello", -1, kNoAuth | kFast, R, 0, 0, 0, &hello, "connection", "[protover [AUTH user password] [SETNAME name]]", "Chooses RESP2 or RESP3 and says who the server is"},
    {"auth", -2, kNoAuth | kFast | kNow, R, 0, 0, 0, &auth, "connection", "[user] password", "Logs in"},
    {"ping", -1, kFast | kPubSub, R, 0, 0, 0, &ping, "connection", "[message]", "Answers PONG or the message"},
    {"echo", 2, kFast, R, 0, 0, 0, &echo, "connection", "message", "Answers the message"},
    {"select", 2, kFast, R, 0, 0, 0, &select_db, "connection", "index", "Accepts database 0", "there is one database; namespaces take the place of the others"},
    {"quit", -1, kNoAuth | kFast | kNow | kPubSub, R, 0, 0, 0, &quit, "connection", "", "Closes the connection"},
    {"reset", 1, kNoAuth | kFast | kNow | kPubSub, R, 0, 0, 0, &reset, "connection", "", "Makes the connection as new"},
    {"client", -2, kContainer, R, 0, 0, 0, nullptr, "connection", "", "Connections"},
    {"client|id", 2, kFast, R, 0, 0, 0, &client_id, "connection", "", "The connection's number"},
    {"client|setname", 3, kFast, R, 0, 0, 0, &client_setname, "connection", "name", "Names the connection"},
    {"client|getname", 2, kFast, R, 0, 0, 0, &client_getname, "connection", "", "The connection's name"},
    {"client|setinfo", 4, kFast, R, 0, 0, 0, &client_setinfo, "connection", "LIB-NAME name | LIB-VER version", "Says which library the client uses"},
    {"client|info", 2, 0, R, 0, 0, 0, &client_info, "connection", "", "This connection's line of CLIENT LIST"},
    {"client|list", -2, kAdmin, R, 0, 0, 0, &client_list, "connection", "[TYPE type | ID id ...]", "One line for each connection"},
    {"client|kill", -3, kAdmin, A, 0, 0, 0, &client_kill, "connection", "address | [ID id] [ADDR address] [LADDR address] [USER user] [SKIPME yes|no]", "Closes connections"},
    {"client|reply", 3, kNoMulti, R, 0, 0, 0, &client_reply, "connection", "ON | OFF | SKIP", "Whether requests are answered"},
    {"client|tracking", -3, 0, R, 0, 0, 0, &client_tracking, "connection", "ON | OFF [REDIRECT id] [BCAST] [PREFIX prefix ...] [OPTIN] [OPTOUT] [NOLOOP]", "Tells this client when what it has read is no longer good", "also when a rule, a tag or a namespace drops it"},
    {"client|trackinginfo", 2, 0, R, 0, 0, 0, &client_trackinginfo, "connection", "", "What CLIENT TRACKING was told"},
    {"client|caching", 3, 0, R, 0, 0, 0, &client_caching, "connection", "YES | NO", "Whether the next request's keys are tracked"},
    {"client|getredir", 2, kFast, R, 0, 0, 0, &client_getredir, "connection", "", "The client that gets the invalidations; 0 itself, -1 none"},
    {"client|no-evict", 3, kAdmin, R, 0, 0, 0, &client_no_evict, "connection", "ON | OFF", "Accepted", "clients are never evicted"},
    {"client|no-touch", 3, kFast, R, 0, 0, 0, &client_no_touch, "connection", "ON | OFF", "Whether this client's reads count as uses"},
    {"client|unblock", -3, kAdmin, R, 0, 0, 0, &client_unblock, "connection", "id [TIMEOUT | ERROR]", "Answers 0: no client is ever blocked"},
    {"client|help", 2, 0, R, 0, 0, 0, &container_help, "connection", "", "The subcommands"},

    {"get", 2, kReadFast, R, 1, 1, 1, &get, "string", "key", "The value of a key", "nil opens the fence for 30 s"},
    {"set", -3, kWrite, W, 1, 1, 1, &set, "string", "key value [NX | XX] [GET] [EX seconds | PX ms | EXAT s | PXAT ms | KEEPTTL]", "Puts a value", set_note},
    {"setnx", 3, kWriteFast, W, 1, 1, 1, &setnx, "string", "key value", "Puts a value if there is none"},
    {"setex", 4, kWrite, W, 1, 1, 1, &setex, "string", "key seconds value", "Puts a value with a time to live", set_note},
    {"psetex", 4, kWrite, W, 1, 1, 1, &setex, "string", "key ms value", "Puts a value with a time to live", set_note},
    {"getset", 3, kWriteFast, W, 1, 1, 1, &getset, "string", "key value", "Puts a value and answers the old one"},
    {"getdel", 2, kWriteFast, W, 1, 1, 1, &getdel, "string", "key", "Removes a key and answers its value"},
    {"getex", -2, kWriteFast | kAlone, W, 1, 1, 1, &getex, "string", "key [EX seconds | PX ms | EXAT s | PXAT ms | PERSIST]", "The value of a key, whose time to live is changed"},
    {"mget", -2, kReadFast, R, 1, -1, 1, &mget, "string", "key [key ...]", "The values of keys", "one batch through the tiers"},
    {"mset", -3, kWrite | kAlone, W, 1, -1, 2, &mset, "string", "key value [key value ...]", "Puts values"},
    {"msetnx", -3, kWrite | kAlone, W, 1, -1, 2, &msetnx, "string", "key value [key value ...]", "Puts values if none of the keys is there"},
    {"setbit", 4, kWrite, W, 1, 1, 1, &setbit, "string", "key offset value", "Sets or clears one bit of a value"},
    {"getbit", 3, kReadFast, R, 1, 1, 1, &getbit, "string", "key offset", "One bit of a value"},
    {"bitcount", -2, kRead, R, 1, 1, 1, &bitcount, "string", "key [start end [BYTE | BIT]]", "How many bits are set"},
    {"bitpos", -3, kRead, R, 1, 1, 1, &bitpos, "string", "key bit [start [end [BYTE | BIT]]]", "Where the first such bit is"},
    {"lcs", -3, kRead, R, 1, 2, 1, &lcs, "string", "key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]", "The longest text that two values have in common"},
    {"append", 3, kWriteFast, W, 1, 1, 1, &append, "string", "key value", "Adds to the end of a value"},
    {"strlen", 2, kReadFast, R, 1, 1, 1, &strlen_of, "string", "key", "The length of a value"},
    {"getrange", 4, kRead, R, 1, 1, 1, &getrange, "string", "key start end", "A part of a value"},
    {"substr", 4, kRead, R, 1, 1, 1, &getrange, "string", "key start end", "A part of a value"},
    {"setrange", 4, kWrite, W, 1, 1, 1, &setrange, "string", "key offset value", "Overwrites a part of a value"},
    {"incr", 2, kWriteFast, W, 1, 1, 1, &incr, "string", "key", "Adds one"},
    {"decr", 2, kWriteFast, W, 1, 1, 1, &decr, "string", "key", "Takes one away"},
    {"incrby", 3, kWriteFast, W, 1, 1, 1, &incrby, "string", "key increment", "Adds a number"},
    {"decrby", 3, kWriteFast, W, 1, 1, 1, &decrby, "string", "key decrement", "Takes a number away"},
    {"incrbyfloat", 3, kWriteFast, W, 1, 1, 1, &incrbyfloat, "string", "key increment", "Adds a number with a fraction"},

    {"del", -2, kWrite, W, 1, -1, 1, &del, "generic", "key [key ...]", "Removes keys"},
    {"unlink", -2, kWriteFast, W, 1, -1, 1, &del, "generic", "key [key ...]", "Removes keys"},
    {"exists", -2, kReadFast, R, 1, -1, 1, &exists, "generic", "key [key ...]", "How many of the keys are there"},
    {"touch", -2, kReadFast, R, 1, -1, 1, &exists, "generic", "key [key ...]", "How many of the keys are there; counts as a use"},
    {"type", 2, kReadFast, R, 1, 1, 1, &type_of, "generic", "key", "string or none"},
    {"expire", -3, kWriteFast, W, 1, 1, 1, &expire, "generic", "key seconds [NX | XX | GT | LT]", "Sets the time to live", "at most the namespace's hard limit"},
    {"pexpire", -3, kWriteFast, W, 1, 1, 1, &expire, "generic", "key ms [NX | XX | GT | LT]", "Sets the time to live", "at most the namespace's hard limit"},
    {"expireat", -3, kWriteFast, W, 1, 1, 1, &expire, "generic", "key unix-seconds [NX | XX | GT | LT]", "Sets when a key expires", "at most the namespace's hard limit"},
    {"pexpireat", -3, kWriteFast, W, 1, 1, 1, &expire, "generic", "key unix-ms [NX | XX | GT | LT]", "Sets when a key expires", "at most the namespace's hard limit"},
    {"ttl", 2, kReadFast, R, 1, 1, 1, &ttl, "generic", "key", "Seconds left; -1 without limit, -2 without key"},
    {"pttl", 2, kReadFast, R, 1, 1, 1, &ttl, "generic", "key", "Milliseconds left"},
    {"expiretime", 2, kReadFast, R, 1, 1, 1, &ttl, "generic", "key", "When a key expires, Unix seconds"},
    {"pexpiretime", 2, kReadFast, R, 1, 1, 1, &ttl, "generic", "key", "When a key expires, Unix milliseconds"},
    {"persist", 2, kWriteFast, W, 1, 1, 1, &persist, "generic", "key", "Takes the time limit away", "in a namespace with ttl: restores that ttl"},
    {"rename", 3, kWrite | kAlone, W, 1, 2, 1, &rename, "generic", "key newkey", "Renames a key", "to another namespace: with that one's ttl"},
    {"renamenx", 3, kWriteFast | kAlone, W, 1, 2, 1, &rename, "generic", "key newkey", "Renames a key if the new name is free", "as RENAME"},
    {"copy", -3, kWrite | kAlone, W, 1, 2, 1, &copy, "generic", "source destination [DB 0] [REPLACE]", "Copies a value", "as RENAME"},
    {"scan", -2, kRead, R, 0, 0, 0, &scan, "generic", "cursor [MATCH pattern] [COUNT n] [TYPE type]", "Walks over the keys", "a pattern that begins with NAMESPACE: walks only that one; COUNT is at most 10000"},
    {"keys", 2, kRead, R, 0, 0, 0, &keys, "generic", "pattern", "All keys that match", "refused when they are too many for one reply"},
    {"randomkey", 1, kRead, R, 0, 0, 0, &randomkey, "generic", "", "Some key", "one of the first that a walk meets"},
    {"dbsize", 1, kReadFast, R, 0, 0, 0, &dbsize, "server", "", "How many entries there are", "of more than 1000, those whose time is over count until their memory is back; what is in a shared store alone counts as of the last sweep"},
    {"object", -2, kContainer, R, 0, 0, 0, nullptr, "generic", "", "About a value"},
    {"object|encoding", 3, kRead, R, 2, 2, 1, &object_encoding, "generic", "key", "int, embstr or raw, as Redis would"},
    {"object|refcount", 3, kRead, R, 2, 2, 1, &object_refcount, "generic", "key", "Always 1"},
    {"object|idletime", 3, kRead, R, 2, 2, 1, &object_idletime, "generic", "key", "Always 0", "not kept"},
    {"object|freq", 3, kRead, R, 2, 2, 1, &object_freq, "generic", "key", "An error, as Redis without LFU"},
    {"object|help", 2, 0, R, 0, 0, 0, &container_help, "generic", "", "The subcommands"},
    {"memory", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "Memory"},
    {"memory|usage", -3, kRead, R, 2, 2, 1, &memory_usage, "server", "key [SAMPLES n]", "Bytes of a key and its value"},
    {"memory|stats", 2, 0, R, 0, 0, 0, &memory_stats, "server", "", "Memory of the process", "a few of Redis' fields"},
    {"memory|doctor", 2, 0, R, 0, 0, 0, &memory_doctor, "server", "", "Says where to look", "larder stats says more"},
    {"memory|purge", 2, kAdmin, A, 0, 0, 0, &accept, "server", "", "Accepted", "memory comes back by itself"},
    {"memory|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},

    {"multi", 1, kFast | kNow, R, 0, 0, 0, &multi, "transactions", "", "Begins a transaction"},
    {"exec", 1, kNow | kAlone, R, 0, 0, 0, &exec, "transactions", "", "Runs the transaction", "one step for the clients of this gateway, see above"},
    {"discard", 1, kFast | kNow, R, 0, 0, 0, &discard, "transactions", "", "Forgets the transaction"},
    {"watch", -2, kFast | kNow, R, 1, -1, 1, &watch, "transactions", "key [key ...]", "EXEC only if the keys are unchanged", ""},
    {"unwatch", 1, kFast, R, 0, 0, 0, &unwatch, "transactions", "", "Forgets what was watched"},

    {"flushdb", -1, kWrite | kAdmin, A, 0, 0, 0, &flush, "server", "[ASYNC | SYNC]", "Drops every namespace but sessions", "one number changes, whatever the entries"},
    {"flushall", -1, kWrite | kAdmin, A, 0, 0, 0, &flush, "server", "[ASYNC | SYNC]", "Drops every namespace but sessions", "one number changes, whatever the entries"},
    {"info", -1, 0, R, 0, 0, 0, &info, "server", "[section ...]", "Counters of the server"},
    {"time", 1, kFast, R, 0, 0, 0, &time_of_day, "server", "", "The server's clock"},
    {"config", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "Configuration"},
    {"config|get", -3, kAdmin, R, 0, 0, 0, &config_get, "server", "parameter [parameter ...]", "larder.toml under Redis' names"},
    {"config|set", -4, kAdmin, A, 0, 0, 0, &config_set, "server", "parameter value [parameter value ...]", "Changes parameters", "those that larder.toml has are changed there, see above"},
    {"config|rewrite", 2, kAdmin, A, 0, 0, 0, &config_rewrite, "server", "", "An error", "larder.toml is not written by larder"},
    {"config|resetstat", 2, kAdmin, A, 0, 0, 0, &config_resetstat, "server", "", "Sets INFO's counters to zero"},
    {"config|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"command", -1, kContainer, R, 0, 0, 0, &command_all, "server", "", "What this table says, for clients"},
    {"command|count", 2, 0, R, 0, 0, 0, &command_count, "server", "", "How many commands there are"},
    {"command|docs", -2, 0, R, 0, 0, 0, &command_docs, "server", "[command ...]", "Summaries"},
    {"command|info", -2, 0, R, 0, 0, 0, &command_info, "server", "[command ...]", "Arity, flags and keys"},
    {"command|list", -2, 0, R, 0, 0, 0, &command_list, "server", "[FILTERBY PATTERN glob | ACLCAT category | MODULE name]", "Names"},
    {"command|getkeys", -3, 0, R, 0, 0, 0, &command_getkeys, "server", "command [arg ...]", "The keys of a request"},
    {"command|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"debug", -2, kAdmin, R, 0, 0, 0, &debug, "server", "subcommand [arg ...]", "PROTOCOL type; answers SLEEP, JMAP, LOG and does nothing"},
    {"function", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "There are no functions"},
    {"function|flush", -2, kWrite, W, 0, 0, 0, &function_flush, "server", "[ASYNC | SYNC]", "Does nothing"},
    {"function|list", -2, 0, R, 0, 0, 0, &empty_list, "server", "", "None"},
    {"function|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"acl", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "Users are configured in larder.toml"},
    {"acl|whoami", 2, 0, R, 0, 0, 0, &acl_whoami, "server", "", "The user of this connection"},
    {"acl|users", 2, kAdmin, A, 0, 0, 0, &acl_users, "server", "", "The names of all users"},
    {"acl|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"slowlog", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "There is no log of slow requests"},
    {"slowlog|get", -2, kAdmin, R, 0, 0, 0, &empty_list, "server", "[count]", "None"},
    {"slowlog|len", 2, kAdmin, R, 0, 0, 0, &zero, "server", "", "0"},
    {"slowlog|reset", 2, kAdmin, R, 0, 0, 0, &accept, "server", "", "Accepted"},
    {"slowlog|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"latency", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "Latency is in larder's metrics"},
    {"latency|latest", 2, kAdmin, R, 0, 0, 0, &empty_list, "server", "", "None"},
    {"latency|history", 3, kAdmin, R, 0, 0, 0, &empty_list, "server", "event", "None"},
    {"latency|reset", -2, kAdmin, R, 0, 0, 0, &zero, "server", "[event ...]", "0"},
    {"latency|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"module", -2, kContainer, R, 0, 0, 0, nullptr, "server", "", "There are no modules"},
    {"module|list", 2, kAdmin, R, 0, 0, 0, &empty_list, "server", "", "None"},
    {"module|help", 2, 0, R, 0, 0, 0, &container_help, "server", "", "The subcommands"},
    {"save", 1, kAdmin | kNoMulti, A, 0, 0, 0, &not_here, "server", "", "An error: there is nothing to save"},
    {"bgsave", -1, kAdmin | kNoMulti, A, 0, 0, 0, &not_here, "server", "[SCHEDULE]", "An error: there is nothing to save"},
    {"bgrewriteaof", 1, kAdmin | kNoMulti, A, 0, 0, 0, &not_here, "server", "", "An error: there is nothing to save"},
    {"lastsave", 1, kFast, R, 0, 0, 0, &lastsave, "server", "", "When the gateway began"},
    {"shutdown", -1, kAdmin | kNoMulti, A, 0, 0, 0, &not_here, "server", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", "An error", "larder is ended by who started it"},
    {"monitor", 1, kAdmin | kNoMulti, I, 0, 0, 0, &monitor, "server", "", "Follows all requests", "and the cache's events: drops, reloads, breakers"},

    {"subscribe", -2, kPubSub, R, 0, 0, 0, &subscribe, "pubsub", "channel [channel ...]", "Listens to channels"},
    {"psubscribe", -2, kPubSub, R, 0, 0, 0, &psubscribe, "pubsub", "pattern [pattern ...]", "Listens to all channels whose names match"},
    {"unsubscribe", -1, kPubSub, R, 0, 0, 0, &unsubscribe, "pubsub", "[channel ...]", "Listens to them, or to any, no more"},
    {"punsubscribe", -1, kPubSub, R, 0, 0, 0, &punsubscribe, "pubsub", "[pattern ...]", "Listens to them, or to any, no more"},
    {"publish", 3, kFast, W, 0, 0, 0, &publish, "pubsub", "channel message", "Tells those who listen; how many they are", "to the clients of this gateway, not of other nodes"},
    {"pubsub", -2, kContainer, R, 0, 0, 0, nullptr, "pubsub", "", "Who listens"},
    {"pubsub|channels", -2, 0, R, 0, 0, 0, &pubsub_channels, "pubsub", "[pattern]", "The channels that somebody listens to"},
    {"pubsub|numsub", -2, 0, R, 0, 0, 0, &pubsub_numsub, "pubsub", "[channel ...]", "How many listen to each"},
    {"pubsub|numpat", 2, 0, R, 0, 0, 0, &pubsub_numpat, "pubsub", "", "How many patterns are listened to"},
    {"pubsub|help", 2, 0, R, 0, 0, 0, &container_help, "pubsub", "", "The subcommands"},

    {"larder", -2, kContainer, R, 0, 0, 0, nullptr, "larder", "", "What Redis has no words for"},
    {"larder|put", -5, kWrite, W, 3, 3, 1, &larder_put, "larder", "ns key value [EX seconds | PX ms] [WITH name value]...", "Puts an entry with the values its tags need"},
    {"larder|get", 4, kReadFast, R, 3, 3, 1, &larder_get, "larder", "ns key", "The value of an entry"},
    {"larder|drop", -3, kWrite, I, 0, 0, 0, &larder_drop, "larder", "ns [key | MATCHING pattern] | TAG tag | ALL [CONFIRM]", "Drops; answers how many scopes changed", "ALL needs the role admin"},
    {"larder|expire", -3, kWrite, I, 0, 0, 0, &larder_expire, "larder", "ns [key | MATCHING pattern] | TAG tag | ALL [CONFIRM]", "Expires softly: served stale where the policy allows"},
    {"larder|refresh", -3, kWrite, I, 0, 0, 0, &larder_refresh, "larder", "ns [key | MATCHING pattern] | TAG tag | ALL [CONFIRM]", "Drops, then warms what the policy can warm"},
    {"larder|route", -4, kWrite, I, 0, 0, 0, &larder_route, "larder", "method path [status]", "Fires the policy's route rules"},
    {"larder|event", -3, kWrite, I, 0, 0, 0, &larder_event, "larder", "name [name value]...", "Fires the policy's event rules"},
    {"larder|explain", -4, 0, R, 0, 0, 0, &larder_explain, "larder", "method path | EVENT name [name value]... | ENTRY ns key | KEY ns:key", "Says what would happen, and why"},
    {"larder|warm", -2, kWrite, I, 0, 0, 0, &larder_warm, "larder", "[ns]", "Begins the warm items of a namespace, or all"},
    {"larder|reclaim", -2, kWrite, I, 0, 0, 0, &larder_reclaim, "larder", "[ns]", "Removes entries that are over; answers how many"},
    {"larder|stats", -2, 0, R, 0, 0, 0, &larder_stats, "larder", "[section]", "The kernel's statistics, as JSON"},
    {"larder|session", -5, kWrite, W, 0, 0, 0, &larder_session, "larder", "CREATE name user data [PX ms] [COOKIE] | GET name id | INFO name id | SAVE name id data | UPDATE name id patch | TOUCH name id | ROTATE name id [COOKIE] | END name id | LIST name user | ENDUSER name user | ENDNAMED name user session", "Sessions that the policy declares; an id that is good for nothing is nil or 0", "LIST, ENDUSER and ENDNAMED need the role invalidate; MONITOR does not show it"},
    {"larder|reload", 2, kAdmin, A, 0, 0, 0, &larder_reload, "larder", "", "Reads the policies again"},
    {"larder|help", 2, 0, R, 0, 0, 0, &container_help, "larder", "", "The subcommands"},
};
// clang-format on

constexpr std::size_t row_count = std::size(rows);
constexpr std::size_t slot_count = 512;
static_assert(row_count < slot_count / 2 && (slot_count & (slot_count - 1)) == 0);
static_assert(row_count <= Counters::most_commands);

// FNV-1a over the name in lower case.
constexpr std::uint32_t hash(std::string_view name) noexcept {
    std::uint32_t h = 2166136261u;
    for (const char c : name) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        h = (h ^ static_cast<unsigned char>(lower)) * 16777619u;
    }
    return h ^ (h >> 15);
}

constexpr auto slots = [] {
    std::array<std::int16_t, slot_count> made{};
    for (auto& slot : made) {
        slot = -1;
    }
    for (std::size_t i = 0; i < row_count; ++i) {
        if (rows[i].name.find('|') != std::string_view::npos) {
            continue;
        }
        std::size_t at = hash(rows[i].name) % slot_count;
        while (made[at] >= 0) {
            at = (at + 1) % slot_count;
        }
        made[at] = static_cast<std::int16_t>(i);
    }
    return made;
}();

constexpr std::size_t top_level = [] {
    std::size_t n = 0;
    for (const Command& row : rows) {
        n += row.name.find('|') == std::string_view::npos ? 1 : 0;
    }
    return n;
}();

}  // namespace

std::span<const Command> commands() noexcept { return rows; }
std::size_t top_level_count() noexcept { return top_level; }

std::span<const Command> subcommands(const Command& container) noexcept {
    if ((container.flags & kContainer) == 0) {
        return {};
    }
    const Command* first = &container + 1;
    const Command* last = first;
    while (last != rows + row_count && last->name.size() > container.name.size() &&
           last->name.starts_with(container.name) && last->name[container.name.size()] == '|') {
        ++last;
    }
    return {first, last};
}

const Command* find_command(std::string_view name) noexcept {
    for (std::size_t at = hash(name) % slot_count; slots[at] >= 0; at = (at + 1) % slot_count) {
        const Command& row = rows[static_cast<std::size_t>(slots[at])];
        if (same_word(name, row.name)) {
            return &row;
        }
    }
    return nullptr;
}

const Command* find_subcommand(const Command& container, std::string_view name) noexcept {
    for (const Command& sub : subcommands(container)) {
        if (same_word(name, sub.name.substr(container.name.size() + 1))) {
            return &sub;
        }
    }
    return nullptr;
}

std::string command_markdown() {
    std::string out;
    std::string_view group;
    for (const Command& row : rows) {
        if ((row.flags & kContainer) != 0 && row.run == nullptr) {
            continue;
        }
        if (row.group != group) {
            group = row.group;
            out += "\n### " + std::string(group) +
                   "\n\n| Command | Role | What it does | Where it differs |\n|---|---|---|---|\n";
        }
        std::string name(row.name);
        for (char& c : name) {
            c = c == '|' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        std::string usage;
        for (const char c : row.usage) {
            usage += c == '|' ? std::string("\\|") : std::string(1, c);
        }
        out += "| `" + name + (usage.empty() ? "" : " ") + usage + "` | " +
               std::string(role_name(row.role)) + " | " + std::string(row.summary) + " | " +
               std::string(row.note) + " |\n";
    }
    return out;
}

}  // namespace larder::resp
