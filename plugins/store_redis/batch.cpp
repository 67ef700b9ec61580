// plugins/store_redis/batch.cpp -- see batch.hpp.
#include "batch.hpp"

namespace larder::store_redis {

void Batch::begin(std::size_t words) {
    if (spread_) {
        note_end();
        commands_.push_back({static_cast<std::uint32_t>(wire.size()), 0, 0, 0});
    }
    ++replies;
    write_head(wire, words);
}

void Batch::key(std::string_view text) {
    write_word(wire, text);
    if (spread_) {
        commands_.back().key_begin = static_cast<std::uint32_t>(wire.size() - 2 - text.size());
        commands_.back().key_size = static_cast<std::uint32_t>(text.size());
    }
}

void Batch::move_commands(std::uint32_t at, std::uint32_t by) noexcept {
    for (Command& command : commands_) {
        if (command.begin > at) {
            command.begin += by;
        } else if (at < command.begin + command.size) {
            command.size += by;
        }
        if (command.key_begin > at) {
            command.key_begin += by;
        }
    }
}

void Batch::note_end() {
    if (!commands_.empty()) {
        commands_.back().size = static_cast<std::uint32_t>(wire.size()) - commands_.back().begin;
    }
}

}  // namespace larder::store_redis
