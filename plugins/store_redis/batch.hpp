// plugins/store_redis/batch.hpp -- an exchange whose commands may have to go to several servers.
//
// It is written as RESP once. Where every key is on the same server, the batch is sent as it stands.
// Where keys are spread, a topology cuts it: each command notes where it stands in `wire`, and which
// bytes of it are the key that chooses the server.
#pragma once

#include "exchange.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace larder::store_redis {

class Batch : public Exchange {
  public:
    struct Command {
        std::uint32_t begin = 0, size = 0;         // in wire
        std::uint32_t key_begin = 0, key_size = 0; // in wire; the key alone, without its length
    };

    // spread: note each command. One that is not spread costs no more than its bytes.
    explicit Batch(bool spread) : spread_(spread) {}

    // Writing: begin(n), then n words, exactly one of which is the key. At most 4 GiB in all.
    // finish_writing() stands behind the last one.
    void begin(std::size_t words);
    void word(std::string_view text) { write_word(wire, text); }
    void number(std::uint64_t value) { write_number(wire, value); }
    void key(std::string_view text);
    void finish_writing() { note_end(); }

    // Empty when not spread.
    std::span<const Command> commands() const noexcept { return commands_; }
    std::string_view wire_of(const Command& c) const noexcept {
        return std::string_view(wire).substr(c.begin, c.size);
    }
    std::string_view key_of(const Command& c) const noexcept {
        return std::string_view(wire).substr(c.key_begin, c.key_size);
    }
    bool spread() const noexcept { return spread_; }

    // A command may begin only when those before it are answered: where the next one is for another
    // server, it waits for them. (On one server the order of writing is enough.)
    bool ordered = false;
    // Of an ordered batch: the commands from here to the next stage, or to the end, have no order among
    // themselves; they begin when all before them are answered.
    void begin_stage() {
        if (spread_) {
            stages_.push_back(static_cast<std::uint32_t>(commands_.size()));
        }
    }
    std::span<const std::uint32_t> stages() const noexcept { return stages_; }
    // Behind the last command of each server WAIT replicas wait_ms is sent; its reply goes to on_replicas.
    std::uint32_t replicas = 0;
    std::uint64_t wait_ms = 0;
    // How many replicas one server's part reached.
    virtual void on_replicas(std::int64_t reached) { static_cast<void>(reached); }

  protected:
    ~Batch() = default;
    // Bytes were put into wire at `at`, within a command and before its key.
    void move_commands(std::uint32_t at, std::uint32_t by) noexcept;

  private:
    void note_end();
    bool spread_;
    std::vector<Command> commands_;
    std::vector<std::uint32_t> stages_;
};

}  // namespace larder::store_redis
