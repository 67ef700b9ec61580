// kernel/cli/entries.cpp -- larder get, larder put: one entry of a running kernel.
#include "kernel/cli/host.hpp"
#include "kernel/loader/quantity.hpp"

#include <iostream>
#include <iterator>

namespace larder::cli {

int run_get(Words words) {
    CLI::App app;
    describe(app, "get", "Prints the value of an entry as it is. Exit status 1 when it is not cached.");
    Remote remote;
    std::string space, key;
    remote.add_to(app);
    app.add_option("NAMESPACE", space)->required();
    app.add_option("KEY", key, "as the application writes it: `42`, `7:active`")->required();
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("get", {space, key});
}

int run_put(Words words) {
    CLI::App app;
    describe(app, "put", "Puts an entry. The value `-` is read from standard input.");
    Remote remote;
    std::string space, key, value, ttl;
    Words with;
    remote.add_to(app);
    app.add_option("NAMESPACE", space)->required();
    app.add_option("KEY", key)->required();
    app.add_option("VALUE", value)->required();
    app.add_option("--ttl", ttl, "how long it lives, 30s, 5m; else the namespace's")->type_name("TIME");
    app.add_option("--with", with, "value of a `with` name of the namespace; may be repeated")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    if (const auto status = parse(app, std::move(words))) return *status;

    std::int64_t ttl_ns = 0;
    if (!ttl.empty()) {
        const auto read = loader::duration_ns(ttl);
        if (!read || *read <= 0) {
            complain("larder put: `" + ttl + "` is no duration; write 30s, 5m or 1h30m");
            return exit_usage;
        }
        ttl_ns = *read;
    }
    const auto given = pairs("put --with", with);
    if (!given) return exit_usage;
    if (value == "-")
        value.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    Words request{space, key, value, std::to_string((ttl_ns + 999'999) / 1'000'000)};
    for (const auto& [name, text] : *given) {
        request.push_back(name);
        request.push_back(text);
    }
    return remote.ask("put", std::move(request));
}

}  // namespace larder::cli
