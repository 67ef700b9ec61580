// dsl/application.hpp -- the routes of an application, as it tells them itself: OpenAPI, read for its
// paths.
//
// FastAPI, and others, serve a description of themselves as JSON. Of it only `paths`, their methods,
// which of them want a login, and where it says it is mounted (`servers`, `basePath`) are read, in one pass that keeps nothing
// else: the size of the schemas costs time and no memory. Every bound is said when it is met.
#pragma once

#include "dsl/compile.hpp"
#include "dsl/diagnostic.hpp"
#include "dsl/route_table.hpp"
#include "dsl/source.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

struct Operation {
    MethodSet method = 0;
    std::string path;  // as written: /v1/users/{user_id}
    Span at;           // of the path
    bool login = false;  // its `security`, or the document's, lets nobody in who does not say who it is
};

struct Application {
    static constexpr std::size_t max_bytes = CompileOptions::RoutesText::max_bytes;
    static constexpr std::size_t max_operations = 20'000, max_path = 1024, max_depth = 256;

    std::vector<Operation> operations;  // in the order of the file
    std::string mount;                  // "/api" when it is served below that; else empty
    std::size_t elsewhere = 0;          // paths that are kept in another place (`$ref`)
    bool cut_short = false;             // more operations than max_operations, or longer paths
};

// What `text` says. `source` is the file as findings show it: its beginning, when it is long. Bytes
// that are no description are a finding (L0336).
Application read_application(std::string_view text, const Source& source,
                             std::vector<Diagnostic>& found);

// `/v1/users/{user_id}` as a route: a value is one segment or a part of one.
Template route_of(std::string_view path);

}  // namespace larder::dsl
