// plugins/gateway_resp/connection_batch.cpp -- plain GETs in a row, and plain SETs in a row, as one call
// of the cache.
//
// A client that pipelines says many things before it reads. What it says in a row is asked for at once:
// the cache looks up many entries in little more than the time of one, because it waits for memory once
// for all of them; and their replies go out in one write. A single GET or SET takes the same way, which
// is shorter than that through its handler. Whatever a session has that makes a request more than
// itself (a transaction, muted replies) keeps it off this way: Session::plain(). So does somebody who
// asked to be told of each request.
#include "commands.hpp"
#include "connection.hpp"

#include <utility>

namespace larder::resp {
namespace {

const Command& get_command() noexcept {
    static const Command& found = *find_command("get");
    return found;
}
const Command& set_command() noexcept {
    static const Command& found = *find_command("set");
    return found;
}

// word: three letters in lower case, each of which differs in that one bit from its upper case.
bool is_word(std::string_view given, const char* word) noexcept {
    return given.size() == 3 && (given[0] | 0x20) == word[0] && (given[1] | 0x20) == word[1] &&
           (given[2] | 0x20) == word[2];
}

Step answer_sets(Exchange& x) {
    std::uint64_t not_kept = 0;
    for (; x.index < x.sets.size(); ++x.index) {
        const larder_cache_set& item = x.sets[x.index];
        const larder_status status = x.status != LARDER_OK ? x.status : item.status;
        if (status == LARDER_OK) {
            x.reply.ok();
            if (item.kept == 0) {
                ++not_kept;
            } else {
                x.changed(item.ns, text_of(item.key), kSetEvent);
            }
        } else {
            x.failed(status, item.ns, text_of(item.key));
        }
    }
    if (not_kept != 0) {
        count(x.gateway.counters.not_kept, not_kept);
    }
    return Step::Done;
}

Step answer_gets(Exchange& x) {
    std::uint64_t hits = 0, misses = 0;
    Step step = Step::Done;
    for (; x.index < x.gets.size(); ++x.index) {
        if (x.turnaround.output_full()) {
            step = x.after_draining(&answer_gets);
            break;
        }
        larder_cache_get& item = x.gets[x.index];
        const larder_status status = x.status != LARDER_OK ? x.status : item.status;
        if (status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0) [[likely]] {
            x.reply.value(item.value);
            ++hits;
        } else if (status == LARDER_OK || status == LARDER_MISS) {
            x.reply.null();
            ++misses;
        } else {
            x.failed(status, item.ns, text_of(item.key));
        }
    }
    count(x.gateway.counters.hits, hits);
    if (misses != 0) {
        count(x.gateway.counters.misses, misses);
    }
    return step;
}

}  // namespace

Connection::Batch Connection::fitting_batch() const noexcept {
    const Args args = parser_.args();
    const Session& session = x_.session;
    if (!session.plain() || !gateway_.monitors.idle()) {
        return Batch::None;
    }
    if (args.size() == 2 && is_word(args[0], "get")) {
        return x_.remembers_reads() ? Batch::None : Batch::Gets;
    }
    const bool may_write = session.role >= LARDER_ROLE_WRITE && gateway_.key_events.idle();
    return args.size() == 3 && is_word(args[0], "set") && may_write ? Batch::Sets : Batch::None;
}

// Whether the parser's request can be answered with those of the batch, or begins one.
bool Connection::add_to_batch() {
    const Batch kind = fitting_batch();
    if (kind == Batch::None || (batch_size_ != 0 && kind != batch_)) {
        return false;
    }
    const Args args = parser_.args();
    std::uint32_t ns = LARDER_NS_NONE;
    std::string_view key;
    if (!x_.try_locate(args[1], ns, key)) {
        return false;
    }
    if (kind == Batch::Gets) {
        larder_cache_get& item = x_.gets.emplace_back();
        item.ns = ns;
        item.key = bytes_of(key);
    } else {
        larder_cache_set& item = x_.sets.emplace_back();
        item.ns = ns;
        item.key = bytes_of(key);
        item.value = bytes_of(args[2]);
        item.flags = gateway_.options.fence ? LARDER_SET_FENCED : 0;
    }
    batch_ = kind;
    ++batch_size_;
    return true;
}

bool Connection::run_batch() {
    const std::size_t size = std::exchange(batch_size_, 0);
    count(gateway_.counters.requests, size);
    const Command& command = batch_ == Batch::Gets ? get_command() : set_command();
    count(gateway_.counters.of(command).calls, size);
    x_.running = true;
    advance(batch_ == Batch::Gets ? run_gets() : run_sets());
    return true;
}

Step Connection::run_gets() {
    x_.command = &get_command();
    x_.session.record->last_command.store(x_.command, std::memory_order_relaxed);
    const std::uint32_t fence = gateway_.options.fence ? LARDER_GET_FENCE : 0;
    return x_.then(gateway_.cache->get_many(gateway_.host, x_.gets.data(), x_.gets.size(),
                                            x_.call(fence)),
                   &answer_gets);
}

Step Connection::run_sets() {
    x_.command = &set_command();
    x_.session.record->last_command.store(x_.command, std::memory_order_relaxed);
    return x_.then(
        gateway_.cache->set_many(gateway_.host, x_.sets.data(), x_.sets.size(), x_.call()),
        &answer_sets);
}

}  // namespace larder::resp
