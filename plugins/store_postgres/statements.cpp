// plugins/store_postgres/statements.cpp -- see statements.hpp.
#include "statements.hpp"

#include <cstdio>

namespace larder::store_postgres {
namespace {

constexpr std::string_view now = "(extract(epoch from clock_timestamp())*1000)::int8";

// Replaces each @NAME@ by what it stands for.
class Words {
  public:
    Words(const Options& o, std::string channel) {
        words_ = {{"@V@", o.tables.values},    {"@R@", o.tables.records},   {"@L@", o.tables.leases},
                  {"@key@", o.columns.key},    {"@value@", o.columns.value}, {"@version@", o.columns.version},
                  {"@ends@", o.columns.ends},  {"@written@", o.columns.written}, {"@place@", o.columns.place},
                  {"@now@", std::string(now)}, {"@channel@", std::move(channel)}};
    }
    std::string operator()(std::string text) const {
        for (const auto& [word, meaning] : words_) {
            for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + meaning.size())) {
                text.replace(at, word.size(), meaning);
            }
        }
        return text;
    }

  private:
    std::vector<std::pair<std::string, std::string>> words_;
};

// Nodes with the same tables and prefix tell each other, and nobody else.
std::string channel_of(const Options& o) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : o.tables.values + ' ' + o.prefix) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    char text[32];
    std::snprintf(text, sizeof text, "larder_%016llx", static_cast<unsigned long long>(hash));
    return text;
}

std::string put_text(Only only, bool keeps_ttl, bool leased) {
    const std::string row = "$1::bytea, $2::bytea, $3::int8, CASE WHEN $4::int8 = 0 THEN 0 ELSE @now@ + $4::int8 END, @now@";
    const std::string there = "x.@key@ = $1 AND (x.@ends@ = 0 OR x.@ends@ > @now@)";
    const std::string given = leased ? "$8::int8" : "$7::int8";
    std::string text = "WITH ";
    if (leased) {
        text += "l AS (DELETE FROM @L@ WHERE key = $1 AND token = $7::int8 AND ends > @now@ RETURNING 1), ";
    }
    text += "w AS (INSERT INTO @V@ AS t (@key@, @value@, @version@, @ends@, @written@) SELECT " + row;
    text += leased ? " FROM l" : "";
    if (only == Only::absent) {
        text += " WHERE NOT EXISTS (SELECT 1 FROM @V@ x WHERE " + there + ")";
    } else if (only == Only::version) {
        text += " WHERE coalesce((SELECT x.@version@ FROM @V@ x WHERE " + there + "), 0) = " + given;
    }
    text += " ON CONFLICT (@key@) DO UPDATE SET @value@ = excluded.@value@, @version@ = excluded.@version@, "
            "@written@ = excluded.@written@, @ends@ = ";
    text += keeps_ttl ? "CASE WHEN t.@ends@ = 0 OR t.@ends@ > @now@ THEN t.@ends@ ELSE excluded.@ends@ END" : "excluded.@ends@";
    return text + " RETURNING 1) SELECT pg_notify($5, $6) FROM w";
}

}  // namespace

Statements::Statements(const Options& o) : channel(channel_of(o)) {
    const Words of(o, channel);
    for (const Only only : {Only::always, Only::absent, Only::version}) {
        for (const bool keeps : {false, true}) {
            for (const bool leased : {false, true}) {
                puts_[(static_cast<std::size_t>(only) * 2 + (keeps ? 1 : 0)) * 2 + (leased ? 1 : 0)] = of(put_text(only, keeps, leased));
            }
        }
    }
    if (o.create) {
        create = {
            // Two nodes that start at once would both make them.
            "SELECT pg_advisory_xact_lock(7021871236)",
            of("CREATE TABLE IF NOT EXISTS @V@ (@key@ bytea PRIMARY KEY, @value@ bytea NOT NULL, @version@ int8 NOT NULL, "
               "@ends@ int8 NOT NULL DEFAULT 0, @written@ int8 NOT NULL, @place@ bigserial UNIQUE)"),
            of("CREATE INDEX IF NOT EXISTS @channel@_ends ON @V@ (@ends@) WHERE @ends@ <> 0"),
            of("CREATE INDEX IF NOT EXISTS @channel@_written ON @V@ (@written@)"),
            of("CREATE TABLE IF NOT EXISTS @R@ (key bytea PRIMARY KEY, dropped int8 NOT NULL, expired int8 NOT NULL, "
               "expired_at int8 NOT NULL, ends int8 NOT NULL)"),
            of("CREATE TABLE IF NOT EXISTS @L@ (key bytea PRIMARY KEY, token int8 NOT NULL, ends int8 NOT NULL)"),
        };
    }
    lock = "SELECT pg_advisory_xact_lock($1::int8)";
    beacon = of("SELECT @now@::text || ' ' || pg_postmaster_start_time()::text, pg_notify($1, $2)");
    listen = of("LISTEN @channel@");
    get = of("SELECT @value@ FROM @V@ WHERE @key@ = $1 AND (@ends@ = 0 OR @ends@ > @now@)");
    version_of = of("SELECT @version@::text || ' ' || octet_length(@value@)::text FROM @V@ WHERE @key@ = $1 AND (@ends@ = 0 OR @ends@ > @now@)");
    end_lease = of("DELETE FROM @L@ WHERE key = $1");
    remove = of("WITH w AS (DELETE FROM @V@ WHERE @key@ = $1 AND ($4::int8 = 0 OR @version@ = $4::int8) RETURNING @ends@ AS over) "
                "SELECT pg_notify($2, $3), (over = 0 OR over > @now@)::text FROM w");
    touch = of("WITH w AS (UPDATE @V@ SET @ends@ = CASE WHEN $2::int8 = 0 THEN 0 ELSE @now@ + $2::int8 END, "
               "@value@ = CASE WHEN octet_length($3::bytea) = 0 THEN @value@ ELSE overlay(@value@ PLACING $3::bytea FROM $4::int4 + 1) END "
               "WHERE @key@ = $1 AND (@ends@ = 0 OR @ends@ > @now@) AND ($5::int8 = 0 OR @version@ = $5::int8) "
               "AND octet_length(@value@) >= $4::int4 + octet_length($3::bytea) RETURNING 1) SELECT pg_notify($6, $7) FROM w");
    scan = of("SELECT string_agg(p || ',' || s || ',' || l || ',' || k, ';' ORDER BY p) FROM (SELECT @place@ AS p, "
              "octet_length(@value@) AS s, CASE WHEN @ends@ = 0 THEN -1 ELSE greatest(0, @ends@ - @now@) END AS l, encode(@key@, 'hex') AS k "
              "FROM @V@ WHERE @place@ >= $1::int8 AND ($3::int8 = 1 OR @ends@ = 0 OR @ends@ > @now@) ORDER BY @place@ LIMIT $2::int8) q");
    clear_all = of("WITH w AS (DELETE FROM @V@) SELECT pg_notify($1, '*')");
    clear = of("WITH w AS (DELETE FROM @V@ WHERE @key@ >= $1 AND @key@ < $2) SELECT pg_notify($3, '*')");
    clear_leases = of("DELETE FROM @L@ WHERE key >= $1 AND key < $2");
    clear_leases_all = of("DELETE FROM @L@");
    record = of("SELECT dropped::text || ' ' || expired::text || ' ' || expired_at::text || ' ' || (ends - @now@)::text FROM @R@ "
                "WHERE key = $1 AND ends > @now@");
    // One whose life is over counts as none: others may have met it so.
    make = of("WITH w AS (INSERT INTO @R@ AS r VALUES ($1, $2::int8, $3::int8, $4::int8, @now@ + $5::int8) ON CONFLICT (key) DO UPDATE SET "
              "dropped = CASE WHEN r.ends > @now@ THEN r.dropped ELSE excluded.dropped END, "
              "expired = CASE WHEN r.ends > @now@ THEN r.expired ELSE excluded.expired END, "
              "expired_at = CASE WHEN r.ends > @now@ THEN r.expired_at ELSE excluded.expired_at END, "
              "ends = greatest(r.ends, excluded.ends) RETURNING dropped, expired, expired_at) "
              "SELECT dropped::text || ' ' || expired::text || ' ' || expired_at::text, pg_notify($6, $7) FROM w");
    change = of("WITH w AS (UPDATE @R@ SET dropped = CASE WHEN $2::int8 = 0 THEN dropped ELSE $2::int8 END, expired = $3::int8, "
                "expired_at = $4::int8, ends = greatest(ends, @now@ + $5::int8) WHERE key = $1 AND ends > @now@ RETURNING 1) "
                "SELECT pg_notify($6, $7) FROM w");
    lease = of("INSERT INTO @L@ AS l VALUES ($1, $2::int8, @now@ + $3::int8) ON CONFLICT (key) DO UPDATE SET token = excluded.token, "
               "ends = excluded.ends WHERE l.ends <= @now@ OR l.token = excluded.token");
    unlease = of("DELETE FROM @L@ WHERE key = $1 AND token = $2::int8");
    sweep_ended = of("DELETE FROM @V@ WHERE @key@ IN (SELECT @key@ FROM @V@ WHERE @ends@ <> 0 AND @ends@ <= @now@ LIMIT $1::int8)");
    sweep_old = of("DELETE FROM @V@ WHERE @key@ IN (SELECT @key@ FROM @V@ WHERE @written@ <= @now@ - $2::int8 LIMIT $1::int8)");
    sweep_many = of("DELETE FROM @V@ WHERE @key@ IN (SELECT @key@ FROM @V@ ORDER BY @written@ LIMIT "
                    "least($1::int8, greatest(0, (SELECT count(*) FROM @V@) - $2::int8)))");
    sweep_leases = of("DELETE FROM @L@ WHERE key IN (SELECT key FROM @L@ WHERE ends <= @now@ LIMIT $1::int8)");
    sweep_records = of("DELETE FROM @R@ WHERE key IN (SELECT key FROM @R@ WHERE ends <= @now@ LIMIT $1::int8)");
    std::string plain = o.tables.values, quoted;
    for (const char c : plain) {
        quoted += c == '\'' ? "''" : std::string(1, c);
    }
    // Exact as long as counting is cheap, else what the planner believes.
    count = of("SELECT CASE WHEN reltuples > 100000 THEN reltuples::int8 ELSE (SELECT count(*) FROM @V@) END::text || ' ' || "
               "pg_total_relation_size(oid)::text FROM pg_class WHERE oid = '" + quoted + "'::regclass");
}

}  // namespace larder::store_postgres
