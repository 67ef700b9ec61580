// kernel/serve/ui/page_off.cpp -- what /ui/ shows when the page was not built.
#include "kernel/serve/ui/page.hpp"

namespace larder::serve {

std::span<const PageFile> page_files() {
    static const PageFile files[] = {{"index.html", "text/html; charset=utf-8", "\"off\"",
                                      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>larder</title>"
                                      "<h1>larder</h1><p>This larder was built without its page (LARDER_UI=OFF). The same "
                                      "figures: <code>larder top</code>, <code>larder stats</code>, <code>/metrics</code>, "
                                      "<code>/openapi.json</code>.</p></html>\n",
                                      {}}};
    return files;
}

}  // namespace larder::serve
