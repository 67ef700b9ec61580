// plugins/gateway_resp/commands_bits.cpp -- values as rows of bits; bit 0 is the highest of byte 0.
#include "commands.hpp"
#include "updates.hpp"

#include <algorithm>
#include <bit>

namespace larder::resp {
namespace {

// False: the reply is the error.
bool bit_offset(Exchange& x, std::string_view argument, std::uint64_t& offset) {
    std::int64_t number = 0;
    const std::uint64_t most = std::uint64_t{x.gateway.options.max_value} * 8;
    if (!parse_integer(argument, number) || number < 0 ||
        static_cast<std::uint64_t>(number) >= most) {
        x.error("ERR bit offset is not an integer or out of range");
        return false;
    }
    offset = static_cast<std::uint64_t>(number);
    return true;
}

bool bit_at(std::string_view text, std::uint64_t offset) noexcept {
    const std::uint64_t byte = offset / 8;
    return byte < text.size() &&
           (static_cast<unsigned char>(text[byte]) >> (7 - offset % 8) & 1) != 0;
}

// x.counted: the bit; x.option: its value. x.number2: what it was.
larder_status judge_setbit(Exchange& x, std::string_view old, larder_value* out) {
    const bool was = bit_at(old, x.counted);
    x.number2 = was ? 1 : 0;
    std::string text(old);
    text.resize(std::max<std::size_t>(text.size(), x.counted / 8 + 1), '\0');
    const auto mask = static_cast<unsigned char>(1u << (7 - x.counted % 8));
    const auto byte = static_cast<unsigned char>(text[x.counted / 8]);
    text[x.counted / 8] = static_cast<char>(x.option != 0 ? byte | mask : byte & ~mask);
    return replace(out, std::move(text));
}

std::string_view found_text(const larder_cache_get& item) noexcept {
    const bool there = item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0;
    return there ? std::string_view(static_cast<const char*>(item.value.data), item.value.size)
                 : std::string_view();
}

// The bits [first, last] that BITCOUNT's and BITPOS' start and end mean in a text; false: none.
bool bit_range(const Exchange& x, std::size_t bytes, bool in_bits, std::int64_t& first,
               std::int64_t& last) noexcept {
    const auto size = static_cast<std::int64_t>(in_bits ? bytes * 8 : bytes);
    first = x.number < 0 ? std::max<std::int64_t>(x.number + size, 0) : x.number;
    last = x.number2 < 0 ? std::max<std::int64_t>(x.number2 + size, 0) : x.number2;
    last = std::min(last, size - 1);
    if (size == 0 || first > last) {
        return false;
    }
    if (!in_bits) {
        first *= 8;
        last = last * 8 + 7;
    }
    return true;
}

enum : std::uint32_t { kInBits = 1, kEndGiven = 2, kWantsOne = 4 };

// [start [end [BYTE | BIT]]] from args[at] on, into number, number2 and option.
bool read_range(Exchange& x, std::size_t at) {
    x.number = 0;
    x.number2 = -1;
    const std::size_t given = x.args.size() - std::min(at, x.args.size());
    if (given > 0 && !x.integer_argument(x.args[at], x.number)) {
        return false;
    }
    if (given > 1) {
        x.option |= kEndGiven;
        if (!x.integer_argument(x.args[at + 1], x.number2)) {
            return false;
        }
    }
    if (given > 2) {
        const bool in_bits = same_word(x.args[at + 2], "bit");
        if (given > 3 || (!in_bits && !same_word(x.args[at + 2], "byte"))) {
            x.syntax_error();
            return false;
        }
        x.option |= in_bits ? std::uint32_t{kInBits} : 0;
    }
    return true;
}

Step look_up(Exchange& x, Handler second_half) {
    if (!x.add_get(x.args[1])) {
        return Step::Done;
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 1, x.call()), second_half);
}

bool failed_to_look(Exchange& x) {
    const larder_status st = x.status != LARDER_OK ? x.status : x.gets[0].status;
    if (st == LARDER_OK || st == LARDER_MISS) {
        return false;
    }
    x.failed(st, x.gets[0].ns, text_of(x.gets[0].key));
    return true;
}

}  // namespace

Step setbit(Exchange& x) {
    if (!bit_offset(x, x.args[2], x.counted)) {
        return Step::Done;
    }
    if (x.args[3] != "0" && x.args[3] != "1") {
        return x.error("ERR bit is not an integer or out of range");
    }
    x.option = x.args[3] == "1" ? 1 : 0;
    return update(x, &ask<&judge_setbit>, &reply_number);
}

Step getbit(Exchange& x) {
    if (!bit_offset(x, x.args[2], x.counted)) {
        return Step::Done;
    }
    return look_up(x, [](Exchange& y) {
        return failed_to_look(y) ? Step::Done
                                 : y.integer(bit_at(found_text(y.gets[0]), y.counted) ? 1 : 0);
    });
}

// BITCOUNT key [start end [BYTE | BIT]]
Step bitcount(Exchange& x) {
    x.option = 0;
    if (x.args.size() == 3) {
        return x.syntax_error();
    }
    if (!read_range(x, 2)) {
        return Step::Done;
    }
    return look_up(x, [](Exchange& y) {
        if (failed_to_look(y)) {
            return Step::Done;
        }
        const std::string_view text = found_text(y.gets[0]);
        std::int64_t first = 0, last = 0, ones = 0;
        const bool backwards = y.number < 0 && y.number2 < 0 && y.number > y.number2;
        if (backwards || !bit_range(y, text.size(), (y.option & kInBits) != 0, first, last)) {
            return y.integer(0);
        }
        while (first <= last) {
            if (first % 8 == 0 && last - first >= 7) {
                ones += std::popcount(
                    static_cast<unsigned char>(text[static_cast<std::size_t>(first / 8)]));
                first += 8;
            } else {
                ones += bit_at(text, static_cast<std::uint64_t>(first)) ? 1 : 0;
                ++first;
            }
        }
        return y.integer(ones);
    });
}

// BITPOS key bit [start [end [BYTE | BIT]]]: where the first such bit is. A text without end has zeros
// behind it, unless the client said where to stop.
Step bitpos(Exchange& x) {
    x.option = 0;
    std::int64_t bit = 0;
    if (!x.integer_argument(x.args[2], bit)) {
        return Step::Done;
    }
    if (bit != 0 && bit != 1) {
        return x.error("ERR The bit argument must be 1 or 0.");
    }
    if (!read_range(x, 3)) {
        return Step::Done;
    }
    x.option |= bit == 1 ? std::uint32_t{kWantsOne} : 0;
    return look_up(x, [](Exchange& y) {
        if (failed_to_look(y)) {
            return Step::Done;
        }
        const std::string_view text = found_text(y.gets[0]);
        const bool wanted = (y.option & kWantsOne) != 0;
        if (text.empty()) {
            return y.integer(wanted ? -1 : 0);
        }
        std::int64_t first = 0, last = 0;
        if (!bit_range(y, text.size(), (y.option & kInBits) != 0, first, last)) {
            return y.integer(-1);
        }
        const auto skipped = static_cast<unsigned char>(wanted ? 0x00 : 0xff);
        while (first <= last) {
            const auto at = static_cast<std::size_t>(first / 8);
            if (first % 8 == 0 && last - first >= 7 &&
                static_cast<unsigned char>(text[at]) == skipped) {
                first += 8;
            } else if (bit_at(text, static_cast<std::uint64_t>(first)) == wanted) {
                return y.integer(first);
            } else {
                ++first;
            }
        }
        const bool open_end = !wanted && (y.option & kEndGiven) == 0;
        return y.integer(open_end ? static_cast<std::int64_t>(text.size() * 8) : -1);
    });
}

}  // namespace larder::resp
