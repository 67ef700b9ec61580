// dsl/check_application.cpp -- a policy beside the application it is for: writes that no rule
// mentions, rules that no request fires, answers behind a login that are kept for everybody.
//
// A route of the application and a route of a rule are both sets of paths. That some path is in both
// shows a rule to be of use; that every path of a write is in some rule shows the write to be covered,
// and if not, there is a path that shows it.
#include "dsl/application.hpp"
#include "dsl/automaton.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

constexpr std::pair<MethodSet, const char*> names[] = {
    {method_get, "GET"},     {method_head, "HEAD"},     {method_post, "POST"},
    {method_put, "PUT"},     {method_patch, "PATCH"},   {method_delete, "DELETE"},
    {method_options, "OPTIONS"}};

const char* name_of(MethodSet method) {
    for (const auto& [set, name] : names) {
        if (set == method) return name;
    }
    return "";
}

class Routes {
  public:
    Routes(Draft& draft, const Application& app, std::string file)
        : draft_(draft), policy_(draft.policy), app_(app), file_(std::move(file)) {}

    void run() {
        learn();
        for (const Operation& one : app_.operations) judge(one);
        if (app_.elsewhere == 0 && !app_.cut_short && budget_ > 0) unused();
    }

    bool gave_up() const { return budget_ == 0; }

  private:
    struct Known {
        std::size_t rule;
        Automaton route;
        MethodSet methods;
        bool used = false, told = false;
    };

    void learn() {
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            const Rule& rule = policy_.rules[r];
            const auto* trigger = as<ast::HttpTrigger>(draft_.rules[r].node->when);
            if (!trigger) continue;
            const auto text = bind(draft_, trigger->route, {rule.variables, "in this rule"});
            if (!text) continue;
            known_.push_back(
                {r, Automaton::of_route(RouteGlob(*text, true)), as_answered(rule.methods)});
        }
    }

    // HEAD is answered wherever GET is, and described nowhere.
    static MethodSet as_answered(MethodSet set) {
        return (set & method_head) != 0 ? static_cast<MethodSet>(set | method_get) : set;
    }

    bool affords(std::size_t cost) {
        budget_ -= std::min(budget_, cost);
        return budget_ > 0;
    }

    void judge(const Operation& one) {
        const Automaton as_told = Automaton::of_route(RouteGlob(route_of(one.path), true));
        Result best = look(one, as_told);
        if (!app_.mount.empty() && !best.covered) {
            const Automaton mounted =
                Automaton::of_route(RouteGlob(route_of(app_.mount + one.path), true));
            const Result other = look(one, mounted);
            if (other.covered || other.mentioned > best.mentioned) best = other;
        }
        if ((one.method & method_write) == 0 || best.covered || !affords(1)) return;
        tell(one, best);
    }

    struct Result {
        std::size_t mentioned = 0;
        bool covered = false;
        std::string witness;
    };

    Result look(const Operation& one, const Automaton& route) {
        std::vector<const Automaton*> by;
        for (Known& k : known_) {
            if ((k.methods & one.method) == 0) continue;
            if (!affords(1)) return {0, true, {}};
            if (heads_differ(k.route.head(), route.head())) continue;
            if (!affords(1 + route.states().size() * k.route.states().size() / 16))
                return {0, true, {}};
            if (!both_match(route, k.route)) continue;
            k.used = true;
            by.push_back(&k.route);
            if (one.login && (one.method & method_get) != 0) shared(one, k);
        }
        Result out;
        out.mentioned = by.size();
        if (by.empty() || (one.method & method_write) == 0) return out;
        std::size_t states = 0;
        for (const Automaton* b : by) states += b->states().size();
        if (!affords(route.states().size() * states)) return {0, true, {}};
        const Coverage coverage = not_covered(route, by);
        out.covered = coverage.gave_up || !coverage.witness;
        if (coverage.witness) out.witness = *coverage.witness;
        return out;
    }

    // The answer of who is logged in, kept for everybody. That two requests are alike but for who asks is seen by the
    // gateway, too, which stores no answer to one with Authorization unless its rule or the answer itself says it may.
    void shared(const Operation& one, Known& k) {
        const Rule& rule = policy_.rules[k.rule];
        if (k.told || !rule.serve || !rule.serve->key) return;
        const bool keyed = std::any_of(rule.lets.begin(), rule.lets.end(), [&](const Let& let) {
            return (let.origin == Origin::header || let.origin == Origin::cookie) && rule.serve->key->uses(let.slot);
        });
        if (keyed) return;
        k.told = true;
        auto& d = draft_.say.warning("L0342", draft_.rules[k.rule].node->kw.at,
                                     ticked(std::string(name_of(one.method)) + " " + one.path) + " of " + file_ +
                                         " wants a login, and this rule keeps its answer for everybody",
                                     "nothing in its key says who asked");
        d.helps.push_back("take who asks into the key (`let token = header \"Authorization\"`), or, where whoever may ask gets "
                          "the same answer: `# allow L0342: the reason`");
    }

    void tell(const Operation& one, const Result& result) {
        const std::string request = std::string(name_of(one.method)) + " " + one.path;
        auto& d = draft_.say.warning(
            "L0313", one.at,
            result.mentioned == 0
                ? ticked(request) + " of " + file_ + " changes data but no rule mentions it"
                : ticked(request) + " of " + file_ + " changes data, and rules mention only a part",
            result.mentioned == 0 ? "no rule" : "no rule for `" + result.witness + "`");
        d.helps.push_back("write `on " + std::string(name_of(one.method)) + " \"" + one.path +
                          "\" { drop ... }`; `{ }` says that it changes nothing that is cached");
    }

    void unused() {
        for (const Known& k : known_) {
            if (k.used || k.methods == method_options) continue;
            auto& d = draft_.say.warning("L0327", draft_.rules[k.rule].node->kw.at,
                                         "no route of " + file_ + " fires this rule",
                                         "for nobody");
            d.helps.push_back("write the route as the application has it, or say who else sends "
                              "such requests: `# allow L0327: the reason`");
        }
    }

    Draft& draft_;
    Policy& policy_;
    const Application& app_;
    std::string file_;
    std::vector<Known> known_;
    std::size_t budget_ = 50'000'000;
};

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void not_in_whole(Draft& draft, Span at, const std::string& message) {
    auto& d = draft.say.warning("L0337", at, message, "");
    d.notes.push_back("what is found is true; that there is nothing else is not claimed");
}

}  // namespace

void check_application(Draft& draft, const Source& source, std::string_view text) {
    std::vector<Diagnostic> found;
    const Application app = read_application(text, source, found);
    for (Diagnostic& d : found) {
        Diagnostic& said = draft.say.error("L0336", d.primary.at, std::move(d.message),
                                           std::move(d.primary.text));
        said.helps = std::move(d.helps);
    }
    if (!found.empty() || draft.syntax_errors) return;
    Routes routes(draft, app, last_name(source.name()));
    routes.run();
    const Span begin{source.base(), source.base()};
    if (app.elsewhere > 0)
        not_in_whole(draft, begin, std::to_string(app.elsewhere) +
                                       " paths are kept in another place (`$ref`) and not read");
    if (app.cut_short)
        not_in_whole(draft, begin, "this has more than 20,000 operations, or paths of more than "
                                   "1,024 bytes: the rest is not read");
    if (routes.gave_up())
        not_in_whole(draft, begin, "too many routes overlap to compare all of them");
}

}  // namespace larder::dsl
