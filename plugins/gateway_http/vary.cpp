// plugins/gateway_http/vary.cpp -- see vary.hpp.
#include "vary.hpp"

#include <algorithm>
#include <vector>

namespace larder::http {

void append_normalised(std::string& out, const Head& request, std::string_view lower_name) {
    const Name name = name_of(lower_name);
    const bool unordered = name == Name::accept || name == Name::accept_encoding || name == Name::accept_language || lower_name == "accept-charset";
    std::vector<std::string> members;
    bool given = false;
    for (const Field& field : request.fields) {
        if (name != Name::other ? field.name != name : !same_word(request.name(field), lower_name)) continue;
        given = true;
        each_member(request.value(field), [&](std::string_view member) { members.emplace_back(member); });
    }
    if (!given) {
        out += '\x01';  // not there is not the same as empty
        return;
    }
    if (unordered) {
        for (std::string& member : members) {
            std::string tight;
            for (const char c : member)
                if (c != ' ' && c != '\t') tight += lower(c);
            member = std::move(tight);
        }
        std::sort(members.begin(), members.end());
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i != 0) out += ',';
        out += members[i];
    }
}

std::string vary_of(const Head& answer, const Head& request) {
    std::vector<std::string> names;
    answer.each(Name::vary, [&](std::string_view value) {
        each_member(value, [&](std::string_view member) {
            std::string name;
            for (const char c : member) name += lower(c);
            names.push_back(std::move(name));
        });
    });
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string out;
    for (const std::string& name : names) {
        out.append(name).append(":");
        append_normalised(out, request, name);
        out += '\n';
    }
    return out;
}

bool vary_matches(std::string_view vary, const Head& request) {
    std::string now;
    while (!vary.empty()) {
        const std::size_t end = std::min(vary.find('\n'), vary.size());
        const std::string_view line = vary.substr(0, end);
        vary.remove_prefix(std::min(end + 1, vary.size()));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return false;
        now.clear();
        append_normalised(now, request, line.substr(0, colon));
        if (now != line.substr(colon + 1)) return false;
    }
    return true;
}

}  // namespace larder::http
