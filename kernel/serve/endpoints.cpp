// kernel/serve/endpoints.cpp -- the table of endpoints: everything the admin API answers.
//
// The paths below the mounts are those of five applications, word for word: A AuraConnect, H the hotel
// API, P Panic, E AuraConnect's enhancements; the rest is larder's own.
#include "kernel/serve/endpoints.hpp"

#include <larder/plugin/abi.h>

#include <array>

namespace larder::serve {
namespace {

constexpr std::uint32_t nobody = 0, read = LARDER_ROLE_READ, invalidates = LARDER_ROLE_INVALIDATE,
                        admin = LARDER_ROLE_ADMIN;

constexpr std::array all{
    // A, H, P
    Endpoint{"health", "GET", "health", read, false, "Whether the cache is available, and its hit rate", "",
             "success cache_info", health},
    Endpoint{"stats", "GET", "stats", read, false, "Hit rate, latency and operations, overall and by namespace",
             "?namespace", "success cache_info key_counts overall by_namespace", statistics},
    // A
    Endpoint{"metrics", "GET", "metrics", read, false, "Every metric in Prometheus' text format", "", "", metrics},
    Endpoint{"invalidate/pattern", "DELETE", "invalidate/pattern", invalidates, true,
             "Drops entries whose NAMESPACE:KEY fits a pattern with `*`", "?pattern ?dry_run ?confirm", "success message", invalidate_pattern},
    Endpoint{"invalidate/tag", "DELETE", "invalidate/tag", invalidates, true, "Drops what carries a tag", "?tag ?dry_run ?confirm",
             "success message", invalidate_tag},
    Endpoint{"invalidate/namespace", "DELETE", "invalidate/namespace/{namespace}", invalidates, true,
             "Drops a namespace and those below it", "?dry_run ?confirm", "success message", invalidate_namespace},
    Endpoint{"invalidate/key", "DELETE", "invalidate/key/{namespace}/{key...}", invalidates, true, "Drops one entry",
             "?dry_run ?confirm", "success message", invalidate_key},
    Endpoint{"warm/one", "POST", "warm/{name}", invalidates, true, "Runs the warm items of one namespace", "", "success message",
             warm_one},
    // H
    Endpoint{"health/detailed", "GET", "health/detailed", read, false, "Health with key counts, memory, connections",
             "", "success timestamp cache_info detailed_statistics", health_detailed},
    Endpoint{"clear", "POST", "clear", admin, true, "Drops everything but sessions", "?dry_run ?confirm", "success message", clear},
    Endpoint{"clear/entity", "POST", "clear/{entity}/{id}", invalidates, true,
             "Sends the event that [admin.entities] names for this kind of thing", "?dry_run", "success message", clear_entity},
    Endpoint{"warm", "POST", "warm", invalidates, true, "Runs warm items: those of the named caches, or all",
             "cache_names", "success message", warm_some},
    Endpoint{"warm/runs", "GET", "warm", read, false, "Warm items, and how far each of their runs got", "", "success items runs", warm_runs},
    Endpoint{"test", "GET", "test", read, false, "Sets, gets and deletes a key in every store", "", "success test_results",
             self_test},
    // P
    Endpoint{"invalidate", "POST", "invalidate", invalidates, true,
             "Drops by patterns, tags and namespaces, and sends the events of [admin.entities]",
             "patterns tags namespaces ?dry_run ?confirm", "success message", invalidate},
    // E
    Endpoint{"performance", "GET", "performance", read, false, "Performance, compression and the flow between tiers",
             "", "performance compression multi_level", performance},
    Endpoint{"compression/stats", "GET", "compression/stats", read, false, "What compression saves, and what to change",
             "", "totals by_namespace recommendations", compression},
    Endpoint{"memory/stats", "GET", "memory/stats", read, false, "Memory by tier and namespace, and its forecast", "",
             "tiers by_namespace", memory},
    Endpoint{"patterns/analysis", "GET", "patterns/analysis", read, false, "Patterns of access", "", "", patterns},
    Endpoint{"multi-level/flow", "GET", "multi-level/flow", read, false, "How requests go through the tiers", "",
             "levels by_namespace", flow},
    // larder's own
    Endpoint{"healthz", "GET", "/healthz", read, false, "The process is alive", "", "status", alive},
    Endpoint{"readyz", "GET", "/readyz", read, false, "A policy is loaded and every shared store answers", "",
             "status checks", ready},
    Endpoint{"metrics", "GET", "/metrics", read, false, "Every metric in Prometheus' text format", "", "", metrics},
    Endpoint{"live", "GET", "/api/v1/live", read, false, "All figures of this moment, for dashboards", "?after",
             "at_ms namespaces tiers rules invalidations", live},
    Endpoint{"alerts", "GET", "/api/v1/alerts", read, false, "Each alert, what it measures now, whether it fires", "", "alerts",
             alerts},
    Endpoint{"alerts/check", "POST", "/api/v1/alerts/check", invalidates, true,
             "Judges every alert at once and tells its sinks, without waiting for `for`", "", "success alerts", check_alerts},
    Endpoint{"capacity", "GET", "/api/v1/capacity", read, false, "Entries and bytes of seven days, and when a store is full",
             "?namespace ?points", "stores namespaces", capacity},
    Endpoint{"policy", "GET", "/api/v1/policy", read, false, "The policy that runs, where it comes from, how often each rule fired",
             "", "files rules id origin watched kept", policy},
    Endpoint{"policy/plan", "POST", "/api/v1/policy/plan", invalidates, true,
             "What another policy would change, with live counts; without files, those that larder.toml names", "files kept",
             "success changes needs_confirm plan", plan_policy},
    Endpoint{"policy/apply", "POST", "/api/v1/policy/apply", admin, true,
             "Runs another policy, watched by its guards; `watch` is a duration, `running` the id it was planned against",
             "files running watch confirm ?confirm", "success running watched_ms message", apply_policy},
    Endpoint{"policy/rollback", "POST", "/api/v1/policy/rollback", admin, true, "Goes back to a policy that ran before", "to watch",
             "success running watched_ms message", roll_back},
    Endpoint{"plugins", "GET", "/api/v1/plugins", read, false, "Instances, their health and metrics", "", "plugins", plugins},
    Endpoint{"events", "GET", "/api/v1/events", read, false, "What happened, oldest first", "?after", "events last", events},
    Endpoint{"explain", "GET", "/api/v1/explain", read, false, "Which rules fire, why an entry went", "?what", "text", explain},
    Endpoint{"why", "GET", "/api/v1/why", read, false, "Where an entry is, how it came there, why it went",
             "?namespace ?key", "entry present copies", why},
    Endpoint{"sessions", "GET", "/api/v1/sessions", read, false, "The sessions that the policy declares, and what this node did with them",
             "", "sessions", sessions},
    Endpoint{"sessions/run", "POST", "/api/v1/sessions/{session}/{verb}", invalidates, true,
             "create, get, save, update, touch, rotate, end, list, end-user or end-named: what a host asks of sessions",
             "id user data patch name ttl_ms", "success", run_session},
    Endpoint{"event", "POST", "/api/v1/event/{name}", invalidates, true,
             "Sends an event of the policy; members of the body are its parameters", "?dry_run", "success message", send_event},
    Endpoint{"route", "POST", "/api/v1/route", invalidates, true, "Tells of a request that an application answered",
             "method path status ?dry_run", "success message", tell_route},
    Endpoint{"reload", "POST", "/api/v1/reload", admin, true, "Reads policy and configuration again", "", "success message",
             reload},
    Endpoint{"openapi", "GET", "/openapi.json", read, false, "This description", "", "openapi paths", description},
    Endpoint{"ui", "GET", "/", nobody, false, "To the page", "", "", to_pages},
    Endpoint{"ui", "GET", "/ui/{file...}", nobody, false, "The page for people: files only, they show nothing by themselves",
             "", "", page},
};

}  // namespace

std::span<const Endpoint> endpoints() { return all; }

}  // namespace larder::serve
