// plugins/store_redis/module.cpp -- the one exported symbol of store_redis.so.
#include "redis_store.hpp"

LARDER_MODULE(&larder::plugin::Store<larder::store_redis::RedisStore>::value)
