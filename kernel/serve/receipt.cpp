// kernel/serve/receipt.cpp -- what an invalidation did, for people.
#include "kernel/serve/receipt.hpp"

#include <boost/json.hpp>

#include <string_view>

namespace larder::serve {
namespace {

std::string taken(larder_receipt& receipt) {
    std::string out;
    if (receipt.json.data != nullptr)
        out.assign(static_cast<const char*>(receipt.json.data), receipt.json.size);
    if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    receipt.json = {};
    return out;
}

std::string_view text_of(const boost::json::value& value) {
    const auto* text = value.if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

void append_lines(const boost::json::object& receipt, std::string& out) {
    if (const auto* rules = receipt.if_contains("rules"); rules != nullptr && rules->is_array()) {
        for (const auto& rule : rules->get_array()) {
            if (!rule.is_object()) continue;
            const auto* where = rule.get_object().if_contains("where");
            const auto* head = rule.get_object().if_contains("rule");
            out.append("rule ").append(where == nullptr ? "" : text_of(*where));
            out.append("  ").append(head == nullptr ? "" : text_of(*head)).append("\n");
        }
    }
    for (const char* const list : {"changes", "notes"}) {
        const auto* lines = receipt.if_contains(list);
        if (lines == nullptr || !lines->is_array()) continue;
        for (const auto& line : lines->get_array())
            out.append("  ").append(text_of(line)).append("\n");
    }
    if (const auto* parts = receipt.if_contains("plugins"); parts != nullptr && parts->is_array())
        for (const auto& part : parts->get_array())
            if (part.is_object()) append_lines(part.get_object(), out);
}

std::string counted(std::uint64_t n, const char* what) {
    return std::to_string(n).append(" ").append(what);
}

}  // namespace

std::string receipt_text(larder_receipt& receipt) {
    std::string out;
    boost::json::error_code error;
    const auto whole = boost::json::parse(taken(receipt), error);
    if (!error && whole.is_object()) append_lines(whole.get_object(), out);
    out += "scopes: " + counted(receipt.dropped, "dropped") + ", " +
           counted(receipt.expired, "expired") + ", " + counted(receipt.refreshed, "refreshed");
    if (receipt.rules != 0) out += "; " + counted(receipt.rules, receipt.rules == 1 ? "rule" : "rules");
    if (receipt.warmed != 0) out += "; " + counted(receipt.warmed, "to warm");
    return out + "; " + counted(receipt.took_ns / 1000, "us\n");
}

std::string refusal_text(const std::string& json) {
    std::string out = "refused: this\n";
    boost::json::error_code error;
    const auto whole = boost::json::parse(json, error);
    const auto* const refused = error || !whole.is_object() ? nullptr : whole.get_object().if_contains("refused");
    if (refused != nullptr && refused->is_array())
        for (const auto& one : refused->get_array())
            if (const auto* const text = one.is_object() ? one.get_object().if_contains("text") : nullptr; text != nullptr)
                out.append("  ").append(text_of(*text)).append("\n");
    return out + "nothing changed; to do it all the same, say --confirm\n";
}

std::string receipt_json(larder_receipt& receipt) { return taken(receipt) + "\n"; }

}  // namespace larder::serve
