// kernel/replay/request_texts.cpp -- a recorded request in the form the cache takes.
#include "kernel/replay/request_texts.hpp"

#include <boost/json.hpp>

namespace larder::replay {
namespace {

namespace json = boost::json;

constexpr int deepest_field = 32;  // as the kernel reads

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void encode_to(std::string_view text, std::string& out) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
    }
}

void add_pair(std::string_view name, std::string_view value, std::string& out) {
    if (!out.empty()) out += '&';
    encode_to(name, out);
    out += '=';
    encode_to(value, out);
}

// "order.customer.id" becomes fields in fields.
void set_field(json::object& root, std::string_view path, std::string_view value) {
    json::object* at = &root;
    for (int depth = 0; depth < deepest_field; ++depth) {
        const std::size_t point = path.find('.');
        const json::string_view name(path.data(), point == std::string_view::npos ? path.size() : point);
        json::value& field = (*at)[name];
        if (point == std::string_view::npos) {
            field = json::string_view(value.data(), value.size());
            return;
        }
        if (!field.is_object()) field = json::object();
        at = &field.get_object();
        path.remove_prefix(point + 1);
    }
}

}  // namespace

RequestTexts::RequestTexts(const Operation& op) {
    json::object fields;
    std::string form;
    query_ = op.query;
    for (const Given& one : op.given) {
        switch (one.origin) {
            case dsl::Origin::header: headers_.push_back({bytes(one.name), bytes(one.value)}); break;
            case dsl::Origin::query: add_pair(one.name, one.value, query_); break;
            case dsl::Origin::cookie: ((cookie_ += cookie_.empty() ? "" : "; ").append(one.name) += '=').append(one.value); break;
            case dsl::Origin::json: set_field(fields, one.name, one.value); break;
            case dsl::Origin::form: add_pair(one.name, one.value, form); break;
        }
    }
    if (!cookie_.empty()) headers_.push_back({bytes("cookie"), bytes(cookie_)});
    body_ = fields.empty() ? form : json::serialize(fields);
    request_.struct_size = sizeof request_;
    request_.status = op.status;
    request_.method = bytes(op.method);
    request_.path = bytes(op.path);
    request_.query = bytes(query_);
    request_.headers = headers_.data();
    request_.header_count = static_cast<std::uint32_t>(headers_.size());
    request_.body = bytes(body_);
}

}  // namespace larder::replay
