// kernel/kit/checks_session.cpp -- LPR-5xx: sessions are found by who has their identifier, and by nobody else.
#include "kernel/kit/edge.hpp"
#include "kernel/kit/subject.hpp"

#include <atomic>
#include <set>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

class Sessions {
  public:
    explicit Sessions(Subject& subject) : subject_(subject), instance_(subject.started()), table_(instance_->table<larder_session_v1>()) {}

    loader::PluginInstance& instance() { return *instance_; }
    const larder_session_v1& table() const { return table_; }
    void* self() { return instance_->self(); }
    bool can(std::uint64_t cap) const { return (instance_->caps() & cap) != 0; }

    std::string create(std::string_view user, std::string_view data, std::uint64_t ttl_ms = 0) {
        const Edge u(user), d(data);
        const larder_session_spec spec{sizeof(larder_session_spec), 0, u.bytes(), d.bytes(), ttl_ms};
        const larder_call call = subject_.call();
        larder_session_id id{};
        const larder_status status = table_.create(self(), &spec, &call, &id);
        require(status == LARDER_OK, "create answers " + status_text(status));
        require(id.size > 0 && id.size <= sizeof id.text, "create makes an identifier of " + std::to_string(id.size) + " bytes");
        std::string out(id.text, id.size);
        for (const char c : out) require(c > ' ' && c < 0x7F && c != ';' && c != ',' && c != '"', "an identifier has a character that a cookie cannot hold");
        return out;
    }
    larder_status load(std::string_view id, std::string& data) {
        const Edge i(id);
        const larder_call call = subject_.call();
        plugin::Value value;
        const larder_status status = table_.load(self(), i.bytes(), &call, value.out());
        if (status == LARDER_OK) data = value.text();
        return status;
    }
    larder_status save(std::string_view id, std::string_view data) {
        const Edge i(id), d(data);
        const larder_call call = subject_.call();
        return table_.save(self(), i.bytes(), d.bytes(), &call);
    }
    template <class F>
    larder_status one(F function, std::string_view id) {
        const Edge i(id);
        const larder_call call = subject_.call();
        return function(self(), i.bytes(), &call);
    }
    void no_sins() { subject_.no_sins(*instance_); }

  private:
    Subject& subject_;
    std::shared_ptr<loader::PluginInstance> instance_;
    const larder_session_v1& table_;
};

void life(Subject& subject) {
    Sessions sessions(subject);
    const std::string id = sessions.create("ann", "first");
    std::string data;
    require(sessions.load(id, data) == LARDER_OK && data == "first", "load does not have what create was given");
    require(sessions.save(id, "second") == LARDER_OK && sessions.load(id, data) == LARDER_OK && data == "second", "load does not have what save was given");
    require(sessions.one(sessions.table().touch, id) == LARDER_OK, "touch of a session that is there fails");
    require(sessions.one(sessions.table().destroy, id) == LARDER_OK, "destroy fails");
    require(sessions.load(id, data) == LARDER_MISS, "a session that was ended is found");
    require(sessions.save(id, "third") == LARDER_MISS && sessions.one(sessions.table().touch, id) == LARDER_MISS, "a session that was ended can be written or used");
    require(sessions.one(sessions.table().destroy, id) == LARDER_MISS, "a session ends twice");
    sessions.no_sins();
}

void identifiers(Subject& subject) {
    Sessions sessions(subject);
    std::set<std::string> seen;
    for (int n = 0; n < 300; ++n) seen.insert(sessions.create("user " + std::to_string(n), ""));
    require(seen.size() == 300, "identifiers repeat");
    require(seen.begin()->size() >= 16, "identifiers of " + std::to_string(seen.begin()->size()) + " characters can be guessed");
    // What all have in common says nothing.
    std::set<std::string> beginnings;
    for (const std::string& id : seen) beginnings.insert(id.substr(0, 6));
    require(beginnings.size() > 250, "identifiers begin alike");
}

void strangers(Subject& subject) {
    Sessions sessions(subject);
    const std::string id = sessions.create("ann", "secret");
    std::string data;
    for (std::size_t n = 0; n < id.size(); ++n) {
        std::string forged = id;
        forged[n] = forged[n] == 'A' ? 'B' : 'A';
        require(sessions.load(forged, data) == LARDER_MISS, "a forged identifier does not answer MISS");
    }
    for (const std::string& odd : {std::string(), id.substr(0, id.size() / 2), id + "A", id + std::string(1, '\0'), std::string(5000, 'x'), std::string("../../etc/passwd"), subject.random_bytes(40)}) {
        const larder_status status = sessions.load(odd, data);
        require(status == LARDER_MISS, "an identifier that is none answers " + status_text(status));
    }
    require(sessions.load(id, data) == LARDER_OK && data == "secret", "after strangers came the session is gone");
    sessions.no_sins();
}

void sealed(Subject& subject) {
    Sessions sessions(subject);
    if (!sessions.can(LARDER_SESSION_CAP_SEALED)) skip("it is not `sealed`");
    const std::string id = sessions.create("ann@example.com", "the data of a session");
    const std::string stored = subject.host().records().dump();
    require(stored.find("the data of a session") == stored.npos, "data stands readable in the store");
    require(stored.find("ann@example.com") == stored.npos, "a user's name stands readable in the store");
    require(stored.find(id) == stored.npos, "an identifier stands readable in the store");
}

void rotation(Subject& subject) {
    Sessions sessions(subject);
    if (!sessions.can(LARDER_SESSION_CAP_ROTATE)) skip("it has no `rotate`");
    const std::string id = sessions.create("ann", "data");
    const Edge old(id);
    const larder_call call = subject.call();
    larder_session_id fresh{};
    require(sessions.table().rotate(sessions.self(), old.bytes(), &call, &fresh) == LARDER_OK, "rotate fails");
    const std::string now(fresh.text, fresh.size);
    std::string data;
    require(now != id, "rotate gives the same identifier");
    require(sessions.load(now, data) == LARDER_OK && data == "data", "the session is not found by its new identifier");
    require(sessions.one(sessions.table().destroy, now) == LARDER_OK, "destroy fails");
    require(sessions.load(id, data) == LARDER_MISS, "a session that was ended is found by its old identifier");
    sessions.no_sins();
}

void by_user(Subject& subject) {
    Sessions sessions(subject);
    if (!sessions.can(LARDER_SESSION_CAP_USER_INDEX)) skip("it has no `user_index`");
    std::vector<std::string> mine;
    for (int n = 0; n < 3; ++n) mine.push_back(sessions.create("ann", "x"));
    const std::string other = sessions.create("ben", "y");
    int listed = 0;
    const larder_session_sink sink{sizeof(larder_session_sink), 0, &listed, [](void* ctx, const larder_session_id*, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
                                       ++*static_cast<int*>(ctx);
                                       return 0;
                                   }};
    const Edge ann(std::string_view("ann")), nobody(std::string_view("nobody"));
    const larder_call call = subject.call();
    const larder_status told = sessions.table().list_user(sessions.self(), ann.bytes(), &sink, &call);
    require(told == LARDER_OK && listed == 3, "list_user answers " + status_text(told) + "; of three sessions of a user " + std::to_string(listed) + " are listed");
    std::uint64_t ended = UINT64_MAX;  // the guard before a plugin takes it for the room in a buffer
    const larder_status gone = sessions.table().destroy_user(sessions.self(), ann.bytes(), &ended, &call);
    require(gone == LARDER_OK && ended == 3, "destroy_user answers " + status_text(gone) + "; of three sessions of a user " + std::to_string(ended) + " are ended");
    std::string data;
    for (const std::string& id : mine) require(sessions.load(id, data) == LARDER_MISS, "a session of a user whose sessions were ended is found");
    require(sessions.load(other, data) == LARDER_OK, "another user's session is gone, too");
    const larder_status none = sessions.table().destroy_user(sessions.self(), nobody.bytes(), &ended, &call);
    require(none == LARDER_OK || none == LARDER_MISS, "ending the sessions of a user who has none answers " + status_text(none));
    sessions.no_sins();
}

void ends_by_itself(Subject& subject) {
    Sessions sessions(subject);
    const std::string id = sessions.create("ann", "x"), used = sessions.create("ben", "y");
    std::string data;
    for (int n = 0; n < 3; ++n) {
        subject.host().advance(std::chrono::minutes(20));
        require(sessions.load(used, data) == LARDER_OK, "a session that is used every 20 of its 30 minutes has ended");
    }
    require(sessions.load(id, data) == LARDER_MISS, "a session that nobody used for an hour is found");
    subject.host().advance(std::chrono::hours(25));
    require(sessions.load(used, data) == LARDER_MISS, "a session is found a day after its last end");
    sessions.no_sins();
}

void many_threads(Subject& subject) {
    Sessions sessions(subject);
    std::atomic<bool> bad{false};
    std::vector<std::thread> running;
    for (int t = 0; t < 8; ++t)
        running.emplace_back([&, t] {
            try {
                for (int n = 0; n < 20; ++n) {
                    const std::string text = std::to_string(t) + ":" + std::to_string(n);
                    const std::string id = sessions.create("user " + text, text);
                    std::string data;
                    if (sessions.load(id, data) != LARDER_OK || data != text) bad = true;
                }
            } catch (const Violation&) {
                bad = true;
            }
        });
    for (std::thread& thread : running) thread.join();
    require(!bad, "by eight threads at once a session has other data than it was given");
    sessions.no_sins();
}

constexpr Requirement all[] = {
    {"LPR-501", Kind::session, "A session has its data until it is ended, and then not any more.", "users stay logged in", life},
    {"LPR-502", Kind::session, "Identifiers are random, long, and fit a cookie.", "sessions can be guessed", identifiers},
    {"LPR-503", Kind::session, "Unknown, cut, forged and odd identifiers are all MISS.", "sessions can be guessed", strangers, true},
    {"LPR-504", Kind::session, "With `sealed`, nothing of a session can be read in the store.", "data leaks", sealed},
    {"LPR-505", Kind::session, "With `rotate`, a session gets another identifier and stays itself.", "a login can be fixed", rotation},
    {"LPR-506", Kind::session, "With `user_index`, a user's sessions are listed and ended, and no other's.", "users stay logged in", by_user},
    {"LPR-507", Kind::session, "A session ends when it is not used, and at the latest after its longest life.", "sessions live for ever", ends_by_itself},
    {"LPR-508", Kind::session, "Eight threads at once have their own sessions.", "another user's session", many_threads},
};

}  // namespace

std::span<const Requirement> session_requirements() { return all; }

}  // namespace larder::kit
