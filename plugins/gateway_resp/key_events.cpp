// plugins/gateway_resp/key_events.cpp -- see key_events.hpp.
#include "key_events.hpp"

#include <algorithm>
#include <iterator>

namespace larder::resp {
namespace {

struct Letter {
    char letter;
    std::uint32_t kind;
};
// In the order in which Redis writes them.
constexpr Letter types[] = {{'g', kEventGeneric}, {'$', kEventString},  {'l', kEventList},
                            {'s', kEventSet},     {'h', kEventHash},    {'z', kEventSorted},
                            {'x', kEventExpired}, {'e', kEventEvicted}, {'t', kEventStream},
                            {'d', kEventModule}};
constexpr Letter others[] = {{'n', kEventNew},
                             {'K', kEventKeyspace},
                             {'E', kEventKeyevent},
                             {'m', kEventMiss}};
constexpr std::uint32_t all_types = [] {
    std::uint32_t all = 0;
    for (const Letter& type : types) {
        all |= type.kind;
    }
    return all;
}();

std::uint32_t kind_of(char letter) noexcept {
    if (letter == 'A') {
        return all_types;
    }
    for (const Letter& known : types) {
        if (known.letter == letter) {
            return known.kind;
        }
    }
    for (const Letter& known : others) {
        if (known.letter == letter) {
            return known.kind;
        }
    }
    return 0;
}

}  // namespace

bool KeyEvents::valid(std::string_view letters) noexcept {
    return std::all_of(letters.begin(), letters.end(),
                       [](char letter) { return kind_of(letter) != 0; });
}

void KeyEvents::choose(std::string_view letters) noexcept {
    std::uint32_t chosen = 0;
    for (const char letter : letters) {
        chosen |= kind_of(letter);
    }
    chosen_.store(chosen, std::memory_order_relaxed);
}

std::string KeyEvents::letters() const {
    const std::uint32_t chosen = chosen_.load(std::memory_order_relaxed);
    std::string text;
    const auto add = [&](const Letter& known) {
        if ((chosen & known.kind) != 0) {
            text += known.letter;
        }
    };
    if ((chosen & all_types) == all_types) {
        text += 'A';
    } else {
        std::for_each(std::begin(types), std::end(types), add);
    }
    std::for_each(std::begin(others), std::end(others), add);
    return text;
}

void KeyEvents::publish(std::uint32_t kind, std::string_view event, std::string_view key,
                        const Client& from, const std::function<void(Mail)>& own) {
    if (!wants(kind) || channels_.silent()) {
        return;
    }
    const std::uint32_t chosen = chosen_.load(std::memory_order_relaxed);
    if ((chosen & kEventKeyspace) != 0) {
        channels_.publish("__keyspace@0__:" + std::string(key), event, from, own);
    }
    if ((chosen & kEventKeyevent) != 0) {
        channels_.publish("__keyevent@0__:" + std::string(event), key, from, own);
    }
}

}  // namespace larder::resp
