// plugins/store_postgres/options.cpp -- see options.hpp.
#include "options.hpp"

#include <array>

namespace larder::store_postgres {
namespace {

std::string name_of(const plugin::Config& config, const char* option, std::string_view otherwise) {
    const std::string text(config.text(option, otherwise));
    std::string quoted = quoted_name(text);
    if (quoted.empty()) {
        throw plugin::Error(LARDER_E_CONFIG, std::string(option) + " = \"" + text + "\" names no table or column: NAME or SCHEMA.NAME, of at most 63 bytes each");
    }
    return quoted;
}

std::string column_of(const plugin::Config& config, const char* option, std::string_view otherwise) {
    if (config.text(option, otherwise).find('.') != std::string_view::npos) {
        throw plugin::Error(LARDER_E_CONFIG, std::string(option) + " is a column's name, without a point");
    }
    return name_of(config, option, otherwise);
}

}  // namespace

std::string quoted_name(std::string_view name) {
    constexpr std::size_t longest = 63;
    std::string out;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        const std::string_view piece = name.substr(at, end - at);
        if (piece.empty() || piece.size() > longest || piece.find('\0') != std::string_view::npos) {
            return {};
        }
        out += out.empty() ? "\"" : ".\"";
        for (const char c : piece) {
            out += c == '"' ? "\"\"" : std::string(1, c);
        }
        out += '"';
        at = end + 1;
    }
    return out;
}

Options Options::read(plugin::Host host, const plugin::Config& config) {
    Options out;
    out.instance = config.instance_name();
    out.prefix = config.text("prefix", "larder");
    if (out.prefix.empty() || out.prefix.size() > 100 || out.prefix.find_first_of(":{}") != std::string::npos) {
        throw plugin::Error(LARDER_E_CONFIG, "prefix has 1 to 100 bytes, and no : { }");
    }
    out.connection.url = config.text("url");
    out.connection.shown = postgres_wire::shown_server(out.connection.url);
    out.connection.connect_timeout_ns = static_cast<std::uint64_t>(config.duration_ns("connect_timeout", 5'000'000'000));
    host.with_secret(config, "password", [&](std::string_view secret) { out.connection.password = secret; });
    const std::string table(config.text("table", "larder_entries"));
    out.tables = {name_of(config, "table", table), name_of(config, "records_table", table + "_records"),
                  name_of(config, "leases_table", table + "_leases")};
    out.columns = {column_of(config, "key_column", "key"),         column_of(config, "value_column", "value"),
                   column_of(config, "version_column", "version"), column_of(config, "ends_column", "ends"),
                   column_of(config, "written_column", "written"), column_of(config, "place_column", "place")};
    out.create = config.boolean("create", true);
    out.connections = static_cast<std::size_t>(config.integer("connections", 8));
    out.threads = static_cast<std::size_t>(config.integer("threads", 2));
    out.queue = static_cast<std::size_t>(config.integer("queue", 10'000));
    out.max_staleness_ms = static_cast<std::uint64_t>(config.duration_ns("max_staleness", 3'000'000'000)) / 1'000'000;
    out.keep_ms = static_cast<std::uint64_t>(config.duration_ns("keep", 0)) / 1'000'000;
    out.entries = static_cast<std::uint64_t>(config.integer("entries", 0));
    out.sweep_ns = static_cast<std::uint64_t>(config.duration_ns("sweep", 60'000'000'000));
    return out;
}

}  // namespace larder::store_postgres
