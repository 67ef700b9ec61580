// plugins/gateway_resp/tracking.hpp -- CLIENT TRACKING: which client holds copies of which entries, and
// telling it when they are no longer good.
//
// Two ways to be told. Usually the table remembers what a client has read, and an entry that changes is
// told to those who read it, once: then it is forgotten until it is read again. A client that asked for
// BCAST is told of every change of a key that begins as one of its prefixes does, and the table
// remembers nothing; those messages are gathered during a turn of the connection that makes them.
//
// Commands of this gateway say which entry they changed. What a rule, a tag or a namespace drops is not
// found by searching entries (there are only numbers that no longer match), so it is found here, from
// the other end: the entries that clients hold are looked at again, and those whose version is no
// longer what the client has read are told. A BCAST client may hold anything, and is told to forget
// all: null in place of the keys.
//
// The table is bounded: at the limit an entry is told as if it had changed, and forgotten.
#pragma once
#include "channels.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

namespace larder::resp {

class TrackingTable {
  public:
    // What goes to the client that is being answered: after that answer.
    using Own = std::function<void(Mail)>;
    struct Changer {
        Client client;  // nullptr: nobody in particular
        Own own;
    };
    struct Suspect {
        std::uint32_t ns;
        std::string key;  // inside its namespace
        std::uint64_t version;
    };
    static constexpr std::uint64_t kNone = 0, kUnknown = UINT64_MAX, kMixed = UINT64_MAX - 1;  // versions

    explicit TrackingTable(ClientRegistry& clients) : clients_(clients) {}

    // Replaces what the client wished before; prefixes are added to those it has.
    void enable(const Client& client, TrackingWish wish);
    // After this it is told nothing more, whatever it has read.
    void disable(const Client& client);
    [[nodiscard]] TrackingWish wish(const Client& client) const;
    // Nobody asked for tracking. [hot]
    [[nodiscard]] bool idle() const noexcept {
        return clients_on_.load(std::memory_order_relaxed) == 0;
    }

    // Somebody asked for BCAST. [hot]
    [[nodiscard]] bool broadcasts() const noexcept {
        return broadcasts_.load(std::memory_order_relaxed);
    }

    // The client is about to read an entry, whose full key it writes as prefix + key.
    void remember(const Client& client, std::uint32_t ns, std::string_view key,
                  std::string_view prefix);
    // What it found: a version (kNone: no entry), and when the entry ends (0: never).
    void seen(std::uint32_t ns, std::string_view key, std::uint64_t version,
              std::uint64_t deadline_ns);
    // An entry has changed. names: its full key in all its spellings.
    void changed(std::uint32_t ns, std::string_view key, const std::vector<std::string>& names,
                 const Changer& by);
    // Everything has gone.
    void flushed(const Changer& by);
    // Entries of ns (UINT32_MAX: of any) may have changed: told to BCAST clients with a prefix that a
    // key of it can have. beginnings: how such keys begin; empty: in any way.
    void may_have_changed(const std::vector<std::string>& beginnings);
    // Sends what was gathered for BCAST. [hot while idle]
    void send_broadcasts(const Changer& by);

    // What to look at again: entries of ns (UINT32_MAX: all) whose version is known.
    [[nodiscard]] std::vector<Suspect> suspects(std::uint32_t ns) const;
    // Entries whose time is over by now_ns; they are asked for once.
    [[nodiscard]] std::vector<Suspect> overdue(std::uint64_t now_ns);

    void limit(std::size_t most_keys);
    [[nodiscard]] std::size_t limit() const;
    struct Totals {
        std::size_t clients, keys, items, prefixes;
    };
    [[nodiscard]] Totals totals() const;

  private:
    struct Reader {
        Client client;
        const std::string* prefix;  // in spellings_
    };
    using Deadlines = std::multimap<std::uint64_t, std::string>;  // to the entry's name
    struct Tracked {
        std::vector<Reader> readers;
        std::uint64_t version = kUnknown;
        std::optional<Deadlines::iterator> deadline;
    };
    struct Broadcast {
        std::vector<Client> listeners;
        std::map<std::string, Client> keys;  // gathered; with who changed it last
    };
    using Table = std::unordered_map<std::string, Tracked>;

    static std::string name_of(std::uint32_t ns, std::string_view key);
    void forget(Table::iterator at);
    void shrink(std::size_t most);
    void tell(const Client& reader, const std::vector<std::string_view>* keys, const Changer& by);

    ClientRegistry& clients_;
    mutable std::mutex mutex_;  // taken before the registry's
    // All below is guarded by mutex_.
    Table table_;
    Deadlines deadlines_;  // of entries in table_
    std::map<std::string, Broadcast> prefixes_;
    std::map<std::string, int, std::less<>> spellings_;  // beginnings of keys; never shrinks: as many
                                                         // as namespaces have spellings
    std::size_t items_ = 0;
    std::size_t most_keys_ = 1'000'000;  // 0: no limit
    std::atomic<std::size_t> clients_on_{0};
    std::atomic<bool> gathered_{false}, broadcasts_{false};
};

}  // namespace larder::resp
