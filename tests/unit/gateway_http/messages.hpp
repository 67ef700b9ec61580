// tests/unit/gateway_http/messages.hpp -- heads as a test writes them.
#pragma once
#include "plugins/gateway_http/head_parser.hpp"

#include <string>
#include <string_view>

namespace larder::test {

inline http::Parsed read_request(std::string_view text, http::Head& head, http::Framing& body) {
    std::size_t searched = 0;
    return http::parse_request(text, {}, searched, head, body);
}

// "Name: value\r\n" lines behind a first line and a Host. Without text: it was refused.
inline http::Head request(std::string_view fields, std::string_view line = "GET /a HTTP/1.1") {
    http::Head head;
    http::Framing body;
    std::string text(line);
    text.append("\r\nHost: example.org\r\n").append(fields).append("\r\n");
    return read_request(text, head, body).state == http::Parsed::State::done ? head : http::Head();
}

inline http::Head answer(std::string_view fields, std::string_view line = "HTTP/1.1 200 OK") {
    http::Head head;
    http::Framing body;
    std::size_t searched = 0;
    std::string text(line);
    text.append("\r\n").append(fields).append("\r\n");
    const auto parsed = http::parse_answer(text, {}, searched, false, head, body);
    return parsed.state == http::Parsed::State::done ? head : http::Head();
}

}  // namespace larder::test
