// plugins/postgres_wire/session.cpp -- see session.hpp.
#include "session.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace larder::postgres_wire {
namespace {

struct Free {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Free>;

// So many statements are remembered by the server for a session; policies have few.
constexpr std::size_t most_prepared = 256;

std::string one_line(const char* message) {
    std::string text(message == nullptr ? "" : message);
    text = text.substr(0, text.find('\n'));
    return text.empty() ? "the server closed the connection" : text;
}

// Types whose binary form is their text: bytea, char, text, json, bpchar, varchar. They take any length and
// need no copy that ends in a zero.
bool is_plain(Oid type) { return type == 17 || type == 25 || type == 114 || type == 1042 || type == 1043; }

larder_status status_of(std::string_view state) {
    if (state.size() != 5) return LARDER_E_IO;
    const std::string_view kind = state.substr(0, 2);
    if (kind == "40" || state == "55P03") return LARDER_E_BUSY;  // deadlock, serialization, lock not available
    if (kind == "08" || kind == "53" || kind == "57" || kind == "58") return LARDER_E_IO;
    if (kind == "28" || state == "42501") return LARDER_E_DENIED;
    if (kind == "22" || kind == "23") return LARDER_E_INVALID;
    if (kind == "42" || kind == "26" || kind == "0A") return LARDER_E_CONFIG;
    return LARDER_E_INTERNAL;
}

void fill_failure(const PGresult* result, Outcome& outcome) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    outcome.status = status_of(state == nullptr ? "" : state);
    outcome.message = one_line(said != nullptr ? said : PQresultErrorMessage(result));
    if (outcome.status == LARDER_OK) outcome.status = LARDER_E_INTERNAL;
}

void fill_rows(const PGresult* result, Outcome& outcome) {
    outcome.status = LARDER_OK;
    outcome.rows = static_cast<std::size_t>(PQntuples(result));
    outcome.columns = static_cast<std::size_t>(PQnfields(result));
    const char* changed = PQcmdTuples(const_cast<PGresult*>(result));
    outcome.affected = changed == nullptr || *changed == 0 ? 0 : std::strtoull(changed, nullptr, 10);
    outcome.cells.clear();
    for (int column = 0; outcome.rows != 0 && column < PQnfields(result); ++column) {
        if (PQgetisnull(result, 0, column) != 0) outcome.cells.emplace_back();
        else outcome.cells.emplace_back(std::string(PQgetvalue(result, 0, column), static_cast<std::size_t>(PQgetlength(result, 0, column))));
    }
}

}  // namespace

std::string shown_server(std::string_view url) {
    if (const std::size_t at = url.find("://"); at != std::string_view::npos) url.remove_prefix(at + 3);
    url = url.substr(0, url.find('?'));
    if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
    return "postgres " + std::string(url.empty() ? "by its defaults" : url);
}

void Session::close() noexcept {
    PQfinish(std::exchange(connection_, nullptr));
    prepared_.clear();
}

std::uint64_t Session::left_ms(std::uint64_t deadline_ns) const {
    const std::uint64_t now = host_.mono_ns();
    return deadline_ns > now ? (deadline_ns - now) / 1'000'000 + 1 : 0;
}

namespace {

// 1 ready, 0 too late, -1 an error.
int poll_for(int descriptor, short events, std::uint64_t left_ms) {
    pollfd one{descriptor, events, 0};
    return ::poll(&one, 1, static_cast<int>(std::min<std::uint64_t>(left_ms, 1'000'000)));
}

}  // namespace

bool Session::connect(std::uint64_t deadline_ns, std::string& problem) {
    deadline_ns = std::min(deadline_ns, host_.mono_ns() + options_.connect_timeout_ns);
    const std::array<const char*, 5> names{"dbname", "fallback_application_name", "client_encoding",
                                           options_.password.empty() ? nullptr : "password", nullptr};
    const std::array<const char*, 5> values{options_.url.c_str(), "larder", "UTF8", options_.password.c_str(), nullptr};
    connection_ = PQconnectStartParams(names.data(), values.data(), 1);
    if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
        problem = connection_ == nullptr ? "out of memory" : one_line(PQerrorMessage(connection_));
        close();
        return false;
    }
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        const std::uint64_t left = left_ms(deadline_ns);
        const int there = left == 0 ? 0 : poll_for(PQsocket(connection_), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, left);
        if (there == 0 && left_ms(deadline_ns) == 0) {
            problem = "no connection in time";
            close();
            return false;
        }
        if (there <= 0) continue;  // a signal, or not yet
        next = PQconnectPoll(connection_);
        if (next == PGRES_POLLING_FAILED) {
            problem = one_line(PQerrorMessage(connection_));
            close();
            return false;
        }
    }
    PQsetnonblocking(connection_, 1);
    if (PQenterPipelineMode(connection_) != 1) {
        problem = "no pipelines";
        close();
        return false;
    }
    return true;
}

bool Session::ready(std::uint64_t deadline_ns, std::string& problem) {
    // An idle server says nothing: what it says is that it goes.
    if (connection_ != nullptr && poll_for(PQsocket(connection_), POLLIN, 0) != 0 &&
        (PQconsumeInput(connection_) == 0 || PQstatus(connection_) != CONNECTION_OK))
        close();
    return connection_ != nullptr || connect(deadline_ns, problem);
}

Session::Wait Session::flush(std::uint64_t deadline_ns) {
    for (;;) {
        const int more = PQflush(connection_);
        if (more == 0) return Wait::ok;
        if (more < 0) return Wait::lost;
        const std::uint64_t left = left_ms(deadline_ns);
        if (left == 0) return Wait::late;
        // It may have to be read from before it takes more.
        if (poll_for(PQsocket(connection_), POLLIN | POLLOUT, left) > 0 && PQconsumeInput(connection_) == 0) return Wait::lost;
    }
}

Session::Wait Session::wait_for_input(std::uint64_t deadline_ns) {
    while (PQisBusy(connection_) != 0) {
        const std::uint64_t left = left_ms(deadline_ns);
        if (left == 0) return Wait::late;
        if (poll_for(PQsocket(connection_), POLLIN, left) > 0 && PQconsumeInput(connection_) == 0) return Wait::lost;
    }
    return Wait::ok;
}

// All that was sent and not answered.
void Session::give_up(std::span<Outcome> outcomes, std::string_view why) {
    for (Outcome& outcome : outcomes) {
        outcome = Outcome{};
        outcome.status = LARDER_E_TIMEOUT;
        outcome.message = why;
    }
    close();
}

const Session::Prepared* Session::prepare(std::string_view sql, std::uint64_t deadline_ns, Outcome& failure) {
    if (const auto known = prepared_.find(sql); known != prepared_.end()) return &known->second;
    failure = Outcome{};
    if (prepared_.size() >= most_prepared) {
        failure.status = LARDER_E_CONFIG;
        failure.message = "too many different statements";
        return nullptr;
    }
    Prepared made;
    made.name = "l" + std::to_string(prepared_.size());
    const std::string text(sql);
    bool good = PQsendPrepare(connection_, made.name.c_str(), text.c_str(), 0, nullptr) == 1 &&
                PQsendDescribePrepared(connection_, made.name.c_str()) == 1 && PQpipelineSync(connection_) == 1;
    bool failed = false;
    const auto lost = [&]() -> const Prepared* {
        failure.status = LARDER_E_IO;  // nothing but a description was asked for
        failure.message = connection_ == nullptr ? "the connection was lost" : one_line(PQerrorMessage(connection_));
        close();
        return nullptr;
    };
    if (!good || flush(deadline_ns) != Wait::ok) return lost();
    for (bool synced = false; !synced;) {
        if (wait_for_input(deadline_ns) != Wait::ok) return lost();
        const Result result(PQgetResult(connection_));
        if (result == nullptr) continue;
        switch (PQresultStatus(result.get())) {
            case PGRES_PIPELINE_SYNC: synced = true; break;
            case PGRES_PIPELINE_ABORTED: break;
            case PGRES_COMMAND_OK:
                for (int i = 0; i < PQnparams(result.get()); ++i) made.types.push_back(PQparamtype(result.get(), i));
                made.binary = PQnfields(result.get()) > 0;
                for (int i = 0; i < PQnfields(result.get()); ++i) made.binary = made.binary && is_plain(PQftype(result.get(), i));
                break;
            default:
                if (PQstatus(connection_) != CONNECTION_OK) return lost();
                failed = true;
                fill_failure(result.get(), failure);
        }
    }
    if (failed) return nullptr;
    return &prepared_.emplace(text, std::move(made)).first->second;
}

// False: nothing was sent, and the outcome says why.
bool Session::send(const Query& query, const Prepared& prepared, Outcome& outcome) {
    const std::size_t n = query.parameters.size();
    std::vector<std::string> copies(n);
    std::vector<const char*> values(n, nullptr);
    std::vector<int> sizes(n, 0), formats(n, 0);
    outcome = Outcome{};
    if (n != prepared.types.size()) {
        outcome.status = LARDER_E_CONFIG;
        outcome.message = "the statement has another number of parameters";
        return false;
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (!query.parameters[i]) continue;
        const std::string_view value = *query.parameters[i];
        if (value.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
            outcome.status = LARDER_E_TOO_LARGE;
            return false;
        }
        if (is_plain(prepared.types[i])) {
            values[i] = value.empty() ? "" : value.data();
            sizes[i] = static_cast<int>(value.size());
            formats[i] = 1;
            continue;
        }
        // As text it ends at the first zero: what comes behind it would be lost.
        if (value.find('\0') != std::string_view::npos) {
            outcome.status = LARDER_E_INVALID;
            outcome.message = "a zero byte in a value that is no bytea";
            return false;
        }
        copies[i] = value;
        values[i] = copies[i].c_str();
    }
    return PQsendQueryPrepared(connection_, prepared.name.c_str(), static_cast<int>(n), values.data(), sizes.data(), formats.data(),
                               prepared.binary ? 1 : 0) == 1;
}

// True: all that was sent is answered in full.
bool Session::run_together(std::span<const Query> queries, std::span<const Prepared* const> prepared, std::span<Outcome> outcomes, bool each_alone,
                           std::uint64_t deadline_ns) {
    std::vector<std::size_t> sent;
    std::size_t syncs = 0;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        if (prepared[i] == nullptr || !send(queries[i], *prepared[i], outcomes[i])) continue;
        sent.push_back(i);
        if (each_alone && PQpipelineSync(connection_) == 1) ++syncs;
    }
    if (sent.empty()) return true;
    if (!each_alone && PQpipelineSync(connection_) == 1) ++syncs;
    const auto lost = [&](Wait how) {
        const std::string why = how == Wait::late ? "no answer in time" : one_line(PQerrorMessage(connection_));
        for (const std::size_t i : sent) give_up(outcomes.subspan(i, 1), why);
        return false;
    };
    if (const Wait how = flush(deadline_ns); how != Wait::ok) return lost(how);
    std::size_t at = 0;
    while (syncs > 0) {
        if (const Wait how = wait_for_input(deadline_ns); how != Wait::ok) return lost(how);
        const Result result(PQgetResult(connection_));
        if (result == nullptr) {  // the end of one
            if (PQstatus(connection_) != CONNECTION_OK) return lost(Wait::lost);
            continue;
        }
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_PIPELINE_SYNC) {
            --syncs;
            continue;
        }
        if (PQstatus(connection_) != CONNECTION_OK) return lost(Wait::lost);
        Outcome& outcome = outcomes[sent[std::min(at, sent.size() - 1)]];
        ++at;
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) fill_rows(result.get(), outcome);
        else if (status == PGRES_PIPELINE_ABORTED) outcome.message = "another one of its batch failed";
        else fill_failure(result.get(), outcome);
    }
    return true;
}

bool Session::listen(std::uint64_t until_ns, const std::function<void(std::string_view payload)>& told) {
    struct FreeNotify {
        void operator()(PGnotify* notify) const noexcept { PQfreemem(notify); }
    };
    while (connection_ != nullptr) {
        while (const std::unique_ptr<PGnotify, FreeNotify> notify{PQnotifies(connection_)}) told(notify->extra);
        const std::uint64_t left = left_ms(until_ns);
        if (left == 0) return true;
        if (poll_for(PQsocket(connection_), POLLIN, left) > 0 && (PQconsumeInput(connection_) == 0 || PQstatus(connection_) != CONNECTION_OK)) close();
    }
    return false;
}

void Session::run(std::span<const Query> queries, std::span<Outcome> outcomes, std::uint64_t deadline_ns, Batch batch) {
    std::vector<const Prepared*> prepared;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        prepared.push_back(connection_ == nullptr ? nullptr : prepare(queries[i].sql, deadline_ns, outcomes[i]));
        if (connection_ == nullptr) {  // nothing was done
            for (std::size_t k = 0; k < queries.size(); ++k) {
                if (k != i) outcomes[k] = Outcome{};
                outcomes[k].status = LARDER_E_IO;
            }
            return;
        }
    }
    const bool each = queries.size() == 1 || batch == Batch::each;
    if (batch == Batch::whole && std::find(prepared.begin(), prepared.end(), nullptr) != prepared.end()) {
        // The outcome of the one that cannot be said tells why; the others were not done either.
        for (std::size_t i = 0; i < queries.size(); ++i)
            if (prepared[i] != nullptr) outcomes[i].message = "another one of its batch cannot be prepared";
        return;
    }
    if (!run_together(queries, prepared, outcomes, each, deadline_ns) || each || batch == Batch::whole) return;
    if (std::all_of(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return o.status == LARDER_OK; })) return;
    run_together(queries, prepared, outcomes, true, deadline_ns);
}

}  // namespace larder::postgres_wire
