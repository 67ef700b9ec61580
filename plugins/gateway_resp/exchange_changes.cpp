// plugins/gateway_resp/exchange_changes.cpp -- what a request read and changed, told to those who asked.
#include "exchange.hpp"

namespace larder::resp {

TrackingTable::Changer Exchange::changer() {
    return {session.record, [this](Mail mail) { session.mail.push_back(std::move(mail)); }};
}

void Exchange::tell_changed(std::uint32_t in, std::string_view rest, KeyEvent event,
                            bool is_new) {
    gateway.watches.changed(in, rest);
    const std::vector<std::string> names = gateway.spellings(in, rest);
    if (!gateway.tracking.idle()) {
        gateway.tracking.changed(in, rest, names, changer());
    }
    if (is_new && gateway.key_events.wants(kEventNew)) {
        gateway.key_events.publish(kEventNew, "new", names[0], session.record, changer().own);
    }
    if (gateway.key_events.wants(event.kind)) {
        gateway.key_events.publish(event.kind, event.name, names[0], session.record,
                                   changer().own);
    }
    if (event.name == kDeleted.name || event.name == "rename_from") {
        gateway.rechecks.removed(in, rest);
    } else {
        gateway.rechecks.written(in, rest, names[0]);
    }
}

void Exchange::flushed() { gateway.tracking.flushed(changer()); }

void Exchange::remember_reads() {
    if ((command->flags & kRead) == 0 || command->first_key == 0) {
        return;
    }
    const TrackingWish wish = gateway.tracking.wish(session.record);
    if (!wish.on || wish.broadcast || (wish.opt_in && session.caching != true) ||
        (wish.opt_out && session.caching == false)) {
        return;
    }
    const auto size = static_cast<int>(args.size());
    const int last = command->last_key < 0 ? size + command->last_key : command->last_key;
    for (int i = command->first_key; i <= last && i < size; i += command->key_step) {
        const std::string_view full = args[static_cast<std::size_t>(i)];
        std::uint32_t found = LARDER_NS_NONE;
        std::string_view rest;
        if (try_locate(full, found, rest)) {
            gateway.tracking.remember(session.record, found, rest,
                                      full.substr(0, full.size() - rest.size()));
        }
    }
}

// Only the first request that reads an entry learns its version; one that changes it as well has been
// told of itself already.
void Exchange::note_what_was_read() noexcept {
    try {
        for (const larder_cache_get& item : gets) {
            if (item.status == LARDER_OK || item.status == LARDER_MISS) {
                const bool there = item.status == LARDER_OK;
                const bool ends = there && item.ttl_ms >= 0;
                gateway.tracking.seen(
                    item.ns, text_of(item.key), there ? item.version : TrackingTable::kNone,
                    ends ? gateway.now_ns() + static_cast<std::uint64_t>(item.ttl_ms) * 1'000'000
                         : 0);
            }
        }
    } catch (...) {  // no memory: the entry's version stays unknown, and it is told too often
    }
}

void Exchange::forget_watched() {
    for (const WatchedKey& watched : session.watched) {
        gateway.watches.unwatch(watched.ns, watched.key, session.watch_broken);
    }
    session.watched.clear();
    session.watch_broken.reset();
    session.record->watched.store(0, std::memory_order_relaxed);
}

void Exchange::leave_books() {
    const Client& me = session.record;
    forget_watched();
    for (const std::string& channel : session.channels) {
        gateway.channels.unsubscribe(me, channel);
    }
    for (const std::string& pattern : session.patterns) {
        gateway.channels.unsubscribe_pattern(me, pattern);
    }
    session.channels.clear();
    session.patterns.clear();
    me->channels.store(0, std::memory_order_relaxed);
    me->patterns.store(0, std::memory_order_relaxed);
    gateway.tracking.disable(me);
    gateway.monitors.remove(me);
    session.monitor = false;
    me->monitor.store(false, std::memory_order_relaxed);
    session.caching.reset();
}

}  // namespace larder::resp
