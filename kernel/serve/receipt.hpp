// kernel/serve/receipt.hpp -- what an invalidation did, for people.
#pragma once

#include <larder/plugin/services.h>

#include <string>

namespace larder::serve {

// The rules that fired and the scopes they changed, a line each, then the sums. Releases the receipt's
// json.
std::string receipt_text(larder_receipt& receipt);
// The receipt's JSON with a newline. Releases it.
// What guards have against it, from the JSON of a refused one, and how to confirm it.
std::string refusal_text(const std::string& json);
std::string receipt_json(larder_receipt& receipt);

}  // namespace larder::serve
