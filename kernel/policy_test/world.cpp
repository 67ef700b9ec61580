// kernel/policy_test/world.cpp -- the kernel of one test.
#include "kernel/policy_test/world.hpp"

#include "kernel/core/figures.hpp"
#include "kernel/core/request_values.hpp"
#include "kernel/policy_test/request.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace larder::policy_test {
namespace {

// A test puts few entries: what a cache remembers of a million would be most of its cost.
constexpr std::size_t few = 4096;
constexpr std::string_view value_put = "a value";

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

larder_call call_with(std::uint32_t flags) {
    larder_call call{};
    call.struct_size = sizeof call;
    call.flags = flags;
    return call;
}

// The pairs of a put, without those that only made its key.
std::vector<larder_pair> pairs_of(const dsl::Namespace& ns,
                                  const std::vector<dsl::GivenValue>& with) {
    std::vector<larder_pair> out;
    const auto fields = ns.parameters.begin() + ns.fields;
    for (const dsl::GivenValue& given : with)
        if (std::find(ns.parameters.begin(), fields, given.name) == fields)
            out.push_back({bytes(given.name), bytes(given.value)});
    return out;
}

void add(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

std::vector<std::string> stores_of(const dsl::Policy& policy) {
    std::vector<std::string> out;
    const bool open = std::any_of(
        policy.namespaces.begin(), policy.namespaces.end(),
        [](const dsl::Namespace& ns) { return ns.key.has_value() && ns.tiers.empty(); });
    if (open) out.emplace_back("l1");
    std::size_t place = 0;
    // By their place: what is nearest anywhere comes before what is second anywhere.
    for (bool more = true; more; ++place) {
        more = false;
        for (const dsl::Namespace& ns : policy.namespaces) {
            if (place >= ns.tiers.size()) continue;
            more = true;
            add(out, ns.tiers[place].store);
        }
    }
    for (const dsl::Breaker& breaker : policy.breakers) add(out, breaker.store);
    for (const dsl::Session& session : policy.sessions)
        if (!session.store.empty()) add(out, session.store);
    if (out.empty()) out.emplace_back("l1");
    return out;
}

World::World(std::shared_ptr<const dsl::Policy> policy, std::span<const std::string> stores)
    : policy_(std::move(policy)), names_(stores.begin(), stores.end()) {
    CacheOptions options;
    options.clock = &clock_;
    options.random = &random_;
    options.executor = &executor_;
    options.records = few;
    options.fences = few;
    options.shared_records = few;
    options.outbox = few;
    cache_ = std::make_unique<Cache>(options);

    for (std::size_t i = 0; i < names_.size(); ++i)
        stores_.push_back(std::make_unique<TestStore>(clock_));
    install(policy_);
    numbers_.resize(policy_->namespaces.size(), LARDER_NS_NONE);
    for (std::size_t i = 0; i < numbers_.size(); ++i)
        (void)cache_->ns_find(policy_->namespaces[i].name, &numbers_[i]);
}

void World::install(std::shared_ptr<const dsl::Policy> policy) {
    CacheParts parts;
    parts.policy = std::move(policy);
    for (std::size_t i = 0; i < names_.size(); ++i)
        parts.stores.push_back(stores_[i]->handle(names_[i]));
    parts.warm = [this](const std::vector<std::uint32_t>& items) {
        for (const std::uint32_t item : items) warmed_.push_back(policy_->warms[item].ns);
        return static_cast<std::uint32_t>(items.size());
    };
    parts.end_sessions = [this](std::string_view session, std::string_view user) {
        ended_.emplace_back(session, user);
    };
    cache_->install(std::move(parts));
}

World::~World() { executor_.stop(); }

std::vector<std::uint64_t> World::found() const {
    std::vector<std::uint64_t> out;
    out.reserve(stores_.size());
    for (const auto& store : stores_) out.push_back(store->found());
    return out;
}

// The last store that had something is the one that answered: one before it had a dead copy.
World::Seen World::seen(larder_cache_get& item, std::span<const std::uint64_t> before) const {
    Seen out;
    out.status = item.status;
    out.stale = (item.found & LARDER_FOUND_STALE) != 0;
    out.absent = (item.found & LARDER_FOUND_ABSENT) != 0;
    out.ttl_ms = item.ttl_ms;
    if (item.value.release != nullptr) item.value.release(&item.value);
    if (item.status != LARDER_OK) return out;
    for (std::size_t i = 0; i < stores_.size(); ++i)
        if (stores_[i]->found() != before[i]) out.store = names_[i];
    return out;
}

World::Seen World::read(dsl::NamespaceIndex ns, std::string_view key) {
    const std::vector<std::uint64_t> before = found();
    larder_cache_get item{};
    item.ns = number(ns);
    item.key = bytes(key);
    const larder_call call = call_with(0);
    (void)cache_->get_many(&item, 1, &call);
    const Seen out = seen(item, before);
    executor_.run();
    return out;
}

World::Seen World::look(dsl::NamespaceIndex ns, std::string_view key) {
    const std::vector<std::uint64_t> before = found();
    larder_cache_get item{};
    item.ns = number(ns);
    item.key = bytes(key);
    constexpr std::uint32_t unused[] = {LARDER_CALL_PEEK, LARDER_GET_STALE, LARDER_GET_META};
    const larder_call call = call_with(unused[0] | unused[1] | unused[2]);
    (void)cache_->get_many(&item, 1, &call);
    return seen(item, before);
}

World::Seen World::load(dsl::NamespaceIndex ns, std::string_view key, dsl::LoadOutcome end,
                        const std::vector<dsl::GivenValue>& with) {
    const std::vector<std::uint64_t> before = found();
    const dsl::Namespace& space = policy_->namespaces[ns];
    const Loader loader = [&]() -> Loaded {
        if (end == dsl::LoadOutcome::fails) return {LARDER_E_IO, {}, 0, {}};
        if (end == dsl::LoadOutcome::absent) return {LARDER_MISS, {}, 0, {}};
        Loaded out{LARDER_OK, std::string(value_put), 0, {}};
        for (const larder_pair& pair : pairs_of(space, with))
            out.with.emplace_back(
                std::string(static_cast<const char*>(pair.name.data), pair.name.size),
                std::string(static_cast<const char*>(pair.value.data), pair.value.size));
        return out;
    };
    larder_cache_get item{};
    item.ns = number(ns);
    item.key = bytes(key);
    cache_->get_or_load(item, loader, nullptr);
    const Seen out = seen(item, before);
    executor_.run();  // a load behind a stale answer; `loader` lives until here
    return out;
}

larder_status World::put_version(dsl::NamespaceIndex ns, std::string_view key,
                                 const std::vector<dsl::GivenValue>& with, std::string_view value,
                                 std::uint32_t version) {
    if (version == 0 || version == policy_->namespaces[ns].version) return put(ns, key, with, value);
    // What a put asks a policy for, and no rules.
    auto before = std::make_shared<dsl::Policy>();
    before->namespaces = policy_->namespaces;
    before->breakers = policy_->breakers;
    before->index();
    before->namespaces[ns].version = version;
    before->namespaces[ns].accepts.clear();
    install(std::move(before));
    const larder_status status = put(ns, key, with, value);
    install(policy_);
    return status;
}

std::optional<std::string> World::value(dsl::NamespaceIndex ns, std::string_view key) {
    larder_cache_get item{};
    item.ns = number(ns);
    item.key = bytes(key);
    const larder_call call = call_with(0);
    (void)cache_->get_many(&item, 1, &call);
    std::optional<std::string> out;
    if (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0)
        out.emplace(static_cast<const char*>(item.value.data), item.value.size);
    if (item.value.release != nullptr) item.value.release(&item.value);
    executor_.run();
    return out;
}

larder_status World::put(dsl::NamespaceIndex ns, std::string_view key,
                         const std::vector<dsl::GivenValue>& with, std::string_view value) {
    const std::vector<larder_pair> pairs = pairs_of(policy_->namespaces[ns], with);
    larder_cache_set item{};
    item.ns = number(ns);
    item.key = bytes(key);
    item.value = bytes(value.empty() ? std::string_view(value_put) : value);
    item.with = pairs.data();
    item.with_count = static_cast<std::uint32_t>(pairs.size());
    const larder_call call = call_with(0);
    (void)cache_->set_many(&item, 1, &call);
    executor_.run();
    return item.status;
}

World::Answer World::serve(const dsl::TestStep& step) {
    const Request request(step);
    larder_serve out{};
    out.struct_size = sizeof out;
    Answer answer;
    answer.status = cache_->serve(request.raw(), out);
    if (answer.status == LARDER_MISS) return answer;
    answer.rule = out.rule;
    const auto ns = std::find(numbers_.begin(), numbers_.end(), out.ns);
    answer.ns = static_cast<dsl::NamespaceIndex>(ns - numbers_.begin());
    if (answer.status == LARDER_OK)
        answer.key.assign(static_cast<const char*>(out.key.data), out.key.size);
    return answer;
}

bool World::has(const dsl::TestStep& step, dsl::Origin origin, std::string_view field) {
    const Request request(step);
    return RequestValues(request.raw()).find(origin, field).has_value();
}

World::Fired World::fired(const larder_receipt& receipt) const {
    Fired out;
    if (receipt.json.data == nullptr) return out;
    const boost::json::value all = boost::json::parse(
        {static_cast<const char*>(receipt.json.data), receipt.json.size});
    for (const boost::json::value& one : all.at("rules").as_array()) {
        const boost::json::string& where = one.at("where").as_string();
        const boost::json::string& head = one.at("rule").as_string();
        for (std::uint32_t i = 0; i < policy_->rules.size(); ++i)
            if (policy_->rules[i].head == std::string_view(head) &&
                policy_->rules[i].where.text() == std::string_view(where))
                out.rules.push_back(i);
    }
    if (const boost::json::value* notes = all.as_object().if_contains("notes"))
        for (const boost::json::value& note : notes->as_array())
            out.uncertain.emplace_back(note.as_string());
    return out;
}

World::Fired World::request(const dsl::TestStep& step) {
    const Request request(step);
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    receipt.want_json = 1;
    (void)cache_->request(request.raw(), &receipt, nullptr);
    const Fired out = fired(receipt);
    if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    executor_.run();
    return out;
}

World::Fired World::event(const dsl::TestStep& step) {
    std::vector<larder_pair> pairs;
    for (const dsl::GivenValue& given : step.given)
        pairs.push_back({bytes(given.name), bytes(given.value)});
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    receipt.want_json = 1;
    (void)cache_->event(step.text, pairs.data(), pairs.size(), &receipt, nullptr);
    const Fired out = fired(receipt);
    if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    executor_.run();
    return out;
}

// Whether an entry lives is a question of the clock, not of timers: those only tidy up. So a year costs
// as many rounds of them as a minute.
void World::after(Ms by) {
    constexpr int rounds = 8;
    for (int left = rounds; left > 0; --left) {
        const Ms part = by / left;
        clock_.advance(part);
        by -= part;
        executor_.run();
    }
}

void World::today(std::int64_t days) {
    constexpr std::int64_t day_ms = 86'400'000;
    const auto into_day = static_cast<std::int64_t>(clock_.wall_ms() % day_ms);
    clock_.set_wall_ms(static_cast<std::uint64_t>(days * day_ms + into_day));
}

bool World::fail(std::string_view store, bool fails) {
    const auto found = std::find(names_.begin(), names_.end(), store);
    if (found == names_.end()) return false;
    stores_[static_cast<std::size_t>(found - names_.begin())]->fail(fails);
    return true;
}

bool World::any_fails() const {
    return std::any_of(stores_.begin(), stores_.end(), [](const auto& s) { return s->fails(); });
}

std::optional<dsl::BreakerIs> World::breaker(std::string_view store) const {
    const Figures figures = cache_->figures();
    const TierFigures* tier = figures.tier(store);
    if (tier == nullptr) return std::nullopt;
    switch (tier->breaker) {
        case 0: return dsl::BreakerIs::closed;
        case 1: return dsl::BreakerIs::open;
        default: return dsl::BreakerIs::half_open;
    }
}

std::string World::why(dsl::NamespaceIndex ns, std::string_view key) const {
    return cache_->why(number(ns), key);
}

}  // namespace larder::policy_test
