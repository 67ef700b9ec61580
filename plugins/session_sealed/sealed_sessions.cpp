// plugins/session_sealed/sealed_sessions.cpp -- records of sessions: made, found, renewed, changed, ended.
#include "sealed_sessions.hpp"

#include "merge_patch.hpp"

#include <algorithm>
#include <stdexcept>

namespace larder::session_sealed {
namespace {

using plugin::bytes_of;
using plugin::text_of;

constexpr std::size_t longest_id = 256, longest_user = 512;
constexpr std::uint64_t without_deadline_ns = 5'000'000'000;

void count(std::atomic<std::uint64_t>& in) noexcept { in.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::shared_ptr<const SealedSessions::Settings> SealedSessions::settings_of(plugin::Host host, const plugin::Config& config) {
    std::optional<KeyRing> ring;
    std::string problem = "keys: there is no key";
    host.with_secret(config, "keys", [&](std::string_view texts) {
        try {
            ring.emplace(texts);
        } catch (const std::invalid_argument& bad) {
            problem = std::string("keys: ") + bad.what();
        }
    });
    if (!ring) {
        throw plugin::Error(LARDER_E_CONFIG, problem);
    }
    const Format format = config.text("format") == "fernet" ? Format::fernet : Format::gcm;
    return std::make_shared<const Settings>(Settings{std::move(*ring), format, static_cast<std::uint64_t>(config.duration_ns("grace")) / 1'000'000,
                                                     config.size("max_data"), config.boolean("audit")});
}

SealedSessions::SealedSessions(plugin::Host host, const plugin::Config& config)
    : host_(host), session_(config.instance_name()),
      store_(host.service<larder_session_store_api>(LARDER_SVC_SESSION_STORE)), settings_(settings_of(host, config)) {}

void SealedSessions::reconfigure(const plugin::Config& config) {
    auto fresh = settings_of(host_, config);
    const std::lock_guard lock(settings_mutex_);
    settings_ = std::move(fresh);
}

larder_status SealedSessions::begin(const larder_call& call, Turn& turn) {
    {
        const std::lock_guard lock(settings_mutex_);
        turn.settings = settings_;
    }
    turn.facts.struct_size = sizeof turn.facts;
    if (store_.facts(host_.raw(), bytes_of(session_), &turn.facts) != LARDER_OK) {
        return LARDER_E_CONFIG;
    }
    turn.now_ms = store_.now_ms(host_.raw(), bytes_of(session_));
    if (turn.now_ms == 0) {
        return LARDER_E_IO;  // nobody knows yet what has expired
    }
    turn.call.struct_size = sizeof turn.call;
    turn.call.deadline_ns = call.deadline_ns != 0 ? call.deadline_ns : host_.mono_ns() + without_deadline_ns;
    return LARDER_OK;
}

bool SealedSessions::late(const Turn& turn) const { return host_.mono_ns() >= turn.call.deadline_ns; }

// The first characters of a hash tell sessions apart in a log and are good for nothing else.
void SealedSessions::audit(const Turn& turn, std::string_view what, std::string_view key, std::string_view user) const {
    if (!turn.settings->audit) {
        return;
    }
    std::string line = "session " + session_ + ": " + std::string(what);
    if (!key.empty()) {
        line.append(" ").append(key.substr(2, 12));
    }
    if (!user.empty()) {
        line.append(" of user ").append(key_of_user(session_, user).substr(2, 12));
    }
    host_.log(LARDER_LOG_INFO, line);
}

// ---- records

larder_status SealedSessions::read(const Turn& turn, const std::string& key, plugin::Value& bytes) {
    return store_.get(host_.raw(), bytes_of(session_), bytes_of(key), &turn.call, bytes.out());
}

larder_status SealedSessions::find_key(const Turn& turn, const std::string& key, Opened& out) {
    plugin::Value bytes;
    if (const larder_status status = read(turn, key, bytes); status != LARDER_OK) {
        return status;
    }
    auto opened = open(turn.settings->ring, session_, key, bytes.text());
    if (!opened) {
        count(unreadable_);
        audit(turn, "unreadable", key, "");
        return LARDER_MISS;
    }
    Record& record = opened->record;
    record.ends_ms = std::min(record.ends_ms, record.created_ms + turn.facts.absolute_ms);
    if (turn.now_ms >= record.ends_ms || turn.now_ms >= record.until_ms) {
        return LARDER_MISS;
    }
    out = std::move(*opened);
    return LARDER_OK;
}

larder_status SealedSessions::find(const Turn& turn, std::string_view id, Found& out) {
    out.key = key_of_id(id.substr(0, longest_id));
    out.old_key.clear();
    larder_status status = find_key(turn, out.key, out.opened);
    if (status == LARDER_OK && out.record().kind == 'm') {
        out.old_key = std::exchange(out.key, out.record().data);
        status = find_key(turn, out.key, out.opened);
    }
    if (status == LARDER_OK && out.record().kind != 's') {
        status = LARDER_MISS;
    }
    if (status >= 0) {
        count(status == LARDER_OK ? found_ : missed_);
    }
    return status;
}

larder_status SealedSessions::write(const Turn& turn, const std::string& key, const Record& record, std::uint64_t if_version, std::uint64_t* version) {
    const Sealed sealed = seal(turn.settings->ring, turn.settings->format, session_, key, record);
    larder_put put{};
    put.struct_size = sizeof put;
    put.flags = LARDER_PUT_IF_VERSION;
    put.value = bytes_of(sealed.bytes);
    put.version = sealed.version;
    put.if_version = if_version;
    const std::uint64_t end_ms = std::min(record.ends_ms, record.until_ms);
    if (end_ms <= turn.now_ms) {
        return LARDER_MISS;
    }
    put.ttl_ms = end_ms - turn.now_ms;
    const larder_status status = store_.put(host_.raw(), bytes_of(session_), bytes_of(key), &put, &turn.call);
    if (status == LARDER_OK && version != nullptr) {
        *version = sealed.version;
    }
    return status;
}

larder_status SealedSessions::remove(const Turn& turn, const std::string& key, std::uint64_t if_version) {
    return store_.remove(host_.raw(), bytes_of(session_), bytes_of(key), if_version, &turn.call);
}

void SealedSessions::live_from_now(const Turn& turn, Record& record) const {
    const bool slides = turn.facts.idle_ms != 0;
    record.idle_ms = !slides ? 0 : record.idle_ms == 0 ? turn.facts.idle_ms : std::min(record.idle_ms, turn.facts.idle_ms);
    record.until_ms = slides ? std::min(turn.now_ms + record.idle_ms, record.ends_ms) : record.ends_ms;
}

// A use that is written down. Who was faster has done it; a store that fails now says so to the next call.
void SealedSessions::renew(const Turn& turn, Found& found, bool at_once) {
    if (!found.old_key.empty()) {
        return;
    }
    Record fresh = found.record();
    live_from_now(turn, fresh);
    const std::uint64_t was = found.record().until_ms;
    const bool due = fresh.until_ms < was || fresh.until_ms - was >= fresh.idle_ms / 16;
    if (fresh.until_ms == was ? found.opened.by_first : !due && !at_once && found.opened.by_first) {
        return;
    }
    if (write(turn, found.key, fresh, found.opened.version, &found.opened.version) == LARDER_OK) {
        found.record().until_ms = fresh.until_ms;
    }
}

larder_status SealedSessions::change(const larder_call& call, std::string_view id, const std::function<larder_status(const Turn&, Record&)>& by) {
    for (;;) {
        Turn turn;
        Found found;
        if (const larder_status status = begin(call, turn); status != LARDER_OK) {
            return status;
        }
        if (const larder_status status = find(turn, id, found); status != LARDER_OK) {
            return status;
        }
        if (const larder_status status = by(turn, found.record()); status != LARDER_OK) {
            return status;
        }
        if (found.record().data.size() > turn.settings->most_bytes) {
            return LARDER_E_TOO_LARGE;
        }
        if (found.old_key.empty()) {
            live_from_now(turn, found.record());
        }
        const larder_status status = write(turn, found.key, found.record(), found.opened.version);
        if (status != LARDER_E_CONFLICT) {
            if (status == LARDER_OK) {
                count(updated_);
            }
            return status;
        }
        if (late(turn)) {
            return LARDER_E_TIMEOUT;
        }
    }
}

// ---- operations

larder_status SealedSessions::create(const larder_session_spec& spec, const larder_call& call, larder_session_id& out) {
    Turn turn;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    Record record;
    record.user = text_of(spec.user);
    record.data = text_of(spec.data);
    if (record.user.size() > longest_user) {
        return LARDER_E_INVALID;
    }
    if (record.data.size() > turn.settings->most_bytes) {
        return LARDER_E_TOO_LARGE;
    }
    record.created_ms = turn.now_ms;
    record.ends_ms = turn.now_ms + turn.facts.absolute_ms;
    if (spec.ttl_ms != 0 && turn.facts.idle_ms != 0) {
        record.idle_ms = spec.ttl_ms;
    } else if (spec.ttl_ms != 0) {
        record.ends_ms = std::min(record.ends_ms, turn.now_ms + spec.ttl_ms);
    }
    live_from_now(turn, record);
    const std::string id = fresh_id(), key = key_of_id(id);
    if (const larder_status status = write(turn, key, record, 0); status != LARDER_OK) {
        return status == LARDER_E_CONFLICT ? larder_status{LARDER_E_INTERNAL} : status;
    }
    if (!record.user.empty()) {
        const larder_status status = enter(turn, record.user, {key, record.created_ms, record.ends_ms, false});
        if (status != LARDER_OK) {
            remove(turn, key);
            if (status == LARDER_E_REFUSED) {
                count(refused_);
                audit(turn, "refused, too many", "", record.user);
            }
            return status;
        }
    }
    plugin::assign(out, id);
    count(created_);
    audit(turn, "created", key, record.user);
    return LARDER_OK;
}

larder_status SealedSessions::get(std::string_view id, const larder_call& call, larder_session_info* info, plugin::Reply out) {
    Turn turn;
    Found found;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    if (const larder_status status = find(turn, id, found); status != LARDER_OK) {
        return status;
    }
    renew(turn, found, false);
    Record& record = found.record();
    if (info != nullptr) {
        larder_session_info full{};
        full.flags = found.old_key.empty() ? 0 : std::uint32_t{LARDER_SESSION_REPLACED};
        full.created_ms = record.created_ms;
        full.idle_ms = record.idle_ms == 0 ? -1 : static_cast<std::int64_t>(record.until_ms - turn.now_ms);
        full.absolute_ms = static_cast<std::int64_t>(record.ends_ms - turn.now_ms);
        const bool room = info->struct_size >= sizeof full;
        if (room && !record.user.empty()) {
            plugin::Reply(&full.user).owned(record.user);
        }
        plugin::detail::copy_out(full, info);
    }
    return out.owned(std::move(record.data));
}

larder_status SealedSessions::load(std::string_view id, const larder_call& call, plugin::Reply out) { return get(id, call, nullptr, out); }

larder_status SealedSessions::save(std::string_view id, std::string_view data, const larder_call& call) {
    return change(call, id, [data](const Turn&, Record& record) -> larder_status {
        record.data = data;
        return LARDER_OK;
    });
}

larder_status SealedSessions::update(std::string_view id, std::string_view patch, const larder_call& call, plugin::Reply out) {
    std::string after;
    const larder_status status = change(call, id, [&](const Turn&, Record& record) -> larder_status {
        auto made = merged(record.data, patch);
        if (!made) {
            return LARDER_E_INVALID;
        }
        after = *made;
        record.data = std::move(*made);
        return LARDER_OK;
    });
    return status == LARDER_OK ? out.owned(std::move(after)) : status;
}

larder_status SealedSessions::touch(std::string_view id, const larder_call& call) {
    Turn turn;
    Found found;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    if (const larder_status status = find(turn, id, found); status != LARDER_OK) {
        return status;
    }
    renew(turn, found, true);
    return LARDER_OK;
}

larder_status SealedSessions::destroy(std::string_view id, const larder_call& call) {
    Turn turn;
    Found found;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    if (const larder_status status = find(turn, id, found); status != LARDER_OK) {
        return status;
    }
    const larder_status status = remove(turn, found.key);
    if (status != LARDER_OK) {
        return status;
    }
    if (!found.old_key.empty()) {
        remove(turn, found.old_key);
    }
    leave(turn, found.record().user, found.key);
    count(ended_);
    audit(turn, "ended", found.key, found.record().user);
    return LARDER_OK;
}

larder_status SealedSessions::rotate(std::string_view id, const larder_call& call, larder_session_id& out) {
    Turn turn;
    Found found;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    if (const larder_status status = find(turn, id, found); status != LARDER_OK) {
        return status;
    }
    if (!found.old_key.empty()) {
        return LARDER_MISS;  // who has the old identifier only gets no new one for it
    }
    const std::string fresh = fresh_id(), key = key_of_id(fresh), user = found.record().user;
    Record record = found.record();
    live_from_now(turn, record);
    std::uint64_t version = 0;
    if (const larder_status status = write(turn, key, record, 0, &version); status != LARDER_OK) {
        return status;
    }
    const std::uint64_t grace_ms = turn.settings->grace_ms;
    larder_status status = LARDER_OK;
    if (!user.empty()) {
        status = change_index(turn, user, [&](Members& members, Wish&) -> larder_status {
            const auto old = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == found.key && !m.leaving; });
            if (old == members.end()) {
                return LARDER_MISS;
            }
            const Member now{key, record.created_ms, record.ends_ms, false};
            old->leaving = true;
            old->ends_ms = std::min(old->ends_ms, turn.now_ms + grace_ms);
            members.push_back(now);
            return LARDER_OK;
        });
    }
    Record moved;
    moved.kind = 'm';
    moved.created_ms = record.created_ms;
    moved.ends_ms = moved.until_ms = std::min(turn.now_ms + grace_ms, record.ends_ms);
    moved.data = key;
    while (status == LARDER_OK) {
        status = grace_ms != 0 ? write(turn, found.key, moved, found.opened.version) : remove(turn, found.key, found.opened.version);
        if (status != LARDER_E_CONFLICT) {
            break;
        }
        // Somebody wrote by the old identifier meanwhile, or ended it.
        status = late(turn) ? larder_status{LARDER_E_TIMEOUT} : find_key(turn, found.key, found.opened);
        if (status == LARDER_OK && found.record().kind != 's') {
            status = LARDER_MISS;
        }
        if (status == LARDER_OK) {
            record.data = found.record().data;
            status = write(turn, key, record, version, &version);
            status = status == LARDER_E_CONFLICT ? larder_status{LARDER_MISS} : status;
        }
    }
    if (status != LARDER_OK) {
        remove(turn, key);
        leave(turn, user, key);
        return status;
    }
    plugin::assign(out, fresh);
    count(rotated_);
    audit(turn, "rotated to", key, user);
    return LARDER_OK;
}

larder_status SealedSessions::figures(larder_session_figures& out) const {
    const auto read = [](const std::atomic<std::uint64_t>& from) { return from.load(std::memory_order_relaxed); };
    out.created = read(created_);
    out.found = read(found_);
    out.missed = read(missed_);
    out.updated = read(updated_);
    out.rotated = read(rotated_);
    out.ended = read(ended_);
    out.refused = read(refused_);
    out.pushed_out = read(pushed_out_);
    out.unreadable = read(unreadable_);
    return LARDER_OK;
}

}  // namespace larder::session_sealed
