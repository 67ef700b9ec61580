// dsl/check_migrations.cpp -- the steps of `migrate`, and between which versions they stand.
#include "dsl/check_migrations.hpp"

#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

std::optional<std::vector<std::string>> member_path(Draft& draft, const ast::Text& text) {
    const std::string whole = plain(text);
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= whole.size();) {
        const std::size_t end = std::min(whole.find('.', at), whole.size());
        out.push_back(whole.substr(at, end - at));
        at = end + 1;
    }
    if (std::none_of(out.begin(), out.end(), [](const std::string& name) { return name.empty(); }))
        return out;
    draft.say
        .error("L0240", text.at, "this names no member of a value", "a name is empty")
        .helps.push_back("members within members are joined with dots: `\"address.zip\"`");
    return std::nullopt;
}

namespace {

std::optional<MigrationStep> step_of(Draft& draft, Values& values, const ast::MigrateStep& step) {
    MigrationStep out;
    if (const auto* k = as<ast::MoveStep>(step)) {
        const auto from = member_path(draft, k->from), to = member_path(draft, k->to);
        if (!from || !to) return std::nullopt;
        out.path = *from;
        out.to = *to;
        const bool renames = k->what.value == ast::MoveVerb::rename;
        if (renames) {
            if (to->size() > 1) {
                draft.say
                    .error("L0240", k->to.at, "`rename` leaves a member where it is",
                           "a path of several names")
                    .helps.push_back("write `move` to put it elsewhere");
                return std::nullopt;
            }
            out.to = *from;
            out.to.back() = to->front();
        }
        out.text = (renames ? "rename \"" : "move \"") + plain(k->from) + "\" to \"" +
                   plain(k->to) + '"';
        const bool within = out.to.size() > out.path.size() &&
                            std::equal(out.path.begin(), out.path.end(), out.to.begin());
        if (within || out.to == out.path) {
            draft.say.error("L0240", k->to.at, "a member cannot be moved into itself");
            return std::nullopt;
        }
        return out;
    }
    if (const auto* k = as<ast::DefaultStep>(step)) {
        const auto path = member_path(draft, k->member);
        const auto json = values.json(k->value);
        if (!path || !json) return std::nullopt;
        out.kind = MigrationStep::Kind::fill;
        out.path = *path;
        out.json = *json;
        out.text = "default \"" + plain(k->member) + "\" " + *json;
        return out;
    }
    if (const auto* k = as<ast::LeaveOutStep>(step)) {
        const auto path = member_path(draft, k->member);
        if (!path) return std::nullopt;
        out.kind = MigrationStep::Kind::drop;
        out.path = *path;
        out.text = "drop \"" + plain(k->member) + '"';
        return out;
    }
    return std::nullopt;
}

}  // namespace

Migration migration_of(Draft& draft, Values& values, const ast::MigrateClause& clause) {
    constexpr std::size_t most_steps = 256;
    Migration out;
    out.where = draft.where(clause.kw.at);
    out.from = values.count(clause.from, 1).value_or(0);
    out.to = values.count(clause.to, 1).value_or(0);
    for (const ast::MigrateStep& step : clause.steps) {
        if (out.steps.size() == most_steps) {
            draft.say.error("L0229", clause.kw, "a migration has at most 256 steps");
            break;
        }
        if (auto made = step_of(draft, values, step)) out.steps.push_back(std::move(*made));
    }
    return out;
}

void check_migrations(Draft& draft, const Namespace& n, const Space& space) {
    for (std::size_t i = 0; i < n.migrations.size() && i < space.migrate_at.size(); ++i) {
        const Migration& m = n.migrations[i];
        const Span at = space.migrate_at[i];
        if (m.from == 0 || m.to == 0) continue;  // said already
        if (m.to <= m.from) {
            draft.say.error("L0232", at, "a migration leads to a newer version",
                            std::to_string(m.to) + " is not after " + std::to_string(m.from));
            continue;
        }
        if (m.to > n.version) {
            draft.say.error("L0232", at,
                            ticked(n.name) + " has version " + std::to_string(n.version) +
                                ", and this leads to " + std::to_string(m.to));
            continue;
        }
        // A version between an accepted one and the present may be passed through only.
        const bool reached =
            std::find(n.accepts.begin(), n.accepts.end(), m.from) != n.accepts.end() ||
            std::any_of(n.migrations.begin(), n.migrations.end(),
                        [&m](const Migration& other) { return other.to == m.from; });
        if (!reached) {
            auto& d = draft.say.error("L0232", at,
                                      ticked(n.name) + " does not accept version " +
                                          std::to_string(m.from),
                                      "no value is ever migrated by this");
            d.helps.push_back("write `version " + std::to_string(n.version) + " accepts " +
                              std::to_string(m.from) + "`");
        }
        for (std::size_t k = 0; k < i; ++k) {
            if (n.migrations[k].from != m.from || n.migrations[k].to != m.to) continue;
            draft.say
                .error("L0205", at, "this migration is given twice in " + ticked(n.name),
                       "second time")
                .more.push_back({space.migrate_at[k], "first time"});
        }
    }
}

}  // namespace larder::dsl
