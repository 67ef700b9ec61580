// plugins/store_redis/wire.hpp -- what the store takes from redis_wire, by its names here.
#pragma once

#include "plugins/redis_wire/connection_options.hpp"
#include "plugins/redis_wire/hello.hpp"
#include "plugins/redis_wire/journal.hpp"
#include "plugins/redis_wire/loop.hpp"
#include "plugins/redis_wire/reader.hpp"
#include "plugins/redis_wire/reply.hpp"
#include "plugins/redis_wire/transport.hpp"
#include "plugins/redis_wire/url.hpp"
#include "plugins/redis_wire/words.hpp"

namespace larder::store_redis {

using redis_wire::ConnectionOptions;
using redis_wire::Endpoint;
using redis_wire::Journal;
using redis_wire::Loop;
using redis_wire::Reader;
using redis_wire::Reply;
using redis_wire::ReplyLimits;
using redis_wire::TlsContext;
using redis_wire::Transport;
using redis_wire::Url;

using redis_wire::judge_hello;
using redis_wire::parse_url;
using redis_wire::pause_ns;
using redis_wire::write_head;
using redis_wire::write_hello;
using redis_wire::write_number;
using redis_wire::write_word;

}  // namespace larder::store_redis
