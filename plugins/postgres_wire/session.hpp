// plugins/postgres_wire/session.hpp -- one connection to a Postgres: prepared statements, pipelines, deadlines.
//
// Everything has a deadline, also connecting; nothing is waited for past it. A session whose call did not
// end in time, or whose connection was lost, is broken and makes way for another: what the server does with
// what it was sent nobody knows, and that is what the outcome says.
//
// A batch goes to the server in one piece and is one transaction (libpq's pipeline mode: as many statements
// as there are for one round trip and one commit). If one of them fails none was done; then it is for the
// caller whether they are sent once more, each by itself, so that it is known which.
//
// A session may listen as well: what channels tell comes in between, and is shown by listen().
#pragma once

#include <larder/plugin/abi.h>
#include <larder/plugin/host.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;

namespace larder::postgres_wire {

struct ConnectionOptions {
    std::string url, password;
    std::string shown;  // for messages: nothing secret
    std::uint64_t connect_timeout_ns = 5'000'000'000;
};

// The part of a URL that messages may show.
std::string shown_server(std::string_view url);

struct Query {
    std::string_view sql;
    std::vector<std::optional<std::string_view>> parameters;  // nothing: NULL
};

enum class Batch {
    mended,  // one transaction; if it fails, each once more by itself
    whole,   // one transaction, and that is all
    each     // sent together, each a transaction of its own
};

struct Outcome {
    // OK: it was done. TIMEOUT: nobody knows. INVALID: the values; CONFIG: the statement; DENIED, BUSY (another
    // transaction was in the way) and IO: as abi.h says, and it was not done.
    larder_status status = LARDER_E_IO;
    std::string message;  // what the server said; one line
    std::size_t rows = 0, columns = 0;     // of the answer
    std::uint64_t affected = 0;            // rows changed
    std::vector<std::optional<std::string>> cells;  // of the first row
};

// For one thread at a time.
class Session {
  public:
    Session(plugin::Host host, const ConnectionOptions& options) : host_(host), options_(options) {}
    ~Session() { close(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Whether it can be used: connects if it is not, or not any more. False: `problem` says why. [worker]
    bool ready(std::uint64_t deadline_ns, std::string& problem);
    // Runs them in their order. REQUIRES: ready(). [worker]
    void run(std::span<const Query> queries, std::span<Outcome> outcomes, std::uint64_t deadline_ns, Batch batch = Batch::mended);
    // Shows the payload of each NOTIFY that came or comes until then, to channels it asked for. False: the
    // connection was lost, and the session is broken. [worker]
    bool listen(std::uint64_t until_ns, const std::function<void(std::string_view payload)>& told);
    bool broken() const noexcept { return connection_ == nullptr; }
    void close() noexcept;

  private:
    struct Prepared {
        std::string name;
        std::vector<unsigned> types;  // of the parameters
        bool binary = false;          // how its one column is asked for
    };
    enum class Wait { ok, lost, late };

    std::uint64_t left_ms(std::uint64_t deadline_ns) const;
    bool connect(std::uint64_t deadline_ns, std::string& problem);
    Wait wait_for_input(std::uint64_t deadline_ns);
    Wait flush(std::uint64_t deadline_ns);
    const Prepared* prepare(std::string_view sql, std::uint64_t deadline_ns, Outcome& failure);
    bool send(const Query& query, const Prepared& prepared, Outcome& outcome);
    bool run_together(std::span<const Query> queries, std::span<const Prepared* const> prepared, std::span<Outcome> outcomes, bool each_alone,
                      std::uint64_t deadline_ns);
    void give_up(std::span<Outcome> outcomes, std::string_view why);

    const plugin::Host host_;
    const ConnectionOptions& options_;
    pg_conn* connection_ = nullptr;
    std::map<std::string, Prepared, std::less<>> prepared_;
};

}  // namespace larder::postgres_wire
