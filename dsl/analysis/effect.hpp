// dsl/analysis/effect.hpp -- what the rules of a policy do, in a form that two policies can be
// compared in.
//
// The same deed can be written in many ways: captures have names that nobody outside sees, one key
// of a namespace is dropped beside all of it, a `refresh` of what nothing warms is a drop. An
// Effect has a `meaning` without these: a capture is the segment of the path it stands for, a `let`
// the place in the request it reads, a parameter of an event its name. Equal meanings are equal
// deeds for every request, in one policy or in two. Different meanings are different deeds for some
// request, with one exception: captures that stand behind a `**`, or for a part of a segment, are
// known by their route only, so two routes that cut a path differently but alike are taken for
// different.
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

enum class Deed : std::uint8_t { drop, refresh, expire, warm, end_session, serve };
std::string_view name_of(Deed deed);

struct Effect {
    Deed deed = Deed::drop;
    TargetKind kind = TargetKind::namespace_;  // of drop, refresh and expire
    NamespaceIndex ns = none;                  // none: a tag, everything, a session
    std::string target;                        // what it is done to; equal texts: the same thing
    std::string shown;                         // as a person writes it: `drop menu.item "{id}"`
    // What has to be given for it: `header "X-Tenant-Id"`. Anything missing: `otherwise` is done.
    std::vector<std::string> needs;
    std::string
        otherwise;  // "drop every entry of `menu.item`"; "nothing"; empty when nothing is needed
    std::vector<std::uint32_t> rules;  // that say it, ascending

    std::string meaning() const;
};

// `header "X"`: as rules write it, the name of a header in lower case (RFC 9110 5.1).
std::string source_of(Origin origin, std::string_view field);

// Every effect of every rule, worked out once.
class Effects {
  public:
    explicit Effects(const Policy& policy);

    // What these rules do when they fire together: the strongest of drop, refresh and expire for
    // each target, nothing that another of them does anyway. Sorted; each meaning once. `segments`:
    // of the path, where it is known (0: it is not), so that the rest of a path that is one segment
    // long is that segment.
    std::vector<Effect> of(std::span<const std::uint32_t> rules, std::uint32_t serving,
                           std::uint32_t segments = 0) const;
    // Of a rule that is not the policy's, each as it is written.
    std::vector<Effect> of_one(const Rule& rule, std::uint32_t segments = 0) const;
    // Up to how many segments it matters how long a path is: see JointBounds::segments.
    std::uint32_t segments() const { return segments_; }
    const Policy& policy() const { return policy_; }

  private:
    bool covers(const Effect& one, const Effect& other) const;

    const Policy& policy_;
    std::vector<std::vector<Effect>> by_rule_;
    std::uint32_t segments_ = 0;
};

}  // namespace larder::dsl
