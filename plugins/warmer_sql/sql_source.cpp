// plugins/warmer_sql/sql_source.cpp -- see sql_source.hpp.
#include "sql_source.hpp"

#include <algorithm>
#include <vector>

namespace larder::warmer_sql {

using plugin::text_of;
using postgres_wire::Outcome;
using postgres_wire::Query;
using postgres_wire::Statement;

namespace {

// Texts come from the policy; a policy that is replaced leaves some behind.
constexpr std::size_t most_statements = 1024;

postgres_wire::ConnectionOptions connection_of(plugin::Host host, const plugin::Config& config) {
    postgres_wire::ConnectionOptions out;
    out.url = config.text("url");
    out.shown = postgres_wire::shown_server(out.url);
    out.connect_timeout_ns = static_cast<std::uint64_t>(config.duration_ns("connect_timeout", 5'000'000'000));
    host.with_secret(config, "password", [&](std::string_view secret) { out.password = secret; });
    return out;
}

std::uint64_t deadline_of(const larder_call& call, std::uint64_t now_ns) {
    return call.deadline_ns != 0 ? call.deadline_ns : now_ns + 30'000'000'000;
}

// False: some name is neither a field nor the value.
bool fill(const Statement& statement, std::span<const larder_pair> fields, const std::optional<std::string_view>& value, Query& query) {
    query.sql = statement.sql;
    for (const std::string& name : statement.names) {
        if (value && name == "value") {
            query.parameters.emplace_back(*value);
            continue;
        }
        const auto it = std::find_if(fields.begin(), fields.end(), [&](const larder_pair& field) { return text_of(field.name) == name; });
        if (it == fields.end()) return false;
        query.parameters.emplace_back(text_of(it->value));
    }
    return true;
}

std::span<const larder_pair> span_of(const larder_pair* pairs, std::uint32_t count) { return {pairs, pairs == nullptr ? 0 : count}; }

}  // namespace

SqlSource::SqlSource(plugin::Host host, const plugin::Config& config)
    : host_(host), pool_(host, connection_of(host, config), static_cast<std::size_t>(config.integer("connections", 4))) {}

void SqlSource::stop(std::uint64_t) { pool_.stop(); }

std::shared_ptr<const Statement> SqlSource::statement(std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto known = statements_.find(text);
    if (known != statements_.end()) return known->second;
    if (statements_.size() >= most_statements) statements_.clear();
    auto made = std::make_shared<const Statement>(Statement::parse(text));
    statements_.emplace(text, made);
    return made;
}

void SqlSource::tell(std::string_view what, const Outcome& outcome) {
    host_.log(LARDER_LOG_WARN, {what, " at ", pool_.shown(), ": ", outcome.message});
}

larder_status SqlSource::fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set, plugin::Reply out) {
    const auto fields = LARDER_HAS(&item, field_count) ? span_of(item.fields, item.field_count) : std::span<const larder_pair>{};
    const auto query_text = statement(text_of(item.hint));
    Query query;
    Outcome outcome;
    if (query_text->sql.empty() || !fill(*query_text, fields, std::nullopt, query)) {
        outcome.message = "no such statement can be made: " + std::string(text_of(item.hint));
        tell("a load", outcome);
        return LARDER_E_CONFIG;
    }
    pool_.run({&query, 1}, {&outcome, 1}, deadline_of(call, host_.mono_ns()), true);
    if (outcome.status == LARDER_OK && outcome.columns != 1) {
        outcome.status = LARDER_E_CONFIG;
        outcome.message = "a value is one column, and this statement answers with " + std::to_string(outcome.columns);
    } else if (outcome.status == LARDER_OK && outcome.rows > 1) {
        outcome.status = LARDER_E_CONFIG;
        outcome.message = "a value is one row, and this statement found " + std::to_string(outcome.rows);
    }
    if (outcome.status != LARDER_OK) {
        tell("a load", outcome);
        return outcome.status;
    }
    if (outcome.rows == 0 || !outcome.cells[0]) {
        set.flags |= LARDER_SET_ABSENT;
        return LARDER_OK;
    }
    return out.owned(std::move(*outcome.cells[0]));
}

larder_status SqlSource::write(const larder_warm_item&, std::span<larder_source_write> writes, const larder_call& call) {
    std::vector<std::shared_ptr<const Statement>> texts;  // queries view them
    std::vector<Query> queries;
    std::vector<std::size_t> of;
    for (std::size_t i = 0; i < writes.size(); ++i) {
        larder_source_write& write = writes[i];
        texts.push_back(statement(text_of(write.hint)));
        Query query;
        const std::optional<std::string_view> value = write.remove != 0 ? std::nullopt : std::optional(text_of(write.value));
        if (texts.back()->sql.empty() || !fill(*texts.back(), span_of(write.fields, write.field_count), value, query)) {
            Outcome outcome;
            outcome.message = write.hint.size == 0 ? std::string(write.remove != 0 ? "the policy gives no statement behind `remove`" : "the policy gives no statement behind `write`")
                                                   : "no such statement can be made: " + std::string(text_of(write.hint));
            tell("a write", outcome);
            write.status = LARDER_E_CONFIG;
            continue;
        }
        queries.push_back(std::move(query));
        of.push_back(i);
    }
    if (queries.empty()) return LARDER_OK;
    std::vector<Outcome> outcomes(queries.size());
    pool_.run(queries, outcomes, deadline_of(call, host_.mono_ns()), false);
    const Outcome* failed = nullptr;
    for (std::size_t k = 0; k < of.size(); ++k) {
        larder_source_write& write = writes[of[k]];
        write.status = outcomes[k].status;
        if (write.status == LARDER_OK && write.remove != 0 && outcomes[k].affected == 0) write.status = LARDER_MISS;
        if (outcomes[k].status != LARDER_OK && failed == nullptr) failed = &outcomes[k];
    }
    if (failed != nullptr) tell("a write", *failed);
    return LARDER_OK;
}

}  // namespace larder::warmer_sql
