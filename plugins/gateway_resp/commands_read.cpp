// plugins/gateway_resp/commands_read.cpp -- commands that look at entries and change nothing.
#include "commands.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

bool is_there(const larder_cache_get& item) noexcept {
    return item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0;
}

std::string_view value_text(const larder_cache_get& item) noexcept {
    return {static_cast<const char*>(item.value.data), item.value.size};
}

// One entry: its value, or with LARDER_GET_META what is known about it.
Step look_up(Exchange& x, std::string_view full_key, std::uint32_t flags, Handler second_half) {
    if (!x.add_get(full_key)) {
        return Step::Done;
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 1, x.call(flags)), second_half);
}

// The one item asked for: true when it is there or plainly absent; else the reply is the error.
bool judged(Exchange& x) {
    const larder_status st = x.status != LARDER_OK ? x.status : x.gets[0].status;
    if (st == LARDER_OK || st == LARDER_MISS) {
        return true;
    }
    x.failed(st, x.gets[0].ns, text_of(x.gets[0].key));
    return false;
}

}  // namespace

Step reply_values(Exchange& x) {
    auto& counters = x.gateway.counters;
    for (; x.index < x.gets.size(); ++x.index) {
        if (x.turnaround.output_full()) {
            return x.after_draining(&reply_values);
        }
        larder_cache_get& item = x.gets[x.index];
        const larder_status st = x.status != LARDER_OK ? x.status : item.status;
        if (st == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0) {
            x.reply.value(item.value);
            count(counters.hits);
        } else if (st == LARDER_OK || st == LARDER_MISS) {
            x.reply.null();
            count(counters.misses);
        } else {
            x.failed(st, item.ns, text_of(item.key));
        }
    }
    return Step::Done;
}

Step get(Exchange& x) {
    const std::uint32_t fence = x.gateway.options.fence ? LARDER_GET_FENCE : 0;
    return look_up(x, x.args[1], fence, &reply_values);
}

Step mget(Exchange& x) {
    for (const std::string_view key : x.args.subspan(1)) {
        if (!x.add_get(key)) {
            return Step::Done;
        }
    }
    const std::uint32_t fence = x.gateway.options.fence ? LARDER_GET_FENCE : 0;
    return x.then(x.cache().get_many(x.host(), x.gets.data(), x.gets.size(), x.call(fence)),
                  [](Exchange& y) {
                      for (const larder_cache_get& item : y.gets) {
                          const larder_status st = y.status != LARDER_OK ? y.status : item.status;
                          if (st < LARDER_OK) {
                              return y.failed(st, item.ns, text_of(item.key));
                          }
                      }
                      y.reply.array(y.gets.size());
                      return reply_values(y);
                  });
}

Step strlen_of(Exchange& x) {
    return look_up(x, x.args[1], 0, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        return y.integer(is_there(y.gets[0]) ? static_cast<std::int64_t>(y.gets[0].value.size) : 0);
    });
}

Step getrange(Exchange& x) {
    if (!x.integer_argument(x.args[2], x.number) || !x.integer_argument(x.args[3], x.number2)) {
        return Step::Done;
    }
    return look_up(x, x.args[1], 0, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        const std::string_view text =
            is_there(y.gets[0]) ? value_text(y.gets[0]) : std::string_view();
        const auto size = static_cast<std::int64_t>(text.size());
        std::int64_t first = y.number, last = y.number2;
        if (first < 0 && last < 0 && first > last) {
            y.reply.bulk({});
            return Step::Done;
        }
        first = std::max<std::int64_t>(first < 0 ? first + size : first, 0);
        last = std::min(std::max<std::int64_t>(last < 0 ? last + size : last, 0), size - 1);
        y.reply.bulk(first > last ? std::string_view()
                                  : text.substr(static_cast<std::size_t>(first),
                                                static_cast<std::size_t>(last - first + 1)));
        return Step::Done;
    });
}

// EXISTS counts a key as often as it is named; TOUCH also counts as a use.
Step exists(Exchange& x) {
    for (const std::string_view key : x.args.subspan(1)) {
        if (!x.add_get(key)) {
            return Step::Done;
        }
    }
    const std::uint32_t flags =
        x.command->name == "touch" ? std::uint32_t{LARDER_GET_META} : kPeekMeta;
    return x.then(x.cache().get_many(x.host(), x.gets.data(), x.gets.size(), x.call(flags)),
                  [](Exchange& y) {
                      if (y.status != LARDER_OK) {
                          return y.failed(y.status);
                      }
                      for (const larder_cache_get& item : y.gets) {
                          if (item.status < LARDER_OK) {
                              return y.failed(item.status, item.ns, text_of(item.key));
                          }
                      }
                      return y.integer(std::count_if(y.gets.begin(), y.gets.end(), is_there));
                  });
}

Step type_of(Exchange& x) {
    return look_up(x, x.args[1], kPeekMeta, [](Exchange& y) {
        if (judged(y)) {
            y.reply.simple(is_there(y.gets[0]) ? "string" : "none");
        }
        return Step::Done;
    });
}

// TTL PTTL EXPIRETIME PEXPIRETIME. -2: no such key; -1: never expires.
Step ttl(Exchange& x) {
    return look_up(x, x.args[1], kPeekMeta, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        if (!is_there(y.gets[0])) {
            return y.integer(-2);
        }
        std::int64_t left = y.gets[0].ttl_ms;
        if (left < 0) {
            return y.integer(-1);
        }
        const std::string_view name = y.command->name;
        if (name == "expiretime" || name == "pexpiretime") {
            left += static_cast<std::int64_t>(y.gateway.wall_ms());
        }
        return y.integer(name[0] == 'p' ? left : (left + 500) / 1000);
    });
}

// ---- OBJECT, MEMORY: asked by people and tools about one key ------------------------------------
namespace {

Step on_object(Exchange& x, Handler second_half) {
    return look_up(x, x.args[2], LARDER_CALL_PEEK, second_half);
}

}  // namespace

Step object_encoding(Exchange& x) {
    return on_object(x, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        if (!is_there(y.gets[0])) {
            y.reply.null();
            return Step::Done;
        }
        const std::string_view text = value_text(y.gets[0]);
        std::int64_t number = 0;
        constexpr std::size_t embedded = 44;  // Redis' limit
        y.reply.bulk(parse_integer(text, number) ? "int"
                     : text.size() <= embedded   ? "embstr"
                                                 : "raw");
        return Step::Done;
    });
}

Step object_refcount(Exchange& x) {
    return on_object(x, [](Exchange& y) {
        if (judged(y)) {
            is_there(y.gets[0]) ? y.reply.integer(1) : y.reply.null();
        }
        return Step::Done;
    });
}

Step object_idletime(Exchange& x) {
    return on_object(x, [](Exchange& y) {
        if (judged(y)) {
            is_there(y.gets[0]) ? y.reply.integer(0) : y.reply.null();
        }
        return Step::Done;
    });
}

Step object_freq(Exchange& x) {
    return on_object(x, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        if (!is_there(y.gets[0])) {
            y.reply.null();
            return Step::Done;
        }
        return y.error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            "note "
            "that when switching between policies at runtime LRU and LFU data will take some time "
            "to adjust.");
    });
}

Step memory_doctor(Exchange& x) {
    x.reply.verbatim("Ask larder: `larder stats` and its metrics say what each tier and namespace holds.");
    return Step::Done;
}

Step memory_usage(Exchange& x) {
    if (x.args.size() != 3 && !(x.args.size() == 5 && same_word(x.args[3], "samples"))) {
        return x.syntax_error();
    }
    return on_object(x, [](Exchange& y) {
        if (!judged(y)) {
            return Step::Done;
        }
        if (!is_there(y.gets[0])) {
            y.reply.null();
            return Step::Done;
        }
        constexpr std::size_t envelope_head = 64;
        return y.integer(
            static_cast<std::int64_t>(y.gets[0].value.size + y.gets[0].key.size + envelope_head));
    });
}

}  // namespace larder::resp
