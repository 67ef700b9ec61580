// plugins/gateway_http/stored_answer.hpp -- answers as the cache keeps them: the value of one entry.
//
// An entry (one namespace, one key) holds the answers to all requests that the policy gives that key:
// other query, other host, other Accept-Encoding. They come and go together with it; which of them
// answers a request is found by its target and its Vary, the newest that fits. There is a bound on their
// number and on their size, and the oldest go.
//
// The head is kept as it is sent: the first line and all fields of the application's that are not of one
// connection, so that a hit copies one piece of text and adds what changes (Age, Cache-Status, length).
#pragma once
#include "conditional.hpp"
#include "freshness.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::http {

struct StoredAnswer {
    Kept kept;
    std::uint16_t status = 0;
    std::int64_t date_s = 0;
    std::optional<std::int64_t> last_modified;
    std::string_view target, vary;  // see target.hpp, vary.hpp
    std::string_view head;          // "HTTP/1.1 200 OK\r\nDate: ...\r\n", without the empty line
    std::string_view etag;          // inside head; empty: none
    std::string_view body;
    std::string_view tags;          // that the application named, a line each: a 304 may leave them out
    std::string_view cdn;           // field lines for a CDN in front, sent behind the head

    [[nodiscard]] Validators validators() const noexcept { return {etag, last_modified, date_s}; }
};

class StoredAnswers {
  public:
    // The bytes must outlive it. Anything that is not well formed is as if nothing were there.
    explicit StoredAnswers(std::string_view value) : value_(value) {}

    // The newest that answers `request` at `target`; false: none. other: there is one for that target, but
    // its Vary does not match.
    [[nodiscard]] bool find(std::string_view target, const Head& request, StoredAnswer& out, bool& other) const;
    [[nodiscard]] std::size_t count() const noexcept;

    // The value with `fresh` put in first, in place of what has its target and Vary.
    [[nodiscard]] std::string with(const StoredAnswer& fresh, std::size_t most, std::size_t most_bytes) const;

  private:
    bool read(std::size_t& at, StoredAnswer& out, std::string_view& whole) const;
    std::string_view value_;
};

}  // namespace larder::http
