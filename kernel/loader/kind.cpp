// kernel/loader/kind.cpp -- the seven kinds and their capabilities: words of manifests, numbers of
// the ABI.
#include "kernel/loader/kind.hpp"

#include <array>
#include <utility>

namespace larder::loader {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 7> kinds{{
    {Kind::store, "store"},
    {Kind::compressor, "compressor"},
    {Kind::warmer, "warmer"},
    {Kind::invalidator, "invalidator"},
    {Kind::session, "session"},
    {Kind::exporter, "exporter"},
    {Kind::gateway, "gateway"},
}};

constexpr auto table = std::to_array<Capability>({
    {Kind::store, "sync", LARDER_STORE_CAP_SYNC},
    {Kind::store, "blocking", LARDER_STORE_CAP_BLOCKING},
    {Kind::store, "zero_copy", LARDER_STORE_CAP_ZERO_COPY},
    {Kind::store, "ttl", LARDER_STORE_CAP_TTL},
    {Kind::store, "scan", LARDER_STORE_CAP_SCAN},
    {Kind::store, "version", LARDER_STORE_CAP_VERSION},
    {Kind::store, "shared", LARDER_STORE_CAP_SHARED},
    {Kind::store, "persistent", LARDER_STORE_CAP_PERSISTENT},
    {Kind::store, "bounded", LARDER_STORE_CAP_BOUNDED},
    {Kind::store, "limits", LARDER_STORE_CAP_LIMITS},
    {Kind::store, "mark", LARDER_STORE_CAP_MARK},
    {Kind::store, "waits", LARDER_STORE_CAP_WAITS},
    {Kind::store, "evict", LARDER_STORE_CAP_EVICT},
    {Kind::store, "demote", LARDER_STORE_CAP_DEMOTE},
    {Kind::compressor, "deterministic", LARDER_COMP_CAP_DETERMINISTIC},
    {Kind::compressor, "dictionary", LARDER_COMP_CAP_DICTIONARY},
    {Kind::compressor, "settings", LARDER_COMP_CAP_SETTINGS},
    {Kind::warmer, "plan", LARDER_WARM_CAP_PLAN},
    {Kind::warmer, "observe", LARDER_WARM_CAP_OBSERVE},
    {Kind::warmer, "async", LARDER_WARM_CAP_ASYNC},
    {Kind::warmer, "write", LARDER_WARM_CAP_WRITE},
    {Kind::warmer, "report", LARDER_WARM_CAP_REPORT},
    {Kind::invalidator, "rules", LARDER_INV_CAP_RULES},
    {Kind::invalidator, "source", LARDER_INV_CAP_SOURCE},
    {Kind::session, "sealed", LARDER_SESSION_CAP_SEALED},
    {Kind::session, "rotate", LARDER_SESSION_CAP_ROTATE},
    {Kind::session, "user_index", LARDER_SESSION_CAP_USER_INDEX},
    {Kind::exporter, "pull", LARDER_EXP_CAP_PULL},
    {Kind::exporter, "push", LARDER_EXP_CAP_PUSH},
    {Kind::exporter, "events", LARDER_EXP_CAP_EVENTS},
    {Kind::exporter, "changes", LARDER_EXP_CAP_CHANGES},
});

}  // namespace

std::string_view name_of(Kind kind) {
    for (const auto& [each, name] : kinds) {
        if (each == kind) {
            return name;
        }
    }
    return "unknown";
}

std::optional<Kind> kind_of(std::string_view name) {
    for (const auto& [kind, each] : kinds) {
        if (each == name) {
            return kind;
        }
    }
    return std::nullopt;
}

std::optional<Kind> kind_of(std::uint32_t number) {
    for (const auto& [kind, name] : kinds) {
        if (static_cast<std::uint32_t>(kind) == number) {
            return kind;
        }
    }
    return std::nullopt;
}

std::span<const Capability> capabilities() { return table; }

std::optional<std::uint64_t> capability(Kind kind, std::string_view word) {
    for (const Capability& each : table) {
        if (each.kind == kind && each.word == word) {
            return each.bit;
        }
    }
    return std::nullopt;
}

std::vector<std::string_view> capability_words(Kind kind, std::uint64_t caps) {
    std::vector<std::string_view> words;
    for (const Capability& each : table) {
        if (each.kind == kind && (caps & each.bit) != 0) {
            words.push_back(each.word);
        }
    }
    return words;
}

std::uint64_t known_capabilities(Kind kind) {
    std::uint64_t all = 0;
    for (const Capability& each : table) {
        all |= each.kind == kind ? each.bit : 0;
    }
    return all;
}

}  // namespace larder::loader
