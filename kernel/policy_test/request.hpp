// kernel/policy_test/request.hpp -- the request of one step, as a gateway would hand it to the kernel.
#pragma once

#include "dsl/policy_test.hpp"

#include <larder/plugin/services.h>

#include <string>
#include <utility>
#include <vector>

namespace larder::policy_test {

// Fields given as `header`, `query`, `cookie`, `json` and `form` stand where a client puts them: a body
// is JSON where any field is, else a form.
class Request {
  public:
    explicit Request(const dsl::TestStep& step);
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    const larder_request& raw() const { return raw_; }  // views into this

  private:
    std::string path_, query_, body_;
    std::vector<std::pair<std::string, std::string>> headers_;
    std::vector<larder_pair> pairs_;
    larder_request raw_{};
};

}  // namespace larder::policy_test
