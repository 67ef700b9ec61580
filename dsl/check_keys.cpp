// dsl/check_keys.cpp -- the keys of a policy as people will read them.
//
// larder itself can work with any key. But keys are read in logs, in Redis and in alerts, and written
// by hand into other programs; these findings are about keys that lead such people astray.
#include "dsl/check_namespaces.hpp"
#include "dsl/check_texts.hpp"
#include "dsl/key_words.hpp"

#include <algorithm>
#include <map>

namespace larder::dsl {

namespace {

bool is_capture(const ast::Piece& p) {
    return p.kind == ast::Piece::Kind::capture || p.kind == ast::Piece::Kind::rest;
}
bool is_literal(const ast::Piece& p) { return p.kind == ast::Piece::Kind::literal; }

bool is_word_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The word that a literal ends with, `item` of "menu:item".
std::string_view word_at_end(std::string_view literal) {
    std::size_t n = literal.size();
    while (n > 0 && is_word_byte(literal[n - 1])) --n;
    return literal.substr(n);
}
std::string_view word_at_begin(std::string_view literal) {
    std::size_t n = 0;
    while (n < literal.size() && is_word_byte(literal[n])) ++n;
    return literal.substr(0, n);
}

class Keys {
  public:
    explicit Keys(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        std::map<NamespaceIndex, std::vector<NamespaceIndex>> families;
        for (NamespaceIndex i = 0; i < draft_.spaces.size(); ++i) {
            families[policy_.namespaces[i].parent].push_back(i);
            if (draft_.spaces[i].key && policy_.namespaces[i].key) one(i, *draft_.spaces[i].key);
        }
        for (const auto& [_, family] : families) {
            names(family);
            fields(family);
        }
    }

  private:
    // ---- one key

    void one(NamespaceIndex i, const ast::Text& key) {
        bool fixed = true;
        for (std::size_t k = 0; k < key.pieces.size(); ++k) {
            const ast::Piece& p = key.pieces[k];
            if (!is_literal(p)) {
                fixed = false;
                continue;
            }
            if (special(key, p)) continue;
            if (k + 1 < key.pieces.size() && is_capture(key.pieces[k + 1]))
                glued(key, p, word_at_end(p.text), key.pieces[k + 1], true);
            // Between two captures it is L0318's.
            if (k > 0 && is_capture(key.pieces[k - 1]) && k + 1 == key.pieces.size())
                glued(key, p, word_at_begin(p.text), key.pieces[k - 1], false);
        }
        if (fixed && names_one_thing(plain(key))) single(i, key);
    }

    bool special(const ast::Text& key, const ast::Piece& p) {
        const auto at = std::find_if_not(p.text.begin(), p.text.end(), plain_key_byte);
        if (at == p.text.end()) return false;
        auto& d = draft_.say.warning("L0329", draft_.span_of(p.text, key.at),
                                     shown_byte(*at) + " in a key has to be quoted wherever "
                                                       "somebody writes this key",
                                     "a special character");
        d.helps.push_back("write keys in letters, digits, `_`, `-`, `.`, `/`, parted by `:`");
        return true;
    }

    // One letter is a mark and no word: `t{tenant_id}`.
    void glued(const ast::Text& key, const ast::Piece& p, std::string_view word,
               const ast::Piece& capture, bool before) {
        if (word.size() < 2) return;
        const std::string value = braced(capture.text);
        auto& d = draft_.say.warning("L0328", draft_.span_of(p.text, key.at),
                                     "nothing parts " + ticked(word) + " from " + ticked(value),
                                     "no separator");
        d.notes.push_back("such keys cannot be told apart by eye, nor dropped by a pattern");
        d.helps.push_back(before ? "write \"" + std::string(word) + ":" + value + "\""
                                 : "write \"" + value + ":" + std::string(word) + "\"");
    }

    void single(NamespaceIndex i, const ast::Text& key) {
        auto& d = draft_.say.warning(
            "L0334", key.at,
            "the only entry of " + ticked(policy_.namespaces[i].name) + " names one thing of many",
            "fixed text");
        d.helps.push_back("make what differs a field, as in `key \"{id}\"`");
    }

    // ---- a namespace and its siblings

    void names(const std::vector<NamespaceIndex>& family) {
        std::map<std::string, NamespaceIndex> stems;
        for (const NamespaceIndex i : family) {
            const std::string& name = policy_.namespaces[i].name;
            const auto [it, fresh] = stems.emplace(stem_of(name), i);
            if (fresh) continue;
            auto& d = draft_.say.warning(
                "L0330", draft_.spaces[i].node->id.at,
                ticked(policy_.namespaces[it->second].name) + " and " + ticked(name) +
                    " are two prefixes for what reads as one",
                "spelled so here");
            d.more.push_back({draft_.spaces[it->second].node->id.at, "and so here"});
            d.helps.push_back("give them names that say how they differ");
        }
    }

    struct Spelling {
        const ast::Text* key = nullptr;
        std::string label;  // `user` of "user:{id}"
        std::string mark;   // `t` of "t{id}"
    };

    static Spelling spelling(const ast::Text& key, std::size_t k) {
        Spelling out{&key, {}, {}};
        if (k == 0 || !is_literal(key.pieces[k - 1])) return out;
        std::string_view text = key.pieces[k - 1].text;
        const std::size_t colon = text.rfind(':');
        out.mark = text.substr(colon == text.npos ? 0 : colon + 1);
        if (colon == text.npos || !out.mark.empty()) return out;
        text = text.substr(0, colon);
        out.label = text.substr(text.rfind(':') + 1);
        return out;
    }

    void fields(const std::vector<NamespaceIndex>& family) {
        std::map<std::string_view, Spelling> known;
        std::map<std::pair<std::string_view, std::string_view>, const ast::Text*> orders;
        for (const NamespaceIndex i : family) {
            const ast::Text* key = draft_.spaces[i].key;
            // Only keys of their own: an inherited one is its owner's.
            if (!key || !policy_.namespaces[i].key || !owned(i)) continue;
            std::vector<std::string_view> before;
            for (std::size_t k = 0; k < key->pieces.size(); ++k) {
                const ast::Piece& p = key->pieces[k];
                if (!is_capture(p)) continue;
                const Spelling here = spelling(*key, k);
                const auto [it, fresh] = known.emplace(p.text, here);
                if (!fresh) compare(p.text, it->second, here);
                for (const std::string_view other : before) {
                    const auto turned = orders.find({p.text, other});
                    if (turned != orders.end()) {
                        order(other, p.text, *turned->second, *key);
                        return;
                    }
                    orders.emplace(std::pair{other, p.text}, key);
                }
                before.push_back(p.text);
            }
        }
    }

    bool owned(NamespaceIndex i) const {
        const NamespaceIndex parent = policy_.namespaces[i].parent;
        return parent == none || draft_.spaces[parent].key != draft_.spaces[i].key;
    }

    void compare(std::string_view field, const Spelling& there, const Spelling& here) {
        const bool labels = there.label != here.label && !there.label.empty() &&
                            !here.label.empty() && stem_of(there.label) == stem_of(here.label);
        const auto letter = [](const std::string& mark) {
            return !mark.empty() && is_word_byte(mark.back());
        };
        const bool marks =
            there.mark != here.mark && there.label.empty() && here.label.empty() &&
            (letter(there.mark) || letter(here.mark));
        if (!labels && !marks) return;
        const auto shown = [&](const Spelling& s) {
            return ticked(labels ? s.label + ":" + braced(field) : s.mark + braced(field));
        };
        auto& d = draft_.say.warning(
            "L0330", here.key->at,
            "siblings write " + ticked(braced(field)) + " in two ways: " + shown(there) + " and " +
                shown(here),
            "so here");
        d.more.push_back({there.key->at, "and so here"});
        d.helps.push_back("write it in one way, so that a pattern over one is right for the other");
    }

    void order(std::string_view first, std::string_view second, const ast::Text& there,
               const ast::Text& here) {
        auto& d = draft_.say.warning("L0330", here.at,
                                     "siblings put " + ticked(braced(first)) + " and " +
                                         ticked(braced(second)) + " in different orders",
                                     "so here");
        d.more.push_back({there.at, "the other way round here"});
        d.helps.push_back("from the outside in, and in one order");
    }

    Draft& draft_;
    Policy& policy_;
};

}  // namespace

void check_keys(Draft& draft) { Keys(draft).run(); }

}  // namespace larder::dsl
