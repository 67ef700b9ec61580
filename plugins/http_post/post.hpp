// plugins/http_post/post.hpp -- one request over http:// or https://: a POST of exporters that tell somebody something,
// any method of sources that ask.
//
// A connection of its own for each, and one deadline for all of it, from looking up the name to the answer's
// end: whatever the other side does (hangs, sends bytes one at a time), it ends. The answer's body is read
// where somebody wants it, up to a bound.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::http_post {

struct Target {
    bool tls = false, verify = true;
    std::string host, port, path;
    std::string ca;  // path of roots in PEM; empty: the system's

    // "https://hooks.example/larder?x=1". Nullopt: it is no such address.
    static std::optional<Target> parse(std::string_view url);
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// Ends requests from another thread: the one under way, and those that begin later, at once. For good.
class Cancel {
  public:
    void now();

  private:
    friend class Request;
    std::mutex mutex_;
    bool done_ = false;           // guarded by mutex_, as the next
    std::function<void()> end_;  // of the request under way
};

struct Question {
    std::string method = "POST";
    std::string path;  // in the place of the target's; empty: that
    Headers headers;   // Content-Type is application/json where none says otherwise
    std::string body;
    std::size_t most_body = 0;  // of the answer; more is a failure. 0: it is not read
};
struct Answer {
    unsigned status = 0;  // 0: none came
    std::string body;
    bool sent = false;    // some of the question may have arrived
};

// Asks and waits for the answer, all within `timeout`. Status 0: `problem` says why. One request at a time for
// each `cancel`.
Answer ask(const Target& target, const Question& question, std::chrono::milliseconds timeout, std::string& problem, Cancel* cancel = nullptr);

// POSTs and waits for the status, all within `timeout`. 0: nobody answered; `problem` says why. One request at a
// time for each `cancel`.
unsigned post(const Target& target, const Headers& headers, const std::string& body,
              std::chrono::milliseconds timeout, std::string& problem, Cancel* cancel = nullptr);

}  // namespace larder::http_post
