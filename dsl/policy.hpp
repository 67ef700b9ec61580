// dsl/policy.hpp -- the checked, immutable policy: what `check`, `explain` and the running kernel use.
//
// A Policy is made by compile() (dsl/compile.hpp) from one or more files and never changes again, so
// any number of threads read it without a lock; a reload builds a new one. It holds ids and compiled
// patterns, no syntax tree and no Boost type. Names and texts are kept only to be shown to people.
//
// Variables. A namespace has parameters: the fields of its key first, then its `with` names. A rule
// has variables: the captures of its route or the parameters of its event first, then its `let`s. A
// Template refers to them by position (slot), so filling one in is a walk over its pieces.
#pragma once

#include "dsl/key_template.hpp"
#include "dsl/pattern.hpp"
#include "dsl/route_table.hpp"
#include "dsl/template.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace larder::dsl {

using Ms = std::chrono::milliseconds;
using NamespaceIndex = std::uint32_t;  // into Policy::namespaces
inline constexpr std::uint32_t none = UINT32_MAX;

// A place in a policy file, as receipts and reports name it: "hotel.larder:19".
struct Where {
    std::string file;
    std::uint32_t line = 0, column = 0;
    std::string text() const { return file + ":" + std::to_string(line); }
};

// ------------------------------------------------------------------------------------ namespaces

// A ttl that holds when a date field of the key stands in a relation to today (UTC).
struct DatedTtl {
    enum class When : std::uint8_t { before, on, after };
    std::uint16_t slot = 0;  // the parameter that holds the date, `2024-01-31` or `2024-01`
    When when = When::before;
    std::int32_t days = 0;  // added to today
    Ms ttl{};
};

struct Ttl {
    Ms ttl{};
    double jitter = 0;  // 0.10: each entry lives between 90 % and 100 % of ttl
    bool sliding = false;
    Ms at_most{};       // absolute limit of a sliding entry; 0: the kernel's (24 h)
    std::vector<DatedTtl> dated;  // first that holds wins over ttl
    std::string doc;    // the `##` comment on the clause
};

struct TierUse {
    std::string store;
    std::optional<Ms> ttl;  // at most this long in that tier
    bool enabled = true;    // `if env X or true`
};

struct Option {  // of a codec, a source: `{ level 6 }`
    std::string name;
    std::vector<std::string> values;
    Where where;
};

struct Compression {
    std::string codec;  // empty: `none`
    std::uint64_t above_bytes = 0;
    std::vector<std::string> except;  // content types, `image/*`
    std::vector<Option> options;
    Where where;
};

struct Limit {
    std::string store;  // empty: every memory tier of the namespace
    std::uint64_t entries = 0, bytes = 0;  // 0: not limited in this respect
};

// The order in which a full memory tier lets entries go; the numbers are LARDER_EVICT_* of the SDK.
enum class EvictOrder : std::uint8_t { adaptive, lru, lfu, fifo, s3fifo, found };
inline constexpr std::array<std::string_view, 6> evict_words{"adaptive", "lru", "lfu", "fifo", "s3fifo", "auto"};
constexpr std::string_view word_of(EvictOrder order) noexcept { return evict_words[static_cast<std::size_t>(order)]; }

enum class WriteMode : std::uint8_t { aside, through, behind };

// Where the values of a namespace come from. In its texts a field of the key stands as `{sku}`, for whoever
// loads to fill in; braces that are meant are doubled.
struct ValueSource {
    std::string name;     // `[source.NAME]`, or one that the host registered
    std::string address;  // of a value: a path, a statement; may be empty
    std::vector<Option> options;
    Where where;
};

// Where they are written to, in the same form; `{value}` is the value.
struct WriteTarget {
    std::string address;  // empty: as the source's
    bool removes = false;  // removing an entry removes it from the source, too
    std::string remove_address;
};

// What else makes an entry of a namespace stale, beside its own chain and tags: one for each entry it
// depends on, dependencies of dependencies included (compile() unfolds them).
struct Dependency {
    NamespaceIndex on = none;
    std::optional<Template> key;   // of `on`, from this namespace's parameters; absent: any entry of it
    std::vector<Template> tags;    // of `on` that the key determines, from this namespace's parameters
    std::vector<Template> late_tags;  // of those, the ones that need this namespace's `with` values
};

// One step that brings a JSON value nearer to its next version. Paths are names of members, the outermost
// first.
struct MigrationStep {
    enum class Kind : std::uint8_t {
        move,  // what is there goes to `to`, in the place of what stands there
        fill,  // where nothing is, json
        drop
    };
    Kind kind = Kind::move;
    std::vector<std::string> path, to;
    std::string json;  // fill: a text that is JSON
    std::string text;  // as written: `rename "name" to "full_name"`
};

struct Migration {
    std::uint32_t from = 0, to = 0;
    std::vector<MigrationStep> steps;
    Where where;
};

// What of an entry may be in no tier: whole keys by a glob, fields of an answer's header, members of a JSON
// value (`card.cvv`: of the member `card`, wherever it stands; in lists too).
struct NeverStore {
    enum class What : std::uint8_t { key, header, json };
    What what = What::key;
    std::vector<std::string> names;  // key: globs over raw keys; header: lower case
    bool strip = false;              // header, json: what is left is stored; else nothing is
    Where where;
};

struct Namespace {
    std::string name;  // "menu.item"
    std::string doc;
    Where where;
    NamespaceIndex parent = none;
    std::vector<NamespaceIndex> chain;     // itself, its parent, ... up to the outermost
    std::vector<NamespaceIndex> children;  // direct
    std::optional<KeyTemplate> key;        // absent: holds no entries itself
    std::vector<std::string> parameters;   // the key's fields, then `with` names
    std::uint16_t fields = 0;              // how many of parameters are the key's
    std::vector<Template> tags;            // determined by the key
    std::vector<Template> late_tags;       // need `with` values
    // Declared by rules: implicit tags of its entries. Begins with all of the parent's, so an index
    // into the parent's list means the same pattern here.
    std::vector<Pattern> patterns;
    std::vector<Dependency> depends;
    bool has_dependents = false;      // somebody depends on one entry: key scopes are changed too
    bool has_any_dependents = false;  // somebody depends on any entry
    std::optional<Ttl> ttl;
    std::optional<Ms> absent;         // negative entries live this long
    std::optional<Ms> stale_while_revalidating, stale_on_error;
    std::vector<TierUse> tiers;       // empty: all stores in their order
    std::optional<Compression> compress;
    std::vector<Limit> limits;
    EvictOrder evict = EvictOrder::adaptive;
    std::optional<std::uint64_t> refuse_above;  // bytes
    std::vector<NeverStore> never_store;  // its own, then those of what is around it
    std::optional<Ms> log_misses;  // misses whose load took longer are logged; 0: all of them
    std::uint32_t version = 1;
    std::vector<std::uint32_t> accepts;
    std::vector<Migration> migrations;  // at most one from a version to another
    WriteMode write = WriteMode::aside;
    Ms write_delay{};
    WriteTarget write_to;
    std::optional<ValueSource> source;
    std::optional<Ms> coalesce_wait;  // `coalesce wait 2s`
    bool coalesce = false, is_static = false, encrypt = false;
    bool demote = false;  // entries are in the first tier alone until it lets them go, and then in the next
    std::uint64_t schema = 0;  // dsl/schema.hpp: stands in the envelope
};

// ----------------------------------------------------------------------------------------- rules

enum class Action : std::uint8_t { drop, refresh, expire };  // strongest first

enum class TargetKind : std::uint8_t { key, namespace_, matching, tag, everything };

// One target of one drop, expire or refresh.
struct Change {
    Action action = Action::drop;
    TargetKind kind = TargetKind::namespace_;
    NamespaceIndex ns = none;      // key, namespace_, matching
    Template text;                 // key, matching, tag: from the rule's variables
    // matching: into Namespace::patterns of ns; none: the ban log. Rules share a pattern by its shape,
    // so the tuple comes from the rule's own text: Pattern(text).tuple(values).
    std::uint32_t pattern = none;
    Where where;
};

enum class Origin : std::uint8_t { header, query, cookie, json, form };

struct Let {  // let x = json "id": fills variable slot from the request
    std::uint16_t slot = 0;
    Origin origin = Origin::header;
    std::string field;
};

struct Serve {
    NamespaceIndex ns = none;
    std::optional<Template> key;
    std::vector<std::pair<Origin, std::string>> unless;
    std::uint32_t narrowness = 0;  // of the rules that fit a request the one with the most serves it
};

struct StatusRange {
    std::uint16_t from = 200, to = 399;  // both included
};

enum class TriggerKind : std::uint8_t { route, event, drop_of, plugin };

struct Rule {
    TriggerKind kind = TriggerKind::route;
    std::string head;  // as written: `on write "/v1.0/user/update/{user_id}"`
    std::string doc;
    Where where;
    std::uint16_t methods = 0;  // MethodSet of route_table.hpp
    std::string route;          // route: the pattern; event: its name; plugin: its text
    std::string plugin;         // plugin: the trigger's name
    Template trigger;           // route, event, plugin (PLUGIN:TOPIC): what the tables match
    std::vector<StatusRange> status{{}};
    std::vector<std::string> variables;  // captures or parameters, then lets
    std::uint16_t captured = 0;          // how many of variables the trigger itself gives
    std::vector<Let> lets;
    // drop of: which statements set it off
    NamespaceIndex of = none;
    std::optional<KeyTemplate> of_key;  // its fields are the first variables
    std::vector<Change> changes;
    std::optional<Serve> serve;
    std::vector<NamespaceIndex> warm;
    std::vector<std::pair<std::string, Template>> end_sessions;  // session, user

    bool fires_on(std::uint32_t code) const;
};

// ------------------------------------------------------------------------------------- the others

struct Session {
    std::string name, store, doc;
    Where where;
    std::optional<Ttl> ttl;
    bool encrypt = false;
    std::optional<std::uint32_t> per_user;
    bool refuse_more = false;  // `then refuse`; else the oldest goes
    std::optional<std::uint64_t> limit_bytes;
    std::optional<Compression> compress;
    std::string cookie;
    std::vector<std::string> cookie_flags;
};

struct WarmItem {  // what to fetch: one key of the namespace
    std::string key;      // raw key text inside the namespace, empty: the warmer's plan decides
    std::string address;  // of the source, for people: values filled in
    std::vector<std::string> values;  // of the names of its `for`s
};

struct Warm {
    NamespaceIndex ns = none;
    std::string key;  // as written
    std::string doc;
    Where where;
    bool enabled = true;
    bool at_startup = false;
    std::optional<Ms> every;
    double jitter = 0;
    std::optional<std::pair<std::uint16_t, std::uint16_t>> between;  // minutes of the day
    std::string source;   // the warmer: http, sql; empty: the namespace's own source
    std::string address;  // as written, {name} for a name, braces doubled
    std::vector<std::string> names;  // of its `for`s
    std::vector<WarmItem> items;  // the product of its `for`s; one when there is none
    std::vector<Option> options;
    std::uint32_t at_once = 1, per_second = 0;  // per_second 0: as fast as it goes
    std::uint32_t priority = 5;                 // 0 to 10, higher first
    std::optional<Ms> learn_window;
    std::uint32_t learn_hits = 0, learn_priority = 0;
};

struct Condition {
    enum class Relation : std::uint8_t { lt, le, gt, ge, eq, is };
    std::string metric;
    std::vector<std::string> of;
    Relation relation = Relation::lt;
    double value = 0;   // percent as 0..1, durations in ms, sizes in bytes
    std::string word;   // `is open`
};

struct Alert {
    std::string name, doc, text;  // text: the condition as written
    Where where;
    std::vector<std::vector<Condition>> when;  // any of all of
    Ms hold{};
    std::vector<std::pair<std::string, std::string>> to;  // sink kind, sink name
};

struct Breaker {
    std::string store;
    Where where;
    std::uint32_t failures = 5, probes = 1;
    Ms retry_after{60'000};
    std::uint32_t ramp = 4;  // loads at once when it has closed; 0: any number
    Ms ramp_step{100};       // after which it is twice as many
};

// What may be dropped without a person saying so twice: a share of the entries that are kept. The
// policy's own rules are never refused.
struct ShareGuard {
    enum class Of : std::uint8_t {
        drop,   // what a person drops, expires or refreshes by hand
        change  // what a new policy makes unreadable
    };
    Of of = Of::drop;
    double above = 0;  // 0.20: of the namespaces below, each by itself, with their children
    std::vector<NamespaceIndex> namespaces;  // empty: of everything that is kept
    std::string text;                        // as written: `refuse drop above 20% of user_details`
    Where where;
};

struct Guards {
    std::vector<ShareGuard> shares;
    // Breaches for which an applied policy is taken back. No name and no sinks; `hold` is always set.
    std::vector<Alert> watches;
    bool empty() const { return shares.empty() && watches.empty(); }
};

// ------------------------------------------------------------------------------------- the policy

// Where a full key text belongs. prefix: bytes of it that are the namespace and its `:`.
struct Resolved {
    NamespaceIndex ns = none;
    std::uint32_t prefix = 0;
};

class Policy {
  public:
    std::vector<Namespace> namespaces;
    std::vector<Rule> rules;
    std::vector<Session> sessions;
    std::vector<Warm> warms;
    std::vector<Alert> alerts;
    std::vector<Breaker> breakers;
    Guards guards;
    RouteTable routes;  // over the rules of kind route; its numbers are indices into rules
    RouteTable events;  // over the rules of kind event, and of kind plugin as PLUGIN:TOPIC
    std::string profile;
    std::vector<std::string> files;
    std::uint64_t fingerprint = 0;  // of all texts, the profile and the environment values used

    // The namespace of that exact name. [any thread]
    std::optional<NamespaceIndex> find(std::string_view name) const;
    // "user_details:42" -> the namespace with the longest declared name followed by `:`, where `:` may
    // stand for `.` inside the name ("menu:item:7" is menu.item "7"). Only namespaces with a key.
    std::optional<Resolved> resolve(std::string_view full_key) const;
    // The namespace and everything below it.
    std::vector<NamespaceIndex> under(NamespaceIndex ns) const;
    // Called once, by compile(), when namespaces is complete.
    void index();

  private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
    };
    struct Prefix {
        std::uint64_t hash = 0;
        NamespaceIndex ns = none;
    };
    std::unordered_map<std::string, NamespaceIndex, NameHash, std::equal_to<>> by_name_;
    std::vector<Prefix> by_prefix_;  // open addressing, a power of two; `.` and `:` hash alike
    std::size_t longest_name_ = 0;
};

// The namespaces that a change is about as a whole when a value is missing that its text needs: more
// goes than need be, never less. Of a tag those that could carry one that begins alike.
std::vector<NamespaceIndex> widened(const Policy& policy, const Change& change);

}  // namespace larder::dsl
