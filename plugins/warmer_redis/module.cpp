// plugins/warmer_redis/module.cpp -- the one exported symbol of warmer_redis.so.
#include "redis_source.hpp"

LARDER_MODULE(&larder::plugin::Warmer<larder::warmer_redis::RedisSource>::value)
