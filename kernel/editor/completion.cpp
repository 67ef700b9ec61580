// kernel/editor/completion.cpp -- what may be written at the cursor.
//
// The words come from the grammar itself (dsl/wanted.hpp), the names from the policy, stores and codecs
// from larder.toml and the manifests of its plugins. Inside of a text there is no grammar: captures
// behind a `{`, else what such a text usually is.
#include "kernel/editor/answers.hpp"
#include "kernel/editor/manual.hpp"

#include "dsl/explain.hpp"
#include "dsl/format/words.hpp"
#include "dsl/metric_names.hpp"
#include "dsl/wanted.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace larder::editor {
namespace {

namespace json = boost::json;
using dsl::Mention;
using Kind = Mention::Kind;
using dsl::format::Word;

// CompletionItemKind of LSP.
enum Item : int {
    item_function = 3,
    item_field = 5,
    item_variable = 6,
    item_module = 9,
    item_unit = 11,
    item_value = 12,
    item_keyword = 14,
    item_event = 23,
};

constexpr std::array<std::string_view, 8> methods{"GET",   "HEAD",   "POST",    "PUT",
                                                  "PATCH", "DELETE", "OPTIONS", "write"};
constexpr std::array<std::string_view, 4> time_words{"seconds", "minutes", "hours", "days"};
constexpr std::array<std::string_view, 4> size_words{"bytes", "KiB", "MiB", "GiB"};

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

class Completion {
  public:
    Completion(const Analysis& analysis, std::uint32_t offset, const dsl::Catalog* catalog)
        : analysis_(analysis), catalog_(catalog), file_(analysis.document()),
          at_(offset - file_.base()), text_(file_.text().substr(0, at_)) {}

    json::array run() && {
        const std::size_t line = text_.rfind('\n') + 1;
        const std::string_view before = text_.substr(line);
        const auto [quote, comment] = state_of(before);
        if (comment != std::string_view::npos)
            allow(before.substr(comment));
        else if (quote != std::string_view::npos)
            in_text(line + quote);
        else
            in_statement();
        return std::move(out_);
    }

  private:
    // Where a text or a comment is open at the end of the line.
    static std::pair<std::size_t, std::size_t> state_of(std::string_view line) {
        constexpr auto none = std::string_view::npos;
        std::size_t quote = none;
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (quote != none && line[i] == '\\') {
                ++i;
            } else if (line[i] == '"') {
                quote = quote == none ? i : none;
            } else if (line[i] == '#' && quote == none) {
                return {none, i};
            }
        }
        return {quote, none};
    }

    // ---- the list

    void add(std::string_view label, Item kind, std::string_view detail = {},
             std::string_view page = {}) {
        if (!seen_.insert(std::string(label)).second) return;
        const auto begin = file_.base() + static_cast<std::uint32_t>(word_begin_);
        json::object item{{"label", label},
                          {"kind", static_cast<int>(kind)},
                          {"textEdit",
                           {{"range", range_json(file_, {begin, file_.base() + static_cast<std::uint32_t>(at_)})},
                            {"newText", label}}}};
        if (!detail.empty()) item["detail"] = detail;
        if (!page.empty())
            item["documentation"] = json::object{{"kind", "markdown"}, {"value", page}};
        out_.push_back(std::move(item));
    }
    void add_declared(Kind kind, Item item, std::string_view detail) {
        for (const Mention& m : analysis_.mentions)
            if (m.kind == kind && m.declares) add(m.name, item, detail);
    }
    template <class Range>
    void add_all(const Range& names, Item kind, std::string_view detail) {
        for (const auto& name : names) add(name, kind, detail);
    }

    // ---- comments and texts

    void allow(std::string_view comment) {
        if (comment.rfind("allow ") == std::string_view::npos) return;
        begin_word(is_name_byte);
        add_all(dsl::all_codes(), item_value, "a finding that is silenced");
    }

    void in_text(std::size_t quote) {
        const std::string_view inner = text_.substr(quote + 1);
        const std::size_t brace = inner.rfind('{');
        if (brace != std::string_view::npos && inner.find('}', brace) == std::string_view::npos) {
            begin_word([](char c) { return is_name_byte(c) && c != '.' && c != '-'; });
            return captures(quote);
        }
        word_begin_ = quote + 1;
        const std::vector<Word> words = dsl::format::words_of(text_.substr(0, quote));
        const std::string_view last = words.empty() ? std::string_view{} : words.back().text;
        if (last == "tag" || (last == "," && statement_has(words, "tag"))) {
            texts_of(Kind::tag, "a tag");
        } else if (last == "event") {
            texts_of(Kind::event, "an event");
        } else {
            key_of(last == "matching" && words.size() > 1 ? words[words.size() - 2].text : last);
        }
    }

    static bool statement_has(const std::vector<Word>& words, std::string_view head) {
        for (auto word = words.rbegin(); word != words.rend(); ++word) {
            if (word->text == head) return true;
            if (word->kind == Word::Kind::newline || word->kind == Word::Kind::semicolon ||
                word->kind == Word::Kind::open)
                return false;
        }
        return false;
    }

    void texts_of(Kind kind, std::string_view detail) {
        for (const Mention& m : analysis_.mentions)
            if (m.kind == kind && m.declares) add(analysis_.sources().text(m.at), item_value, detail);
    }

    void key_of(std::string_view space) {
        if (!analysis_.meaning) return;
        const auto index = analysis_.meaning->find(space);
        if (index && analysis_.meaning->namespaces[*index].key)
            add(analysis_.meaning->namespaces[*index].key->pattern().source, item_value,
                "the key of " + std::string(space));
    }

    // Those of this item, and of the namespace whose key is being written.
    void captures(std::size_t quote) {
        const std::string_view all = file_.text();
        const auto is_item = [&](std::size_t line) { return line < all.size() && all[line] >= 'a' && all[line] <= 'z'; };
        std::size_t begin = quote, end = all.find('\n', quote);
        while (begin > 0 && !(all[begin - 1] == '\n' && is_item(begin))) --begin;
        while (end != std::string_view::npos && !is_item(end + 1)) end = all.find('\n', end + 1);
        end = std::min(end, all.size());
        for (const Mention& m : analysis_.mentions) {
            if (m.kind != Kind::capture || !file_.holds(m.at.begin)) continue;
            const std::size_t place = m.at.begin - file_.base();
            if (place >= begin && place < end && m.at.end < file_.base() + at_) add(m.name, item_variable, "bound here");
        }
        for (const Mention& m : analysis_.mentions)
            if (m.kind == Kind::capture && m.declares) add(m.name, item_variable, "bound elsewhere");
    }

    // ---- statements

    template <class Test>
    void begin_word(Test test) {
        word_begin_ = at_;
        while (word_begin_ > 0 && test(text_[word_begin_ - 1])) --word_begin_;
    }

    void in_statement() {
        begin_word(is_name_byte);
        words_ = dsl::format::words_of(text_.substr(0, word_begin_));
        const dsl::Wanted wanted = dsl::wanted_behind(text_.substr(0, word_begin_));
        for (const std::string_view thing : wanted.things) names_for(thing);
        for (const std::string_view word : wanted.words)
            add(word, item_keyword, summary_of(word), manual_of(word));
    }

    std::string_view last_word() const {
        return words_.empty() ? std::string_view{} : words_.back().text;
    }

    void names_for(std::string_view thing) {
        const auto is = [thing](std::string_view what) { return thing.starts_with(what); };
        if (is("a namespace")) return add_declared(Kind::namespace_, item_module, "namespace");
        if (is("a store")) return stores();
        if (is("a codec")) return codecs();
        if (is("a trigger plugin")) {
            if (catalog_ != nullptr) add_all(catalog_->triggers, item_event, "what fires this rule");
            return;
        }
        if (is("a plugin")) return plugins();
        if (is("an HTTP method")) return add_all(methods, item_keyword, "method");
        if (is("a metric")) return add_all(dsl::metric_names(), item_function, "metric");
        if (is("a profile")) return add_declared(Kind::profile, item_module, "profile");
        if (is("a capture name")) return captures_declared();
        if (is("a unit like `minutes`")) return add_all(time_words, item_unit, "unit of the variable");
        if (is("a unit like")) return add_all(size_words, item_unit, "unit of the variable");
        if (is("a name")) return plain_names();
        if (is("a duration") || is("a size") || is("a percentage") || is("a whole number") || is("a value") || is("`true`")) {
            add_declared(Kind::constant, item_variable, "constant");
            add("env", item_keyword, "from the environment: env NAME or LITERAL");
        }
    }

    void captures_declared() {
        for (const Mention& m : analysis_.mentions)
            if (m.kind == Kind::capture && m.declares) add(m.name, item_variable, "capture");
    }

    void stores() {
        if (catalog_ != nullptr)
            for (const auto& store : catalog_->stores) add(store.name, item_module, store.plugin);
        else
            for (const Mention& m : analysis_.mentions)
                if (m.kind == Kind::store && analysis_.document().holds(m.at.begin) && !covers_cursor(m) &&
                    (!analysis_.meaning || !analysis_.meaning->find(m.name)))
                    add(m.name, item_module, "store");
    }
    bool covers_cursor(const Mention& m) const {
        const auto cursor = file_.base() + static_cast<std::uint32_t>(at_);
        return m.at.begin <= cursor && cursor <= m.at.end;
    }

    void codecs() {
        if (catalog_ != nullptr)
            for (const auto& codec : catalog_->codecs) add(codec.name, item_function, "codec");
        add("auto", item_keyword, "whichever saves most for its time");
        add("none", item_keyword, "not compressed");
        add("env", item_keyword, "from the environment: env NAME or CODEC");
    }

    void plugins() {
        if (catalog_ == nullptr) return;
        if (last_word() == "from") return add_all(catalog_->sources, item_module, "source");
        for (const auto& [kind, name] : catalog_->sinks)
            add(kind, item_module, name.empty() ? "sink" : "sink " + name);
    }

    // A name of which the words before it tell what it is.
    void plain_names() {
        if (last_word() == "session") return add_declared(Kind::session, item_module, "session");
        if (last_word() == "breaker") return stores();
        if (catalog_ == nullptr) return;
        for (const auto& [kind, name] : catalog_->sinks)
            if (kind == last_word() && !name.empty()) add(name, item_module, "sink");
        options_of_codec();
    }

    // Within `compress CODEC { ... }` the options that its manifest names.
    void options_of_codec() {
        std::size_t depth = 0;
        for (std::size_t i = words_.size(); i-- > 0;) {
            if (words_[i].kind == Word::Kind::close) ++depth;
            if (words_[i].kind != Word::Kind::open || depth-- > 0) continue;
            for (std::size_t k = i; k-- > 0;) {
                if (words_[k].kind == Word::Kind::newline || words_[k].kind == Word::Kind::semicolon ||
                    words_[k].kind == Word::Kind::open)
                    return;
                if (words_[k].text != "compress") continue;
                for (const auto& codec : catalog_->codecs)
                    if (codec.name == words_[k + 1].text) add_all(codec.options, item_field, "option of " + codec.name);
                return;
            }
            return;
        }
    }

    const Analysis& analysis_;
    const dsl::Catalog* catalog_;
    const dsl::Source& file_;
    std::size_t at_;
    std::string_view text_;  // up to the cursor
    std::size_t word_begin_ = 0;
    std::vector<Word> words_;  // up to the word that is being written
    std::set<std::string> seen_;
    json::array out_;
};

}  // namespace

json::array completion(const Analysis& analysis, std::uint32_t offset, const dsl::Catalog* catalog) {
    return Completion(analysis, offset, catalog).run();
}

}  // namespace larder::editor
