// kernel/api/sessions.cpp -- sessions by name: orders to the plugins that keep them.
#include "kernel/api/sessions.hpp"

#include "kernel/api/cache_service.hpp"
#include "kernel/api/kernel.hpp"
#include "kernel/api/kernel_services.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace larder::api {
namespace {

namespace json = boost::json;

// The longest a session lives where its policy does not say, as of a sliding entry.
constexpr Ms default_absolute{24 * 3600 * 1000};
constexpr std::size_t most_ends = 10'000;
constexpr std::chrono::milliseconds again_after{250};
constexpr std::chrono::seconds one_end{5};

std::string_view view(larder_bytes bytes) {
    return {static_cast<const char*>(bytes.data), bytes.size};
}
std::string_view view(const larder_value& value) {
    return {static_cast<const char*>(value.data), value.size};
}
std::string_view view(const larder_session_id& id) { return {id.text, id.size}; }
larder_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

bool has_flag(const dsl::Session& session, std::string_view flag) {
    return std::find(session.cookie_flags.begin(), session.cookie_flags.end(), flag) != session.cookie_flags.end();
}

// RFC 6265bis. An empty id takes the browser's away.
std::string cookie_of(const dsl::Session& session, std::string_view id) {
    std::string out = session.cookie + "=" + std::string(id) + "; Path=/; Max-Age=";
    out += id.empty() ? "0" : std::to_string(facts_of(session).absolute_ms / 1000);
    if (has_flag(session, "httponly")) out += "; HttpOnly";
    if (has_flag(session, "secure") || has_flag(session, "none")) out += "; Secure";
    const char* const site = has_flag(session, "strict") ? "Strict" : has_flag(session, "none") ? "None" : "Lax";
    return out + "; SameSite=" + site;
}

struct Listing {
    json::array sessions;
    static std::int32_t LARDER_CALL add(void* ctx, const larder_session_id* id, std::uint64_t created_ms, std::int64_t ttl_ms) noexcept {
        try {
            static_cast<Listing*>(ctx)->sessions.push_back(
                {{"name", json::string_view(id->text, id->size)}, {"created_ms", created_ms}, {"ttl_ms", ttl_ms}});
            return 0;
        } catch (...) {
            return 1;
        }
    }
};

struct Released {  // an answer whose values go with it
    larder_session_answer it{};
    Released() {
        it.struct_size = sizeof it;
        it.info.struct_size = sizeof it.info;
    }
    ~Released() {
        for (larder_value* value : {&it.info.user, &it.data, &it.cookie})
            if (value->release != nullptr) value->release(value);
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;
};

larder_session_order order_of(std::uint32_t what, std::string_view session) {
    larder_session_order order{};
    order.struct_size = sizeof order;
    order.what = what;
    order.session = bytes_of(session);
    return order;
}

}  // namespace

const dsl::Session* find_session(const dsl::Policy& policy, std::string_view name) {
    for (const dsl::Session& one : policy.sessions)
        if (one.name == name) return &one;
    return nullptr;
}

Sessions& sessions_of(const Kernel& kernel) { return *KernelServices::of(kernel.host()).side().sessions(); }

larder_session_facts facts_of(const dsl::Session& session) {
    larder_session_facts out{};
    out.struct_size = sizeof out;
    if (session.encrypt) out.flags |= LARDER_SESSION_ENCRYPT;
    if (session.refuse_more) out.flags |= LARDER_SESSION_REFUSE;
    out.per_user = session.per_user.value_or(0);
    Ms absolute = default_absolute;
    if (session.ttl && session.ttl->sliding) {
        out.flags |= LARDER_SESSION_SLIDING;
        out.idle_ms = static_cast<std::uint64_t>(session.ttl->ttl.count());
        absolute = session.ttl->at_most.count() > 0 ? session.ttl->at_most : std::max(absolute, session.ttl->ttl);
    } else if (session.ttl) {
        absolute = session.ttl->ttl;
    }
    out.absolute_ms = static_cast<std::uint64_t>(absolute.count());
    return out;
}

// Users whose sessions are to end; jobs on the executor hold it.
struct Sessions::Ends : std::enable_shared_from_this<Ends> {
    mutable std::mutex mutex;
    Sessions* owner = nullptr;  // guarded by mutex, as what follows; null: closed
    std::deque<std::pair<std::string, std::string>> waiting;
    bool at_work = false;

    // REQUIRES: mutex
    void begin(Executor& executor, std::chrono::nanoseconds in) {
        at_work = true;
        const auto job = [self = shared_from_this(), &executor] {
            if (!executor.post(true, [self] { self->work(); })) self->idle();
        };
        if (in.count() == 0) {
            if (!executor.post(true, [self = shared_from_this()] { self->work(); })) at_work = false;
        } else {
            executor.after(in, job);
        }
    }
    void idle() {
        const std::lock_guard lock(mutex);
        at_work = false;
    }
    // Ends them one by one; the lock is held only in between, and the owner waits until `busy` is no more.
    void work() {
        for (;;) {
            std::unique_lock lock(mutex);
            if (owner == nullptr || waiting.empty()) {
                at_work = false;
                return;
            }
            const auto [session, user] = waiting.front();
            Sessions& sessions = *owner;
            busy = true;
            lock.unlock();
            larder_call call{};
            call.struct_size = sizeof call;
            call.deadline_ns = sessions.parts_.clock->mono_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds(one_end).count());
            larder_session_order order = order_of(LARDER_SESSION_END_USER, session);
            order.user = bytes_of(user);
            Released answer;
            const larder_status status = sessions.run(order, answer.it, &call);
            // What will never be different is not asked for again.
            const bool over = status >= 0 || status == LARDER_E_CONFIG || status == LARDER_E_UNSUPPORTED || status == LARDER_E_INVALID;
            if (status < 0 && over) sessions.parts_.note(LARDER_LOG_ERROR, "end session " + session + ": nothing keeps such sessions, or not by user");
            lock.lock();
            busy = false;
            if (owner == nullptr) {
                quiet.notify_all();
                return;
            }
            if (over) {
                waiting.pop_front();
                continue;
            }
            begin(*sessions.parts_.executor, again_after);
            return;
        }
    }
    bool busy = false;  // the owner is being used; guarded by mutex
    std::condition_variable quiet;
};

Sessions::Sessions(Parts parts)
    : parts_(std::move(parts)), pending_(*parts_.executor), wall_ms_(parts_.clock->wall_ms()), mono_ns_(parts_.clock->mono_ns()), ends_(std::make_shared<Ends>()) {
    ends_->owner = this;
}

Sessions::~Sessions() {
    std::unique_lock lock(ends_->mutex);
    ends_->owner = nullptr;
    ends_->quiet.wait(lock, [this] { return !ends_->busy; });
}

void Sessions::install(const std::vector<StoreHandle>& stores, const dsl::Policy& policy) {
    const std::lock_guard lock(tiers_mutex_);
    std::vector<std::shared_ptr<Tier>> next;
    for (const StoreHandle& store : stores) {
        BreakerOptions options;
        for (const dsl::Breaker& breaker : policy.breakers)
            if (breaker.store == store.name) options = {breaker.failures, breaker.probes, breaker.retry_after};
        const auto known = std::find_if(tiers_.begin(), tiers_.end(), [&](const auto& one) { return one->store().self == store.self && one->store().name == store.name; });
        if (known == tiers_.end()) {
            next.push_back(std::make_shared<Tier>(store, options, *parts_.clock, pending_));
            continue;
        }
        (*known)->breaker().configure(options);
        next.push_back(*known);
    }
    tiers_ = std::move(next);
}

std::shared_ptr<Tier> Sessions::tier_of(std::string_view session) const {
    const auto policy = parts_.policy();
    const dsl::Session* said = policy == nullptr ? nullptr : find_session(*policy, session);
    if (said == nullptr) return nullptr;
    const std::lock_guard lock(tiers_mutex_);
    const auto found = std::find_if(tiers_.begin(), tiers_.end(), [said](const auto& one) {
        return said->store.empty() ? one->store().shared != nullptr : one->store().name == said->store;
    });
    if (found != tiers_.end()) return *found;
    return said->store.empty() && !tiers_.empty() ? tiers_.front() : nullptr;
}

std::uint64_t Sessions::steady_wall_ms() const noexcept { return wall_ms_ + (parts_.clock->mono_ns() - mono_ns_) / 1'000'000; }

larder_status Sessions::run(const larder_session_order& order, larder_session_answer& answer, const larder_call* call) {
    const auto policy = parts_.policy();
    const std::string_view name = view(order.session);
    const dsl::Session* said = policy == nullptr ? nullptr : find_session(*policy, name);
    const auto instance = said == nullptr ? nullptr : parts_.instance(name);
    if (instance == nullptr) return LARDER_E_CONFIG;
    const larder_session_v1& table = instance->table<larder_session_v1>();
    void* const self = instance->self();
    larder_call plain{};
    plain.struct_size = sizeof plain;
    if (call != nullptr) plain.deadline_ns = call->deadline_ns;
    const auto cookie = [&](std::string_view id) {
        if (!said->cookie.empty()) give_text(cookie_of(*said, id), answer.cookie);
    };
    larder_status status = LARDER_E_INVALID;
    switch (order.what) {
        case LARDER_SESSION_CREATE: {
            larder_session_spec spec{sizeof(larder_session_spec), 0, order.user, order.data, order.ttl_ms};
            status = table.create(self, &spec, &plain, &answer.id);
            if (status == LARDER_OK) cookie(view(answer.id));
            break;
        }
        case LARDER_SESSION_GET:
            answer.info.struct_size = sizeof answer.info;
            status = table.get(self, order.id, &plain, &answer.info, &answer.data);
            if (status == LARDER_E_UNSUPPORTED) status = table.load(self, order.id, &plain, &answer.data);
            break;
        case LARDER_SESSION_SAVE: status = table.save(self, order.id, order.data, &plain); break;
        case LARDER_SESSION_UPDATE: status = table.update(self, order.id, order.data, &plain, &answer.data); break;
        case LARDER_SESSION_TOUCH: status = table.touch(self, order.id, &plain); break;
        case LARDER_SESSION_ROTATE:
            status = table.rotate(self, order.id, &plain, &answer.id);
            if (status == LARDER_OK) cookie(view(answer.id));
            break;
        case LARDER_SESSION_END:
            status = table.destroy(self, order.id, &plain);
            answer.count = status == LARDER_OK ? 1 : 0;
            if (status == LARDER_OK) cookie("");
            break;
        case LARDER_SESSION_LIST: {
            Listing found;
            const larder_session_sink sink{sizeof(larder_session_sink), 0, &found, &Listing::add};
            status = table.list_user(self, order.user, &sink, &plain);
            if (status == LARDER_OK) give_text(json::serialize(found.sessions), answer.data);
            break;
        }
        case LARDER_SESSION_END_USER: {
            // The guard before a plugin takes such a number for the room in a buffer: there is enough.
            std::uint64_t ended = UINT64_MAX;
            status = table.destroy_user(self, order.user, &ended, &plain);
            answer.count = status == LARDER_OK ? ended : 0;
            break;
        }
        case LARDER_SESSION_END_NAMED:
            status = table.destroy_named(self, order.user, order.id, &plain);
            answer.count = status == LARDER_OK ? 1 : 0;
            break;
        default: break;
    }
    return status;
}

// ---- for hosts

larder_status Sessions::create(std::string_view session, std::string_view user, std::string_view data, std::string& id, std::string* cookie) {
    larder_session_order order = order_of(LARDER_SESSION_CREATE, session);
    order.user = bytes_of(user);
    order.data = bytes_of(data);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    if (status != LARDER_OK) return status;
    id = view(answer.it.id);
    if (cookie != nullptr) *cookie = view(answer.it.cookie);
    return status;
}

larder_status Sessions::get(std::string_view session, std::string_view id, SessionFound& out) {
    larder_session_order order = order_of(LARDER_SESSION_GET, session);
    order.id = bytes_of(id);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    if (status != LARDER_OK) return status;
    const larder_session_info& info = answer.it.info;
    out = {std::string(view(answer.it.data)), std::string(view(info.user)), info.created_ms, info.idle_ms, info.absolute_ms,
           (info.flags & LARDER_SESSION_REPLACED) != 0};
    return status;
}

larder_status Sessions::save(std::string_view session, std::string_view id, std::string_view data) {
    larder_session_order order = order_of(LARDER_SESSION_SAVE, session);
    order.id = bytes_of(id);
    order.data = bytes_of(data);
    Released answer;
    return run(order, answer.it, nullptr);
}

larder_status Sessions::update(std::string_view session, std::string_view id, std::string_view patch, std::string& data) {
    larder_session_order order = order_of(LARDER_SESSION_UPDATE, session);
    order.id = bytes_of(id);
    order.data = bytes_of(patch);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    if (status == LARDER_OK) data = view(answer.it.data);
    return status;
}

larder_status Sessions::touch(std::string_view session, std::string_view id) {
    larder_session_order order = order_of(LARDER_SESSION_TOUCH, session);
    order.id = bytes_of(id);
    Released answer;
    return run(order, answer.it, nullptr);
}

larder_status Sessions::rotate(std::string_view session, std::string_view id, std::string& fresh, std::string* cookie) {
    larder_session_order order = order_of(LARDER_SESSION_ROTATE, session);
    order.id = bytes_of(id);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    if (status != LARDER_OK) return status;
    fresh = view(answer.it.id);
    if (cookie != nullptr) *cookie = view(answer.it.cookie);
    return status;
}

larder_status Sessions::end(std::string_view session, std::string_view id) {
    larder_session_order order = order_of(LARDER_SESSION_END, session);
    order.id = bytes_of(id);
    Released answer;
    return run(order, answer.it, nullptr);
}

larder_status Sessions::list(std::string_view session, std::string_view user, std::vector<SessionListed>& out) {
    larder_session_order order = order_of(LARDER_SESSION_LIST, session);
    order.user = bytes_of(user);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    if (status != LARDER_OK) return status;
    const std::string_view text = view(answer.it.data);
    out.clear();
    const json::value read = json::parse(json::string_view(text.data(), text.size()));
    for (const json::value& one : read.as_array())
        out.push_back({std::string(one.at("name").as_string()), one.at("created_ms").to_number<std::uint64_t>(), one.at("ttl_ms").to_number<std::int64_t>()});
    return status;
}

larder_status Sessions::end_user(std::string_view session, std::string_view user, std::uint64_t& ended) {
    larder_session_order order = order_of(LARDER_SESSION_END_USER, session);
    order.user = bytes_of(user);
    Released answer;
    const larder_status status = run(order, answer.it, nullptr);
    ended = answer.it.count;
    return status;
}

larder_status Sessions::end_named(std::string_view session, std::string_view user, std::string_view name) {
    larder_session_order order = order_of(LARDER_SESSION_END_NAMED, session);
    order.user = bytes_of(user);
    order.id = bytes_of(name);
    Released answer;
    return run(order, answer.it, nullptr);
}

// ---- for rules

void Sessions::end_soon(std::string_view session, std::string_view user) {
    bool full = false;
    {
        const std::lock_guard lock(ends_->mutex);
        full = ends_->waiting.size() >= most_ends;
        if (!full) {
            ends_->waiting.emplace_back(session, user);
            if (!ends_->at_work) ends_->begin(*parts_.executor, std::chrono::nanoseconds(0));
        }
    }
    if (full) parts_.note(LARDER_LOG_ERROR, "end session " + std::string(session) + ": too many wait for the store; one was not done");
}

std::size_t Sessions::waiting() const {
    const std::lock_guard lock(ends_->mutex);
    return ends_->waiting.size();
}

// ---- reports

std::vector<SessionState> Sessions::states() const {
    std::vector<SessionState> out;
    const auto policy = parts_.policy();
    if (policy == nullptr) return out;
    for (const dsl::Session& session : policy->sessions) {
        SessionState state;
        state.name = session.name;
        state.store = session.store;
        state.facts = facts_of(session);
        state.figures.struct_size = sizeof state.figures;
        if (const auto instance = parts_.instance(session.name)) {
            state.kept = true;
            instance->table<larder_session_v1>().figures(instance->self(), &state.figures);
        }
        out.push_back(std::move(state));
    }
    return out;
}

std::vector<std::string> Sessions::asleep(const dsl::Policy& policy, const std::function<const loader::PluginInstance*(std::string_view)>& instance) {
    std::vector<std::string> out;
    for (const dsl::Session& session : policy.sessions) {
        const std::string at = session.where.text() + ": session " + session.name + ": ";
        const loader::PluginInstance* kept_by = instance(session.name);
        if (kept_by == nullptr) out.push_back(at + "nothing keeps it; write [session." + session.name + "] in larder.toml");
        else if (session.encrypt && (kept_by->caps() & LARDER_SESSION_CAP_SEALED) == 0) out.push_back(at + "`encrypt` is not done by " + kept_by->component());
        if (session.compress) out.push_back(at + "`compress` is not done: the size of what is sealed would tell of secrets in it");
        if (session.limit_bytes) out.push_back(at + "`limit` in bytes is not watched for sessions; `limit N per user` is");
    }
    return out;
}

}  // namespace larder::api
