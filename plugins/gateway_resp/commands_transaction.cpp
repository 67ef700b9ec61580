// plugins/gateway_resp/commands_transaction.cpp -- dispatch, and MULTI EXEC DISCARD WATCH UNWATCH.
//
// EXEC compares the versions of what the client watches and runs the queued requests, alone in the
// gateway's turnstile: no request of another client runs in between. What changes the cache past the
// gateway (a rule, the host's own calls, another node) is not stopped by that.
#include "commands.hpp"

namespace larder::resp {
namespace {

Step refuse(Exchange& x, std::string_view text) { return x.error(text); }

bool arity_fits(const Command& command, std::size_t given) noexcept {
    return command.arity >= 0 ? given == static_cast<std::size_t>(command.arity)
                              : given >= static_cast<std::size_t>(-command.arity);
}

Step enqueue(Exchange& x) {
    QueuedRequest request{x.command, {}, {}};
    for (const std::string_view arg : x.args) {
        request.bytes += arg;
        request.sizes.push_back(static_cast<std::uint32_t>(arg.size()));
    }
    constexpr std::size_t overhead = 128;
    x.session.queued_bytes += request.bytes.size() + request.sizes.size() * 4 + overhead;
    if (x.session.queued_bytes > x.gateway.options.input_limit) {
        x.session.queue.clear();
        return refuse(x, "ERR the transaction is larger than input_limit");
    }
    x.session.queue.push_back(std::move(request));
    ClientRecord& record = *x.session.record;
    record.queued.store(static_cast<int>(x.session.queue.size()), std::memory_order_relaxed);
    record.queued_bytes.store(x.session.queued_bytes, std::memory_order_relaxed);
    x.reply.simple("QUEUED");
    return Step::Done;
}

}  // namespace

Step dispatch(Exchange& x) {
    if ((x.command->flags & kContainer) != 0 && x.args.size() > 1) {
        const Command* sub = find_subcommand(*x.command, x.args[1]);
        if (sub == nullptr) {
            std::string upper(x.command->name);
            for (char& c : upper) {
                c = static_cast<char>(c - 'a' + 'A');
            }
            return refuse(x, "ERR unknown subcommand '" + std::string(x.args[1].substr(0, 128)) +
                                 "'. Try " + upper + " HELP.");
        }
        x.command = sub;
    }
    const Command& command = *x.command;
    if (x.session.record) {
        x.session.record->last_command.store(&command, std::memory_order_relaxed);
    }
    if (!arity_fits(command, x.args.size())) {
        return x.wrong_arity();
    }
    if (!x.session.authenticated && (command.flags & kNoAuth) == 0) {
        return refuse(x, "NOAUTH Authentication required.");
    }
    if (x.session.role < command.role && (command.flags & kNoAuth) == 0) {
        return refuse(x, "NOPERM this user has no permissions to run the '" +
                             std::string(command.name) + "' command");
    }
    if (x.session.in_multi) {
        if ((command.flags & kNoMulti) != 0) {
            return refuse(x, "ERR Command not allowed inside a transaction");
        }
        if ((command.flags & kNow) == 0) {
            return enqueue(x);
        }
    }
    if (command.run == nullptr) {
        return x.wrong_arity();
    }
    if (x.session.only_listens() && (command.flags & kPubSub) == 0) {
        return refuse(x, "ERR Can't execute '" + std::string(command.name) +
                             "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                             "allowed in this context");
    }
    return execute(x);
}

// EXEC is told when its requests have been: that is the order in which things happened.
Step execute(Exchange& x) {
    const Command& command = *x.command;
    x.running = true;
    count(x.gateway.counters.of(command).calls);
    if (!x.gateway.monitors.idle() && (command.flags & kAdmin) == 0 && command.run != &exec) {
        x.gateway.monitors.tell(*x.session.record, x.args, x.gateway.wall_ms());
    }
    if (x.remembers_reads()) {
        x.remember_reads();
        if (!command.name.starts_with("client|")) {
            x.session.caching.reset();
        }
    }
    return command.run(x);
}

Step unknown_command(Exchange& x) {
    std::string text = "ERR unknown command '" + std::string(x.args[0].substr(0, 128)) +
                       "', with args beginning with: ";
    std::string shown;
    constexpr std::size_t most = 128;
    for (std::size_t i = 1; i < x.args.size() && shown.size() < most; ++i) {
        shown.append("'").append(x.args[i].substr(0, most - shown.size())).append("' ");
    }
    return x.error(text + shown);
}

Step multi(Exchange& x) {
    if (x.session.in_multi) {
        // Redis does not break the transaction for this one.
        count(x.gateway.counters.errors);
        x.reply.error("ERR MULTI calls can not be nested");
        return Step::Done;
    }
    x.session.in_multi = true;
    x.session.multi_broken = false;
    x.session.record->queued.store(0, std::memory_order_relaxed);
    return x.ok();
}

Step discard(Exchange& x) {
    if (!x.session.in_multi) {
        return x.error("ERR DISCARD without MULTI");
    }
    x.turnaround.leave_multi();
    return x.ok();
}

// ---- WATCH
// -----------------------------------------------------------------------------------------
namespace {

Step look_at(Exchange& x, Handler second_half) {
    return x.then(x.cache().get_many(x.host(), x.gets.data(), x.gets.size(), x.call(kPeekMeta)),
                  second_half);
}

std::uint64_t version_of(const larder_cache_get& item) noexcept {
    return item.status == LARDER_OK ? item.version : 0;
}

}  // namespace

Step watch(Exchange& x) {
    if (x.session.in_multi) {
        count(x.gateway.counters.errors);
        x.reply.error("ERR WATCH inside MULTI is not allowed");
        return Step::Done;
    }
    for (const std::string_view key : x.args.subspan(1)) {
        if (!x.add_get(key)) {
            return Step::Done;
        }
    }
    constexpr std::size_t most = 10'000;
    if (!x.session.watch_broken) {
        x.session.watch_broken = std::make_shared<std::atomic<bool>>(false);
    }
    if (x.session.watched.size() + x.gets.size() > most) {
        return x.error("ERR too many watched keys");
    }
    // Watched before it is looked at: what changes in between breaks the transaction, too.
    for (const larder_cache_get& item : x.gets) {
        x.gateway.watches.watch(item.ns, text_of(item.key), x.session.watch_broken);
    }
    return look_at(x, [](Exchange& y) {
        const auto give_up = [&y](larder_status st, const larder_cache_get& of) {
            for (const larder_cache_get& item : y.gets) {
                y.gateway.watches.unwatch(item.ns, text_of(item.key), y.session.watch_broken);
            }
            return y.failed(st, of.ns, text_of(of.key));
        };
        for (const larder_cache_get& item : y.gets) {
            if (y.status != LARDER_OK || item.status < LARDER_OK) {
                return give_up(y.status != LARDER_OK ? y.status : item.status, item);
            }
        }
        for (const larder_cache_get& item : y.gets) {
            y.session.watched.push_back(
                {item.ns, std::string(text_of(item.key)), version_of(item)});
        }
        y.session.record->watched.store(static_cast<std::uint32_t>(y.session.watched.size()),
                                        std::memory_order_relaxed);
        return y.ok();
    });
}

Step unwatch(Exchange& x) {
    x.forget_watched();
    return x.ok();
}

static bool watches_hold(Exchange& x) {
    for (std::size_t i = 0; i < x.gets.size(); ++i) {
        const larder_cache_get& item = x.gets[i];
        if (item.status < LARDER_OK || version_of(item) != x.session.watched[i].version) {
            return false;
        }
    }
    return x.status == LARDER_OK && !x.session.watch_broken->load(std::memory_order_acquire);
}

void follow_exec(Exchange& x) {
    if (!x.gateway.monitors.idle()) {
        constexpr std::string_view word = "exec";
        x.gateway.monitors.tell(*x.session.record, Args(&word, 1), x.gateway.wall_ms());
    }
}

Step exec(Exchange& x) {
    if (!x.session.in_multi) {
        return x.error("ERR EXEC without MULTI");
    }
    if (x.session.multi_broken) {
        x.turnaround.leave_multi();
        follow_exec(x);
        return x.error("EXECABORT Transaction discarded because of previous errors.");
    }
    if (x.session.watched.empty()) {
        x.turnaround.start_exec();
        return Step::Done;
    }
    for (const WatchedKey& watched : x.session.watched) {
        larder_cache_get item{};
        item.ns = watched.ns;
        item.key = bytes_of(watched.key);
        x.gets.push_back(item);
    }
    return look_at(x, [](Exchange& y) {
        if (!watches_hold(y)) {
            y.turnaround.leave_multi();
            follow_exec(y);
            y.reply.null_array();
            return Step::Done;
        }
        y.turnaround.start_exec();
        return Step::Done;
    });
}

}  // namespace larder::resp
