// plugins/session_sealed/sealed_sessions.hpp -- the sessions of one `session NAME`, sealed, in a store that nodes share.
//
// A session is a record at the hash of its identifier; a user's index is a record that lists the keys of his
// sessions. Each write of either is conditional on the version that was read (larder_put.if_version), which the
// store judges as one step. That is all that nodes need to agree:
//
//   I1  Whoever knows an identifier that works has it from create or rotate, after the index had it. Both write
//       the session first, then the index, then answer; a crash between leaves a session that nobody can name.
//   I2  What leaves the index has ended before: the session is removed first, the index is written afterwards. A
//       crash between leaves a name of nothing, which is taken out when it is met.
//
//   revoke   (destroy_user) reads the index, removes every session in it, and then removes the index if it still
//            is the version it read; else it begins again. When it succeeds, by I1 every session that was answered
//            before has ended. A create that runs meanwhile either wrote the index before, and is read in the next
//            round, or writes it after, and is a later login.
//   limit    create counts in the index and writes it if nobody else did meanwhile, so two nodes never both take
//            the last place. What is pushed out is removed before the index is written (I2).
//   rotate   writes the new session, then the index with both if it still has the old one (else that was revoked,
//            and the new one is removed), then the old record, under its version, as one that points to the new
//            one and ends with the grace. A write by the old identifier in between fails that version, and is
//            taken over. A revoke in between finds both in the index.
//   write    save, update and renewal replace a record under the version they read: none of them brings back a
//            session that somebody has ended.
//
// Price: get is one read. Its use is written down when a sixteenth of the idle time has passed since that was done
// last, so that one read in many is followed by a write; a session that is not used lives for at most its idle
// time and at least fifteen sixteenths of it. create is a write, a read and a write; revoke one remove for each
// session of the user. Why no number in the index that every session carries and every read compares: a read
// would be two records, on two servers of a cluster.
//
// Every answer to an identifier that is good for nothing is LARDER_MISS after the same work: hash, read, open.
#pragma once

#include "record.hpp"

#include <larder/plugin/session.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace larder::session_sealed {

class SealedSessions {
  public:
    static constexpr const char* name = "sealed";
    static constexpr std::uint64_t caps = std::uint64_t{LARDER_SESSION_CAP_SEALED} | LARDER_SESSION_CAP_ROTATE |
                                          LARDER_SESSION_CAP_USER_INDEX;

    SealedSessions(plugin::Host host, const plugin::Config& config);
    void reconfigure(const plugin::Config& config);

    larder_status create(const larder_session_spec& spec, const larder_call& call, larder_session_id& out);
    larder_status load(std::string_view id, const larder_call& call, plugin::Reply out);
    larder_status get(std::string_view id, const larder_call& call, larder_session_info* info, plugin::Reply out);
    larder_status save(std::string_view id, std::string_view data, const larder_call& call);
    larder_status update(std::string_view id, std::string_view patch, const larder_call& call, plugin::Reply out);
    larder_status touch(std::string_view id, const larder_call& call);
    larder_status destroy(std::string_view id, const larder_call& call);
    larder_status rotate(std::string_view id, const larder_call& call, larder_session_id& out);
    larder_status list_user(std::string_view user, plugin::SessionSink sink, const larder_call& call);
    larder_status destroy_user(std::string_view user, std::uint64_t& count, const larder_call& call);
    larder_status destroy_named(std::string_view user, std::string_view name, const larder_call& call);
    larder_status figures(larder_session_figures& out) const;

  private:
    struct Settings {
        KeyRing ring;
        Format format;
        std::uint64_t grace_ms, most_bytes;
        bool audit;
    };
    // One operation: what the policy says, the store's clock, until when.
    struct Turn {
        std::shared_ptr<const Settings> settings;
        larder_session_facts facts{};
        std::uint64_t now_ms = 0;
        larder_call call{};
    };
    // A session that was found, and where.
    struct Found {
        std::string key;
        Opened opened;
        std::string old_key;  // of an identifier that was replaced; empty: it was asked for by its own
        Record& record() { return opened.record; }
    };
    enum class Wish { write, leave };

    static std::shared_ptr<const Settings> settings_of(plugin::Host host, const plugin::Config& config);
    larder_status begin(const larder_call& call, Turn& turn);
    bool late(const Turn& turn) const;

    // ---- records (sealed_sessions.cpp)
    larder_status read(const Turn& turn, const std::string& key, plugin::Value& bytes);
    // MISS: nothing there that lives, whatever the reason.
    larder_status find_key(const Turn& turn, const std::string& key, Opened& out);
    larder_status find(const Turn& turn, std::string_view id, Found& out);
    // if_version 0: there must be none. CONFLICT: another one is there.
    larder_status write(const Turn& turn, const std::string& key, const Record& record, std::uint64_t if_version, std::uint64_t* version = nullptr);
    larder_status remove(const Turn& turn, const std::string& key, std::uint64_t if_version = 0);
    void live_from_now(const Turn& turn, Record& record) const;
    void renew(const Turn& turn, Found& found, bool at_once);
    // Changes the record under its version, again when another one was first.
    larder_status change(const larder_call& call, std::string_view id, const std::function<larder_status(const Turn&, Record&)>& by);

    // ---- the index (user_index.cpp)
    // Reads a user's index, lets `by` change it, writes it if nobody else has meanwhile; else again.
    larder_status change_index(const Turn& turn, std::string_view user, const std::function<larder_status(Members&, Wish&)>& by);
    larder_status enter(const Turn& turn, std::string_view user, const Member& fresh);
    larder_status make_room(const Turn& turn, Members& members);
    void leave(const Turn& turn, std::string_view user, std::string_view key);

    void audit(const Turn& turn, std::string_view what, std::string_view key, std::string_view user) const;

    const plugin::Host host_;
    const std::string session_;
    const larder_session_store_api& store_;
    std::mutex settings_mutex_;
    std::shared_ptr<const Settings> settings_;  // guarded by settings_mutex_
    mutable std::atomic<std::uint64_t> created_{0}, found_{0}, missed_{0}, updated_{0}, rotated_{0}, ended_{0}, refused_{0}, pushed_out_{0}, unreadable_{0};
};

}  // namespace larder::session_sealed
