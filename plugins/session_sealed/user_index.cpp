// plugins/session_sealed/user_index.cpp -- which sessions a user has: entered, counted, listed, ended.
//
// The arguments that nodes agree are in sealed_sessions.hpp.
#include "sealed_sessions.hpp"

#include <algorithm>

namespace larder::session_sealed {
namespace {

// Without a limit, too: an index is read and written whole.
constexpr std::size_t most_members = 10'000;

std::size_t staying(const Members& members) {
    return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [](const Member& m) { return !m.leaving; }));
}

Record index_of(const Members& members, std::string_view user) {
    Record record;
    record.kind = 'u';
    record.user = user;
    record.data = written(members);
    for (const Member& m : members) {
        record.created_ms = std::max(record.created_ms, m.created_ms);
        record.ends_ms = record.until_ms = std::max(record.ends_ms, m.ends_ms);
    }
    return record;
}

}  // namespace

larder_status SealedSessions::change_index(const Turn& turn, std::string_view user, const std::function<larder_status(Members&, Wish&)>& by) {
    const std::string key = key_of_user(session_, user);
    do {
        plugin::Value bytes;
        larder_status status = read(turn, key, bytes);
        if (status < 0) {
            return status;
        }
        // One that does not open is of a lost key, as are the sessions in it: it begins anew.
        const std::uint64_t version = status == LARDER_OK ? version_of(bytes.text()) : 0;
        if (status == LARDER_OK && version == 0) {
            remove(turn, key);  // somebody else's bytes
        }
        auto opened = status == LARDER_OK ? open(turn.settings->ring, session_, key, bytes.text()) : std::nullopt;
        Members members = opened && opened->record.kind == 'u' ? members_of(opened->record.data) : Members{};
        std::erase_if(members, [&](const Member& m) { return m.ends_ms <= turn.now_ms; });
        Wish wish = Wish::write;
        status = by(members, wish);
        if (status != LARDER_OK || wish == Wish::leave) {
            return status;
        }
        if (members.empty()) {
            status = version == 0 ? larder_status{LARDER_OK} : remove(turn, key, version);
            status = status == LARDER_MISS ? larder_status{LARDER_OK} : status;
        } else {
            status = write(turn, key, index_of(members, user), version);
        }
        if (status != LARDER_E_CONFLICT) {
            return status;
        }
    } while (!late(turn));
    return LARDER_E_TIMEOUT;
}

// A place for one more: names of nothing go first, then, where the policy does not refuse, the oldest.
larder_status SealedSessions::make_room(const Turn& turn, Members& members) {
    const std::size_t most = turn.facts.per_user != 0 ? turn.facts.per_user : most_members;
    if (staying(members) < most) {
        return LARDER_OK;
    }
    for (auto m = members.begin(); m != members.end();) {
        Opened ignored;
        const larder_status status = find_key(turn, m->key, ignored);
        if (status < 0) {
            return status;
        }
        if (status == LARDER_OK) {
            ++m;
            continue;
        }
        // Of a lost key, perhaps, which may come back: then it must not work outside the index.
        if (const larder_status gone = remove(turn, m->key); gone < 0) {
            return gone;
        }
        m = members.erase(m);
    }
    while (staying(members) >= most) {
        if (turn.facts.per_user != 0 && (turn.facts.flags & LARDER_SESSION_REFUSE) != 0) {
            return LARDER_E_REFUSED;
        }
        const auto oldest = std::find_if(members.begin(), members.end(), [](const Member& m) { return !m.leaving; });
        const larder_status status = remove(turn, oldest->key);
        if (status < 0) {
            return status;
        }
        if (status == LARDER_OK) {
            pushed_out_.fetch_add(1, std::memory_order_relaxed);
            audit(turn, "pushed out", oldest->key, "");
        }
        members.erase(oldest);
    }
    return LARDER_OK;
}

larder_status SealedSessions::enter(const Turn& turn, std::string_view user, const Member& fresh) {
    return change_index(turn, user, [&](Members& members, Wish&) -> larder_status {
        if (const larder_status status = make_room(turn, members); status != LARDER_OK) {
            return status;
        }
        members.push_back(fresh);
        return LARDER_OK;
    });
}

// What stays behind when the store fails now is a name of nothing.
void SealedSessions::leave(const Turn& turn, std::string_view user, std::string_view key) {
    if (user.empty()) {
        return;
    }
    change_index(turn, user, [&](Members& members, Wish& wish) -> larder_status {
        const std::size_t gone = std::erase_if(members, [&](const Member& m) { return m.key == key; });
        wish = gone == 0 ? Wish::leave : Wish::write;
        return LARDER_OK;
    });
}

larder_status SealedSessions::list_user(std::string_view user, plugin::SessionSink sink, const larder_call& call) {
    Turn turn;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    Members all;
    const larder_status status = change_index(turn, user, [&](Members& members, Wish& wish) -> larder_status {
        all = members;
        wish = Wish::leave;
        return LARDER_OK;
    });
    if (status != LARDER_OK) {
        return status;
    }
    for (auto m = all.rbegin(); m != all.rend(); ++m) {
        Opened opened;
        const larder_status found = m->leaving ? larder_status{LARDER_MISS} : find_key(turn, m->key, opened);
        if (found < 0) {
            return found;
        }
        if (found != LARDER_OK) {
            continue;
        }
        larder_session_id shown{};
        plugin::assign(shown, std::string_view(m->key).substr(2));
        const std::uint64_t end_ms = std::min(opened.record.until_ms, opened.record.ends_ms);
        if (!sink.add(shown, opened.record.created_ms, static_cast<std::int64_t>(end_ms - turn.now_ms))) {
            break;
        }
    }
    return LARDER_OK;
}

larder_status SealedSessions::destroy_user(std::string_view user, std::uint64_t& ended, const larder_call& call) {
    Turn turn;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    ended = 0;
    const larder_status status = change_index(turn, user, [&](Members& members, Wish& wish) -> larder_status {
        for (const Member& m : members) {
            const larder_status gone = remove(turn, m.key);
            if (gone < 0) {
                return gone;
            }
            ended += gone == LARDER_OK && !m.leaving ? 1 : 0;
        }
        wish = Wish::write;
        members.clear();
        return LARDER_OK;
    });
    ended_.fetch_add(ended, std::memory_order_relaxed);
    if (ended != 0 || status != LARDER_OK) {
        audit(turn, status == LARDER_OK ? "all ended, " + std::to_string(ended) + "," : "not all ended", "", user);
    }
    return status;
}

larder_status SealedSessions::destroy_named(std::string_view user, std::string_view name_of_it, const larder_call& call) {
    Turn turn;
    if (const larder_status status = begin(call, turn); status != LARDER_OK) {
        return status;
    }
    const std::string key = "i:" + std::string(name_of_it);
    larder_status ended = LARDER_MISS;
    const larder_status status = change_index(turn, user, [&](Members& members, Wish& wish) -> larder_status {
        const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; });
        if (at == members.end()) {
            wish = Wish::leave;
            return LARDER_OK;
        }
        const larder_status gone = remove(turn, key);
        if (gone < 0) {
            return gone;
        }
        ended = gone == LARDER_OK ? gone : ended;
        members.erase(at);
        return LARDER_OK;
    });
    if (ended == LARDER_OK) {
        ended_.fetch_add(1, std::memory_order_relaxed);
        audit(turn, "ended", key, user);
    }
    return status == LARDER_OK ? ended : status;
}

}  // namespace larder::session_sealed
