// dsl/ast.hpp -- the syntax tree of a policy: what was written, with the place of every word.
//
// Plain structs. Names and texts are views into the Source, so a tree lives no longer than its
// SourceMap. Nothing is resolved here: a Scalar may still be the name of a `let` or an environment
// variable, an unknown namespace is just a Name. Judgement is in check_*.cpp, and the kernel sees
// only the compiled Policy.
//
// A statement that did not parse is a Broken node in its place: checks skip it, and nobody blames
// what follows from it. X3 sets two limits: a variant has at most 20 alternatives, and a struct
// that is put together by Fusion has at least two members (with one, X3 cannot tell it from its
// member).
#pragma once

#include "dsl/source.hpp"

#include <boost/optional.hpp>
#include <boost/spirit/home/x3/support/ast/variant.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace larder::dsl::ast {

template <class T>
using Maybe = boost::optional<T>;

// ---- words ----------------------------------------------------------------------------------

// The head word of a statement. `doc` covers the `##` lines straight above it, empty without any;
// documentation() turns it into text.
struct Keyword {
    Span at;
    Span doc;

    operator Span() const { return at; }
};

struct Name {  // user_details, menu.item
    Span at;
    std::string_view text;
};

// One word of a closed set. `doc` as in Keyword, where the word heads its statement.
template <class E>
struct Word {
    Span at;
    Span doc;
    E value{};
};

// A part of a text. `\{` and its like end a literal and begin the next one behind the backslash, so
// neighbouring literals belong together and no text has to be copied.
struct Piece {
    enum class Kind : std::uint8_t { literal, capture, rest, star, deep };
    Kind kind = Kind::literal;
    std::string_view text;  // of a capture `{name}` or `{name...}` the name only
};

struct Text {  // "user:{user_id}"
    Span at;   // with the quotes
    std::vector<Piece> pieces;
};

enum class Unit : std::uint8_t { none, duration, size, percent, count, clock, string, truth };

// 3m | 10% | 1KiB | 5 | 02:00 | "text" | true | short | env TTL [minutes] [or 5m]
//
// A literal has neither name set. With `env_name`, `has_literal` tells whether there is an `or`.
// `kind` is the unit of the literal, and without one the unit its place asks for (none: any).
struct Scalar {
    Span at;
    Unit kind = Unit::none;
    bool has_literal = false;
    double value = 0;           // ms, bytes, percent, a count, minutes since midnight, 0 or 1
    double env_factor = 0;      // what one of a bare number in the environment is worth, in ms or
                                // bytes, where a unit word says so; 0: a second, or a byte
    std::string_view string;    // of a "text", as it was written between the quotes
    std::string_view let_name;  // a constant, or a word that only its place understands (options)
    std::string_view env_name;
};

// A name that may come from the environment: brotli | env CACHE_CODEC [or gzip].
struct EnvName {
    Span at;
    std::string_view text;  // the literal; empty when only `env` is given
    std::string_view env_name;
};

// 201 is {201, 201}, 2xx is {200, 299}.
struct Status {
    Span at;
    std::uint16_t from = 0;
    std::uint16_t to = 0;
};

struct Broken {
    Span at;  // empty where only the neighbours tell
};

// ---- clauses of a namespace -------------------------------------------------------------------

struct KeyClause {
    Keyword kw;
    Text pattern;
};
struct TagClause {
    Keyword kw;
    std::vector<Text> tags;
};
struct WithClause {
    Keyword kw;
    std::vector<Name> names;
};

enum class DateRelation : std::uint8_t { before, on, after };
// when {end} before today - 7d
struct DateCondition {
    Keyword kw;  // `when`
    Name capture;
    Word<DateRelation> relation;
    Word<bool> today;    // the word itself; true
    bool later = false;  // `today + 7d`; else `today - 7d` or plain `today`
    Maybe<Scalar> distance;
};
// ttl 5m [jitter 10%] [sliding [at most 24h]] [when {end} before today]
// Of several ttl clauses one has no `when`; the first whose `when` holds is taken, else that one.
struct TtlClause {
    Keyword kw;
    Scalar ttl;
    Maybe<Scalar> jitter;
    bool sliding = false;
    Maybe<Scalar> at_most;  // only after `sliding`
    Maybe<DateCondition> when;
};

enum class StaleWhen : std::uint8_t { revalidating, error };
struct StalePart {
    Scalar window;
    Word<StaleWhen> when;
};
struct StaleClause {
    Keyword kw;
    std::vector<StalePart> parts;
};
struct AbsentClause {
    Keyword kw;
    Scalar ttl;
};
struct Tier {
    Name store;
    Maybe<Scalar> ttl;
    Maybe<Scalar> enabled;  // `if env X or true`
};
struct TiersClause {
    Keyword kw;
    std::vector<Tier> tiers;
};
struct Option {
    Name id;
    std::vector<Scalar> values;
};
struct CompressClause {
    Keyword kw;
    EnvName codec;  // `none` is a codec's name here
    Maybe<Scalar> above;
    std::vector<Text> except;
    std::vector<Option> options;
    Maybe<Scalar> enabled;
};
struct LimitClause {
    Keyword kw;
    Scalar amount;
    bool entries = false;  // else bytes
    Maybe<Name> store;
};
struct RefuseClause {
    Keyword kw;
    Scalar above;
};
enum class EvictOrder : std::uint8_t { adaptive, lru, lfu, fifo, s3fifo, found };  // found: the word `auto`
struct EvictClause {  // evict lru
    Keyword kw;
    Word<EvictOrder> order;
};
struct LogClause {  // log misses slower than 50ms
    Keyword kw;
    Maybe<Scalar> slower;
};
enum class Withheld : std::uint8_t { key, header, json };
struct NeverStoreClause {  // never store json "password", "card.cvv" then strip
    Keyword kw;
    Word<Withheld> what;
    std::vector<Text> names;
    bool strip = false;  // else the value is refused
};
// What is kept, and what goes first. One alternative of a clause: boost::variant has twenty.
struct KeepClause : boost::spirit::x3::variant<EvictClause, NeverStoreClause> {
    using base_type::base_type;
    using base_type::operator=;
};
struct VersionClause {
    Keyword kw;
    Scalar number;
    std::vector<Scalar> accepts;
};
enum class MoveVerb : std::uint8_t { rename, move };
struct MoveStep {  // rename "address.zip" to "code"; move "address.zip" to "zip"
    Word<MoveVerb> what;
    Text from;
    Text to;
};
struct DefaultStep {  // default "locale" "de"
    Keyword kw;
    Text member;
    Scalar value;
};
struct LeaveOutStep {  // drop "legacy"
    Keyword kw;
    Text member;
};
struct MigrateStep : boost::spirit::x3::variant<Broken, MoveStep, DefaultStep, LeaveOutStep> {
    using base_type::base_type;
    using base_type::operator=;
};
struct MigrateClause {  // migrate 1 -> 2 { ... }
    Keyword kw;
    Scalar from;
    Scalar to;
    std::vector<MigrateStep> steps;
};
struct DependsClause {
    Keyword kw;
    Name on;
    Maybe<Text> key;
};
enum class WriteMode : std::uint8_t { through, behind, aside };
struct RemovePart {
    Keyword kw;
    Maybe<Text> address;
};
struct WriteClause {  // write behind 2s "UPDATE ... {id} ... {value}" remove "DELETE ... {id}"
    Keyword kw;
    Word<WriteMode> mode;
    Maybe<Scalar> delay;
    Maybe<Text> address;
    Maybe<RemovePart> remove;
};
struct SourceClause {  // source db "SELECT ... {id}" { timeout 2s }
    Keyword kw;
    Name plugin;
    Maybe<Text> address;
    std::vector<Option> options;
};
enum class Flag : std::uint8_t { fixed, encrypt, coalesce, demote };  // fixed: the word `static`
struct FlagClause {
    Word<Flag> what;
    Maybe<Scalar> wait;  // only of `coalesce`
};
struct Namespace;
struct Clause
    : boost::spirit::x3::variant<Broken, KeyClause, TagClause, WithClause, TtlClause, StaleClause,
                                 AbsentClause, TiersClause, CompressClause, LimitClause,
                                 RefuseClause, KeepClause, LogClause, VersionClause, MigrateClause, DependsClause,
                                 WriteClause, SourceClause, FlagClause,
                                 boost::spirit::x3::forward_ast<Namespace>> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Namespace {
    Keyword kw;
    Name id;
    std::vector<Clause> body;
};
struct Defaults {
    Keyword kw;
    std::vector<Clause> body;
};

// ---- rules ------------------------------------------------------------------------------------

struct HttpTrigger {  // on POST, PUT "/v1/users/{id}" status 201, 3xx
    std::vector<Name> methods;
    Text route;
    std::vector<Status> status;
};
struct EventTrigger {
    Keyword kw;
    Text event;
    std::vector<Name> params;
};
struct DropTrigger {  // on drop of menu.item "{item_id}"
    Keyword kw;
    Name of;
    Maybe<Text> key;
};
struct PluginTrigger {  // on kafka "stock" (sku)
    Name plugin;
    Text topic;
    std::vector<Name> params;
};
struct Trigger
    : boost::spirit::x3::variant<Broken, HttpTrigger, EventTrigger, DropTrigger, PluginTrigger> {
    using base_type::base_type;
    using base_type::operator=;
};

struct NsTarget {
    Name ns;
    bool matching = false;
    Maybe<Text> key;
};
struct TagTarget {
    Keyword kw;
    Text tag;
};
struct EverythingTarget {
    Span at;
};
struct Target : boost::spirit::x3::variant<NsTarget, TagTarget, EverythingTarget> {
    using base_type::base_type;
    using base_type::operator=;
};

enum class Verb : std::uint8_t { drop, expire, refresh };
struct DropAction {
    Word<Verb> what;
    std::vector<Target> targets;
};
enum class Origin : std::uint8_t { header, query, cookie, json, form };
struct TakeAction {  // let tenant_id = header "X-Tenant-Id"
    Keyword kw;
    Name id;
    Word<Origin> from;
    Text field;
};
struct Guard {
    Word<Origin> from;
    Text field;
};
struct ServeAction {
    Keyword kw;
    Name ns;
    Maybe<Text> key;
    std::vector<Guard> unless;
};
struct WarmAction {
    Keyword kw;
    std::vector<Name> ids;
};
struct EndAction {  // end session login of "{user_id}"
    Keyword kw;
    Name session;
    Text user;
};
struct Action : boost::spirit::x3::variant<Broken, DropAction, TakeAction, ServeAction, WarmAction,
                                           EndAction> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Rule {
    Keyword kw;
    Trigger when;
    std::vector<Action> body;
};

// ---- session, warm, alert, breaker ------------------------------------------------------------

struct StoreClause {
    Keyword kw;
    Name store;
};
struct PerUserClause {
    Keyword kw;
    Scalar count;
    bool refuse = false;  // else the oldest session ends
};
struct CookieClause {
    Keyword kw;
    Text id;
    std::vector<Name> flags;
};
struct SessionClause
    : boost::spirit::x3::variant<Broken, TtlClause, StoreClause, FlagClause, LimitClause,
                                 PerUserClause, CookieClause, CompressClause> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Session {
    Keyword kw;
    Name id;
    std::vector<SessionClause> body;
};

struct StartupClause {
    Keyword kw;
    Keyword what;
};
struct EveryClause {
    Keyword kw;
    Scalar period;
    Maybe<Scalar> jitter;
};
struct BetweenClause {
    Keyword kw;
    Scalar from;
    Scalar to;
};
struct FromClause {
    Keyword kw;
    Name plugin;
    Text address;
    std::vector<Option> options;
};
struct ForClause {
    Keyword kw;
    Name var;
    std::vector<Text> values;
};
struct AtMostClause {  // at most 4 at once; at most 20 per second
    Keyword kw;
    Scalar count;
    bool per_second = false;
};
struct PriorityClause {
    Keyword kw;
    Scalar priority;
};
struct LearnClause {
    Keyword kw;
    Scalar window;
    Scalar hits;
    Maybe<Scalar> priority;
    Maybe<Scalar> enabled;
};
struct WarmClause : boost::spirit::x3::variant<Broken, StartupClause, EveryClause, BetweenClause,
                                               FromClause, ForClause, AtMostClause, PriorityClause,
                                               LearnClause> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Warm {
    Keyword kw;
    Name id;
    Maybe<Text> key;
    Maybe<Scalar> enabled;
    std::vector<WarmClause> body;
};

enum class Relation : std::uint8_t { lt, le, gt, ge, eq, is };
struct Compare {  // latency_p95(l2) > 20ms; `of` names namespaces or stores
    Name metric;
    std::vector<Name> of;
    Word<Relation> op;
    Scalar limit;  // after `is` a word, in let_name
};
using AllOf = std::vector<Compare>;
struct Sink {
    Name plugin;
    Maybe<Name> target;
};
struct Alert {
    Keyword kw;
    Name id;
    std::vector<AllOf> when;  // any of these
    Maybe<Scalar> hold;
    std::vector<Sink> to;
};

enum class BreakerPart : std::uint8_t { open, retry, probe, ramp };
struct BreakerClause {
    Word<BreakerPart> part;
    Scalar amount;  // failures, a duration, requests
};
struct RampClause {
    Word<BreakerPart> part;
    Scalar loads;
    Maybe<Scalar> every;
};
struct BreakerItem : boost::spirit::x3::variant<Broken, BreakerClause, RampClause> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Breaker {
    Keyword kw;
    Name store;
    std::vector<BreakerItem> body;
};

// ---- guards -------------------------------------------------------------------------------------

enum class Guarded : std::uint8_t { drop, change };
struct RefuseShare {  // refuse drop above 20% of user_details
    Keyword kw;
    Word<Guarded> what;
    Scalar above;
    std::vector<Name> of;
};
struct WatchPart {  // hit_rate < 60% and requests > 100 for 1m
    std::vector<AllOf> when;
    Maybe<Scalar> hold;
};
struct WatchClause {
    Keyword kw;
    std::vector<WatchPart> parts;
};
struct GuardClause : boost::spirit::x3::variant<Broken, RefuseShare, WatchClause> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Guards {
    Keyword kw;
    std::vector<GuardClause> body;
};

// ---- tests and guarantees -----------------------------------------------------------------------

struct Binding {
    Name id;
    Text value;
};
struct MemberValue {  // "address.zip" = "8001", of a JSON value
    Text member;
    Scalar value;
};
struct PutStep {  // put user "1" version 1 holding "name" = "Ann"
    Keyword kw;
    Name ns;
    Maybe<Text> key;
    Maybe<Scalar> version;
    std::vector<MemberValue> holding;
    std::vector<Binding> with;
};
struct FieldBinding {  // header "X-Tenant-Id" = "1"
    Word<Origin> from;
    Text field;
    Text value;
};
struct RequestBinding : boost::spirit::x3::variant<FieldBinding, Binding> {
    using base_type::base_type;
    using base_type::operator=;
};
struct HttpStep {
    Name method;
    Text path;
    Maybe<Status> status;
    std::vector<RequestBinding> with;
};
enum class LoadEnd : std::uint8_t { fails, absent };
struct LoadStep {  // load user_details "7" [fails | absent]
    Keyword kw;
    Name ns;
    Maybe<Text> key;
    Maybe<Word<LoadEnd>> end;
    std::vector<Binding> with;
};
struct EventStep {
    Keyword kw;
    Text event;
    std::vector<Binding> with;
};
struct AfterStep {
    Keyword kw;
    Scalar wait;
};
struct TodayStep {  // today "2026-03-15"
    Keyword kw;
    Text date;
};
enum class StoreChange : std::uint8_t { fail, recover };
struct StoreStep {
    Word<StoreChange> what;
    Name store;
};
enum class Outcome : std::uint8_t {
    dropped,
    kept,
    expired,
    hit,
    miss,
    stale,
    absent,
    warmed,
    served
};
struct ExpectStep {
    Keyword kw;
    Word<Outcome> what;
    std::vector<Target> targets;
    Maybe<Name> store;  // `in l2`
};
enum class BreakerWord : std::uint8_t { open, closed, half_open };
struct ExpectBreaker {  // expect breaker l2 open
    Keyword kw;
    Keyword breaker;
    Name store;
    Word<BreakerWord> state;
};
struct ExpectValue {  // expect value user "1" holding "full_name" = "Ann" without "name"
    Keyword kw;
    Keyword value;
    Name ns;
    Text key;
    std::vector<MemberValue> holding;
    std::vector<Text> without;
};
struct ExpectRule {  // expect rule "/v1.0/points/**": what the last request or event set off
    Keyword kw;
    Keyword rule;
    std::vector<Text> heads;
};
struct ExpectNoRule {  // expect no rule
    Keyword kw;
    Keyword no;
};
struct ExpectEnded {  // expect ended session login of "9"
    Keyword kw;
    Keyword ended;
    Name session;
    Text user;
};
struct Step : boost::spirit::x3::variant<Broken, PutStep, LoadStep, HttpStep, EventStep, AfterStep,
                                         TodayStep, StoreStep, ExpectStep, ExpectBreaker,
                                         ExpectValue, ExpectRule, ExpectNoRule, ExpectEnded> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Test {
    Keyword kw;
    Text title;
    Maybe<Name> profile;
    std::vector<Step> steps;
};

enum class Modality : std::uint8_t { always, never };
struct Promise {
    Keyword kw;
    Trigger when;
    Word<Modality> how;
    Word<Verb> what;
    std::vector<Target> targets;
};
struct AgePromise {  // user_details is never older than 60s
    Name ns;
    Keyword kw;
    Scalar limit;
};
struct PromiseItem : boost::spirit::x3::variant<Broken, Promise, AgePromise> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Guarantee {
    Keyword kw;
    Text title;
    std::vector<PromiseItem> promises;
};

// ---- the file -----------------------------------------------------------------------------------

struct Edition {  // larder 1
    Keyword kw;
    Scalar number;
};
struct Use {
    Keyword kw;
    Text path;
};
struct Let {
    Keyword kw;
    Name id;
    Scalar value;
};
struct Profile;
struct Item
    : boost::spirit::x3::variant<Broken, Edition, Use, Let, boost::spirit::x3::forward_ast<Profile>,
                                 Defaults, Namespace, Rule, Session, Warm, Alert, Breaker, Guards,
                                 Test, Guarantee> {
    using base_type::base_type;
    using base_type::operator=;
};
struct Profile {  // its items are Broken, Let, Defaults and Namespace
    Keyword kw;
    Name id;
    std::vector<Item> body;
};
using Policy = std::vector<Item>;

}  // namespace larder::dsl::ast
