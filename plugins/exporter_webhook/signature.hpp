// plugins/exporter_webhook/signature.hpp -- what proves to a receiver whom a body is from, and when it was sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::exporter_webhook {

// "t=SECONDS,v1=HEX": HMAC-SHA256 over "SECONDS.BODY".
std::string signature(std::string_view secret, std::uint64_t seconds, std::string_view body);

}  // namespace larder::exporter_webhook
