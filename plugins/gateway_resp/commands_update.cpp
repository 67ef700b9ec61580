// plugins/gateway_resp/commands_update.cpp -- APPEND, SETRANGE, INCR: the new value depends on the
// old one.
//
// updates.hpp says how. A judge here computes; what it found is in the exchange.
#include "updates.hpp"

#include "commands.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace larder::resp {
namespace {

std::string_view event_name(const Exchange& x) noexcept {
    const std::string_view name = x.command->name;
    return name.starts_with("incr") && name != "incrbyfloat" ? "incrby"
           : name.starts_with("decr")                        ? "incrby"
                                                             : name;
}

}  // namespace

Step update(Exchange& x, larder_update_fn fn, Handler second_half) {
    if (!x.locate(x.args[1], x.ns, x.key)) {
        return Step::Done;
    }
    x.failure = nullptr;
    return x.then(x.cache().update(x.host(), x.ns, bytes_of(x.key), fn, &x, x.call()), second_half);
}

bool went_through(Exchange& x) {
    if (x.failure != nullptr) {
        x.error(x.failure);
        return false;
    }
    if (x.status < LARDER_OK) {
        x.failed(x.status, x.ns, x.key);
        return false;
    }
    if (x.flag) {
        x.changed(x.ns, x.key, {kEventString, event_name(x)}, x.made);
    }
    return true;
}

Step reply_number(Exchange& x) { return went_through(x) ? x.integer(x.number2) : Step::Done; }

namespace {

constexpr const char* too_large = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

// ---- text
// ------------------------------------------------------------------------------------------

larder_status judge_append(Exchange& x, std::string_view old, larder_value* out) {
    const std::string_view tail = x.args[2];
    if (old.size() + tail.size() > x.gateway.options.max_value) {
        return refuse(x, too_large);
    }
    x.number2 = static_cast<std::int64_t>(old.size() + tail.size());
    return replace(out, std::string(old).append(tail));
}

larder_status judge_setrange(Exchange& x, std::string_view old, larder_value* out) {
    const std::string_view part = x.args[3];
    const auto offset = static_cast<std::size_t>(x.number);
    if (part.empty()) {
        x.number2 = static_cast<std::int64_t>(old.size());
        return LARDER_EXISTS;
    }
    std::string text(old);
    text.resize(std::max(text.size(), offset + part.size()), '\0');
    text.replace(offset, part.size(), part);
    x.number2 = static_cast<std::int64_t>(text.size());
    return replace(out, std::move(text));
}

// ---- numbers
// ---------------------------------------------------------------------------------------

larder_status judge_increment(Exchange& x, std::string_view old, larder_value* out) {
    std::int64_t value = 0;
    if (old.data() != nullptr && !parse_integer(old, value)) {
        return refuse(x, "ERR value is not an integer or out of range");
    }
    if (__builtin_add_overflow(value, x.number, &x.number2)) {
        return refuse(x, "ERR increment or decrement would overflow");
    }
    return replace(out, std::to_string(x.number2));
}

Step increment_by(Exchange& x, std::int64_t by) {
    x.number = by;
    return update(x, &ask<&judge_increment>, &reply_number);
}

bool parse_real(std::string_view text, long double& out) noexcept {
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
        text.remove_prefix(1);
    }
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, out);
    return !text.empty() && error == std::errc{} && stopped == end && !std::isnan(out);
}

// Seventeen digits behind the point, zeros at the end cut, as Redis writes it.
std::string real_text(long double value) {
    char digits[5200];  // the longest long double has 4933 digits before the point
    const int size = std::snprintf(digits, sizeof digits, "%.17Lf", value);
    std::string_view text(digits, static_cast<std::size_t>(size));
    text.remove_suffix(text.size() - 1 - text.find_last_not_of('0'));
    if (text.back() == '.') {
        text.remove_suffix(1);
    }
    return std::string(text == "-0" ? "0" : text);
}

larder_status judge_increment_real(Exchange& x, std::string_view old, larder_value* out) {
    long double value = 0, by = 0;
    if (old.data() != nullptr && !parse_real(old, value)) {
        return refuse(x, "ERR value is not a valid float");
    }
    parse_real(x.args[2], by);
    value += by;
    if (std::isnan(value) || std::isinf(value)) {
        return refuse(x, "ERR increment would produce NaN or Infinity");
    }
    x.text = real_text(value);
    return replace(out, x.text);
}

}  // namespace

Step append(Exchange& x) { return update(x, &ask<&judge_append>, &reply_number); }

Step setrange(Exchange& x) {
    if (!x.integer_argument(x.args[2], x.number)) {
        return Step::Done;
    }
    if (x.number < 0) {
        return x.error("ERR offset is out of range");
    }
    const std::size_t most = x.gateway.options.max_value;
    if (!x.args[3].empty() && (static_cast<std::uint64_t>(x.number) > most ||
                               static_cast<std::size_t>(x.number) + x.args[3].size() > most)) {
        return x.error(too_large);
    }
    return update(x, &ask<&judge_setrange>, &reply_number);
}

Step incr(Exchange& x) { return increment_by(x, 1); }
Step decr(Exchange& x) { return increment_by(x, -1); }

Step incrby(Exchange& x) {
    std::int64_t by = 0;
    return x.integer_argument(x.args[2], by) ? increment_by(x, by) : Step::Done;
}

Step decrby(Exchange& x) {
    std::int64_t by = 0;
    if (!x.integer_argument(x.args[2], by)) {
        return Step::Done;
    }
    if (by == INT64_MIN) {
        return x.error("ERR decrement would overflow");
    }
    return increment_by(x, -by);
}

Step incrbyfloat(Exchange& x) {
    long double by = 0;
    if (!parse_real(x.args[2], by)) {
        return x.error("ERR value is not a valid float");
    }
    return update(x, &ask<&judge_increment_real>, [](Exchange& y) {
        if (went_through(y)) {
            y.reply.bulk(y.text);
        }
        return Step::Done;
    });
}

}  // namespace larder::resp
