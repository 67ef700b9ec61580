// plugins/gateway_http/graphql.hpp -- GraphQL over HTTP, as much of it as a cache needs: what is asked, and which
// objects an answer holds.
//
// Two requests are the same when their documents differ in nothing but spaces, commas and comments, their
// variables are the same JSON whatever the order of members, and they name the same operation. An answer holds
// the objects that say `__typename` and `id`; a client that wants its queries dropped by mutations asks for both,
// as the usual clients do by themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace larder::http {

struct GraphqlRequest {
    enum class Kind : std::uint8_t { none, query, mutation };
    Kind kind = Kind::none;     // none: not one, a subscription, several at once, or not readable
    std::string text;           // what makes two of them the same
    std::string key;            // a hash of it, 32 hexadecimal digits
    std::size_t body_size = 0;  // bytes of the request's body
};

// {"query": "...", "variables": {...}, "operationName": "..."}
[[nodiscard]] GraphqlRequest graphql_of_body(std::string_view body);
// query=...&variables=...&operationName=..., percent-encoded.
[[nodiscard]] GraphqlRequest graphql_of_query(std::string_view query);

// The document without what means nothing, and whether the operation called `name` (empty: the only one) reads
// or changes. False: not a document, or no such operation.
[[nodiscard]] bool normalise_document(std::string_view document, std::string_view name, std::string& out, GraphqlRequest::Kind& kind);

// Calls with "Type:id" for each object of an answer. False: no JSON object, or one that holds errors.
bool each_object(std::string_view answer, const std::function<void(std::string_view)>& call);

}  // namespace larder::http
