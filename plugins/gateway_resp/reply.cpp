// plugins/gateway_resp/reply.cpp -- see reply.hpp.
#include "reply.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace larder::resp {

void Output::value(larder_value& taken) {
    if (muted_) {
        release_value(taken);
    } else if (taken.size < pin_from) {
        append({static_cast<const char*>(taken.data), taken.size});
        release_value(taken);
    } else {
        pins_.push_back({text_sent_ + text_.size(), taken});
        pinned_bytes_ += taken.size;
        taken = {};
    }
}

char* Output::write_header(char* at, char type, std::size_t number) noexcept {
    *at++ = type;
    if (number < 10) {
        *at++ = static_cast<char>('0' + number);
    } else if (number < 100) {
        *at++ = static_cast<char>('0' + number / 10);
        *at++ = static_cast<char>('0' + number % 10);
    } else {
        at = std::to_chars(at, at + 20, number).ptr;
    }
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

std::size_t Output::gather(iovec* out, std::size_t room) const {
    // writev writes to none of it, whatever its type says.
    const auto part = [](const void* from, std::size_t size) {
        return iovec{const_cast<void*>(from), size};
    };
    std::size_t count = 0;
    std::size_t text = 0;  // of text_, already in out
    for (std::size_t i = first_pin_; i < pins_.size() && count + 2 <= room; ++i) {
        const std::size_t before = pins_[i].at - text_sent_;
        if (before > text) {
            out[count++] = part(text_.data() + text, before - text);
            text = before;
        }
        const std::size_t skip = i == first_pin_ ? pin_sent_ : 0;
        out[count++] = part(static_cast<const char*>(pins_[i].value.data) + skip,
                            pins_[i].value.size - skip);
        if (count + 2 > room)
            return count;  // text behind this pin must wait for the next pin's turn
    }
    if (count < room && text < text_.size())
        out[count++] = part(text_.data() + text, text_.size() - text);
    return count;
}

void Output::sent(std::size_t bytes) {
    while (bytes != 0 && first_pin_ < pins_.size()) {
        Pin& pin = pins_[first_pin_];
        const std::size_t before = pin.at - text_sent_;
        const std::size_t text = std::min(bytes, before);
        text_.consume(text);
        text_sent_ += text;
        bytes -= text;
        const std::size_t part = std::min(bytes, pin.value.size - pin_sent_);
        pin_sent_ += part;
        pinned_bytes_ -= part;
        bytes -= part;
        if (pin_sent_ < pin.value.size) return;
        release_value(pin.value);
        ++first_pin_;
        pin_sent_ = 0;
    }
    if (first_pin_ == pins_.size() && first_pin_ != 0) {
        pins_.clear();
        first_pin_ = 0;
    }
    text_.consume(bytes);
    text_sent_ += bytes;
}

void Output::clear() noexcept {
    for (std::size_t i = first_pin_; i < pins_.size(); ++i) release_value(pins_[i].value);
    pins_.clear();
    first_pin_ = pin_sent_ = pinned_bytes_ = 0;
    text_.consume(text_.size());
}

// ---- dialects
// ------------------------------------------------------------------------------------

void ReplyWriter::header(char type, std::int64_t number) {
    char line[24];
    line[0] = type;
    char* end = std::to_chars(line + 1, line + 22, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_.append({line, static_cast<std::size_t>(end - line)});
}

void ReplyWriter::simple(std::string_view text) {
    out_.append("+");
    out_.append(text);
    out_.append("\r\n");
}

void ReplyWriter::error(std::string_view text) {
    out_.append("-");
    while (!text.empty()) {
        const std::size_t line = std::min(text.find_first_of("\r\n"), text.size());
        out_.append(text.substr(0, line));
        if (line < text.size()) out_.append(" ");
        text.remove_prefix(std::min(line + 1, text.size()));
    }
    out_.append("\r\n");
}

void ReplyWriter::bulk(std::string_view bytes) {
    out_.bulk(bytes.data(), bytes.size());
}

void ReplyWriter::value(larder_value& taken) {
    if (taken.size < Output::pin_from) {
        out_.bulk(taken.data, taken.size);
        return release_value(taken);
    }
    header('$', static_cast<std::int64_t>(taken.size));
    out_.value(taken);
    out_.append("\r\n");
}

void ReplyWriter::map(std::size_t pairs) {
    if (protocol_ == 3)
        header('%', static_cast<std::int64_t>(pairs));
    else
        array(pairs * 2);
}

void ReplyWriter::big_number(std::string_view digits) {
    if (protocol_ != 3) {
        return bulk(digits);
    }
    out_.append("(");
    out_.append(digits);
    out_.append("\r\n");
}

void ReplyWriter::real(double value) {
    char digits[40];
    std::string_view text;
    if (std::isnan(value)) {
        text = "nan";
    } else if (std::isinf(value)) {
        text = value > 0 ? "inf" : "-inf";
    } else {
        char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        text = {digits, static_cast<std::size_t>(end - digits)};
    }
    if (protocol_ != 3) return bulk(text);
    out_.append(",");
    out_.append(text);
    out_.append("\r\n");
}

void ReplyWriter::verbatim(std::string_view text) {
    if (protocol_ != 3) return bulk(text);
    header('=', static_cast<std::int64_t>(text.size() + 4));
    out_.append("txt:");
    out_.append(text);
    out_.append("\r\n");
}

}  // namespace larder::resp
