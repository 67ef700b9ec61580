// tests/unit/store_redis/redis_process.hpp -- a redis-server of a test's own, on a free loopback port, ended by its pid.
#pragma once

#include "tests/support/temporary_folder.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

class RedisProcess {
  public:
    // options: as on redis-server's command line. Throws std::runtime_error when there is none.
    explicit RedisProcess(std::vector<std::string> options = {});
    ~RedisProcess();
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;

    static bool available();
    std::uint16_t port() const noexcept { return port_; }
    std::string unix_path() const { return folder_.file("redis.sock"); }
    const TemporaryFolder& folder() const noexcept { return folder_; }

    void freeze();  // SIGSTOP
    void thaw();
    void kill();    // -9
    // Again on the same port; of a server that is gone.
    void begin();

    // One command over a connection of its own; the reply as text: "OK", "(nil)", "3", "ERR ...", or the
    // elements of an array with spaces between.
    std::string ask(const std::vector<std::string>& words) const;

  private:
    std::vector<std::string> options_;
    TemporaryFolder folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

// A port that nobody listens on now.
std::uint16_t free_port();

}  // namespace larder::test
