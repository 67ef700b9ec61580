// plugins/invalidator_event/redis_streams.hpp -- entries of Redis' streams, each at least once.
//
// A stream keeps what was added, so after a pause larder goes on where it was. Two ways to know where:
//  - `group`: Redis keeps it. The nodes of a group share the entries; each is acknowledged once the kernel took it,
//    and one that a node took and never acknowledged is claimed after `claim_after`.
//  - without: each node reads all, from the id it handled last. That is kept in memory, and in `position_file`.
// The position moves when the kernel has taken an entry, never before; a kernel that is busy holds it where it is.
//
// What cannot be gone on from is a resync: a position that is unknown, an entry that was trimmed away, a stream that
// was made anew. (Streams lose their oldest entries first. So while the entry last handled is there, nothing behind
// it was trimmed.)
#pragma once

#include "position_file.hpp"
#include "redis_session.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

namespace larder::invalidator_event {

class ReplyWalk;

class RedisStreams final : public Listener, private RedisSession {
  public:
    RedisStreams(const Surroundings& around, const redis_wire::TlsContext* tls);

    void open() override;
    void close() noexcept override;
    bool listening() const noexcept override { return listening_; }
    std::string what() const override;

  private:
    using Answer = std::function<bool(redis_wire::Reply&)>;
    struct Stream {
        std::string key;
        StreamId position;
        bool known = false;    // position is that of an entry, or of a beginning
        bool pending = false;  // of a group: what was delivered and not acknowledged comes first
    };

    void on_ready() override;
    bool on_reply(redis_wire::Reply& reply) override;
    void on_lost() override;
    bool awaiting() const noexcept override { return !answers_.empty(); }

    void ask(std::initializer_list<std::string_view> words, Answer answer);
    void begin_stream(std::size_t i);
    void join_group(std::size_t i);
    bool group_found(std::size_t i, redis_wire::Reply& reply);
    void check_position(std::size_t i);
    void find_end(std::size_t i, bool lost);
    void begun(std::size_t i);

    void read();
    bool entries_came(redis_wire::Reply& reply);
    // False: the kernel is busy, and the entry stays unhandled. broken: not an entry.
    bool handle_entry(Stream& stream, ReplyWalk& walk, bool& broken);
    void handled(Stream& stream, std::string_view id);
    void acknowledge(Stream& stream);
    void claim();
    bool claimed(std::size_t i, redis_wire::Reply& reply);
    void after_batch(bool stuck);
    void keep_positions();
    Stream* find(std::string_view key);
    bool grouped() const noexcept { return !around_.options.group.empty(); }

    std::atomic<bool> listening_{false};
    std::vector<Stream> streams_;
    std::deque<Answer> answers_;
    const PositionFile file_;
    PositionFile::Positions kept_;   // as they stand in the file
    bool loaded_ = false, file_bad_ = false;
    std::vector<std::string> done_;  // ids handled and not yet acknowledged
    Mapping::Fields fields_;
    std::uint32_t batch_ = 1;
    std::uint64_t next_claim_ns_ = 0;
    redis_wire::Loop::Timer retry_;
};

}  // namespace larder::invalidator_event
