// plugins/invalidator_event/redis_streams_read.cpp -- reading entries, and what is done with each.
#include "redis_streams.hpp"

#include "reply_walk.hpp"

#include "plugins/redis_wire/words.hpp"

#include <algorithm>

namespace larder::invalidator_event {

using redis_wire::Reply;

namespace {

constexpr std::uint64_t ms_ns = 1'000'000;
constexpr std::uint64_t busy_pause_ns = 1'000 * ms_ns;

}  // namespace

void RedisStreams::read() {
    const Options& o = around_.options;
    if (around_.teller.stopping()) {
        return;
    }
    expect_within(o.heartbeat_ns + o.connection.connect_timeout_ns);
    around_.teller.settle();
    if (grouped() && around_.loop.now_ns() >= next_claim_ns_) {
        claim();
        return;
    }
    // What is pending is answered at once, so it is asked for alone: else it would hide behind streams that wait.
    const bool pending = std::any_of(streams_.begin(), streams_.end(),
                                     [](const Stream& s) { return s.pending; });
    std::vector<std::string> words;
    if (grouped()) {
        words = {"XREADGROUP", "GROUP", o.group, o.consumer};
    } else {
        words = {"XREAD"};
    }
    words.insert(words.end(), {"COUNT", std::to_string(batch_)});
    if (!pending) {
        words.insert(words.end(), {"BLOCK", std::to_string(std::max<std::uint64_t>(
                                                o.heartbeat_ns / ms_ns, 1))});
    }
    words.emplace_back("STREAMS");
    std::vector<std::string> ids;
    for (const Stream& stream : streams_) {
        if (pending && !stream.pending) {
            continue;
        }
        words.push_back(stream.key);
        ids.push_back(pending ? "0" : grouped() ? ">" : stream.position.text());
    }
    words.insert(words.end(), ids.begin(), ids.end());
    std::string wire;
    redis_wire::write_head(wire, words.size());
    for (const std::string& word : words) {
        redis_wire::write_word(wire, word);
    }
    answers_.emplace_back([this](Reply& reply) { return entries_came(reply); });
    send(wire);
    expect_within(o.heartbeat_ns + o.connection.connect_timeout_ns);  // settling may have taken long
}

bool RedisStreams::entries_came(Reply& reply) {
    if (reply.is_error()) {
        // The group or the stream is gone: begin anew, which makes it and says so.
        fail(std::string(grouped() ? "XREADGROUP: " : "XREAD: ") + std::string(reply.text()));
        return true;
    }
    const bool pending = std::any_of(streams_.begin(), streams_.end(),
                                     [](const Stream& s) { return s.pending; });
    if (reply.type() == Reply::Type::nil) {
        after_batch(false);
        return true;
    }
    if (reply.type() != Reply::Type::array) {
        return false;
    }
    batch_ = around_.options.batch;
    const std::uint64_t mine = epoch();
    ReplyWalk walk(reply);
    const std::uint32_t count = walk.next().size;
    bool stuck = false;
    for (std::uint32_t s = 0; s < count && !stuck; ++s) {
        if (!walk.array_of(2)) {
            return false;
        }
        Stream* const stream = find(walk.next().text());
        if (stream == nullptr) {
            return false;
        }
        const ReplyWalk::Item& entries = walk.next();
        if (entries.type != Reply::Type::array) {
            return false;
        }
        if (pending && entries.size == 0) {
            stream->pending = false;
        }
        for (std::uint32_t e = 0; e < entries.size && !stuck; ++e) {
            bool broken = false;
            stuck = !handle_entry(*stream, walk, broken);
            if (broken) {
                return false;
            }
        }
        acknowledge(*stream);
    }
    if (epoch() == mine) {
        after_batch(stuck);
    }
    return true;
}

bool RedisStreams::handle_entry(Stream& stream, ReplyWalk& walk, bool& broken) {
    if (!walk.array_of(2)) {
        broken = true;
        return true;
    }
    const std::string_view id = walk.next().text();
    const ReplyWalk::Item& fields = walk.next();
    if (fields.type == Reply::Type::nil) {  // delivered once, and deleted since
        around_.teller.lost(stream.key, "an entry was gone before it was handled");
        handled(stream, id);
        return true;
    }
    if (fields.type != Reply::Type::array || fields.size % 2 != 0) {
        broken = true;
        return true;
    }
    fields_.clear();
    for (std::uint32_t f = 0; f < fields.size; f += 2) {
        const std::string_view name = walk.next().text();
        fields_.emplace_back(name, walk.next().text());
    }
    if (around_.teller.hear_entry(around_.mapping, stream.key, fields_) == Teller::Told::not_now) {
        return false;
    }
    handled(stream, id);
    return true;
}

void RedisStreams::handled(Stream& stream, std::string_view id) {
    if (grouped()) {
        done_.emplace_back(id);
    } else if (const auto read = StreamId::read(id)) {
        stream.position = *read;
    }
}

void RedisStreams::acknowledge(Stream& stream) {
    if (done_.empty()) {
        return;
    }
    std::string wire;
    redis_wire::write_head(wire, 3 + done_.size());
    for (const std::string_view word : {std::string_view("XACK"), std::string_view(stream.key),
                                        std::string_view(around_.options.group)}) {
        redis_wire::write_word(wire, word);
    }
    for (const std::string& id : done_) {
        redis_wire::write_word(wire, id);
    }
    done_.clear();
    answers_.emplace_back([this](Reply& reply) {
        if (reply.is_error()) {
            fail("XACK: " + std::string(reply.text()));
        }
        return reply.is_error() || reply.type() == Reply::Type::integer;
    });
    send(wire);
}

// stuck: the kernel is busy. What was not taken is asked for again, of a group as what is pending.
void RedisStreams::after_batch(bool stuck) {
    keep_positions();
    if (!stuck) {
        read();
        return;
    }
    for (Stream& stream : streams_) {
        stream.pending = grouped();
    }
    retry_.at(around_.loop.now_ns() + busy_pause_ns, [this] { read(); });
}

// ---- entries that another node left behind ------------------------------------------------------

void RedisStreams::claim() {
    const Options& o = around_.options;
    next_claim_ns_ = around_.loop.now_ns() + o.claim_after_ns;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        ask({"XAUTOCLAIM", streams_[i].key, o.group, o.consumer,
             std::to_string(o.claim_after_ns / ms_ns), "0", "COUNT", std::to_string(o.batch)},
            [this, i](Reply& reply) { return claimed(i, reply); });
    }
}

// [cursor, entries, ids that were gone]; Redis 6.2 has no third, and nil among the entries.
bool RedisStreams::claimed(std::size_t i, Reply& reply) {
    Stream& stream = streams_[i];
    const bool last = i + 1 == streams_.size();
    bool stuck = false;
    if (reply.is_error()) {
        around_.journal.trouble("XAUTOCLAIM " + stream.key, around_.options.endpoint.text(),
                                reply.text());
    } else {
        ReplyWalk walk(reply);
        const std::uint32_t parts = walk.next().size;
        walk.next();  // the cursor: what is left over is claimed the next time
        const ReplyWalk::Item& entries = walk.next();
        if (parts < 2 || entries.type != Reply::Type::array) {
            return false;
        }
        for (std::uint32_t e = 0; e < entries.size && !stuck; ++e) {
            bool broken = false;
            if (walk.peek().type == Reply::Type::nil) {
                walk.next();
                around_.teller.lost(stream.key, "an entry was gone before it was handled");
                continue;
            }
            stuck = !handle_entry(stream, walk, broken);
            if (broken) {
                return false;
            }
        }
        stream.pending |= stuck;
        if (!stuck && parts > 2 && walk.next().size > 0) {
            around_.teller.lost(stream.key, "entries were gone before they were handled");
        }
        acknowledge(stream);
    }
    if (last) {
        after_batch(stuck);
    }
    return true;
}

}  // namespace larder::invalidator_event
