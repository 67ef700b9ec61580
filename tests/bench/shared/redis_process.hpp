// tests/bench/shared/redis_process.hpp -- Debian's redis-server on a free loopback port, ended by pid.
#pragma once

#include <hiredis/hiredis.h>

#include <sys/types.h>

#include <memory>
#include <string>

namespace larder::bench {

struct FreeContext {
    void operator()(redisContext* c) const noexcept { redisFree(c); }
};
struct FreeReply {
    void operator()(redisReply* r) const noexcept { freeReplyObject(r); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using Reply = std::unique_ptr<redisReply, FreeReply>;

class RedisProcess {
  public:
    // Ends the program with a message if it does not start.
    RedisProcess();
    ~RedisProcess();
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;
    int port() const noexcept { return port_; }
    Context connect() const;
    // A number out of INFO: info("memory", "used_memory").
    double info(const char* section, const std::string& name) const;

  private:
    int port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace larder::bench
