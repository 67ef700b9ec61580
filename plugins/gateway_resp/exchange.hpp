// plugins/gateway_resp/exchange.hpp -- one request and its reply: what a command handler works
// with.
//
// A connection has one Exchange and uses it for request after request, so that what a handler needs
// (items, receipts, scratch text) keeps its memory and a GET allocates nothing. It stands still
// while the cache works on it: everything the cache was given lives here, or in the connection's
// input.
//
// A handler that needs the cache fills items, calls, and names what to do with the answer:
//     return x.then(x.cache().get_many(x.host(), ..., x.call()), &reply_with_value);
// then() runs the second half at once when the answer is there, else when it comes. Second halves
// always run on the connection's thread. Calls that may block go through off_thread().
#pragma once
#include "command_table.hpp"
#include "gateway.hpp"
#include "reply.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

// Looking without counting as a use, and without the value.
inline constexpr std::uint32_t kPeekMeta = std::uint32_t{LARDER_GET_META} | LARDER_CALL_PEEK;

// A request kept for EXEC: its bytes in one block.
struct QueuedRequest {
    const Command* command;
    std::string bytes;
    std::vector<std::uint32_t> sizes;
};

struct WatchedKey {
    std::uint32_t ns;
    std::string key;
    std::uint64_t version;  // 0: there was none
};

// What a command did to a key, for those who asked to be told.
struct KeyEvent {
    std::uint32_t kind;  // kEvent*
    std::string_view name;
};
inline constexpr KeyEvent kDeleted{kEventGeneric, "del"}, kSetEvent{kEventString, "set"};

// What a connection is, beyond its bytes.
struct Session {
    std::shared_ptr<ClientRecord> record;
    int protocol = 2;
    bool authenticated = false;
    std::uint32_t role = LARDER_ROLE_READ;
    bool monitor = false;
    std::uint64_t monitor_at = 0;  // the last event told
    bool closing = false;          // after this reply
    enum class Mute { No, Next, This, All } mute = Mute::No;

    bool in_multi = false;
    bool multi_broken = false;
    std::vector<QueuedRequest> queue;
    std::size_t queued_bytes = 0;
    std::vector<WatchedKey> watched;
    Broken watch_broken;  // made by the first WATCH

    std::set<std::string, std::less<>> channels, patterns;  // that it listens to
    std::optional<bool> caching;  // CLIENT CACHING, until the next request has run
    std::vector<Mail> mail;       // sent behind the reply that is being made
    // A RESP2 client that listens to channels may ask for little else.
    [[nodiscard]] bool only_listens() const noexcept {
        return protocol == 2 && !(channels.empty() && patterns.empty());
    }

    // Whether a GET or SET of it may be answered together with others, without its handler.
    [[nodiscard]] bool plain() const noexcept {
        return authenticated && !in_multi && mute == Mute::No && !only_listens();
    }
};

// The connection, as far as an exchange needs it.
class Turnaround {
  public:
    // Runs job on a thread that may block, then goes on with next on the connection's thread.
    // False: the kernel takes no work now.
    virtual bool run_off_thread(Step (*job)(Exchange&), Step (*next)(Exchange&)) = 0;
    virtual larder_done_fn done_fn() noexcept = 0;
    virtual void* done_ctx() noexcept = 0;
    // More waits for the client than it should before more is made.
    virtual bool output_full() const noexcept = 0;
    virtual void start_exec() = 0;
    virtual void leave_multi() noexcept = 0;

  protected:
    ~Turnaround() = default;
};

class Exchange {
  public:
    Exchange(Gateway& g, Output& out, Turnaround& t)
        : gateway(g), output(out), reply(out, session.protocol), turnaround(t) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange() { finish(); }

    Gateway& gateway;
    Output& output;
    Session session;
    ReplyWriter reply;
    Turnaround& turnaround;
    Args args;
    const Command* command = nullptr;

    // ---- the cache
    [[nodiscard]] const larder_cache_api& cache() const noexcept { return *gateway.cache; }
    [[nodiscard]] const larder_host* host() const noexcept { return gateway.host; }
    // The context of a call that may answer PENDING; of one that blocks, inside off_thread(). Valid
    // until the next call() of this exchange.
    const larder_call* call(std::uint32_t flags = 0) noexcept;
    Step then(larder_status answered, Handler second_half) {
        status = answered;
        if (answered == LARDER_PENDING) {
            next = second_half;
            return Step::Waiting;
        }
        return second_half(*this);
    }
    // job may block and may only fill members; it writes no reply.
    Step off_thread(Handler job, Handler second_half);
    // Goes on with second_half when the client has read some of what waits.
    Step after_draining(Handler second_half) noexcept {
        next = second_half;
        return Step::Draining;
    }

    // ---- names
    // The namespace of a full key and the key inside it. False: the reply is the error.
    bool locate(std::string_view full, std::uint32_t& ns, std::string_view& key);
    [[nodiscard]] bool try_locate(std::string_view full, std::uint32_t& ns,
                                  std::string_view& key) const noexcept;
    bool find_namespace(std::string_view name, std::uint32_t& ns);
    // "user_details:42"; the gateway's own namespace has no prefix.
    void append_full_key(std::string& out, std::uint32_t ns, std::string_view key) const;
    [[nodiscard]] std::uint32_t fallback() const noexcept;
    // The gateway's namespace is asked for again: a reload may have given it another number.
    void forget_names() noexcept { fallback_known_ = false; }

    // ---- items; cleared by finish()
    bool add_get(std::string_view full_key);
    bool add_key(std::string_view full_key);
    larder_cache_set* add_set(std::string_view full_key, std::string_view value,
                              std::uint32_t flags = 0);

    // ---- who has to know
    // This request has changed an entry, or made it. [hot while nobody asked]
    void changed(std::uint32_t in, std::string_view rest, KeyEvent event, bool is_new = false) {
        if (gateway.changes_matter()) {
            tell_changed(in, rest, event, is_new);
        }
    }
    void flushed();
    // Remembers, for CLIENT TRACKING, the keys that this request reads.
    void remember_reads();
    [[nodiscard]] bool remembers_reads() const noexcept {
        return session.record->tracked.load(std::memory_order_relaxed);
    }
    [[nodiscard]] TrackingTable::Changer changer();
    // Ends subscriptions, tracking, watching and MONITOR.
    void leave_books();
    void forget_watched();

    // ---- replies
    Step ok() {
        reply.ok();
        return Step::Done;
    }
    Step error(std::string_view text);
    Step integer(std::int64_t value) {
        reply.integer(value);
        return Step::Done;
    }
    Step wrong_arity();
    Step syntax_error() { return error("ERR syntax error"); }
    // The error a status stands for; key explains INVALID.
    // A guard of the policy wants it confirmed: the counts, and the command that confirms it.
    Step refused(std::string_view confirmed);
    Step failed(larder_status st, std::uint32_t ns = LARDER_NS_NONE, std::string_view key = {});
    Step verbatim_report();
    // False: not an integer; the reply is Redis' error.
    bool integer_argument(std::string_view text, std::int64_t& out);

    // Gives back what the last request held.
    void finish() noexcept;

    // ---- the operation at work
    larder_status status = LARDER_OK;
    Handler next = nullptr;
    bool blocking = false;  // inside off_thread()
    bool running = false;   // the command; not refused before
    std::vector<larder_cache_get> gets;
    std::vector<larder_cache_set> sets;
    std::vector<larder_cache_key> keys;
    std::vector<larder_pair> pairs;
    larder_cache_scan scan{};
    larder_target target{};
    larder_receipt receipt{};
    larder_request request{};
    larder_value report{};
    std::size_t index = 0;
    std::int64_t number = 0, number2 = 0;
    std::uint32_t ns = LARDER_NS_NONE;
    std::uint32_t option = 0;
    std::uint64_t counted = 0;
    double real = 0;
    const char* failure = nullptr;  // what an update function objected to
    bool flag = false;
    bool made = false;  // an update found no entry
    std::string_view key;
    std::string text;                  // scratch
    std::vector<std::uint32_t> sizes;  // of the parts of text

  private:
    void tell_changed(std::uint32_t in, std::string_view rest, KeyEvent event, bool is_new);
    void note_what_was_read() noexcept;

    larder_call call_{};
    mutable std::uint32_t fallback_ = LARDER_NS_NONE;
    mutable bool fallback_known_ = false;
};

}  // namespace larder::resp
