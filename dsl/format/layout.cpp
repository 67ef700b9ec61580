// dsl/format/layout.cpp -- statements and blocks as they were written, comments in their places.
#include "dsl/format/layout.hpp"

#include <cstddef>
#include <utility>

namespace larder::dsl::format {
namespace {

class Builder {
  public:
    Builder(const std::vector<Word>& words, const std::set<std::uint32_t>& pinned)
        : words_(words), next_(next_said(words)), pinned_(pinned) {}

    // From behind a `{`, or the beginning, to its `}`, or the end.
    Block read_block() {
        Block block;
        std::uint32_t line = at_ == 0 ? 0 : words_[at_ - 1].line;
        block.one_line = true;
        for (;;) {
            const std::size_t newlines = skip_ends();
            block.one_line = block.one_line && newlines == 0;
            if (at_end() || now().kind == Word::Kind::close) break;
            const bool same_line = now().line == line;
            const bool blank_above = newlines > 1 && !block.body.empty();
            if (now().kind == Word::Kind::comment)
                read_comment(block, same_line, blank_above);
            else
                read_statement(block, same_line, blank_above);
            line = words_[at_ - 1].line;
        }
        block.joined_close = !at_end() && now().line == line && is_pinned(line);
        return block;
    }

  private:
    bool at_end() const { return at_ == words_.size(); }
    const Word& now() const { return words_[at_]; }
    bool is_pinned(std::uint32_t line) const { return pinned_.count(line) != 0; }

    // The number of line ends.
    std::size_t skip_ends() {
        std::size_t newlines = 0;
        for (; !at_end(); ++at_) {
            if (now().kind == Word::Kind::newline)
                ++newlines;
            else if (now().kind != Word::Kind::semicolon)
                break;
        }
        return newlines;
    }

    void read_comment(Block& block, bool same_line, bool blank_above) {
        block.one_line = false;
        const std::string_view text = words_[at_++].text;
        if (!same_line) {
            Statement own;
            own.comment = text;
            own.blank_above = blank_above;
            block.body.push_back(std::move(own));
        } else {
            (block.body.empty() ? block.comment : block.body.back().comment) = text;
        }
    }

    void read_statement(Block& block, bool same_line, bool blank_above) {
        Statement made;
        made.blank_above = blank_above;
        if (same_line && is_pinned(now().line))
            (block.body.empty() ? block.joined_open : made.joined) = true;
        const Word* said = nullptr;
        bool new_line = false;
        while (!at_end() && !is_over(said)) {
            const Word& word = words_[at_++];
            if (word.kind == Word::Kind::newline) {
                new_line = true;
                continue;
            }
            if (word.kind != Word::Kind::comment) said = &word;
            made.pinned = made.pinned || is_pinned(word.line);
            block.one_line = block.one_line && !new_line && word.kind != Word::Kind::comment;
            Part part{word, std::exchange(new_line, false), nullptr};
            if (word.kind == Word::Kind::open) {
                part.block = std::make_unique<Block>(read_block());
                block.one_line = block.one_line && part.block->one_line;
                if (!at_end()) ++at_;
            }
            made.parts.push_back(std::move(part));
        }
        block.body.push_back(std::move(made));
    }

    // Whether the statement whose last word is `said` ends before the word that comes now.
    bool is_over(const Word* said) const {
        switch (now().kind) {
            case Word::Kind::semicolon:
            case Word::Kind::close:
                return true;
            case Word::Kind::newline:
            case Word::Kind::comment:
                return !goes_on(said, next_[at_] < words_.size() ? &words_[next_[at_]] : nullptr);
            default:
                return false;
        }
    }

    const std::vector<Word>& words_;
    const std::vector<std::uint32_t> next_;
    const std::set<std::uint32_t>& pinned_;
    std::size_t at_ = 0;
};

}  // namespace

Block layout_of(const std::vector<Word>& words, const std::set<std::uint32_t>& pinned) {
    return Builder(words, pinned).read_block();
}

}  // namespace larder::dsl::format
