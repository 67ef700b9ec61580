// plugins/invalidator_event/redis_streams.cpp -- see redis_streams.hpp: where to begin, and where it is kept.
#include "redis_streams.hpp"

#include "reply_walk.hpp"

#include "plugins/redis_wire/words.hpp"

#include <algorithm>
#include <optional>

namespace larder::invalidator_event {

using redis_wire::Reply;

RedisStreams::RedisStreams(const Surroundings& around, const redis_wire::TlsContext* tls)
    : RedisSession(around, tls, "the streams"),
      file_(around.options.position_file),
      retry_(around.loop) {
    for (const std::string& key : around.options.streams) {
        streams_.push_back({key, {}, false, false});
    }
}

std::string RedisStreams::what() const {
    return "streams at " + around_.options.endpoint.text();
}

void RedisStreams::open() {
    if (!loaded_) {
        std::string why;
        file_bad_ = !file_.load(kept_, why);
        if (file_bad_) {
            around_.journal.say(LARDER_LOG_WARN, file_.path(), why + "; its streams count as never read");
        }
        for (Stream& stream : streams_) {
            if (const auto found = kept_.find(stream.key); found != kept_.end()) {
                stream.position = found->second;
                stream.known = true;
            }
        }
        loaded_ = true;
    }
    RedisSession::open();
}

void RedisStreams::close() noexcept {
    on_lost();
    RedisSession::close();
}

void RedisStreams::on_lost() {
    retry_.cancel();
    answers_.clear();
    done_.clear();
    if (listening_.exchange(false)) {
        around_.teller.count_connected(false);
    }
}

// ---- one question after the other ---------------------------------------------------------------

void RedisStreams::ask(std::initializer_list<std::string_view> words, Answer answer) {
    std::string wire;
    redis_wire::write_words(wire, words);
    answers_.push_back(std::move(answer));
    send(wire);
    expect_within(around_.options.connection.connect_timeout_ns);
}

bool RedisStreams::on_reply(Reply& reply) {
    if (answers_.empty()) {
        return false;
    }
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer(reply);
}

// ---- where to begin -----------------------------------------------------------------------------

void RedisStreams::on_ready() {
    answers_.clear();
    done_.clear();
    // A batch that could not be read whole is asked for one by one.
    batch_ = 1;
    next_claim_ns_ = around_.loop.now_ns() + around_.options.claim_after_ns;
    begin_stream(0);
}

void RedisStreams::begin_stream(std::size_t i) {
    if (i == streams_.size()) {
        around_.teller.settle();
        listening_ = true;
        around_.teller.count_connected(true);
        keep_positions();
        read();
        return;
    }
    if (grouped()) {
        join_group(i);
    } else if (streams_[i].known) {
        check_position(i);
    } else {
        find_end(i, file_bad_);
    }
}

void RedisStreams::begun(std::size_t i) { begin_stream(i + 1); }

void RedisStreams::join_group(std::size_t i) {
    const Options& o = around_.options;
    ask({"XGROUP", "CREATE", streams_[i].key, o.group, "$", "MKSTREAM"}, [this, i](Reply& reply) {
        Stream& stream = streams_[i];
        stream.pending = true;
        if (reply.is_ok()) {
            if (stream.known) {
                around_.teller.lost(stream.key, "the stream was made anew, without its group");
            } else if (around_.options.resync_at_start) {
                around_.teller.lost(stream.key, "listening begins");
            }
            stream.known = true;
            begun(i);
            return true;
        }
        if (!reply.is_error()) {
            return false;
        }
        if (!reply.text().starts_with("BUSYGROUP")) {
            fail("XGROUP CREATE " + stream.key + ": " + std::string(reply.text()));
            return true;
        }
        stream.known = true;
        ask({"XINFO", "GROUPS", stream.key}, [this, i](Reply& r) { return group_found(i, r); });
        return true;
    });
}

// XINFO GROUPS: one list of names and values for each group.
bool RedisStreams::group_found(std::size_t i, Reply& reply) {
    Stream& stream = streams_[i];
    if (reply.is_error()) {
        fail("XINFO GROUPS " + stream.key + ": " + std::string(reply.text()));
        return true;
    }
    ReplyWalk walk(reply);
    const ReplyWalk::Item& groups = walk.next();
    std::optional<StreamId> last;
    for (std::uint32_t g = 0; g < groups.size; ++g) {
        const std::uint32_t fields = walk.next().size;
        bool mine = false;
        std::optional<StreamId> delivered;
        for (std::uint32_t f = 0; f + 1 < fields; f += 2) {
            const std::string_view name = walk.next().text();
            if (name == "name") {
                mine = walk.next().text() == around_.options.group;
            } else if (name == "last-delivered-id") {
                delivered = StreamId::read(walk.next().text());
            } else {
                walk.skip();
            }
        }
        last = mine ? delivered : last;
    }
    if (!last) {
        return false;
    }
    stream.position = *last;
    check_position(i);
    return true;
}

// While the entry last handled is there, all that came behind it is too.
void RedisStreams::check_position(std::size_t i) {
    const std::string id = streams_[i].position.text();
    if (streams_[i].position == StreamId{}) {
        begun(i);
        return;
    }
    ask({"XRANGE", streams_[i].key, id, id}, [this, i](Reply& reply) {
        if (reply.is_error()) {
            fail("XRANGE " + streams_[i].key + ": " + std::string(reply.text()));
        } else if (reply.type() != Reply::Type::array) {
            return false;
        } else if (reply.root().size == 1) {
            begun(i);
        } else {
            find_end(i, true);
        }
        return true;
    });
}

// lost: the position that was known leads nowhere.
void RedisStreams::find_end(std::size_t i, bool lost) {
    ask({"XREVRANGE", streams_[i].key, "+", "-", "COUNT", "1"}, [this, i, lost](Reply& reply) {
        Stream& stream = streams_[i];
        if (reply.is_error()) {
            fail("XREVRANGE " + stream.key + ": " + std::string(reply.text()));
            return true;
        }
        if (reply.type() != Reply::Type::array || reply.root().size > 1) {
            return false;
        }
        StreamId last;
        if (reply.root().size == 1) {
            if (reply.items().size() < 3) {
                return false;
            }
            const auto id = StreamId::read(reply.at(1).text());
            if (!id) {
                return false;
            }
            last = *id;
        }
        if (!stream.known) {
            stream.position = last;
            stream.known = true;
            if (lost || around_.options.resync_at_start) {
                around_.teller.lost(stream.key, lost ? "where it was is not known" : "listening begins");
            }
        } else {
            if (!grouped() && last < stream.position) {
                stream.position = StreamId{};  // made anew: all that is there is new
            }
            around_.teller.lost(stream.key, "the entry last handled is gone, and others may be");
        }
        begun(i);
        return true;
    });
}

void RedisStreams::keep_positions() {
    if (!file_.kept()) {
        return;
    }
    PositionFile::Positions now;
    for (const Stream& stream : streams_) {
        if (stream.known) {
            now[stream.key] = stream.position;
        }
    }
    if (now == kept_) {
        return;
    }
    std::string why;
    if (file_.save(now, why)) {
        kept_ = std::move(now);
        file_bad_ = false;
    } else {
        around_.journal.trouble("writing the positions", file_.path(), why);
    }
}

RedisStreams::Stream* RedisStreams::find(std::string_view key) {
    const auto found = std::find_if(streams_.begin(), streams_.end(),
                                    [&](const Stream& stream) { return stream.key == key; });
    return found == streams_.end() ? nullptr : &*found;
}

}  // namespace larder::invalidator_event
