// dsl/format/statement_text.cpp -- the words of one statement in a row.
#include "dsl/format/statement_text.hpp"

#include <algorithm>

namespace larder::dsl::format {
namespace {

void append_flat(std::string& out, std::span<const Part> parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && blank_between(parts[i - 1].word, parts[i].word)) out += ' ';
        out += parts[i].word.text;
        if (parts[i].block) format::append_flat(out, *parts[i].block);
    }
}

// The part of a one-line statement that stands below its neighbour's: the `{` of a block, the `=` of
// a constant, the `when` of an alert, what a guarantee promises.
std::size_t column_part(const Statement& statement) {
    const std::string_view head = statement.head();
    for (std::size_t i = 1; i < statement.parts.size(); ++i) {
        const Part& part = statement.parts[i];
        const std::string_view text = part.word.text;
        if (part.block || (head == "let" && part.word.is("=")) ||
            (head == "alert" && i > 1 && text == "when") ||
            (head == "on" && i > 1 && (text == "always" || text == "never")))
            return i;
    }
    return no_column;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

bool blank_between(const Word& before, const Word& after) {
    if (after.is(",") || after.is(")") || before.is("(")) return false;
    // `latency(l2)`, but `event "stock" (sku)`.
    return !(after.is("(") && before.kind == Word::Kind::word);
}

bool may_go_on_between(const Word& before, const Word& after) {
    return before.is(",") || after.is("->");
}

bool can_be_flat(const Block& block) {
    return block.body.empty() ? block.comment.empty() : block.one_line;
}

bool can_be_flat(const Statement& statement) {
    return std::all_of(statement.parts.begin(), statement.parts.end(), [&](const Part& part) {
        return part.word.kind != Word::Kind::comment && !(statement.pinned && part.new_line) &&
               (!part.block || can_be_flat(*part.block));
    });
}

void append_flat(std::string& out, const Block& block) {
    for (std::size_t i = 0; i < block.body.size(); ++i) {
        out += i == 0 ? " " : "; ";
        append_flat(out, std::span<const Part>(block.body[i].parts));
    }
    out += " }";
}

Flat flat(const Statement& statement) {
    Flat out;
    const std::span<const Part> parts(statement.parts);
    const std::size_t column = column_part(statement);
    if (column != no_column) {
        append_flat(out.text, parts.first(column));
        out.text += ' ';
        out.column = out.text.size();
        append_flat(out.text, parts.subspan(column));
    } else {
        append_flat(out.text, parts);
    }
    return out;
}

}  // namespace larder::dsl::format
