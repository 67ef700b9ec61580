// kernel/api/families.cpp -- the figures as families of metrics.
#include "kernel/api/families.hpp"

#include "kernel/core/ledger.hpp"

#include "kernel/api/version.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string_view>

namespace larder::api {
namespace {

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

double number(std::uint64_t n) { return static_cast<double>(n); }

}  // namespace

Families::Family& Families::family(std::int32_t kind, std::string name, std::string help) {
    Family& made = families_.emplace_back();
    made.kind = kind;
    made.name = std::move(name);
    made.help = std::move(help);
    return made;
}

void Families::add(Family& to, Labels labels, double value) {
    Sample& made = to.samples.emplace_back();
    made.labels = std::move(labels);
    made.value = value;
}

void Families::add(Family& to, Labels labels, const DurationFigures& durations) {
    if (durations.count == 0) return;
    Sample& made = to.samples.emplace_back();
    made.labels = std::move(labels);
    made.value = durations.sum_s;
    made.count = durations.count;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < DurationFigures::buckets; ++i) {
        below += durations.in_bucket[i];
        made.le.push_back(DurationFigures::bounds_s[i]);
        made.count_le.push_back(below);
    }
    made.le.push_back(std::numeric_limits<double>::infinity());
    made.count_le.push_back(durations.count);
}

void Families::namespaces(const Figures& figures) {
    constexpr auto counter = LARDER_METRIC_COUNTER, gauge = LARDER_METRIC_GAUGE, histogram = LARDER_METRIC_HISTOGRAM;
    Family& requests = family(counter, "larder_requests_total", "Operations on entries, by what came of them.");
    Family& tiers = family(counter, "larder_tier_requests_total", "Reads that came to a tier for a namespace, by what came of them.");
    Family& loads = family(counter, "larder_loads_total", "Loads, by what came of them; waited: joined another one's.");
    Family& entries = family(gauge, "larder_entries", "Entries of a namespace in a tier of this process.");
    Family& used = family(gauge, "larder_bytes", "Bytes that entries of a namespace take in a tier of this process.");
    Family& written = family(counter, "larder_put_bytes_total", "Bytes of values that were put, before compression.");
    Family& packed = family(counter, "larder_compression_bytes_total", "Bytes into and out of a namespace's codec.");
    Family& unread = family(counter, "larder_dictionary_misses_total", "Reads that found an entry and not the dictionary it was compressed with.");
    Family& took = family(histogram, "larder_request_duration_seconds", "How long operations took: one in 64, with that weight.");
    Family& loading = family(histogram, "larder_load_duration_seconds", "How long loads took, or clients from a miss to its value.");
    Family& migrated = family(counter, "larder_migrations_total", "Values of an older version, by whether they could be made into present ones.");
    Family& migrating = family(histogram, "larder_migration_duration_seconds", "How long migrations of a value took.");
    Family& demoted = family(counter, "larder_demotions_total", "Entries that memory let go: now in the tier below, lost for want of room on the way, or overtaken by a change of their key.");
    Family& avoided = family(gauge, "larder_queries_avoided", "Accesses that were answered without a query of the origin, less what was loaded ahead of them.");
    Family& saved = family(gauge, "larder_load_seconds_saved", "What the avoided queries would have taken at the mean time of a load.");
    Family& warmed = family(counter, "larder_warmed_total", "Entries made before anybody asked for them.");
    Family& withheld = family(counter, "larder_never_stored_total", "Values that `never store` refused, or stripped of a part.");
    for (const SpaceFigures& space : figures.spaces) {
        const SpaceCounts& c = space.counts;
        const Ledger ledger = ledger_of(space);
        add(avoided, {{"namespace", c.name}}, static_cast<double>(ledger.queries_avoided));
        if (ledger.load_ms != 0) add(saved, {{"namespace", c.name}}, ledger.ms_saved / 1000);
        if (c.warmed != 0) add(warmed, {{"namespace", c.name}}, number(c.warmed));
        if (c.withheld != 0) add(withheld, {{"namespace", c.name}, {"result", "refused"}}, number(c.withheld));
        if (c.stripped != 0) add(withheld, {{"namespace", c.name}, {"result", "stripped"}}, number(c.stripped));
        const auto count = [&](const char* op, const char* result, std::uint64_t n) { add(requests, {{"namespace", c.name}, {"op", op}, {"result", result}}, number(n)); };
        count("get", "hit", c.hits);
        count("get", "absent", c.absent);
        count("get", "miss", c.misses);
        count("get", "stale", c.stale);
        count("get", "damaged", c.damaged);
        count("get", "error", c.errors);
        count("put", "kept", c.puts);
        count("put", "refused", c.refused);
        count("put", "fenced", c.fenced);
        count("remove", "removed", c.removes);
        add(loads, {{"namespace", c.name}, {"result", "ok"}}, number(c.loads));
        add(loads, {{"namespace", c.name}, {"result", "error"}}, number(c.load_errors));
        add(loads, {{"namespace", c.name}, {"result", "waited"}}, number(c.waits));
        for (const SpaceTierFigures& tier : space.tiers) {
            add(tiers, {{"namespace", c.name}, {"tier", tier.tier}, {"result", "hit"}}, number(tier.hits));
            add(tiers, {{"namespace", c.name}, {"tier", tier.tier}, {"result", "miss"}}, number(tier.misses));
            add(entries, {{"namespace", c.name}, {"tier", tier.tier}}, number(tier.entries));
            add(used, {{"namespace", c.name}, {"tier", tier.tier}}, number(tier.bytes));
        }
        add(written, {{"namespace", c.name}}, number(space.put_bytes));
        std::map<std::string_view, std::pair<std::uint64_t, std::uint64_t>> by_codec;
        for (const PackFigures::Way& way : space.packing.ways) {
            by_codec[way.codec].first += way.raw;
            by_codec[way.codec].second += way.stored;
        }
        for (const auto& [codec, bytes] : by_codec) {
            add(packed, {{"namespace", c.name}, {"codec", std::string(codec)}, {"direction", "in"}}, number(bytes.first));
            add(packed, {{"namespace", c.name}, {"codec", std::string(codec)}, {"direction", "out"}}, number(bytes.second));
        }
        if (!space.codec.empty()) add(unread, {{"namespace", c.name}}, number(space.packing.unread));
        if (space.migrates || c.migrated + c.unmigrated != 0) {
            add(migrated, {{"namespace", c.name}, {"result", "ok"}}, number(c.migrated));
            add(migrated, {{"namespace", c.name}, {"result", "failed"}}, number(c.unmigrated));
            add(migrating, {{"namespace", c.name}}, space.migrations);
        }
        if (space.demotes || space.demoted != 0) {
            add(demoted, {{"namespace", c.name}, {"result", "placed"}}, number(space.demoted));
            add(demoted, {{"namespace", c.name}, {"result", "lost"}}, number(space.demotions_lost));
            add(demoted, {{"namespace", c.name}, {"result", "overtaken"}}, number(space.demotions_overtaken));
        }
        add(took, {{"namespace", c.name}, {"op", "get"}}, space.gets);
        add(took, {{"namespace", c.name}, {"op", "put"}}, space.puts);
        add(loading, {{"namespace", c.name}}, space.loads);
    }
}

void Families::stores(const Figures& figures) {
    constexpr auto counter = LARDER_METRIC_COUNTER, gauge = LARDER_METRIC_GAUGE, histogram = LARDER_METRIC_HISTOGRAM;
    Family& held = family(gauge, "larder_store_bytes", "Bytes that all entries take in a store, as the store says.");
    Family& room = family(gauge, "larder_store_capacity_bytes", "Bytes that a store may take, where it has a bound.");
    Family& entries = family(gauge, "larder_store_entries", "Entries in a store, as the store says.");
    Family& evicted = family(counter, "larder_evictions_total", "Entries that a store gave up to make room.");
    Family& expired = family(counter, "larder_expirations_total", "Entries that a store gave up because their time was over.");
    Family& ends = family(counter, "larder_entry_ends_total", "Entries that ended, by cause and by whether they were ever read.");
    Family& errors = family(counter, "larder_store_errors_total", "Calls of a store that failed, by kind.");
    Family& bypassed = family(counter, "larder_store_bypassed_total", "Calls that an open breaker kept from a store.");
    Family& breaker = family(gauge, "larder_breaker_state", "A store's breaker: 0 closed, 1 open, 2 half open.");
    Family& opened = family(counter, "larder_breaker_opened_total", "How often a store's breaker opened.");
    Family& trusted = family(gauge, "larder_store_trusted", "Whether a shared store's stream of changes is whole.");
    Family& took = family(histogram, "larder_tier_duration_seconds", "How long calls of a store took: all of a remote one, one in 64 of memory.");
    for (const TierFigures& tier : figures.tiers) {
        const Labels one{{"store", tier.name}};
        add(held, one, number(tier.bytes));
        if (tier.capacity_bytes != 0) add(room, one, number(tier.capacity_bytes));
        add(entries, one, number(tier.entries));
        add(evicted, one, number(tier.evictions));
        add(expired, one, number(tier.expirations));
        const auto end = [&](const char* cause, std::uint64_t read, std::uint64_t unread) {
            add(ends, {{"store", tier.name}, {"cause", cause}, {"used", "yes"}}, number(read));
            add(ends, {{"store", tier.name}, {"cause", cause}, {"used", "no"}}, number(unread));
        };
        if (!tier.shared) {  // a server does not say
            end("expired", tier.ends.expired_used, tier.ends.expired_unused);
            end("evicted", tier.ends.evicted_used, tier.ends.evicted_unused);
            end("removed", tier.ends.removed_used, tier.ends.removed_unused);
        }
        for (std::size_t i = 0; i < tier.errors.size(); ++i) add(errors, {{"store", tier.name}, {"kind", store_error_words[i]}}, number(tier.errors[i]));
        add(bypassed, one, number(tier.bypassed));
        add(breaker, one, number(tier.breaker));
        add(opened, one, number(tier.breaker_opened));
        if (tier.shared) add(trusted, one, tier.trusted ? 1 : 0);
        add(took, {{"store", tier.name}, {"op", "get"}}, tier.gets);
        add(took, {{"store", tier.name}, {"op", "put"}}, tier.puts);
        add(took, {{"store", tier.name}, {"op", "remove"}}, tier.removes);
    }
}

void Families::sources(const Figures& figures) {
    constexpr auto counter = LARDER_METRIC_COUNTER, gauge = LARDER_METRIC_GAUGE, histogram = LARDER_METRIC_HISTOGRAM;
    if (!figures.sources.empty()) {
        Family& calls = family(counter, "larder_source_calls_total", "Values that a source was asked for or sent, by what came of it.");
        Family& breaker = family(gauge, "larder_source_breaker_state", "A source's breaker: 0 closed, 1 open, 2 half open.");
        Family& took = family(histogram, "larder_source_duration_seconds", "How long calls of a source took; a batch of writes is one.");
        for (const SourceFigures& source : figures.sources) {
            const auto call = [&](const char* op, const char* result, std::uint64_t n) { add(calls, {{"source", source.name}, {"op", op}, {"result", result}}, number(n)); };
            call("load", "ok", source.loaded);
            call("load", "error", source.load_errors);
            call("write", "ok", source.written);
            call("write", "error", source.write_errors);
            call("any", "bypassed", source.bypassed);
            add(breaker, {{"source", source.name}}, number(source.breaker));
            add(took, {{"source", source.name}, {"op", "load"}}, source.loads);
            add(took, {{"source", source.name}, {"op", "write"}}, source.writes);
        }
    }
    if (!figures.behind) return;
    const WriteBehindFigures& behind = *figures.behind;
    add(family(gauge, "larder_write_behind_waiting", "Writes that were answered and that their source does not have yet."), {}, number(behind.waiting));
    add(family(gauge, "larder_write_behind_bytes", "Bytes of their keys and values."), {}, number(behind.bytes));
    add(family(gauge, "larder_write_behind_oldest_seconds", "How long the oldest of them has been waiting; 0: none does."), {}, number(behind.oldest_ms) / 1000);
    add(family(gauge, "larder_write_behind_journal_bytes", "Size of the journal's file."), {}, number(behind.journal_bytes));
    Family& ends = family(counter, "larder_write_behind_writes_total", "Writes behind, by what became of them; covered: a newer one of the key was sent in its place.");
    add(ends, {{"result", "sent"}}, number(behind.sent));
    add(ends, {{"result", "covered"}}, number(behind.covered));
    add(ends, {{"result", "turned_away"}}, number(behind.turned_away));
    add(family(counter, "larder_write_behind_retries_total", "Attempts that failed and are repeated."), {}, number(behind.retries));
}

void Families::changes(const Figures& figures) {
    Family& changed = family(LARDER_METRIC_COUNTER, "larder_invalidations_total", "Targets dropped, expired or refreshed, by what they are and on whose word.");
    for (std::size_t scope = 0; scope < change_scope_words.size(); ++scope)
        for (std::size_t cause = 0; cause < change_cause_words.size(); ++cause)
            add(changed, {{"scope", change_scope_words[scope]}, {"cause", change_cause_words[cause]}}, number(figures.changes[scope][cause]));
    Family& took = family(LARDER_METRIC_HISTOGRAM, "larder_invalidation_duration_seconds", "How long an invalidation took, in all tiers.");
    add(took, {}, figures.changing);
    Family& rules = family(LARDER_METRIC_COUNTER, "larder_rule_fired_total", "How often a rule of the policy fired, by where it stands.");
    std::map<std::string, double> fired;  // two rules of one line are one
    for (const RuleFigures& rule : figures.rules)
        fired[std::filesystem::path(rule.file).filename().string() + ":" + std::to_string(rule.line)] += number(rule.fired);
    for (const auto& [where, n] : fired) add(rules, {{"rule", where}}, n);
    add(family(LARDER_METRIC_GAUGE, "larder_scope_records", "Records of scopes that are kept."), {}, number(figures.records));
    add(family(LARDER_METRIC_GAUGE, "larder_bans", "Patterns that no rule declares and that are remembered."), {}, number(figures.bans));
}

void Families::kernel(const Exported& from) {
    constexpr auto counter = LARDER_METRIC_COUNTER, gauge = LARDER_METRIC_GAUGE;
    add(family(gauge, "larder_build_info", "The version that runs."), {{"version", version}}, 1);
    add(family(gauge, "larder_uptime_seconds", "How long the kernel has been running."), {}, from.uptime_s);
    add(family(gauge, "larder_policy_generation", "How many policies were installed, this one included."), {}, number(from.policy_generation));
    add(family(counter, "larder_policy_applies_total", "Policies that were applied or gone back to."), {}, number(from.policy_applies));
    add(family(counter, "larder_policy_returns_total", "Applied policies that a guard took back."), {}, number(from.policy_returns));
    add(family(counter, "larder_policy_refusals_total", "Changes of the policy that a guard refused."), {}, number(from.policy_refusals));
    add(family(counter, "larder_policy_reload_failures_total", "Reloads that were refused."), {}, number(from.reload_failures));
    add(family(counter, "larder_log_lines_lost_total", "Lines of the log that were not written."), {}, number(from.log_lines_lost));
    Family& admin = family(counter, "larder_admin_requests_total", "Requests to the admin API, by endpoint and status; endpoint none: refused before one was found.");
    for (const auto& [which, n] : from.admin_requests)
        add(admin, {{"endpoint", which.first.empty() ? "none" : which.first}, {"code", std::to_string(which.second)}}, number(n));
    Family& alerts = family(gauge, "larder_alert_firing", "Whether an alert of the policy fires.");
    for (const AlertState& alert : from.alerts) add(alerts, {{"alert", alert.name}}, alert.firing ? 1 : 0);
    Family& plugins = family(gauge, "larder_plugin_info", "Instances that run, and what they are made of.");
    Family& health = family(gauge, "larder_plugin_health", "An instance's health: 0 ok, 1 degraded, 2 down.");
    Family& sins = family(counter, "larder_plugin_misbehaved_total", "How often an instance broke the contract of plugins.");
    for (const Exported::Instance& one : from.instances) {
        add(plugins, {{"instance_name", one.title}, {"plugin", one.plugin}, {"version", one.version}}, 1);
        add(health, {{"instance_name", one.title}}, one.health);
        add(sins, {{"instance_name", one.title}}, number(one.sins));
    }
    Family& full = family(gauge, "larder_store_full_in_seconds", "When a store will be full at the rate of the last day; absent: it cannot be told.");
    for (const auto& [store, seconds] : from.full_in_s) add(full, {{"store", store}}, seconds);
}

void Families::plugin_metrics(const Metrics& metrics) {
    std::map<std::string, Family*> known;
    metrics.each([&](const larder_metric& metric) {
        Family*& to = known[metric.name];
        if (to == nullptr) to = &family(metric.kind, metric.name, metric.help.empty() ? metric.name : metric.help);
        if (to->kind != metric.kind) return;
        Labels labels;
        std::string_view rest = metric.labels;
        while (!rest.empty()) {
            const std::string_view one = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), one.size() + 1));
            const auto equals = one.find('=');
            if (equals != std::string_view::npos) labels.emplace_back(one.substr(0, equals), one.substr(equals + 1));
        }
        const double value = metric.value.load(std::memory_order_relaxed);
        if (metric.kind != LARDER_METRIC_HISTOGRAM) return add(*to, std::move(labels), value);
        Sample& made = to->samples.emplace_back();
        made.labels = std::move(labels);
        made.value = value;
        for (std::size_t i = 0; i <= larder_metric::buckets; ++i) {
            made.count += metric.in_bucket[i].load(std::memory_order_relaxed);
            made.le.push_back(i < larder_metric::buckets ? bucket_bound(i) : std::numeric_limits<double>::infinity());
            made.count_le.push_back(made.count);
        }
    });
}

// What every process of Prometheus' own clients tells, under the names they have there.
void Families::process() {
    std::ifstream stat("/proc/self/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    const auto after_name = text.rfind(')');
    std::vector<std::string> fields;
    for (std::size_t at = after_name == std::string::npos ? text.size() : after_name + 2; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        fields.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (fields.size() > 21) {
        const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK)), page = static_cast<double>(::sysconf(_SC_PAGESIZE));
        add(family(LARDER_METRIC_COUNTER, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds."), {}, (std::stod(fields[11]) + std::stod(fields[12])) / ticks);
        add(family(LARDER_METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes."), {}, std::stod(fields[21]) * page);
        add(family(LARDER_METRIC_GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes."), {}, std::stod(fields[20]));
    }
    std::error_code error;
    double open = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) ++open;
    add(family(LARDER_METRIC_GAUGE, "process_open_fds", "Number of open file descriptors."), {}, open);
}

void Families::finish() {
    for (Family& one : families_) {
        for (Sample& sample : one.samples) {
            for (const auto& [name, value] : sample.labels) sample.pairs.push_back({bytes(name), bytes(value)});
            larder_sample shown{};
            shown.labels = sample.pairs.data();
            shown.label_count = static_cast<std::uint32_t>(sample.pairs.size());
            shown.bucket_count = static_cast<std::uint32_t>(sample.le.size());
            shown.value = sample.value;
            shown.count = sample.count;
            shown.bucket_le = sample.le.data();
            shown.bucket_count_le = sample.count_le.data();
            one.views.push_back(shown);
        }
        if (one.views.empty()) continue;  // nothing to say
        one.view.struct_size = sizeof one.view;
        one.view.kind = one.kind;
        one.view.name = bytes(one.name);
        one.view.help = bytes(one.help);
        one.view.unit = bytes(one.unit);
        one.view.samples = one.views.data();
        one.view.sample_count = one.views.size();
        view_.push_back(&one.view);
    }
}

void Families::sessions(const std::vector<SessionState>& all) {
    if (all.empty()) return;
    Family& events = family(LARDER_METRIC_COUNTER, "larder_sessions_total", "What this node did with sessions, by the policy's name of them.");
    for (const SessionState& one : all) {
        const larder_session_figures& n = one.figures;
        const std::pair<const char*, std::uint64_t> said[] = {{"created", n.created}, {"found", n.found},     {"missed", n.missed},
                                                              {"updated", n.updated}, {"rotated", n.rotated}, {"ended", n.ended},
                                                              {"refused", n.refused}, {"pushed_out", n.pushed_out}, {"unreadable", n.unreadable}};
        for (const auto& [event, count] : said) add(events, {{"session", one.name}, {"event", event}}, number(count));
    }
}

Families::Families(const Exported& from) {
    namespaces(from.figures);
    stores(from.figures);
    sources(from.figures);
    changes(from.figures);
    kernel(from);
    sessions(from.sessions);
    plugin_metrics(from.plugins);
    process();
    finish();
}

Families::~Families() = default;

}  // namespace larder::api
