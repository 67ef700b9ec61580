// tests/sim/client.cpp -- the operations, each with what it tells the history.
#include "tests/sim/client.hpp"

#include "tests/sim/policies.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace larder::sim {
namespace {

constexpr std::uint64_t ms = 1'000'000;

larder_bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

std::string owner_of(std::uint64_t key) { return key == 2 ? "ann" : "bob"; }

}  // namespace

larder_call Client::call(std::uint64_t deadline_ns) const {
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = place_.clock.local(now() + deadline_ns);
    call.client = place_.node * 100 + number_;
    return call;
}

std::uint32_t Client::ns(std::uint64_t key) const {
    std::uint32_t number = 0;
    place_.cache.ns_find(space_of(key), &number);
    return number;
}

std::uint64_t Client::troubles() const { return place_.network == nullptr ? 0 : place_.network->troubles(place_.node); }

History::Read Client::begin_read(std::uint64_t key) {
    const bool trusts = place_.network == nullptr || place_.network->trusts(place_.node);
    const std::uint64_t told = place_.network == nullptr ? 0 : place_.network->told_until_ns(place_.node);
    const bool troubled = place_.network != nullptr && place_.network->last_trouble_ns(place_.node) + 400 * ms > now();
    History::Read read = place_.history.begin_read(key, place_.node, told, trusts, troubled, troubles(), now());
    if (place_.network != nullptr) read.stream_since_ns = place_.network->stream_since_ns(place_.node);
    return read;
}

void Client::end_read(const History::Read& read, larder_cache_get& item) {
    History::Answer answer;
    answer.absent = (item.found & LARDER_FOUND_ABSENT) != 0;
    answer.found = item.status == LARDER_OK && !answer.absent;
    answer.stale = (item.found & LARDER_FOUND_STALE) != 0;
    answer.troubled = troubles() != read.troubles;
    if (answer.found) answer.value = {static_cast<const char*>(item.value.data), item.value.size};
    place_.history.end_read(read, answer, now());
    if (item.value.release != nullptr) item.value.release(&item.value);
}

void Client::work(std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations && place_.history.violation().empty(); ++i) {
        place_.scheduler.sleep(rng().below(rng().one_in(6) ? 120 * ms : 8 * ms));
        const std::uint64_t key = any_key();
        switch (rng().below(16)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4: read(key, false); break;
            case 5:
            case 6: look(key); break;
            case 7:
            case 8:
            case 9: look_and_set(key); break;
            case 10: look_at_many(); break;
            case 15:
                if (rng().one_in(3)) {
                    place_.reload();
                    break;
                }
                [[fallthrough]];
            default: change(); break;
        }
    }
}

Loaded Client::load(const History::Read& read, bool calm, bool impatient) {
    History& history = place_.history;
    const std::uint64_t key = read.key;
    // Who has waited long enough loads for itself, beside all others.
    if (!impatient) history.begin_load(read, troubles(), now());
    place_.scheduler.sleep(calm ? 100'000 : rng().below(rng().one_in(8) ? 90 * ms : 6 * ms));
    Loaded loaded;
    if (!calm && rng().one_in(12)) {
        loaded.status = LARDER_E_IO;
    } else {
        if (auto value = history.take(key, place_.node, now())) loaded.value = std::move(*value);
        else loaded.status = LARDER_MISS;
        if (loaded.status == LARDER_OK) loaded.value.append(rng().below(200), '.');
        if (key >= 2) loaded.with.emplace_back("owner", owner_of(key));
        place_.scheduler.sleep(calm ? 100'000 : rng().below(rng().one_in(8) ? 90 * ms : 6 * ms));
    }
    if (!impatient) history.end_load(read);
    return loaded;
}

bool Client::read(std::uint64_t key, bool calm) {
    const History::Read read = begin_read(key);
    const std::string name = std::to_string(key);
    const std::uint64_t deadline = calm ? 400 * ms : rng().between(30, 400) * ms;
    const std::uint64_t held = place_.scheduler.held_up_ns();
    const std::uint64_t wait_ms = policy_facts(place_.policy).wait_ms;
    const std::uint64_t patience = wait_ms != 0 ? std::min(deadline, wait_ms * ms) : deadline;
    std::uint64_t loading = 0;
    bool loaded = false;
    larder_cache_get item{};
    item.ns = ns(key);
    item.key = bytes(name);
    const larder_call c = call(deadline);
    // The loader may run behind the answer, when this frame is gone.
    const auto loads = std::make_shared<std::uint64_t>(0);
    const auto ran = std::make_shared<bool>(false);
    place_.cache.get_or_load(
        item,
        [self = *this, read, calm, loads, ran, patience]() mutable {
            *ran = true;
            const std::uint64_t at = self.now();
            Loaded result = self.load(read, calm, at >= read.began_ns + patience);
            *loads += self.now() - at;
            return result;
        },
        &c);
    loaded = *ran;
    loading = *loads;
    // Nobody but a loader says so, now or before.
    if (item.status == LARDER_MISS) item.found |= LARDER_FOUND_ABSENT;
    place_.history.check_time("a get_or_load", now() - read.began_ns, deadline + loading + place_.scheduler.held_up_ns() - held);
    end_read(read, item);
    return loaded;
}

void Client::look(std::uint64_t key) {
    const History::Read read = begin_read(key);
    const std::string name = std::to_string(key);
    const std::uint64_t deadline = rng().between(20, 400) * ms, held = place_.scheduler.held_up_ns();
    larder_cache_get item{};
    item.ns = ns(key);
    item.key = bytes(name);
    const larder_call c = call(deadline);
    place_.cache.get_many(&item, 1, &c);
    place_.history.check_time("a get", now() - read.began_ns, deadline + place_.scheduler.held_up_ns() - held);
    end_read(read, item);
}

void Client::look_at_many() {
    std::array<larder_cache_get, key_count> items{};
    std::array<std::string, key_count> names;
    std::vector<History::Read> reads;
    for (std::uint64_t key = 0; key < key_count; ++key) {
        names[key] = std::to_string(key);
        items[key].ns = ns(key);
        items[key].key = bytes(names[key]);
        reads.push_back(begin_read(key));
    }
    const std::uint64_t deadline = rng().between(20, 400) * ms, began = now(), held = place_.scheduler.held_up_ns();
    const larder_call c = call(deadline);
    place_.cache.get_many(items.data(), items.size(), &c);
    place_.history.check_time("a get of many", now() - began, deadline + place_.scheduler.held_up_ns() - held);
    for (std::uint64_t key = 0; key < key_count; ++key) end_read(reads[key], items[key]);
}

// As an application does that knows no loader: GET, load, SET.
void Client::look_and_set(std::uint64_t key) {
    const History::Read read = begin_read(key);
    const std::string name = std::to_string(key);
    larder_cache_get item{};
    item.ns = ns(key);
    item.key = bytes(name);
    const std::uint64_t deadline = rng().between(20, 400) * ms;
    larder_call c = call(deadline);
    c.flags = LARDER_GET_FENCE;
    place_.cache.get_many(&item, 1, &c);
    const bool found = item.status == LARDER_OK;
    const std::uint64_t version = item.version;
    end_read(read, item);
    // What is there may be replaced by something newer, if nobody has touched it meanwhile.
    if (found && !rng().one_in(3)) return;
    place_.scheduler.sleep(rng().below(6 * ms));
    std::optional<std::string> value = place_.history.take(key, place_.node, now());
    if (value) value->append(rng().below(200), '.');
    place_.scheduler.sleep(rng().below(rng().one_in(8) ? 90 * ms : 6 * ms));
    const std::string owner = owner_of(key);
    const larder_pair with{{"owner", 5}, bytes(owner)};
    larder_cache_set set{};
    set.ns = ns(key);
    set.key = bytes(name);
    set.flags = found ? LARDER_SET_IF_VERSION : LARDER_SET_FENCED;
    set.if_version = version;
    if (value) set.value = bytes(*value);
    else if (policy_facts(place_.policy).absent) set.flags |= LARDER_SET_ABSENT;
    else return;
    if (key >= 2) {
        set.with = &with;
        set.with_count = 1;
    }
    const std::uint64_t began = now(), held = place_.scheduler.held_up_ns();
    c = call(deadline);
    place_.cache.set_many(&set, 1, &c);
    place_.history.check_time("a set", now() - began, deadline + place_.scheduler.held_up_ns() - held);
}

// More often a document, whose tag is known late: there is more to get wrong.
std::uint64_t Client::any_key() { return rng().one_in(3) ? rng().between(2, 3) : rng().below(key_count); }

void Client::change() {
    const std::uint64_t key = any_key();
    const std::string name = std::to_string(key);
    larder_target target{LARDER_TARGET_KEY, ns(key), bytes(name)};
    std::vector<std::uint64_t> keys{key};
    std::string text;
    std::uint32_t action = LARDER_DROP;
    bool removes = false;
    switch (rng().below(12)) {
        case 0:
        case 1: removes = true; break;
        case 2:
        case 3: break;
        case 4:
        case 5:
        case 6:
        case 10:
        case 11:
            text = key < 2 ? "row:" + name : "owner:" + owner_of(key);
            target = {LARDER_TARGET_TAG, LARDER_NS_NONE, bytes(text)};
            break;
        case 7:
            keys = key < 2 ? std::vector<std::uint64_t>{0, 1} : std::vector<std::uint64_t>{2, 3};
            if (key < 2 && rng().one_in(2)) {
                text = "rows";
                target = {LARDER_TARGET_TAG, LARDER_NS_NONE, bytes(text)};
            } else {
                target = {LARDER_TARGET_NAMESPACE, ns(key), {}};
            }
            break;
        case 8:
            text = name + "*";
            target = {LARDER_TARGET_MATCHING, ns(key), bytes(text)};
            break;
        case 9:
            if (!rng().one_in(3)) break;
            keys = {0, 1, 2, 3};
            target = {LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, {}};
            break;
    }
    // An expire without a window in which stale is served is a drop.
    const bool expire = !removes && policy_facts(place_.policy).stale_ms > 0 && rng().one_in(3);
    if (expire) action = LARDER_EXPIRE;

    // Documents that are made from a row change with it.
    if (policy_facts(place_.policy).depends && std::find(keys.begin(), keys.end(), 0) != keys.end())
        for (const std::uint64_t document : {2, 3})
            if (std::find(keys.begin(), keys.end(), document) == keys.end()) keys.push_back(document);
    for (const std::uint64_t each : keys) place_.history.commit(each, policy_facts(place_.policy).absent && rng().one_in(3), now());
    place_.scheduler.sleep(rng().below(2 * ms));
    const std::uint64_t troubled = troubles();
    const std::size_t change = place_.history.begin_change(keys, place_.node, expire, now());
    const std::uint64_t began = now(), held = place_.scheduler.held_up_ns(), deadline = 300 * ms;
    const larder_call c = call(deadline);
    if (removes) {
        larder_cache_key item{ns(key), LARDER_OK, bytes(name)};
        place_.cache.remove_many(&item, 1, &c);
    } else {
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        place_.cache.change(action, &target, 1, &receipt, &c);
    }
    place_.history.check_time("a change", now() - began, deadline + place_.scheduler.held_up_ns() - held);
    const bool clean = place_.network == nullptr ||
                       (troubles() == troubled && place_.network->did_change(place_.node, place_.scheduler.name(), began));
    place_.history.end_change(change, clean, now());
}

}  // namespace larder::sim
