// dsl/key_list.cpp -- grouping keys by what is wrong with them.
#include "dsl/key_list.hpp"

#include "dsl/key_words.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace larder::dsl {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string ticked(std::string_view text) {
    constexpr std::size_t most = 80;
    std::string out = "`" + std::string(text.substr(0, most));
    return out + (text.size() > most ? "...`" : "`");
}

std::string more_of(std::size_t count, const char* what) {
    const std::size_t others = count - 1;
    return std::to_string(others) + " more " + what + (others == 1 ? "" : "s") + " like this";
}

// The word a key begins with: `menuitem` of menuitem123.
std::string_view first_word(std::string_view key) {
    std::size_t n = 0;
    while (n < key.size() && n < 32 && (is_letter(key[n]) || key[n] == '_')) ++n;
    return key.substr(0, n);
}

bool is_word(std::string_view part) {
    return !part.empty() && part.size() <= 64 &&
           std::all_of(part.begin(), part.end(),
                       [](char c) { return is_letter(c) || c == '_' || c == '-'; });
}

struct Group {
    std::size_t count = 0;
    Span first;
};

class KeyList {
  public:
    KeyList(const Source& list, const Policy* policy) : list_(list), policy_(policy) {}

    void run() {
        std::string_view rest = list_.text();
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            const std::string_view key = key_of_line(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (!key.empty()) judge(key);
        }
        tell_unparted();
        tell_special();
        tell_spellings();
        tell_strange();
    }

    std::vector<Diagnostic> found;
    bool crowded = false;

  private:
    using Groups = std::map<std::string, Group, std::less<>>;

    Span span(std::string_view key) const {
        const auto begin = list_.base() + static_cast<std::uint32_t>(key.data() - list_.text().data());
        return {begin, begin + static_cast<std::uint32_t>(key.size())};
    }

    // One more of its kind; null: too many kinds.
    Group* count(Groups& groups, std::string_view kind, std::string_view key) {
        auto it = groups.find(kind);
        if (it == groups.end()) {
            if (groups.size() >= max_key_prefixes) {
                crowded = true;
                return nullptr;
            }
            it = groups.emplace(std::string(kind), Group{0, span(key)}).first;
        }
        ++it->second.count;
        return &it->second;
    }

    void judge(std::string_view key) {
        if (const std::size_t at = special_in(key); at != key.npos)
            count(special_, std::string(1, key[at]) + std::string(first_word(key)), key.substr(at, 1));
        const std::size_t colon = key.find(':');
        if (colon == key.npos) {
            count(unparted_, first_word(key), key);
            return;
        }
        spelling(key, colon);
        if (policy_ != nullptr) place(key);
    }

    // The prefixes that are words: `user` and `user:details` of user:details:7.
    void spelling(std::string_view key, std::size_t colon) {
        const std::string_view first = key.substr(0, colon);
        if (!is_word(first)) return;
        count(prefixes_, first, first);
        const std::size_t next = key.find(':', colon + 1);
        if (next == key.npos) return;
        const std::string_view second = key.substr(colon + 1, next - colon - 1);
        if (is_word(second)) count(prefixes_, key.substr(0, next), key.substr(0, next));
    }

    void place(std::string_view key) {
        const auto resolved = policy_->resolve(key);
        if (!resolved) {
            count(strange_, key.substr(0, key.find(':')), key);
            return;
        }
        const Namespace& n = policy_->namespaces[resolved->ns];
        Fields fields;
        if (!n.key->read(key.substr(resolved->prefix), fields))
            count(misshapen_, n.name, key);
    }

    Diagnostic& say(const char* code, Span at, std::string message, const Group& group) {
        Diagnostic d;
        d.severity = Severity::warning;
        d.code = code;
        d.message = std::move(message);
        d.primary.at = at;
        if (group.count > 1) d.notes.push_back(more_of(group.count, "key"));
        return found.emplace_back(std::move(d));
    }

    std::string_view text(Span at) const { return list_.text(at); }

    void tell_unparted() {
        for (const auto& [word, group] : unparted_) {
            say("L0328", group.first,
                "key " + ticked(text(group.first)) + " has no `:` that parts its name from its id",
                group)
                .helps.push_back(word.empty() ? "begin keys with what they are: `session:...`"
                                              : "write for example `" + word + ":123`");
        }
    }

    void tell_special() {
        for (const auto& [_, group] : special_) {
            say("L0329", group.first,
                shown_byte(text(group.first)[0]) +
                    " in a key has to be quoted wherever somebody writes this key",
                group)
                .helps.push_back(
                    "write keys in letters, digits, `_`, `-`, `.`, `/`, parted by `:`");
        }
    }

    // The most frequent spelling of a word is taken as the one that is meant.
    void tell_spellings() {
        std::map<std::string, std::vector<const Groups::value_type*>> stems;
        for (const auto& one : prefixes_) {
            std::string stem;
            for (std::string_view rest = one.first; !rest.empty();) {
                const std::size_t end = std::min(rest.find(':'), rest.size());
                stem += stem_of(rest.substr(0, end)) + ":";
                rest.remove_prefix(std::min(end + 1, rest.size()));
            }
            stems[stem].push_back(&one);
        }
        for (auto& [_, all] : stems) {
            if (all.size() < 2) continue;
            std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
                return a->second.count > b->second.count;
            });
            for (std::size_t k = 1; k < all.size(); ++k) spelt(*all[0], *all[k]);
        }
    }

    void spelt(const Groups::value_type& meant, const Groups::value_type& other) {
        // `users:list` beside `user:list` is told by `users` beside `user`.
        const std::size_t colon = other.first.find(':');
        if (colon != std::string::npos &&
            other.first.substr(0, colon) != meant.first.substr(0, meant.first.find(':')))
            return;
        Diagnostic& d = say("L0330", other.second.first,
                            ticked(other.first) + " and " + ticked(meant.first) +
                                " are two prefixes for what reads as one",
                            other.second);
        d.more.push_back({meant.second.first,
                          std::to_string(meant.second.count) + " keys are spelled so"});
        d.helps.push_back("one spelling: what drops `" + meant.first + ":...` leaves these");
    }

    void tell_strange() {
        for (const auto& [prefix, group] : strange_)
            say("L0335", group.first,
                "no namespace of the policy has keys like " + ticked(text(group.first)), group)
                .helps.push_back("declare it, or find out who writes " + ticked(prefix + ":..."));
        for (const auto& [name, group] : misshapen_) {
            const Namespace& n = policy_->namespaces[*policy_->find(name)];
            Diagnostic& d = say("L0335", group.first,
                                "key " + ticked(text(group.first)) +
                                    " does not look like keys of " + ticked(name),
                                group);
            d.notes.push_back("its keys look like \"" + n.key->pattern().source + "\" (" +
                              n.where.text() + ")");
        }
    }

    const Source& list_;
    const Policy* policy_;
    Groups unparted_, special_, prefixes_, strange_, misshapen_;
};

}  // namespace

std::string_view key_of_line(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < line.size() && is_digit(line[digits])) ++digits;
    if (digits > 0 && line.substr(digits).starts_with(") \"")) line.remove_prefix(digits + 2);
    if (line.size() >= 2 && line.starts_with('"') && line.ends_with('"'))
        line = line.substr(1, line.size() - 2);
    // PREFIX:v:{NAMESPACE:KEY} is a value of larder; its other records are no keys of anybody.
    if (const std::size_t open = line.find(":{");
        open != line.npos && line.ends_with('}') && open >= 2 && line[open - 2] == ':') {
        return line[open - 1] == 'v' ? line.substr(open + 2, line.size() - open - 3)
                                     : std::string_view();
    }
    if (line.starts_with("larder:g:") || line.starts_with("larder:l:")) return {};
    return line;
}

std::vector<Diagnostic> check_key_list(const Source& list, const Policy* policy, bool cut) {
    KeyList keys(list, policy);
    keys.run();
    std::stable_sort(keys.found.begin(), keys.found.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                         return a.primary.at.begin < b.primary.at.begin;
                     });
    constexpr std::size_t most = 500;
    const bool many = keys.found.size() > most;
    if (many) keys.found.resize(most);
    if (cut || keys.crowded || many) {
        Diagnostic d;
        d.severity = Severity::warning;
        d.code = "L0337";
        d.message = cut ? "only the first 8 MiB of these keys were looked at"
                    : many ? "more than 500 findings: the rest is not shown"
                           : "these keys have more than 10,000 prefixes: not all are told apart";
        d.primary.at = {list.base(), list.base()};
        d.notes.emplace_back("what is found is true; that there is nothing else is not claimed");
        d.helps.emplace_back("take a sample: `redis-cli --scan | shuf -n 100000`");
        keys.found.push_back(std::move(d));
    }
    return std::move(keys.found);
}

}  // namespace larder::dsl
