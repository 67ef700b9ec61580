// tests/unit/exporter_webhook/signature_test.cpp -- how bodies are signed.
#include "catch.hpp"
#include "plugins/exporter_webhook/signature.hpp"

using namespace larder::exporter_webhook;

TEST_CASE("a body is signed with HMAC-SHA256 over its second and itself") {
    // RFC 4231, test case 2, would be this without the second in front; made with Python's hmac.
    CHECK(signature("Jefe", 1700000000, "what do ya want for nothing?") ==
          "t=1700000000,v1=1cdd0650c8be1cb0974b1788d458b1e781206cfef59b85faafc582d2e182c57e");
    CHECK(signature("a", 1, "x") != signature("b", 1, "x"));
    CHECK(signature("a", 1, "x") != signature("a", 2, "x"));
}
