// kernel/replay/pseudonyms.hpp -- texts of real traffic without what they said, and with what a policy needs.
//
// A text is words (letters, digits, bytes above 127) and what stands between them. Words become pseudonyms,
// the rest stays: `2024-01:anna` is `Xk2..-p0V..:91c..`. So equal stays equal and different different, fields
// end where they ended, patterns that cut at a sign still cut there, and a capture of a route is the field of
// the key it was. Words that a policy itself says stay too: the literals of its routes, keys, tags and names,
// which is why its rules match a trace. Dates (`2024-01-31`) stay where the policy compares them with today.
//
// A pseudonym is 59 bits of SipHash-2-4 under a key that is made for one recording and never written down.
// Who holds the trace can count how often a pseudonym comes, and see lengths of nothing but what is between
// words; who also knows some of the traffic can recognise it by its times.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/replay/siphash.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace larder::replay {

class Pseudonyms {
  public:
    static constexpr std::size_t length = 10;
    explicit Pseudonyms(const SipKey& key) : key_(key) {}
    // A key of the system's generator. False: there is none to be had.
    static bool make_key(SipKey& out);

    void know(const dsl::Policy& policy);      // what it says stays
    void know_words(std::string_view text);    // likewise
    bool knows(std::string_view word) const { return words_.contains(word); }

    // Each appends to `out`.
    void text(std::string_view from, std::string& out) const;
    void path(std::string_view normalised, std::string& out) const;  // percent-encoded before and after
    void query(std::string_view from, std::string& out) const;       // "a=1&b=2", likewise
    // A key as clients write it, field by field where it fits.
    void key(const dsl::KeyTemplate& shape, std::string_view canonical, std::string& out) const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    void know(const dsl::Template& text);
    void word(std::string_view from, std::string& out) const;

    const SipKey key_;
    std::unordered_set<std::string, Hash, std::equal_to<>> words_;
    bool keeps_dates_ = false;
};

}  // namespace larder::replay
