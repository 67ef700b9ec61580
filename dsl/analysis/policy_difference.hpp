// dsl/analysis/policy_difference.hpp -- what changes when one policy takes the place of another.
//
// By meaning: requests and events for which something else happens, each with one that shows it,
// and what is declared (namespaces, sessions, warm items, alerts, breakers) clause by clause with
// what follows from it. Blanks, the order of items and the names of captures are no difference. For
// every request that is in no class listed here both policies do the same (the exception is in
// effect.hpp: some requests of a listed class may be alike in truth).
#pragma once

#include "dsl/analysis/effect.hpp"
#include "dsl/analysis/request_classes.hpp"
#include "dsl/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

struct RequestDifference {
    RequestClass requests;          // of both policies
    std::vector<Effect> lost, won;  // by `before`, by `after`
};

struct EventDifference {
    std::string event;  // witness
    std::vector<Effect> lost, won;
};

// What `on drop of` rules do when entries of one namespace go. `key` as the rules write it, or
// empty.
struct DropDifference {
    std::string ns, key;
    std::vector<Effect> lost, won;
};

enum class Fate : std::uint8_t { added, removed, changed };

struct ClauseDifference {
    std::string clause, before, after;  // as written; empty: it is not there
};

struct ItemDifference {
    std::string kind, name;  // "namespace", "user_list"
    Fate fate = Fate::changed;
    std::vector<ClauseDifference> clauses;  // of a changed item
    std::vector<std::string> consequences;  // sentences
    bool cold = false;                      // namespace: no entry kept so far can be read any more
    Where where;                            // in `after`, or in `before` if removed
};

// What is declared, without rules. Cheap: no requests are looked at.
std::vector<ItemDifference> item_differences(const Policy& before, const Policy& after);

struct PolicyDifference {
    std::vector<RequestDifference> requests;
    std::vector<EventDifference> events;
    std::vector<DropDifference> drops;
    std::vector<ItemDifference> items;
    std::size_t classes = 0;  // of requests and events of both together
    bool complete = true;     // false: a bound was met, so that there may be more
    bool empty() const {
        return requests.empty() && events.empty() && drops.empty() && items.empty();
    }
};

PolicyDifference difference(const Policy& before, const Policy& after,
                            const JointBounds& bounds = {});

// For people; empty when there is no difference and nothing was left out.
std::string render_difference_text(const PolicyDifference& difference, const Policy& before,
                                   const Policy& after);
// One JSON object; `complete` is false when a bound was met.
std::string render_difference_json(const PolicyDifference& difference, const Policy& before,
                                   const Policy& after);

}  // namespace larder::dsl
