// dsl/analysis/request_classes.hpp -- the complete table of requests: every kind that rules tell
// apart.
//
// Two requests are of one class when the same rules fire for them and the same rule serves them, in
// every policy that is asked (one for `larder routes`, two for `larder diff`). What a request says
// beside method, path and status (headers, bodies) fires no rule; where it decides what a rule
// does, the effects of the class say so (Effect::needs). The classes are disjoint, and together
// they are all requests, as long as `complete` holds.
#pragma once

#include "dsl/analysis/joint_walk.hpp"
#include "dsl/policy.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace larder::dsl {

struct RequestClass {
    MethodSet methods = 0;
    std::vector<StatusRange> statuses;              // of the answer, ascending, within 100 to 599
    std::string path;                               // witness: one of the class, normalised
    std::uint32_t segments = 0;                     // of the witness
    std::vector<std::vector<std::uint32_t>> rules;  // by policy: which fire, ascending
    std::vector<std::uint32_t> serving;             // by policy: the rule that serves, or none

    bool idle() const;  // nothing happens in any policy
    // "PUT": what the witness is sent as. The first of POST, PUT, PATCH, DELETE, GET, HEAD,
    // OPTIONS.
    std::string method() const;
    std::uint16_t status() const;  // one of statuses, 200 where it is among them
};

struct EventClass {
    std::string name;                               // witness
    std::vector<std::vector<std::uint32_t>> rules;  // by policy
    bool idle() const;
};

struct RequestClasses {
    std::vector<RequestClass> requests;
    std::vector<EventClass> events;
    bool complete = true;
    std::size_t places = 0;  // of the walks: what it cost
};

RequestClasses classes_of(std::span<const Policy* const> policies, const JointBounds& bounds = {});

// "200-399", "100-199, 400-599"; empty for all.
std::string status_names(std::span<const StatusRange> statuses);

}  // namespace larder::dsl
