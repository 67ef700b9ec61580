// kernel/policy_test/request.cpp -- fields of a request to where a client puts them.
#include "kernel/policy_test/request.hpp"

#include <boost/json.hpp>

namespace larder::policy_test {
namespace {

constexpr int max_depth = 30;  // of JSON; the kernel reads 32

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

void append_encoded(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
            continue;
        }
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
}

void append_pair(std::string& out, std::string_view name, std::string_view value) {
    if (!out.empty()) out += '&';
    append_encoded(out, name);
    out += '=';
    append_encoded(out, value);
}

// `user.id` is a member of an object that is a member.
void set(boost::json::object& object, std::string_view path, std::string_view value, int depth = 0) {
    const auto dot = path.find('.');
    if (dot == std::string_view::npos || depth == max_depth) {
        object[path] = value;
        return;
    }
    boost::json::value& inner = object[path.substr(0, dot)];
    if (!inner.is_object()) inner = boost::json::object();
    set(inner.get_object(), path.substr(dot + 1), value, depth + 1);
}

}  // namespace

Request::Request(const dsl::TestStep& step) : path_(step.text) {
    if (const auto mark = path_.find('?'); mark != std::string::npos) {
        query_ = path_.substr(mark + 1);
        path_.resize(mark);
    }
    std::string cookies, form;
    boost::json::object json;
    for (const dsl::GivenValue& given : step.given) {
        switch (given.origin.value_or(dsl::Origin::header)) {
            case dsl::Origin::header: headers_.emplace_back(given.name, given.value); break;
            case dsl::Origin::query:
                if (given.name == "*") query_ = given.value;  // all of it
                else
                    append_pair(query_, given.name, given.value);
                break;
            case dsl::Origin::cookie:
                cookies += (cookies.empty() ? "" : "; ") + given.name + "=" + given.value;
                break;
            case dsl::Origin::json: set(json, given.name, given.value); break;
            case dsl::Origin::form: append_pair(form, given.name, given.value); break;
        }
    }
    if (!cookies.empty()) headers_.emplace_back("Cookie", cookies);
    body_ = json.empty() ? form : boost::json::serialize(json);
    for (const auto& [name, value] : headers_) pairs_.push_back({bytes(name), bytes(value)});
    raw_.struct_size = sizeof raw_;
    raw_.status = step.status;
    raw_.method = bytes(step.method);
    raw_.path = bytes(path_);
    raw_.query = bytes(query_);
    raw_.headers = pairs_.data();
    raw_.header_count = static_cast<std::uint32_t>(pairs_.size());
    raw_.body = bytes(body_);
}

}  // namespace larder::policy_test
