// plugins/gateway_resp/commands_lcs.cpp -- LCS: the longest text that two values have in common, in order.
//
// The textbook table of lengths, (n + 1) x (m + 1), walked back from its last cell; matching stretches
// come out from the end to the beginning, as Redis tells them. Time and memory grow with the product of
// the sizes, so the table is bounded and made on a thread that may take its time.
#include "commands.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

constexpr std::size_t most_cells = 16u << 20;  // 64 MiB

enum : std::uint32_t { kLength = 1, kIndices = 2, kMatchLengths = 4 };

std::string_view text_in(const larder_cache_get& item) noexcept {
    const bool there = item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0;
    return there ? std::string_view(static_cast<const char*>(item.value.data), item.value.size)
                 : std::string_view();
}

// sizes: of each stretch, where it begins in a and in b, and its length.
void find_common(Exchange& x) {
    const std::string_view a = text_in(x.gets[0]), b = text_in(x.gets[1]);
    const std::size_t width = b.size() + 1;
    std::vector<std::uint32_t> lengths((a.size() + 1) * width, 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        const std::uint32_t* above = &lengths[(i - 1) * width];
        std::uint32_t* row = &lengths[i * width];
        for (std::size_t j = 1; j < width; ++j) {
            row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
        }
    }
    x.counted = lengths.back();
    x.text.clear();
    std::size_t i = a.size(), j = b.size(), length = 0;
    const auto end_stretch = [&] {
        if (length != 0) {
            for (const std::size_t part : {i, j, length}) {
                x.sizes.push_back(static_cast<std::uint32_t>(part));
            }
            length = 0;
        }
    };
    while (i > 0 && j > 0) {
        if (a[i - 1] == b[j - 1]) {
            --i;
            --j;
            ++length;
            x.text += a[i];
        } else {
            end_stretch();
            if (lengths[(i - 1) * width + j] > lengths[i * width + j - 1]) {
                --i;
            } else {
                --j;
            }
        }
    }
    end_stretch();
    std::reverse(x.text.begin(), x.text.end());
}

void reply_range(Exchange& x, std::uint32_t first, std::uint32_t length) {
    x.reply.array(2);
    x.reply.integer(first);
    x.reply.integer(std::int64_t{first} + length - 1);
}

Step reply_stretches(Exchange& x) {
    const bool with_length = (x.option & kMatchLengths) != 0;
    const auto counts = [&x](std::size_t k) { return x.sizes[k + 2] >= x.number; };
    std::size_t shown = 0;
    for (std::size_t k = 0; k < x.sizes.size(); k += 3) {
        shown += counts(k) ? 1 : 0;
    }
    x.reply.map(2);
    x.reply.bulk("matches");
    x.reply.array(shown);
    for (std::size_t k = 0; k < x.sizes.size(); k += 3) {
        if (counts(k)) {
            x.reply.array(with_length ? 3 : 2);
            reply_range(x, x.sizes[k], x.sizes[k + 2]);
            reply_range(x, x.sizes[k + 1], x.sizes[k + 2]);
            if (with_length) {
                x.reply.integer(x.sizes[k + 2]);
            }
        }
    }
    x.reply.bulk("len");
    x.reply.integer(static_cast<std::int64_t>(x.counted));
    return Step::Done;
}

Step reply_common(Exchange& x) {
    if (x.status < LARDER_OK) {
        return x.failed(x.status);
    }
    if ((x.option & kIndices) != 0) {
        return reply_stretches(x);
    }
    if ((x.option & kLength) != 0) {
        return x.integer(static_cast<std::int64_t>(x.counted));
    }
    x.reply.bulk(x.text);
    return Step::Done;
}

Step got_both(Exchange& x) {
    for (const larder_cache_get& item : x.gets) {
        const larder_status st = x.status != LARDER_OK ? x.status : item.status;
        if (st < LARDER_OK) {
            return x.failed(st, item.ns, text_of(item.key));
        }
    }
    if ((text_in(x.gets[0]).size() + 1) > most_cells / (text_in(x.gets[1]).size() + 1)) {
        return x.error("ERR Insufficient memory, transient memory for LCS exceeds 64 MiB");
    }
    return x.off_thread(
        [](Exchange& y) {
            find_common(y);
            y.status = LARDER_OK;
            return Step::Done;
        },
        &reply_common);
}

}  // namespace

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
Step lcs(Exchange& x) {
    x.option = 0;
    x.number = 0;
    for (std::size_t i = 3; i < x.args.size(); ++i) {
        if (same_word(x.args[i], "len")) {
            x.option |= kLength;
        } else if (same_word(x.args[i], "idx")) {
            x.option |= kIndices;
        } else if (same_word(x.args[i], "withmatchlen")) {
            x.option |= kMatchLengths;
        } else if (same_word(x.args[i], "minmatchlen") && i + 1 < x.args.size()) {
            if (!x.integer_argument(x.args[++i], x.number)) {
                return Step::Done;
            }
        } else {
            return x.syntax_error();
        }
    }
    if ((x.option & kLength) != 0 && (x.option & kIndices) != 0) {
        return x.error("ERR If you want both the length and indexes, please just use IDX.");
    }
    if (!x.add_get(x.args[1]) || !x.add_get(x.args[2])) {
        return Step::Done;
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 2, x.call()), &got_both);
}

}  // namespace larder::resp
