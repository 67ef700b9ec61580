// plugins/warmer_redis/asker.hpp -- questions of any number of threads, over one connection, answered in their order.
//
// All that wait when the connection can be written go as one pipeline. What becomes of them when it is lost:
//
//                     not sent yet                  sent
//     a GET           waits for the next one        is sent once more over the next one
//     a SET, a DEL    waits for the next one        E_TIMEOUT: nobody knows whether it was done
//
// and when the next one cannot be made, all that wait end with E_IO (E_DENIED where the server does not let this user
// in), and so does what comes later, at once, until there is a connection again. Who is answered with what no server
// says has asked for it as a rule (a value that is too long): that one ends, and the others are sent once more.
#pragma once

#include "question.hpp"

#include "plugins/redis_wire/session.hpp"

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace larder::warmer_redis {

class Asker : private redis_wire::Session {
  public:
    // most: questions under way; when there are so many, further ones are refused.
    Asker(const redis_wire::Party& party, std::uint32_t most)
        : Session(party, "the connection"), most_(most) {}

    void begin();         // on the loop
    void end() noexcept;  // on the loop; what is under way ends with E_CLOSED

    // Puts them in line, in this order and with nothing in between; each is to be waited for. [any]
    void ask(std::vector<std::shared_ptr<Question>> questions);
    bool listening() const noexcept { return there_.load(); }  // [any]

  private:
    using Line = std::deque<std::shared_ptr<Question>>;

    void on_ready() override;
    bool on_reply(redis_wire::Reply& reply) override;
    void on_failure(Loss loss, const std::string& cause) override;
    bool awaiting() const noexcept override { return !asked_.empty(); }

    void take(const std::vector<std::shared_ptr<Question>>& questions);
    void send_line();
    void give_up(Question& question, larder_status status, const std::string& cause);
    void give_up_line(larder_status status, const std::string& cause);

    const std::uint32_t most_;
    std::atomic<std::uint32_t> under_way_{0};
    std::atomic<bool> there_{false};
    // The loop's.
    bool open_ = false;
    larder_status away_ = LARDER_OK;  // why there is no connection, since the last attempt
    std::string away_cause_;
    Line line_, asked_;
};

}  // namespace larder::warmer_redis
