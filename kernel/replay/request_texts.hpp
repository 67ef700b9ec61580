// kernel/replay/request_texts.hpp -- a recorded request in the form the cache takes: headers, query, body.
//
// A trace holds the values that rules took out of a request, not the request. Here they are put back where
// rules look: `json "order.id"` into a body that has such a field, `cookie "sid"` into a Cookie header.
#pragma once

#include "kernel/replay/operation.hpp"

#include <larder/plugin/services.h>

#include <string>
#include <vector>

namespace larder::replay {

class RequestTexts {
  public:
    explicit RequestTexts(const Operation& op);
    RequestTexts(const RequestTexts&) = delete;
    RequestTexts& operator=(const RequestTexts&) = delete;
    const larder_request& request() const { return request_; }  // as long as this and the operation

  private:
    std::string query_, cookie_, body_;
    std::vector<larder_pair> headers_;
    larder_request request_{};
};

}  // namespace larder::replay
