// plugins/gateway_resp/commands_write.cpp -- SET and its family: whole values in, conditions,
// expiry.
//
// A plain SET is what an application does after a GET that missed, so it goes through the fence: a
// value loaded before something dropped the key is acknowledged and not kept. SET with NX, XX or
// GET says something else and keeps Redis' meaning.
#include "commands.hpp"

#include <limits>

namespace larder::resp {
namespace {

enum class Expiry { None, Seconds, Milliseconds, AtSeconds, AtMilliseconds };

Expiry expiry_word(std::string_view word) noexcept {
    if (same_word(word, "ex")) {
        return Expiry::Seconds;
    }
    if (same_word(word, "px")) {
        return Expiry::Milliseconds;
    }
    if (same_word(word, "exat")) {
        return Expiry::AtSeconds;
    }
    return same_word(word, "pxat") ? Expiry::AtMilliseconds : Expiry::None;
}

// The time to live in ms that the client's number means. Nothing at or below 0 is one, but a time
// in the past is: it comes out as 1 ms. False: the reply is the error.
bool time_to_live(Exchange& x, Expiry unit, std::string_view argument, std::int64_t& ttl_ms) {
    std::int64_t given = 0;
    if (!x.integer_argument(argument, given)) {
        return false;
    }
    const bool seconds = unit == Expiry::Seconds || unit == Expiry::AtSeconds;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
    if (given <= 0 || given > (seconds ? most / 1000 : most)) {
        x.error("ERR invalid expire time in '" + std::string(x.command->name) + "' command");
        return false;
    }
    ttl_ms = seconds ? given * 1000 : given;
    if (unit == Expiry::AtSeconds || unit == Expiry::AtMilliseconds) {
        ttl_ms = std::max<std::int64_t>(ttl_ms - static_cast<std::int64_t>(x.gateway.wall_ms()), 1);
    }
    return true;
}

std::uint32_t fenced(const Exchange& x) noexcept {
    return x.gateway.options.fence ? LARDER_SET_FENCED : 0;
}

larder_status outcome(const Exchange& x, const larder_cache_set& item) noexcept {
    return x.status != LARDER_OK ? x.status : item.status;
}

// Of an item that was put: the fence may have refused to keep it.
void note_put(Exchange& x, const larder_cache_set& item) {
    if (item.status != LARDER_OK) {
        return;
    }
    if (item.kept == 0) {
        return count(x.gateway.counters.not_kept);
    }
    const bool made = (item.flags & LARDER_SET_IF_ABSENT) != 0 ||
                      ((item.flags & LARDER_SET_RETURN_OLD) != 0 && item.old.data == nullptr);
    x.changed(item.ns, text_of(item.key), kSetEvent, made);
    if (item.ttl_ms > 0) {
        x.changed(item.ns, text_of(item.key), {kEventGeneric, "expire"});
    }
}

// Whether there was an entry before is asked for only where somebody wants to hear of new ones.
std::uint32_t noticing_new(const Exchange& x) noexcept {
    return x.gateway.key_events.wants(kEventNew) ? std::uint32_t{LARDER_SET_RETURN_OLD} : 0;
}

Step write_one(Exchange& x, Handler second_half) {
    return x.then(x.cache().set_many(x.host(), x.sets.data(), 1, x.call()), second_half);
}

void reply_old(Exchange& x, larder_cache_set& item) {
    if (item.old.data == nullptr) {
        x.reply.null();
    } else {
        x.reply.value(item.old);
    }
}

Step reply_to_set(Exchange& x) {
    larder_cache_set& item = x.sets[0];
    const larder_status st = outcome(x, item);
    if (st < LARDER_OK) {
        return x.failed(st, item.ns, text_of(item.key));
    }
    note_put(x, item);
    if (x.flag) {
        reply_old(x, item);
    } else if (st == LARDER_OK) {
        x.reply.ok();
    } else {
        x.reply.null();
    }
    return Step::Done;
}

Step reply_to_all(Exchange& x) {
    for (const larder_cache_set& item : x.sets) {
        const larder_status st = outcome(x, item);
        if (st < LARDER_OK) {
            return x.failed(st, item.ns, text_of(item.key));
        }
        note_put(x, item);
    }
    return x.ok();
}

bool add_pairs(Exchange& x, std::uint32_t flags) {
    for (std::size_t i = 1; i + 1 < x.args.size(); i += 2) {
        if (x.add_set(x.args[i], x.args[i + 1], flags) == nullptr) {
            return false;
        }
    }
    return true;
}

}  // namespace

Step set(Exchange& x) {
    std::uint32_t flags = 0;
    Expiry unit = Expiry::None;
    std::string_view when;
    for (std::size_t i = 3; i < x.args.size(); ++i) {
        const std::string_view word = x.args[i];
        const Expiry found = expiry_word(word);
        const bool timed = unit != Expiry::None || (flags & LARDER_SET_KEEP_TTL) != 0;
        if (same_word(word, "nx") && (flags & LARDER_SET_IF_PRESENT) == 0) {
            flags |= LARDER_SET_IF_ABSENT;
        } else if (same_word(word, "xx") && (flags & LARDER_SET_IF_ABSENT) == 0) {
            flags |= LARDER_SET_IF_PRESENT;
        } else if (same_word(word, "get")) {
            flags |= LARDER_SET_RETURN_OLD;
        } else if (same_word(word, "keepttl") && unit == Expiry::None) {
            flags |= LARDER_SET_KEEP_TTL;
        } else if (found != Expiry::None && !timed && i + 1 < x.args.size()) {
            unit = found;
            when = x.args[++i];
        } else {
            return x.syntax_error();
        }
    }
    std::int64_t ttl_ms = 0;
    if (unit != Expiry::None && !time_to_live(x, unit, when, ttl_ms)) {
        return Step::Done;
    }
    x.flag = (flags & LARDER_SET_RETURN_OLD) != 0;
    constexpr std::uint32_t not_plain =
        LARDER_SET_IF_ABSENT | LARDER_SET_IF_PRESENT | LARDER_SET_RETURN_OLD;
    if ((flags & not_plain) == 0) {
        flags |= fenced(x);
    }
    larder_cache_set* item = x.add_set(x.args[1], x.args[2], flags | noticing_new(x));
    if (item == nullptr) {
        return Step::Done;
    }
    item->ttl_ms = ttl_ms;
    return write_one(x, &reply_to_set);
}

Step setnx(Exchange& x) {
    if (x.add_set(x.args[1], x.args[2], LARDER_SET_IF_ABSENT) == nullptr) {
        return Step::Done;
    }
    return write_one(x, [](Exchange& y) {
        const larder_status st = outcome(y, y.sets[0]);
        if (st < LARDER_OK) {
            return y.failed(st, y.sets[0].ns, text_of(y.sets[0].key));
        }
        note_put(y, y.sets[0]);
        return y.integer(st == LARDER_OK ? 1 : 0);
    });
}

// SETEX PSETEX
Step setex(Exchange& x) {
    std::int64_t ttl_ms = 0;
    const Expiry unit = x.command->name[0] == 'p' ? Expiry::Milliseconds : Expiry::Seconds;
    if (!time_to_live(x, unit, x.args[2], ttl_ms)) {
        return Step::Done;
    }
    x.flag = false;
    larder_cache_set* item = x.add_set(x.args[1], x.args[3], fenced(x) | noticing_new(x));
    if (item == nullptr) {
        return Step::Done;
    }
    item->ttl_ms = ttl_ms;
    return write_one(x, &reply_to_set);
}

Step getset(Exchange& x) {
    x.flag = true;
    if (x.add_set(x.args[1], x.args[2], LARDER_SET_RETURN_OLD) == nullptr) {
        return Step::Done;
    }
    return write_one(x, &reply_to_set);
}

Step mset(Exchange& x) {
    if (x.args.size() % 2 == 0) {
        return x.wrong_arity();
    }
    if (!add_pairs(x, fenced(x) | noticing_new(x))) {
        return Step::Done;
    }
    return x.then(x.cache().set_many(x.host(), x.sets.data(), x.sets.size(), x.call()),
                  &reply_to_all);
}

// Looks first and writes then, alone: no client of this gateway comes between the two.
Step msetnx(Exchange& x) {
    if (x.args.size() % 2 == 0) {
        return x.wrong_arity();
    }
    if (!add_pairs(x, noticing_new(x))) {
        return Step::Done;
    }
    for (const larder_cache_set& item : x.sets) {
        larder_cache_get looked{};
        looked.ns = item.ns;
        looked.key = item.key;
        x.gets.push_back(looked);
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), x.gets.size(), x.call(kPeekMeta)),
                  [](Exchange& y) {
                      if (y.status != LARDER_OK) {
                          return y.failed(y.status);
                      }
                      for (const larder_cache_get& item : y.gets) {
                          if (item.status < LARDER_OK) {
                              return y.failed(item.status, item.ns, text_of(item.key));
                          }
                          if (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0) {
                              return y.integer(0);
                          }
                      }
                      return y.then(
                          y.cache().set_many(y.host(), y.sets.data(), y.sets.size(), y.call()),
                          [](Exchange& z) {
                              for (const larder_cache_set& item : z.sets) {
                                  const larder_status st = outcome(z, item);
                                  if (st < LARDER_OK) {
                                      return z.failed(st, item.ns, text_of(item.key));
                                  }
                                  note_put(z, item);
                              }
                              return z.integer(1);
                          });
                  });
}

// ---- reads that write
// ------------------------------------------------------------------------------

Step getdel(Exchange& x) {
    if (!x.locate(x.args[1], x.ns, x.key)) {
        return Step::Done;
    }
    x.flag = false;
    const auto take = [](void* ctx, larder_bytes old, larder_value*,
                         std::int64_t*) noexcept -> larder_status {
        auto& y = *static_cast<Exchange*>(ctx);
        try {
            y.flag = old.data != nullptr;
            y.text.assign(text_of(old));
        } catch (...) {
            return LARDER_E_NOMEM;
        }
        return y.flag ? LARDER_MISS : LARDER_EXISTS;
    };
    return x.then(x.cache().update(x.host(), x.ns, bytes_of(x.key), take, &x, x.call()),
                  [](Exchange& y) {
                      if (y.status < LARDER_OK) {
                          return y.failed(y.status, y.ns, y.key);
                      }
                      if (y.flag) {
                          y.changed(y.ns, y.key, kDeleted);
                          y.reply.bulk(y.text);
                      } else {
                          y.reply.null();
                      }
                      return Step::Done;
                  });
}

Step getex(Exchange& x) {
    enum : std::uint32_t { kLeave, kExpire, kPersist };
    x.option = kLeave;
    if (x.args.size() == 3 && same_word(x.args[2], "persist")) {
        x.option = kPersist;
    } else if (x.args.size() == 4 && expiry_word(x.args[2]) != Expiry::None) {
        x.option = kExpire;
        if (!time_to_live(x, expiry_word(x.args[2]), x.args[3], x.number)) {
            return Step::Done;
        }
    } else if (x.args.size() != 2) {
        return x.syntax_error();
    }
    if (!x.add_get(x.args[1])) {
        return Step::Done;
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 1, x.call()), [](Exchange& y) {
        const larder_cache_get& item = y.gets[0];
        const bool there = y.status == LARDER_OK && item.status == LARDER_OK &&
                           (item.found & LARDER_FOUND_ABSENT) == 0;
        if (!there || y.option == kLeave) {
            return reply_values(y);
        }
        const Handler answer = [](Exchange& z) {
            if (z.status < LARDER_OK) {
                return z.failed(z.status, z.gets[0].ns, text_of(z.gets[0].key));
            }
            if (z.status == LARDER_OK) {
                z.changed(z.gets[0].ns, text_of(z.gets[0].key),
                          {kEventGeneric, z.option == kPersist ? "persist" : "expire"});
            }
            z.status = LARDER_OK;
            return reply_values(z);
        };
        if (y.option == kPersist) {
            return y.then(y.cache().persist(y.host(), item.ns, item.key, y.call()), answer);
        }
        return y.then(y.cache().expire(y.host(), item.ns, item.key, y.number, 0, y.call()), answer);
    });
}

}  // namespace larder::resp
