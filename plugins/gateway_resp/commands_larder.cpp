// plugins/gateway_resp/commands_larder.cpp -- LARDER: what the Redis commands have no words for.
//
// Targets are written as in policies: NS | NS KEY | NS MATCHING PATTERN | TAG TAG | ALL. TAG and
// ALL in capitals are always the words; in small letters they are a namespace of that name if there
// is one. CONFIRM behind a target, in capitals, is always the word: guards of the policy then allow it.
#include "commands.hpp"

namespace larder::resp {
namespace {

bool is_keyword(Exchange& x, std::string_view word, std::string_view upper,
                std::string_view lower) {
    if (word == upper) {
        return true;
    }
    std::uint32_t ns = 0;
    return same_word(word, lower) && x.cache().ns_find(x.host(), bytes_of(word), &ns) != LARDER_OK;
}

bool is_confirmed(const Args& words) { return words.size() > 1 && words.back() == "CONFIRM"; }

// Reads the target behind the subcommand. False: the reply is the error.
bool read_target(Exchange& x) {
    const Args all = x.args.subspan(2);
    const Args words = all.first(all.size() - (is_confirmed(all) ? 1 : 0));
    if (words.size() == 1 && is_keyword(x, words[0], "ALL", "all")) {
        x.target = {LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, {}};
        if (x.session.role < LARDER_ROLE_ADMIN) {
            x.failed(LARDER_E_DENIED);
            return false;
        }
        return true;
    }
    if (words.size() == 2 && is_keyword(x, words[0], "TIER", "tier")) {
        x.target = {LARDER_TARGET_TIER, LARDER_NS_NONE, bytes_of(words[1])};
        if (x.session.role < LARDER_ROLE_ADMIN) {
            x.failed(LARDER_E_DENIED);
            return false;
        }
        return true;
    }
    if (words.size() == 2 && is_keyword(x, words[0], "TAG", "tag")) {
        x.target = {LARDER_TARGET_TAG, LARDER_NS_NONE, bytes_of(words[1])};
        return true;
    }
    if (words.size() > 3 || (words.size() == 3 && !same_word(words[1], "matching"))) {
        x.error("ERR expected NAMESPACE [KEY | MATCHING PATTERN], TAG TAG, TIER STORE or ALL");
        return false;
    }
    x.target = {};
    if (!x.find_namespace(words[0], x.target.ns)) {
        return false;
    }
    x.target.kind = LARDER_TARGET_NAMESPACE;
    if (words.size() > 1) {
        x.target.kind = words.size() == 3 ? LARDER_TARGET_MATCHING : LARDER_TARGET_KEY;
        x.target.what = bytes_of(words.back());
    }
    return true;
}

void ask_for_receipt(Exchange& x, bool json) noexcept {
    x.receipt = {};
    x.receipt.struct_size = sizeof x.receipt;
    x.receipt.want_json = json ? 1 : 0;
}

std::int64_t scopes(const larder_receipt& receipt) noexcept {
    return std::int64_t{receipt.dropped} + receipt.expired + receipt.refreshed;
}

// Answers the number of scopes changed: entries are found dead later, so nobody counts them.
Step change(Exchange& x, std::uint32_t action) {
    if (!read_target(x)) {
        return Step::Done;
    }
    ask_for_receipt(x, false);
    const std::uint32_t flags = is_confirmed(x.args.subspan(2)) ? 0 : LARDER_CALL_GUARDED;
    return x.then(x.cache().change(x.host(), action, &x.target, 1, &x.receipt, x.call(flags)),
                  [](Exchange& y) {
                      if (y.status == LARDER_E_REFUSED) {
                          return y.refused("LARDER DROP ... CONFIRM");
                      }
                      if (y.status < LARDER_OK) {
                          const bool key = y.target.kind == LARDER_TARGET_KEY;
                          return y.failed(y.status, key ? y.target.ns : LARDER_NS_NONE,
                                          text_of(y.target.what));
                      }
                      return y.integer(scopes(y.receipt));
                  });
}

Step reply_receipt(Exchange& x) {
    if (x.status < LARDER_OK) {
        return x.failed(x.status);
    }
    const larder_receipt& receipt = x.receipt;
    const std::pair<std::string_view, std::uint64_t> numbers[] = {
        {"rules", receipt.rules},     {"dropped", receipt.dropped},
        {"expired", receipt.expired}, {"refreshed", receipt.refreshed},
        {"warmed", receipt.warmed},   {"microseconds", receipt.took_ns / 1000}};
    x.reply.map(std::size(numbers) + 1);
    for (const auto& [name, number] : numbers) {
        x.reply.bulk(name);
        x.reply.integer(static_cast<std::int64_t>(number));
    }
    x.reply.bulk("receipt");
    x.reply.bulk({static_cast<const char*>(receipt.json.data), receipt.json.size});
    return Step::Done;
}

}  // namespace

Step larder_drop(Exchange& x) { return change(x, LARDER_DROP); }
Step larder_expire(Exchange& x) { return change(x, LARDER_EXPIRE); }
Step larder_refresh(Exchange& x) { return change(x, LARDER_REFRESH); }

// ---- entries
// ---------------------------------------------------------------------------------------

// LARDER PUT ns key value [EX s | PX ms] [WITH name value]...
Step larder_put(Exchange& x) {
    larder_cache_set item{};
    if (!x.find_namespace(x.args[2], item.ns)) {
        return Step::Done;
    }
    item.key = bytes_of(x.args[3]);
    item.value = bytes_of(x.args[4]);
    item.flags = x.gateway.options.fence ? LARDER_SET_FENCED : 0;
    for (std::size_t i = 5; i < x.args.size();) {
        const std::string_view word = x.args[i];
        const std::size_t left = x.args.size() - i;
        if (same_word(word, "with") && left >= 3) {
            x.pairs.push_back({bytes_of(x.args[i + 1]), bytes_of(x.args[i + 2])});
            i += 3;
        } else if ((same_word(word, "ex") || same_word(word, "px")) && left >= 2) {
            if (!x.integer_argument(x.args[i + 1], item.ttl_ms)) {
                return Step::Done;
            }
            constexpr std::int64_t most = INT64_MAX / 2000;
            if (item.ttl_ms <= 0 || item.ttl_ms > most) {
                return x.error("ERR invalid expire time in 'larder|put' command");
            }
            item.ttl_ms *= same_word(word, "ex") ? 1000 : 1;
            i += 2;
        } else {
            return x.error("ERR expected [EX seconds | PX milliseconds] [WITH name value]...");
        }
    }
    item.with = x.pairs.data();
    item.with_count = static_cast<std::uint32_t>(x.pairs.size());
    x.sets.push_back(item);
    return x.then(x.cache().set_many(x.host(), x.sets.data(), 1, x.call()), [](Exchange& y) {
        const larder_cache_set& put = y.sets[0];
        const larder_status st = y.status != LARDER_OK ? y.status : put.status;
        if (st < LARDER_OK) {
            return y.failed(st, put.ns, text_of(put.key));
        }
        if (put.kept == 0) {
            count(y.gateway.counters.not_kept);
        } else {
            y.changed(put.ns, text_of(put.key), kSetEvent);
        }
        return y.ok();
    });
}

Step larder_get(Exchange& x) {
    larder_cache_get item{};
    if (!x.find_namespace(x.args[2], item.ns)) {
        return Step::Done;
    }
    item.key = bytes_of(x.args[3]);
    x.gets.push_back(item);
    const std::uint32_t fence = x.gateway.options.fence ? LARDER_GET_FENCE : 0;
    return x.then(x.cache().get_many(x.host(), x.gets.data(), 1, x.call(fence)), &reply_values);
}

// ---- what happened
// -------------------------------------------------------------------------------

// LARDER ROUTE method path[?query] [status]
Step larder_route(Exchange& x) {
    std::int64_t status = 200;
    if (x.args.size() > 5) {
        return x.wrong_arity();
    }
    if (x.args.size() == 5 && (!parse_integer(x.args[4], status) || status < 100 || status > 599)) {
        return x.error("ERR the status of an answer is a number from 100 to 599");
    }
    const std::string_view path = x.args[3];
    if (path.empty() || path[0] != '/') {
        return x.error("ERR a path begins with '/'");
    }
    const std::size_t question = std::min(path.find('?'), path.size());
    x.request = {};
    x.request.struct_size = sizeof x.request;
    x.request.status = static_cast<std::uint32_t>(status);
    x.request.method = bytes_of(x.args[2]);
    x.request.path = bytes_of(path.substr(0, question));
    x.request.query = bytes_of(path.substr(std::min(question + 1, path.size())));
    ask_for_receipt(x, true);
    return x.then(x.cache().request(x.host(), &x.request, &x.receipt, x.call()), &reply_receipt);
}

// LARDER EVENT name [k v]...
Step larder_event(Exchange& x) {
    if (x.args.size() % 2 == 0) {
        return x.error("ERR expected LARDER EVENT name [name value]...");
    }
    for (std::size_t i = 3; i < x.args.size(); i += 2) {
        x.pairs.push_back({bytes_of(x.args[i]), bytes_of(x.args[i + 1])});
    }
    ask_for_receipt(x, true);
    return x.then(x.cache().event(x.host(), bytes_of(x.args[2]), x.pairs.data(), x.pairs.size(),
                                  &x.receipt, x.call()),
                  [](Exchange& y) {
                      return y.status == LARDER_MISS
                                 ? y.error("ERR the policy has no rule for that event")
                                 : reply_receipt(y);
                  });
}

Step larder_warm(Exchange& x) {
    if (x.args.size() > 3) {
        return x.wrong_arity();
    }
    x.ns = LARDER_NS_NONE;
    if (x.args.size() == 3 && !x.find_namespace(x.args[2], x.ns)) {
        return Step::Done;
    }
    ask_for_receipt(x, false);
    return x.off_thread(
        [](Exchange& y) {
            y.status = y.cache().warm(y.host(), y.ns, &y.receipt, y.call());
            return Step::Done;
        },
        [](Exchange& y) {
            return y.status < LARDER_OK ? y.failed(y.status) : y.integer(y.receipt.warmed);
        });
}

// LARDER RECLAIM [ns]
Step larder_reclaim(Exchange& x) {
    if (x.args.size() > 3) {
        return x.wrong_arity();
    }
    x.ns = LARDER_NS_NONE;
    if (x.args.size() == 3 && !x.find_namespace(x.args[2], x.ns)) {
        return Step::Done;
    }
    return x.off_thread(
        [](Exchange& y) {
            y.status = y.cache().reclaim(y.host(), y.ns, &y.counted, y.call());
            return Step::Done;
        },
        [](Exchange& y) {
            return y.status < LARDER_OK ? y.failed(y.status)
                                        : y.integer(static_cast<std::int64_t>(y.counted));
        });
}

// ---- reports
// ---------------------------------------------------------------------------------------
namespace {

// x.text says what is asked.
Step report_explain(Exchange& x) {
    return x.off_thread(
        [](Exchange& y) {
            y.status = y.cache().explain(y.host(), bytes_of(y.text), &y.report, y.call());
            return Step::Done;
        },
        [](Exchange& y) { return y.verbatim_report(); });
}

}  // namespace

// LARDER EXPLAIN METHOD path | EVENT name [k v]... | ENTRY ns key | KEY ns:key
Step larder_explain(Exchange& x) {
    const Args words = x.args.subspan(2);
    if (same_word(words[0], "event")) {
        if (words.size() < 2 || words.size() % 2 != 0) {
            return x.error("ERR expected LARDER EXPLAIN EVENT name [name value]...");
        }
        x.text = "event " + std::string(words[1]);
        for (std::size_t i = 2; i < words.size(); i += 2) {
            x.text.append(" ").append(words[i]).append("=").append(words[i + 1]);
        }
    } else if (same_word(words[0], "entry") && words.size() == 3) {
        std::uint32_t ns = 0;
        if (!x.find_namespace(words[1], ns)) {
            return Step::Done;
        }
        x.text = "entry " + std::string(words[1]) + " " + std::string(words[2]);
    } else if (same_word(words[0], "key") && words.size() == 2) {
        std::uint32_t ns = 0;
        std::string_view key;
        larder_bytes name{};
        if (!x.locate(words[1], ns, key)) {
            return Step::Done;
        }
        x.cache().ns_name(x.host(), ns, &name);
        x.text = "entry " + std::string(text_of(name)) + " " + std::string(key);
    } else if (words.size() == 2 && words[1].starts_with('/')) {
        x.text = "request " + std::string(words[0]) + " " + std::string(words[1]);
    } else {
        return x.error(
            "ERR expected METHOD /path, EVENT name [name value]..., ENTRY namespace key or KEY "
            "key");
    }
    return report_explain(x);
}

Step larder_stats(Exchange& x) {
    if (x.args.size() > 3) {
        return x.wrong_arity();
    }
    x.text = x.args.size() == 3 ? std::string(x.args[2]) : std::string();
    return x.off_thread(
        [](Exchange& y) {
            y.status = y.cache().stats(y.host(), bytes_of(y.text), &y.report, y.call());
            return Step::Done;
        },
        [](Exchange& y) {
            return y.status == LARDER_MISS ? y.error("ERR no such section of the statistics")
                                           : y.verbatim_report();
        });
}

Step larder_reload(Exchange& x) {
    return x.off_thread(
        [](Exchange& y) {
            y.status = y.cache().reload(y.host(), &y.report, y.call());
            return Step::Done;
        },
        [](Exchange& y) { return y.verbatim_report(); });
}

}  // namespace larder::resp
