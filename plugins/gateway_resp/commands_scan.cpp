// plugins/gateway_resp/commands_scan.cpp -- walking over keys, counting them, dropping them all.
//
// Keys are told as a client would write them, namespace in front. A pattern whose beginning names a
// namespace ("user_details:4*") walks only that one; any other pattern walks all and is matched
// here against the whole key.
#include "commands.hpp"

namespace larder::resp {
namespace {

constexpr std::uint32_t default_count = 10, most_count = 10'000;

// Keeps a key that was walked over, unless the pattern for whole keys (x.key) does not match it.
void LARDER_CALL keep_key(void* ctx, std::uint32_t ns, larder_bytes key) noexcept {
    auto& x = *static_cast<Exchange*>(ctx);
    const std::size_t before = x.text.size();
    try {
        x.append_full_key(x.text, ns, text_of(key));
        if (!x.key.empty() && !glob_match(x.key, std::string_view(x.text).substr(before))) {
            x.text.resize(before);
            return;
        }
        x.sizes.push_back(static_cast<std::uint32_t>(x.text.size() - before));
    } catch (...) {
        x.failure = "OOM not enough memory for these keys";
        x.text.resize(before);
    }
}

void aim(Exchange& x, std::string_view pattern) {
    x.scan = {};
    x.scan.struct_size = sizeof x.scan;
    x.scan.ns = LARDER_NS_NONE;
    x.scan.count = default_count;
    x.scan.ctx = &x;
    x.scan.on_key = &keep_key;
    x.failure = nullptr;
    x.key = pattern == "*" ? std::string_view() : pattern;
    const std::string_view literal = x.key.substr(0, x.key.find_first_of("*?[\\"));
    std::uint32_t prefix = 0;
    if (literal.find(':') != std::string_view::npos &&
        x.cache().resolve(x.host(), bytes_of(literal), LARDER_NS_NONE, &x.scan.ns, &prefix) ==
            LARDER_OK) {
        x.scan.glob = bytes_of(x.key.substr(prefix));
        x.key = {};
    }
}

void reply_keys(Exchange& x) {
    x.reply.array(x.sizes.size());
    std::size_t at = 0;
    for (const std::uint32_t size : x.sizes) {
        x.reply.bulk(std::string_view(x.text).substr(at, size));
        at += size;
    }
}

Step reply_scan(Exchange& x) {
    if (x.failure != nullptr) {
        return x.error(x.failure);
    }
    if (x.status != LARDER_OK && x.status != LARDER_MISS) {
        return x.failed(x.status);
    }
    x.reply.array(2);
    x.reply.bulk(std::to_string(x.scan.cursor));
    reply_keys(x);
    return Step::Done;
}

}  // namespace

Step scan(Exchange& x) {
    std::uint64_t cursor = 0;
    if (!parse_unsigned(x.args[1], cursor)) {
        return x.error("ERR invalid cursor");
    }
    std::string_view pattern = "*";
    std::int64_t wanted = default_count;
    bool strings = true;
    for (std::size_t i = 2; i < x.args.size(); i += 2) {
        if (i + 1 == x.args.size()) {
            return x.syntax_error();
        }
        if (same_word(x.args[i], "match")) {
            pattern = x.args[i + 1];
        } else if (same_word(x.args[i], "count")) {
            if (!x.integer_argument(x.args[i + 1], wanted)) {
                return Step::Done;
            }
            if (wanted < 1) {
                return x.syntax_error();
            }
        } else if (same_word(x.args[i], "type")) {
            strings = same_word(x.args[i + 1], "string");
        } else {
            return x.syntax_error();
        }
    }
    aim(x, pattern);
    x.scan.cursor = cursor;
    x.scan.count = static_cast<std::uint32_t>(std::min<std::int64_t>(wanted, most_count));
    if (!strings) {  // every entry is a string
        x.scan.cursor = 0;
        x.status = LARDER_OK;
        return reply_scan(x);
    }
    return x.then(x.cache().scan(x.host(), &x.scan, x.call()), &reply_scan);
}

// Walks over everything, on a thread that may take its time; ends when the keys found are more than
// a client may be sent.
Step keys(Exchange& x) {
    aim(x, x.args[1]);
    return x.off_thread(
        [](Exchange& y) {
            y.scan.count = 1000;
            do {
                y.status = y.cache().scan(y.host(), &y.scan, y.call());
                if (y.text.size() > y.gateway.options.output_limit / 2) {
                    y.failure = "ERR too many keys for one reply; use SCAN";
                }
            } while (y.status == LARDER_OK && y.scan.cursor != 0 && y.failure == nullptr);
            return Step::Done;
        },
        [](Exchange& y) {
            if (y.failure != nullptr) {
                return y.error(y.failure);
            }
            if (y.status < LARDER_OK) {
                return y.failed(y.status);
            }
            reply_keys(y);
            return Step::Done;
        });
}

// One of the first few hundred keys that a walk meets: cheap, and good enough to look at.
Step randomkey(Exchange& x) {
    aim(x, "*");
    return x.off_thread(
        [](Exchange& y) {
            y.scan.count = 256;
            do {
                y.status = y.cache().scan(y.host(), &y.scan, y.call());
            } while (y.status == LARDER_OK && y.scan.cursor != 0 && y.sizes.empty());
            return Step::Done;
        },
        [](Exchange& y) {
            if (y.status < LARDER_OK) {
                return y.failed(y.status);
            }
            if (y.sizes.empty()) {
                y.reply.null();
                return Step::Done;
            }
            const std::size_t chosen = y.gateway.some_number() % y.sizes.size();
            std::size_t at = 0;
            for (std::size_t i = 0; i < chosen; ++i) {
                at += y.sizes[i];
            }
            y.reply.bulk(std::string_view(y.text).substr(at, y.sizes[chosen]));
            return Step::Done;
        });
}

Step dbsize(Exchange& x) {
    x.counted = 0;
    return x.then(x.cache().count(x.host(), LARDER_NS_NONE, &x.counted, x.call()), [](Exchange& y) {
        return y.status < LARDER_OK ? y.failed(y.status) : y.integer(static_cast<std::int64_t>(y.counted));
    });
}

// FLUSHDB FLUSHALL: every namespace but sessions.
Step flush(Exchange& x) {
    if (x.args.size() > 2 ||
        (x.args.size() == 2 && !same_word(x.args[1], "async") && !same_word(x.args[1], "sync"))) {
        return x.syntax_error();
    }
    x.target = {LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, {}};
    if (!x.gateway.tracking.idle()) {
        x.gateway.rechecks.flushes();
    }
    x.receipt = {};
    x.receipt.struct_size = sizeof x.receipt;
    return x.then(x.cache().change(x.host(), LARDER_DROP, &x.target, 1, &x.receipt,
                                   x.call(LARDER_CALL_GUARDED)),
                  [](Exchange& y) {
                      if (y.status == LARDER_E_REFUSED) {
                          return y.refused("LARDER DROP ALL CONFIRM");
                      }
                      if (y.status < LARDER_OK) {
                          return y.failed(y.status);
                      }
                      y.flushed();
                      return y.ok();
                  });
}

}  // namespace larder::resp
