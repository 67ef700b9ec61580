// dsl/check_tests.cpp -- `test` items name things that exist and requests that can be made.
//
// Each step is checked and turned into a TestStep in one go, so that what is played is what was judged.
#include "dsl/check_clauses.hpp"
#include "dsl/check_migrations.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace larder::dsl {

namespace {

// Days since 1970 of `2026-03-15`.
std::optional<std::int64_t> day_of(std::string_view text) {
    const auto number = [&](std::size_t at, std::size_t size) -> std::optional<int> {
        int value = 0;
        const char* const end = text.data() + at + size;
        const auto read = std::from_chars(text.data() + at, end, value);
        if (read.ec != std::errc{} || read.ptr != end || value < 0) return std::nullopt;
        return value;
    };
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
    if (!year || !month || !day) return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok() || *year < 1970) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count();
}

Expected expected_of(ast::Outcome outcome) {
    switch (outcome) {
        case ast::Outcome::dropped: return Expected::dropped;
        case ast::Outcome::kept: return Expected::kept;
        case ast::Outcome::expired: return Expected::expired;
        case ast::Outcome::hit: return Expected::hit;
        case ast::Outcome::miss: return Expected::miss;
        case ast::Outcome::stale: return Expected::stale;
        case ast::Outcome::absent: return Expected::absent;
        case ast::Outcome::warmed: return Expected::warmed;
        case ast::Outcome::served: return Expected::served;
    }
    return Expected::hit;
}

BreakerIs breaker_of(ast::BreakerWord word) {
    switch (word) {
        case ast::BreakerWord::open: return BreakerIs::open;
        case ast::BreakerWord::closed: return BreakerIs::closed;
        case ast::BreakerWord::half_open: return BreakerIs::half_open;
    }
    return BreakerIs::open;
}

Origin origin_of(ast::Origin origin) {
    switch (origin) {
        case ast::Origin::header: return Origin::header;
        case ast::Origin::query: return Origin::query;
        case ast::Origin::cookie: return Origin::cookie;
        case ast::Origin::json: return Origin::json;
        case ast::Origin::form: return Origin::form;
    }
    return Origin::header;
}

class Tests {
  public:
    Tests(Draft& draft, Values& values) : draft_(draft), values_(values) {
        for (const ast::Policy* tree : draft.trees) {
            for (const ast::Item& item : *tree) {
                if (const auto* p = as_forward<ast::Profile>(item))
                    profiles_.emplace_back(p->id.text);
            }
        }
    }

    void check(const ast::Test& test) {
        PolicyTest made;
        made.title = plain(test.title);
        made.where = draft_.where(test.kw);
        made.at = test.title.at;
        if (test.profile) {
            check_profile(*test.profile);
            made.profile = std::string(test.profile->text);
        }
        for (const ast::Step& s : test.steps) {
            if (auto step = step_of(s)) made.steps.push_back(std::move(*step));
        }
        draft_.tests.push_back(std::move(made));
    }

  private:
    using Made = std::optional<TestStep>;

    static TestStep begun(StepKind kind, Span at) {
        TestStep out;
        out.kind = kind;
        out.at = at;
        return out;
    }

    void check_profile(const ast::Name& name) {
        if (std::find(profiles_.begin(), profiles_.end(), name.text) != profiles_.end() ||
            draft_.may_be_declared(name.text))
            return;
        auto& d = draft_.say.error(
            "L0219", name.at,
            "profile " + ticked(name.text) + " is not declared in this policy");
        if (const std::string near = meant(name.text, profiles_); !near.empty()) {
            d.primary.text = "did you mean " + ticked(near) + "?";
            d.fix = Fix{name.at, near};
        }
    }

    Made step_of(const ast::Step& s) {
        if (const auto* put = as<ast::PutStep>(s))
            return held(*put);
        if (const auto* load = as<ast::LoadStep>(s)) return loaded(*load);
        if (const auto* request = as<ast::HttpStep>(s)) return requested(*request);
        if (const auto* event = as<ast::EventStep>(s)) return happened(*event);
        if (const auto* wait = as<ast::AfterStep>(s)) return waited(*wait);
        if (const auto* today = as<ast::TodayStep>(s)) return dated(*today);
        if (const auto* store = as<ast::StoreStep>(s)) {
            const bool fails = store->what.value == ast::StoreChange::fail;
            return about_store(fails ? StepKind::fail : StepKind::recover, store->what.at,
                               store->store);
        }
        if (const auto* expect = as<ast::ExpectStep>(s)) return expected(*expect);
        if (const auto* breaker = as<ast::ExpectBreaker>(s)) {
            TestStep out = about_store(StepKind::expect_breaker, breaker->kw, breaker->store);
            out.at = cover(breaker->store.at, breaker->state.at);
            out.breaker = breaker_of(breaker->state.value);
            return out;
        }
        if (const auto* value = as<ast::ExpectValue>(s)) return valued(*value);
        if (const auto* rule = as<ast::ExpectRule>(s)) return rules(*rule);
        if (const auto* none_fired = as<ast::ExpectNoRule>(s))
            return begun(StepKind::expect_no_rule, cover(none_fired->kw, none_fired->no));
        if (const auto* ended = as<ast::ExpectEnded>(s)) return session(*ended);
        return std::nullopt;
    }

    Made entry(StepKind kind, const ast::Keyword& kw, const ast::Name& name,
               const ast::Maybe<ast::Text>& key, const std::vector<ast::Binding>& with) {
        const auto ns = draft_.known(name);
        if (!ns) return std::nullopt;
        TestStep out = begun(kind, cover(kw, key ? key->at : name.at));
        out.ns = *ns;
        const Namespace& n = draft_.policy.namespaces[*ns];
        for (const ast::Binding& b : with) {
            out.given.push_back({std::nullopt, std::string(b.id.text), plain(b.value), b.id.at});
            if (!n.key || std::find(n.parameters.begin(), n.parameters.end(), b.id.text) !=
                              n.parameters.end())
                continue;
            auto& d = draft_.say.error("L0203", b.id.at,
                                       ticked(n.name) + " has no parameter " + ticked(b.id.text));
            d.notes.push_back("bound here: " + joined(n.parameters));
        }
        if (!n.key) {
            if (draft_.syntax_errors) return out;
            auto& d = draft_.say.error("L0237", name.at,
                                       ticked(n.name) + " has no key, so nothing can be put there");
            d.helps.push_back("name one of the namespaces in it");
            return out;
        }
        if (key) {
            out.text = plain(*key);
            fits(out.text, key->at, n, *ns);
        } else {
            out.text = filled(n, out.given, name.at);
        }
        return out;
    }

    // The key that the values given make: `put menu.item with item_id = "7", tenant_id = "1"`.
    std::string filled(const Namespace& n, const std::vector<GivenValue>& given, Span at) {
        std::string out;
        for (const Piece& piece : n.key->pattern().pieces) {
            if (piece.kind == Piece::Kind::literal) {
                out += piece.text;
                continue;
            }
            const auto value = std::find_if(given.begin(), given.end(), [&](const GivenValue& g) {
                return g.name == piece.text;
            });
            if (value != given.end()) {
                out += value->value;
                continue;
            }
            auto& d = draft_.say.error("L0203", at,
                                       "nothing says which key of " + ticked(n.name) + " is meant");
            d.helps.push_back("write it: `" + n.name + " \"" + n.key->pattern().source +
                              "\"` with values, or `with " + piece.text + " = \"...\"`");
            return out;
        }
        return out;
    }

    std::vector<TestMember> members(const std::vector<ast::MemberValue>& given) {
        std::vector<TestMember> out;
        for (const ast::MemberValue& one : given) {
            const auto path = member_path(draft_, one.member);
            const auto json = values_.json(one.value);
            if (path && json) out.push_back({*path, *json, one.member.at});
        }
        return out;
    }

    Made held(const ast::PutStep& put) {
        Made out = entry(StepKind::put, put.kw, put.ns, put.key, put.with);
        if (!out) return out;
        out->holding = members(put.holding);
        if (!put.version) return out;
        const auto version = values_.count(*put.version, 1);
        const Namespace& n = draft_.policy.namespaces[out->ns];
        if (version && *version > n.version) {
            draft_.say.error("L0232", put.version->at,
                             ticked(n.name) + " has version " + std::to_string(n.version));
            return std::nullopt;
        }
        out->version = version.value_or(0);
        return out;
    }

    Made valued(const ast::ExpectValue& k) {
        Made out = entry(StepKind::expect_value, k.kw, k.ns, k.key, {});
        if (!out) return out;
        out->at = cover(k.ns.at, k.key.at);
        out->holding = members(k.holding);
        for (const ast::Text& one : k.without)
            if (const auto path = member_path(draft_, one)) out->without.push_back({*path, {}, one.at});
        return out;
    }

    Made loaded(const ast::LoadStep& load) {
        Made out = entry(StepKind::load, load.kw, load.ns, load.key, load.with);
        if (out && load.end)
            out->load_end = load.end->value == ast::LoadEnd::fails ? LoadOutcome::fails
                                                                   : LoadOutcome::absent;
        return out;
    }

    Made requested(const ast::HttpStep& k) {
        TestStep out = begun(StepKind::request, cover(k.method.at, k.path.at));
        out.method = std::string(k.method.text);
        out.text = plain(k.path);
        if (k.status) out.status = k.status->from;
        if (method_of(k.method.text) == 0) {
            auto& d = draft_.say.error("L0211", k.method.at,
                                       ticked(k.method.text) + " is not an HTTP method");
            static const std::vector<std::string> all{"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};
            if (const std::string near = meant(k.method.text, all); !near.empty())
                d.primary.text = "did you mean " + ticked(near) + "?";
        }
        if (!out.text.starts_with('/'))
            draft_.say.error("L0234", k.path.at, "a route begins with `/`",
                             "no request has such a path");
        for (const ast::RequestBinding& b : k.with) {
            if (const auto* field = as<ast::FieldBinding>(b)) {
                out.given.push_back({origin_of(field->from.value), plain(field->field),
                                     plain(field->value), cover(field->from.at, field->field.at)});
            } else if (const auto* name = as<ast::Binding>(b)) {
                add_lets(*name, out.given);
            }
        }
        return out;
    }

    // `tenant_id = "1"` is what each `let tenant_id = ...` of the rules reads.
    void add_lets(const ast::Binding& b, std::vector<GivenValue>& given) {
        const std::string value = plain(b.value);
        std::vector<std::string> names;
        const std::size_t before = given.size();
        for (const Rule& rule : draft_.policy.rules) {
            for (const Let& let : rule.lets) {
                const std::string& name = rule.variables[let.slot];
                if (std::find(names.begin(), names.end(), name) == names.end())
                    names.push_back(name);
                if (name != b.id.text) continue;
                const bool known =
                    std::any_of(given.begin(), given.end(), [&](const GivenValue& g) {
                        return g.origin == let.origin && g.name == let.field;
                    });
                if (!known) given.push_back({let.origin, let.field, value, b.id.at});
            }
        }
        if (given.size() != before || draft_.syntax_errors) return;
        auto& d = draft_.say.error("L0203", b.id.at,
                                   "no rule takes " + ticked(b.id.text) + " from a request");
        if (const std::string near = meant(b.id.text, names); !near.empty()) {
            d.primary.text = "did you mean " + ticked(near) + "?";
            d.fix = Fix{b.id.at, near};
        }
        d.helps.push_back("a field of the request is named like this: `with header \"X-Name\" = "
                          "\"...\"`");
    }

    Made happened(const ast::EventStep& k) {
        TestStep out = begun(StepKind::event, cover(k.kw, k.event.at));
        out.text = plain(k.event);
        for (const ast::Binding& b : k.with)
            out.given.push_back({std::nullopt, std::string(b.id.text), plain(b.value), b.id.at});
        return out;
    }

    Made waited(const ast::AfterStep& k) {
        TestStep out = begun(StepKind::after, cover(k.kw, k.wait.at));
        out.wait = values_.duration(k.wait).value_or(Ms{0});
        return out;
    }

    Made dated(const ast::TodayStep& k) {
        TestStep out = begun(StepKind::today, cover(k.kw, k.date.at));
        const auto day = day_of(plain(k.date));
        if (day) out.days = *day;
        else
            draft_.say.error("L0240", k.date.at, "a day is written like `\"2026-03-15\"`",
                             "no day since 1970 is written like this");
        return out;
    }

    TestStep about_store(StepKind kind, Span at, const ast::Name& store) {
        check_store(draft_, store.text, store.at);
        TestStep out = begun(kind, cover(at, store.at));
        out.store = std::string(store.text);
        return out;
    }

    Made expected(const ast::ExpectStep& k) {
        TestStep out = begun(StepKind::expect, k.what.at);
        out.expected = expected_of(k.what.value);
        for (const ast::Target& t : k.targets) {
            if (auto target = aim(t)) out.targets.push_back(std::move(*target));
        }
        if (!k.store) return out;
        check_store(draft_, k.store->text, k.store->at);
        out.store = std::string(k.store->text);
        if (out.expected != Expected::hit)
            draft_.say.error("L0240", k.store->at,
                             "only `expect hit` can say which store answers");
        return out;
    }

    std::optional<TestTarget> aim(const ast::Target& t) {
        TestTarget out;
        if (const auto* tag = as<ast::TagTarget>(t)) {
            out.kind = TargetKind::tag;
            out.text = plain(tag->tag);
            out.at = cover(tag->kw, tag->tag.at);
            return out;
        }
        if (const auto* everything = as<ast::EverythingTarget>(t)) {
            out.kind = TargetKind::everything;
            out.at = everything->at;
            return out;
        }
        const auto* k = as<ast::NsTarget>(t);
        const auto ns = k ? draft_.known(k->ns) : std::nullopt;
        if (!ns) return std::nullopt;
        out.ns = *ns;
        out.at = k->key ? cover(k->ns.at, k->key->at) : k->ns.at;
        if (!k->key) return out;
        out.text = plain(*k->key);
        out.kind = k->matching ? TargetKind::matching : TargetKind::key;
        const Namespace& n = draft_.policy.namespaces[*ns];
        if (!k->matching && n.key) fits(out.text, k->key->at, n, *ns);
        return out;
    }

    Made rules(const ast::ExpectRule& k) {
        TestStep out = begun(StepKind::expect_rule, cover(k.rule, k.heads.back().at));
        std::vector<std::string> known;
        for (const Rule& rule : draft_.policy.rules) known.push_back(rule.route);
        for (const ast::Text& head : k.heads) {
            out.texts.push_back(plain(head));
            if (draft_.syntax_errors ||
                std::find(known.begin(), known.end(), out.texts.back()) != known.end())
                continue;
            auto& d = draft_.say.error("L0240", head.at,
                                       "no rule stands for " + ticked(out.texts.back()));
            if (const std::string near = meant(out.texts.back(), known); !near.empty())
                d.primary.text = "did you mean " + ticked(near) + "?";
            d.helps.push_back("a rule is named by its route or its event, as it is written there");
        }
        return out;
    }

    Made session(const ast::ExpectEnded& k) {
        TestStep out = begun(StepKind::expect_ended, cover(k.ended, k.user.at));
        out.text = std::string(k.session.text);
        out.texts.push_back(plain(k.user));
        if (draft_.sessions.find(out.text) == draft_.sessions.end() &&
            !draft_.may_be_declared(out.text))
            draft_.say.error("L0231", k.session.at,
                             "session " + ticked(out.text) + " is not declared in this policy");
        return out;
    }

    void fits(const std::string& raw, Span at, const Namespace& n, NamespaceIndex ns) {
        Fields fields;
        if (draft_.syntax_errors || n.key->read(raw, fields)) return;
        auto& d = draft_.say.warning("L0302", at,
                                     "no key of " + ticked(n.name) + " can ever look like this",
                                     "matches no entry");
        d.more.push_back({draft_.spaces[ns].key->at, "its keys look like this"});
    }

    Draft& draft_;
    Values& values_;
    std::vector<std::string> profiles_;
};

}  // namespace

std::string_view word_of(Expected expected) {
    switch (expected) {
        case Expected::dropped: return "dropped";
        case Expected::kept: return "kept";
        case Expected::expired: return "expired";
        case Expected::hit: return "hit";
        case Expected::miss: return "miss";
        case Expected::stale: return "stale";
        case Expected::absent: return "absent";
        case Expected::warmed: return "warmed";
        case Expected::served: return "served";
    }
    return "";
}

void check_tests(Draft& draft, Values& values) {
    Tests tests(draft, values);
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* t = as<ast::Test>(item)) tests.check(*t);
        }
    }
}

}  // namespace larder::dsl
