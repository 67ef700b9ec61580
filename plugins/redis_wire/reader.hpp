// plugins/redis_wire/reader.hpp -- bytes of a server to replies, within limits; the home of hiredis.
//
// hiredis' reader does the parsing. Of itself it believes every length: 13 bytes make it reserve
// gigabytes, or buffer for ever. So what it builds is built here (reply.hpp), where an array costs what
// arrived of it and not what it announces; and the length of a string is looked at as soon as its line
// is there, before more is buffered. After an error the reader is of no use: its connection goes.
#pragma once

#include "connection_options.hpp"
#include "reply.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace larder::redis_wire {

class Reader {
  public:
    enum class Got { reply, more, broken };

    explicit Reader(const ReplyLimits& limits);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Appends bytes as they came. At most some ten KiB at once, so that a limit is met soon after it
    // is passed. False: out of memory.
    bool feed(const char* data, std::size_t size) noexcept;
    // The next whole reply, valid until the next call; or why there will never be one.
    Got next();
    Reply& reply() noexcept;
    const std::string& why() const noexcept;  // after broken
    std::size_t buffered() const noexcept;    // bytes that wait for the rest of a reply

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::redis_wire
