// plugins/gateway_resp/commands_key.cpp -- removing, renaming, copying keys and their time to live.
#include "commands.hpp"

#include <algorithm>
#include <limits>

namespace larder::resp {

// DEL UNLINK
Step del(Exchange& x) {
    for (const std::string_view key : x.args.subspan(1)) {
        if (!x.add_key(key)) {
            return Step::Done;
        }
    }
    return x.then(x.cache().remove_many(x.host(), x.keys.data(), x.keys.size(), x.call()),
                  [](Exchange& y) {
                      if (y.status != LARDER_OK) {
                          return y.failed(y.status);
                      }
                      std::int64_t removed = 0;
                      for (const larder_cache_key& item : y.keys) {
                          if (item.status < LARDER_OK) {
                              return y.failed(item.status, item.ns, text_of(item.key));
                          }
                          if (item.status == LARDER_OK) {
                              ++removed;
                              y.changed(item.ns, text_of(item.key), kDeleted);
                          }
                      }
                      return y.integer(removed);
                  });
}

// ---- EXPIRE PEXPIRE EXPIREAT PEXPIREAT
// ------------------------------------------------------------
namespace {

bool expire_conditions(Exchange& x, std::uint32_t& flags) {
    for (const std::string_view word : x.args.subspan(3)) {
        if (same_word(word, "nx")) {
            flags |= LARDER_EXPIRE_IF_NONE;
        } else if (same_word(word, "xx")) {
            flags |= LARDER_EXPIRE_IF_ANY;
        } else if (same_word(word, "gt")) {
            flags |= LARDER_EXPIRE_IF_LATER;
        } else if (same_word(word, "lt")) {
            flags |= LARDER_EXPIRE_IF_SOONER;
        } else {
            x.error("ERR Unsupported option " + std::string(word));
            return false;
        }
    }
    constexpr std::uint32_t others =
        LARDER_EXPIRE_IF_ANY | LARDER_EXPIRE_IF_LATER | LARDER_EXPIRE_IF_SOONER;
    if ((flags & LARDER_EXPIRE_IF_NONE) != 0 && (flags & others) != 0) {
        x.error("ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((flags & LARDER_EXPIRE_IF_LATER) != 0 && (flags & LARDER_EXPIRE_IF_SOONER) != 0) {
        x.error("ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

Step changed_or_not(Exchange& x) {
    if (x.status < LARDER_OK) {
        return x.failed(x.status, x.ns, x.key);
    }
    if (x.status == LARDER_OK) {
        const bool removed = x.command->run == &expire && x.number <= 0;
        const bool persisted = x.command->run == &persist;
        x.changed(x.ns, x.key,
                  removed ? kDeleted : KeyEvent{kEventGeneric, persisted ? "persist" : "expire"});
    }
    return x.integer(x.status == LARDER_OK ? 1 : 0);
}

}  // namespace

Step expire(Exchange& x) {
    std::uint32_t flags = 0;
    std::int64_t when = 0;
    if (!expire_conditions(x, flags) || !x.integer_argument(x.args[2], when)) {
        return Step::Done;
    }
    const std::string_view name = x.command->name;
    const bool milliseconds = name[0] == 'p';
    const bool absolute = name.ends_with("at");
    // As Redis: the time on the clock, in ms, has to fit in 64 bits.
    const auto now = static_cast<std::int64_t>(x.gateway.wall_ms());
    std::int64_t at_ms = when, ttl_ms = 0;
    if ((!milliseconds && __builtin_mul_overflow(when, 1000, &at_ms)) ||
        (!absolute && __builtin_add_overflow(at_ms, now, &at_ms))) {
        return x.error("ERR invalid expire time in '" + std::string(name) + "' command");
    }
    if (__builtin_sub_overflow(at_ms, now, &ttl_ms)) {
        ttl_ms = at_ms < 0 ? -1 : at_ms;
    }
    ttl_ms = std::min(ttl_ms, std::numeric_limits<std::int64_t>::max() / 2'000'000);
    if (!x.locate(x.args[1], x.ns, x.key)) {
        return Step::Done;
    }
    x.number = ttl_ms;
    return x.then(x.cache().expire(x.host(), x.ns, bytes_of(x.key), ttl_ms, flags, x.call()),
                  &changed_or_not);
}

Step persist(Exchange& x) {
    if (!x.locate(x.args[1], x.ns, x.key)) {
        return Step::Done;
    }
    return x.then(x.cache().persist(x.host(), x.ns, bytes_of(x.key), x.call()), &changed_or_not);
}

// ---- RENAME RENAMENX COPY: a get, a put, and for a rename a remove, alone -----------------------
namespace {

enum : std::uint32_t { kMove = 1, kOnlyNew = 2, kNumberReply = 4 };

Step moved(Exchange& x) {
    if (x.status < LARDER_OK) {
        return x.failed(x.status);
    }
    const bool moves = (x.option & kMove) != 0;
    if (moves) {
        x.changed(x.gets[0].ns, text_of(x.gets[0].key), {kEventGeneric, "rename_from"});
    }
    x.changed(x.sets[0].ns, text_of(x.sets[0].key),
              {kEventGeneric, moves ? "rename_to" : "copy_to"});
    return (x.option & kNumberReply) != 0 ? x.integer(1) : x.ok();
}

Step put_done(Exchange& x) {
    const larder_cache_set& item = x.sets[0];
    const larder_status st = x.status != LARDER_OK ? x.status : item.status;
    if (st == LARDER_EXISTS) {
        return x.integer(0);
    }
    if (st < LARDER_OK) {
        return x.failed(st, item.ns, text_of(item.key));
    }
    if ((x.option & kMove) == 0) {
        return moved(x);
    }
    larder_cache_key source{};
    source.ns = x.gets[0].ns;
    source.key = x.gets[0].key;
    x.keys.push_back(source);
    return x.then(x.cache().remove_many(x.host(), x.keys.data(), 1, x.call()), &moved);
}

// A key that stays in its namespace keeps its time left; one that moves to another gets that one's.
Step got_source(Exchange& x) {
    const larder_cache_get& from = x.gets[0];
    larder_cache_set& to = x.sets[0];
    const larder_status st = x.status != LARDER_OK ? x.status : from.status;
    if (st < LARDER_OK) {
        return x.failed(st, from.ns, text_of(from.key));
    }
    if (st != LARDER_OK || (from.found & LARDER_FOUND_ABSENT) != 0) {
        return (x.option & kMove) != 0 ? x.error("ERR no such key") : x.integer(0);
    }
    if (from.ns == to.ns && text_of(from.key) == text_of(to.key)) {
        if ((x.option & kOnlyNew) != 0) {
            return x.integer(0);
        }
        return (x.option & kNumberReply) != 0 ? x.integer(1) : x.ok();
    }
    to.value = {from.value.data, from.value.size};
    to.ttl_ms = from.ns == to.ns ? from.ttl_ms : 0;
    return x.then(x.cache().set_many(x.host(), &to, 1, x.call()), &put_done);
}

Step transfer(Exchange& x, std::uint32_t option) {
    x.option = option;
    const std::uint32_t flags = (option & kOnlyNew) != 0 ? LARDER_SET_IF_ABSENT : 0;
    if (!x.add_get(x.args[1]) || x.add_set(x.args[2], {}, flags) == nullptr) {
        return Step::Done;
    }
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 1, x.call()), &got_source);
}

}  // namespace

// RENAME RENAMENX
Step rename(Exchange& x) {
    return transfer(x, x.command->name == "rename" ? kMove : kMove | kOnlyNew | kNumberReply);
}

Step copy(Exchange& x) {
    bool replace = false;
    for (std::size_t i = 3; i < x.args.size(); ++i) {
        std::int64_t db = 0;
        if (same_word(x.args[i], "replace")) {
            replace = true;
        } else if (same_word(x.args[i], "db") && i + 1 < x.args.size()) {
            if (!x.integer_argument(x.args[++i], db)) {
                return Step::Done;
            }
            if (db != 0) {
                return x.error("ERR DB index is out of range");
            }
        } else {
            return x.syntax_error();
        }
    }
    if (x.args[1] == x.args[2]) {
        return x.error("ERR source and destination objects are the same");
    }
    return transfer(x, replace ? kNumberReply : kNumberReply | kOnlyNew);
}

}  // namespace larder::resp
