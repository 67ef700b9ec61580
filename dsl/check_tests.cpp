// dsl/check_tests.cpp -- `test` items name things that exist and requests that can be made.
#include "dsl/check_clauses.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

class Tests {
  public:
    explicit Tests(Draft& draft) : draft_(draft) {
        for (const ast::Policy* tree : draft.trees) {
            for (const ast::Item& item : *tree) {
                if (const auto* p = as_forward<ast::Profile>(item))
                    profiles_.emplace_back(p->id.text);
            }
        }
    }

    void check(const ast::Test& test) {
        if (test.profile &&
            std::find(profiles_.begin(), profiles_.end(), test.profile->text) == profiles_.end() &&
            !draft_.may_be_declared(test.profile->text)) {
            auto& d = draft_.say.error(
                "L0219", test.profile->at,
                "profile " + ticked(test.profile->text) + " is not declared in this policy");
            if (const std::string near = meant(test.profile->text, profiles_); !near.empty()) {
                d.primary.text = "did you mean " + ticked(near) + "?";
                d.fix = Fix{test.profile->at, near};
            }
        }
        for (const ast::Step& s : test.steps) step(s);
    }

  private:
    void step(const ast::Step& s) {
        if (const auto* k = as<ast::PutStep>(s)) {
            put(*k);
            return;
        }
        if (const auto* k = as<ast::HttpStep>(s)) {
            if (method_of(k->method.text) == 0) {
                auto& d = draft_.say.error("L0211", k->method.at,
                                           ticked(k->method.text) + " is not an HTTP method");
                static const std::vector<std::string> all{"GET",   "HEAD",   "POST",   "PUT",
                                                          "PATCH", "DELETE", "OPTIONS"};
                if (const std::string near = meant(k->method.text, all); !near.empty())
                    d.primary.text = "did you mean " + ticked(near) + "?";
            }
            if (!plain(k->path).starts_with('/'))
                draft_.say.error("L0234", k->path.at, "a route begins with `/`",
                                 "no request has such a path");
            return;
        }
        if (const auto* k = as<ast::ExpectStep>(s)) {
            for (const ast::Target& t : k->targets) expect(t);
            return;
        }
        if (const auto* k = as<ast::StoreStep>(s)) {
            check_store(draft_, k->store.text, k->store.at);
        }
    }

    void put(const ast::PutStep& k) {
        const auto ns = draft_.known(k.ns);
        if (!ns) return;
        const Namespace& n = draft_.policy.namespaces[*ns];
        if (k.key && n.key) fits(plain(*k.key), k.key->at, n, *ns);
        for (const ast::Binding& b : k.with) {
            if (!n.key || std::find(n.parameters.begin(), n.parameters.end(), b.id.text) !=
                              n.parameters.end())
                continue;
            auto& d = draft_.say.error("L0203", b.id.at,
                                       ticked(n.name) + " has no parameter " + ticked(b.id.text));
            d.notes.push_back("bound here: " + joined(n.parameters));
        }
    }

    void expect(const ast::Target& t) {
        const auto* k = as<ast::NsTarget>(t);
        if (!k) return;
        const auto ns = draft_.known(k->ns);
        if (!ns || !k->key || k->matching) return;
        const Namespace& n = draft_.policy.namespaces[*ns];
        if (n.key) fits(plain(*k->key), k->key->at, n, *ns);
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
    std::vector<std::string> profiles_;
};

}  // namespace

void check_tests(Draft& draft) {
    Tests tests(draft);
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* t = as<ast::Test>(item)) tests.check(*t);
        }
    }
}

}  // namespace larder::dsl
