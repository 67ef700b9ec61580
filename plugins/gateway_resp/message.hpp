// plugins/gateway_resp/message.hpp -- a piece of mail in the making, in both dialects.
#pragma once
#include "client_registry.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace larder::resp {

// One message in one dialect: what goes out of turn is an array in RESP2 and a push in RESP3.
class Message {
  public:
    explicit Message(int protocol) : protocol_(protocol) {}

    Message& push(std::size_t parts) { return header(protocol_ == 3 ? '>' : '*', parts); }
    Message& array(std::size_t parts) { return header('*', parts); }
    Message& integer(std::uint64_t value) { return header(':', value); }
    Message& null() {
        text_ += protocol_ == 3 ? "_\r\n" : "$-1\r\n";
        return *this;
    }
    Message& bulk(std::string_view bytes) {
        header('$', bytes.size());
        text_.append(bytes).append("\r\n");
        return *this;
    }
    [[nodiscard]] Mail mail() { return std::make_shared<const std::string>(std::move(text_)); }

  private:
    Message& header(char type, std::uint64_t number) {
        text_.append(1, type).append(std::to_string(number)).append("\r\n");
        return *this;
    }
    const int protocol_;
    std::string text_;
};

// The same message for many: made at most once a dialect.
template <class Words>
class MessageForAll {
  public:
    explicit MessageForAll(Words& words) : words_(words) {}
    const Mail& in(int protocol) {
        Mail& mail = mails_[protocol == 3 ? 1 : 0];
        if (!mail) {
            Message message(protocol);
            words_(message);
            mail = message.mail();
        }
        return mail;
    }

  private:
    Words& words_;
    Mail mails_[2];
};

}  // namespace larder::resp
