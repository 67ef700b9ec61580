// dsl/format/printer.cpp -- a layout written down in larder's one style.
#include "dsl/format/printer.hpp"

#include "dsl/format/format.hpp"
#include "dsl/format/statement_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace larder::dsl::format {
namespace {

std::string body_text(const Block& block, std::size_t depth);

// ---- one statement -----------------------------------------------------------------------------

struct Printed {
    std::string text;  // its first line without indent
    std::size_t column = no_column;
    bool one_line = true;
    bool opened = false;  // has a block over several lines
    bool blank_above = false;
};

// A statement that does not fit on a line, or did not stand on one for the sake of a comment.
class Broken {
  public:
    Broken(const Statement& statement, std::size_t depth)
        : statement_(statement), parts_(statement.parts), depth_(depth),
          used_(depth * block_indent) {}

    Printed print() && {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (i > 0) between(i);
            add(parts_[i].word.text);
            if (parts_[i].block) block(*parts_[i].block);
        }
        out_.one_line = out_.text.find('\n') == std::string::npos;
        return std::move(out_);
    }

  private:
    void between(std::size_t i) {
        const Part& part = parts_[i];
        const Word& before = parts_[i - 1].word;
        const bool comment = part.word.kind == Word::Kind::comment;
        if (before.kind == Word::Kind::comment || (part.new_line && (comment || statement_.pinned)))
            return new_line();
        if (comment) return add("  ");
        const bool blank = parts_[i - 1].block || blank_between(before, part.word);
        if (!statement_.pinned && may_go_on_between(before, part.word) &&
            used_ + (blank ? 1 : 0) + columns_up_to_next(i) > max_columns)
            return new_line();
        if (blank) add(" ");
    }

    // What has to stand on one line with part `i`, and behind it.
    std::size_t columns_up_to_next(std::size_t i) const {
        std::size_t end = i + 1;
        while (end < parts_.size() && !parts_[end - 1].block &&
               parts_[end].word.kind != Word::Kind::comment &&
               !may_go_on_between(parts_[end - 1].word, parts_[end].word))
            ++end;
        std::size_t columns = 0;
        for (std::size_t k = i; k < end; ++k)
            columns += columns_of(parts_[k].word.text) +
                       (k > i && blank_between(parts_[k - 1].word, parts_[k].word) ? 1 : 0);
        return columns;
    }

    void block(const Block& block) {
        if (can_be_flat(block) && (block.body.empty() || statement_.pinned)) {
            std::string text;
            append_flat(text, block);
            return add(text);
        }
        out_.opened = true;
        if (!block.comment.empty()) out_.text.append("  ").append(block.comment);
        if (!block.body.empty()) {
            out_.text += block.joined_open ? std::string(" ") : line_start(depth_ + 1);
            out_.text += body_text(block, depth_ + 1);
        }
        out_.text += block.joined_close ? std::string(" ") : line_start(depth_);
        out_.text += '}';
        used_ = depth_ * block_indent + 1;
    }

    static std::string line_start(std::size_t depth) {
        return "\n" + std::string(depth * block_indent, ' ');
    }
    void new_line() {
        used_ = depth_ * block_indent + further_indent;
        out_.text += '\n';
        out_.text.append(used_, ' ');
    }
    void add(std::string_view text) {
        out_.text += text;
        used_ += columns_of(text);
    }

    const Statement& statement_;
    const std::vector<Part>& parts_;
    std::size_t depth_;
    std::size_t used_;  // columns of the line so far
    Printed out_;
};

// A comment behind it is not in the text yet.
Printed printed(const Statement& statement, std::size_t depth) {
    if (statement.is_comment()) return {std::string(statement.comment)};
    if (can_be_flat(statement)) {
        Flat line = flat(statement);
        if (statement.pinned || depth * block_indent + columns_of(line.text) <= max_columns)
            return {std::move(line.text), line.column};
    }
    return Broken(statement, depth).print();
}

// ---- the statements of a block -----------------------------------------------------------------

// The words that open what is set off by blank lines wherever it stands.
bool is_item(const Statement& s) { return s.head() == "namespace" || s.head() == "defaults"; }

class Body {
  public:
    Body(const std::vector<Statement>& body, std::size_t depth)
        : body_(body), depth_(depth), indent_(depth * block_indent) {
        for (const Statement& statement : body) {
            lines_.push_back(printed(statement, depth));
            lines_.back().blank_above = statement.blank_above;
        }
    }

    std::string text() && {
        set_off();
        in_runs(&Body::stands_below, &Body::align_columns);
        in_runs(&Body::has_comment_below, &Body::align_comments);
        std::string out;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            if (i > 0 && body_[i].joined) {
                out += "; ";
            } else if (i > 0) {
                out += lines_[i].blank_above ? "\n\n" : "\n";
                out.append(indent_, ' ');
            }
            out += lines_[i].text;
            if (!body_[i].is_comment() && !body_[i].comment.empty())
                out.append("  ").append(body_[i].comment);
        }
        return out;
    }

  private:
    // Blank lines between what is large or of different kinds; above the comments of the second.
    void set_off() {
        std::size_t before = body_.size();
        for (std::size_t i = 0; i < body_.size(); ++i) {
            if (body_[i].is_comment()) continue;
            if (before != body_.size() && !body_[i].joined && belong_apart(before, i))
                lines_[before + 1].blank_above = true;
            before = i;
        }
    }
    bool belong_apart(std::size_t a, std::size_t b) const {
        if (depth_ == 0)
            return lines_[a].opened || lines_[b].opened || body_[a].head() != body_[b].head();
        return (is_item(body_[a]) && lines_[a].opened) || (is_item(body_[b]) && lines_[b].opened);
    }

    using Below = bool (Body::*)(std::size_t) const;
    using Align = void (Body::*)(std::size_t, std::size_t);
    // Calls `align` with each run of lines of which every further one stands directly below.
    void in_runs(Below below, Align align) {
        for (std::size_t i = 0; i < lines_.size();) {
            std::size_t end = i + 1;
            while (end < lines_.size() && (this->*below)(end)) ++end;
            if (end - i > 1) (this->*align)(i, end);
            i = end;
        }
    }
    bool is_line(std::size_t i) const {
        return lines_[i].one_line && !body_[i].is_comment() && !body_[i].joined &&
               !(i + 1 < body_.size() && body_[i + 1].joined);
    }
    bool stands_below(std::size_t i) const {
        return is_line(i - 1) && is_line(i) && !lines_[i].blank_above &&
               body_[i - 1].head() == body_[i].head() && lines_[i - 1].column != no_column &&
               lines_[i].column != no_column;
    }
    bool has_comment_below(std::size_t i) const {
        return is_line(i - 1) && is_line(i) && !lines_[i].blank_above &&
               !body_[i - 1].comment.empty() && !body_[i].comment.empty();
    }

    static std::size_t columns_before(const Printed& line) {
        return columns_of(std::string_view(line.text).substr(0, line.column));
    }

    void align_columns(std::size_t begin, std::size_t end) {
        std::size_t at = 0;
        for (std::size_t i = begin; i < end; ++i) at = std::max(at, columns_before(lines_[i]));
        for (std::size_t i = begin; i < end; ++i)
            if (indent_ + columns_of(lines_[i].text) + at - columns_before(lines_[i]) > max_columns)
                return;
        for (std::size_t i = begin; i < end; ++i)
            lines_[i].text.insert(lines_[i].column, at - columns_before(lines_[i]), ' ');
    }

    void align_comments(std::size_t begin, std::size_t end) {
        std::size_t at = 0;
        for (std::size_t i = begin; i < end; ++i) at = std::max(at, columns_of(lines_[i].text));
        for (std::size_t i = begin; i < end; ++i)
            if (indent_ + at + 2 + columns_of(body_[i].comment) > max_columns) return;
        for (std::size_t i = begin; i < end; ++i)
            lines_[i].text.append(at - columns_of(lines_[i].text), ' ');
    }

    const std::vector<Statement>& body_;
    std::size_t depth_;
    std::size_t indent_;
    std::vector<Printed> lines_;  // one for each of body_
};

std::string body_text(const Block& block, std::size_t depth) {
    return Body(block.body, depth).text();
}

}  // namespace

std::string print(const Block& file) {
    std::string text = body_text(file, 0);
    if (!text.empty()) text += '\n';
    return text;
}

}  // namespace larder::dsl::format
