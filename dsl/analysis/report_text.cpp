// dsl/analysis/report_text.cpp -- classes and effects in words.
#include "dsl/analysis/report_text.hpp"

#include "dsl/rendering.hpp"

namespace larder::dsl {
namespace {

constexpr const char* method_words[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool is_usual(const std::vector<StatusRange>& statuses) {
    return statuses.size() == 1 && statuses[0].from == 200 && statuses[0].to == 399;
}

}  // namespace

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
    return std::to_string(n) + " " + std::string(n == 1 ? one : many);
}

std::string request_head(const RequestClass& c) {
    std::string out;
    for (const char* word : method_words) {
        if ((c.methods & method_of(word)) == 0) continue;
        if (!out.empty()) out += ", ";
        out += word;
    }
    out += " " + c.path;
    const std::string statuses = status_names(c.statuses);
    return statuses.empty() || is_usual(c.statuses) ? out : out + "  (status " + statuses + ")";
}

std::string effect_line(const Policy& policy, const Effect& e) {
    std::string out = e.shown + " ";
    for (std::size_t k = 0; k < e.rules.size(); ++k)
        out += (k == 0 ? " " : ", ") + policy.rules[e.rules[k]].where.text();
    for (std::size_t k = 0; k < e.needs.size(); ++k)
        out += (k == 0 ? "; without " : " or ") + e.needs[k];
    if (!e.needs.empty()) out += ": " + e.otherwise;
    return shown(out);
}

std::string request_json(const RequestClass& c) {
    std::string out = "{\"methods\":[";
    bool first = true;
    for (const char* word : method_words) {
        if ((c.methods & method_of(word)) == 0) continue;
        out += (first ? "\"" : ",\"") + std::string(word) + "\"";
        first = false;
    }
    out += "],\"statuses\":[";
    for (std::size_t k = 0; k < c.statuses.size(); ++k)
        out += (k == 0 ? "[" : ",[") + std::to_string(c.statuses[k].from) + "," +
               std::to_string(c.statuses[k].to) + "]";
    return out + "],\"witness\":{\"method\":\"" + c.method() +
           "\",\"path\":" + json_string(c.path) + ",\"status\":" + std::to_string(c.status()) + "}";
}

std::string effect_json(const Policy& policy, const Effect& e) {
    std::string out =
        "{\"does\":" + json_string(name_of(e.deed)) + ",\"text\":" + json_string(e.shown) +
        ",\"namespace\":" + (e.ns == none ? "null" : json_string(policy.namespaces[e.ns].name)) +
        ",\"rules\":[";
    for (std::size_t k = 0; k < e.rules.size(); ++k)
        out += (k == 0 ? "" : ",") + json_string(policy.rules[e.rules[k]].where.text());
    out += "]";
    if (!e.needs.empty()) {
        out += ",\"needs\":[";
        for (std::size_t k = 0; k < e.needs.size(); ++k)
            out += (k == 0 ? "" : ",") + json_string(e.needs[k]);
        out += "],\"otherwise\":" + json_string(e.otherwise);
    }
    return out + "}";
}

}  // namespace larder::dsl
