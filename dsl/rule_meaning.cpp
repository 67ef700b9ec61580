// dsl/rule_meaning.cpp -- naming variables after where their values come from.
#include "dsl/rule_meaning.hpp"

namespace larder::dsl {

namespace {

// Captures that are whole segments of the path with a fixed number of segments before them.
void name_segments(const RouteGlob& route, std::vector<std::string>& sources) {
    std::size_t number = 0;
    for (const RouteSegment& segment : route.segments()) {
        for (const RouteToken& token : segment) {
            if (token.crosses()) return;
        }
        if (segment.size() == 1 && segment[0].kind == RouteToken::Kind::capture &&
            segment[0].slot < sources.size())
            sources[segment[0].slot] = "segment " + std::to_string(number);
        ++number;
    }
}

}  // namespace

RuleMeaning::RuleMeaning(const Rule& rule, const RouteGlob& route)
    : sources_(rule.variables.size()) {
    if (rule.kind == TriggerKind::route) {
        name_segments(route, sources_);
    } else {
        for (std::size_t slot = route.captures(); slot < rule.captured; ++slot)
            sources_[slot] = "parameter " + rule.variables[slot];
    }
    for (const Let& let : rule.lets) {
        if (let.slot < sources_.size())
            sources_[let.slot] =
                "field " + std::to_string(static_cast<int>(let.origin)) + let.field;
    }
    for (std::size_t slot = 0; slot < sources_.size(); ++slot) {
        if (sources_[slot].empty())
            sources_[slot] = std::to_string(slot) + " of " + nameless(rule.route);
    }
}

std::string RuleMeaning::of(const Template& text) const {
    std::string out;
    for (const Piece& p : text.pieces) {
        const bool variable = p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
        out += static_cast<char>('0' + static_cast<int>(p.kind));
        out += variable && p.slot < sources_.size() ? sources_[p.slot] : p.text;
        out += '\0';
    }
    return out;
}

std::string RuleMeaning::of(const Change& change) const {
    std::string out(1, static_cast<char>('0' + static_cast<int>(change.action)));
    out += static_cast<char>('0' + static_cast<int>(change.kind));
    out += std::to_string(change.ns) + ":";
    return out + of(change.text);
}

std::string nameless(std::string_view route) {
    std::string out;
    bool inside = false;
    for (const char c : route) {
        if (c == '}') inside = false;
        if (!inside || c == '.') out += c;
        if (c == '{') inside = true;
    }
    return out;
}

}  // namespace larder::dsl
