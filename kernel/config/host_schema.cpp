// kernel/config/host_schema.cpp -- what each key of larder.toml means to the kernel.
//
// One row a key: its name, its default as text, and what to do with its value. The row is also what
// unknown keys are compared with and what the documentation is held against.
#include "kernel/config/host_schema.hpp"
#include "kernel/loader/quantity.hpp"

#include <larder/plugin/services.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <utility>

namespace larder::config {
namespace {

struct SectionFacts {
    Section section;
    std::string_view name;
    loader::Kind kind;
};
// In the order of Section.
constexpr SectionFacts section_facts[] = {
    {Section::store, "store", loader::Kind::store},
    {Section::codec, "codec", loader::Kind::compressor},
    {Section::session, "session", loader::Kind::session},
    {Section::source, "source", loader::Kind::warmer},
    {Section::exporter, "exporter", loader::Kind::exporter},
    {Section::sink, "sink", loader::Kind::exporter},
    {Section::invalidator, "invalidator", loader::Kind::invalidator},
    {Section::gateway, "gateway", loader::Kind::gateway},
};

bool is_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (text.empty() || text.size() > 64 || !(letter(text[0]) || text[0] == '_')) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

// Typed reading of values, with references followed and findings made.
class Interpreter {
  public:
    Interpreter(const std::string& folder, HostConfig& into, std::vector<dsl::Diagnostic>& found)
        : out(into), folder_(folder), found_(found) {}

    HostConfig& out;

    dsl::Diagnostic& complain(std::string code, dsl::Span at, std::string message, std::string help) {
        dsl::Diagnostic finding;
        finding.code = std::move(code);
        finding.message = std::move(message);
        finding.primary.at = at;
        if (!help.empty()) finding.helps.push_back(std::move(help));
        found_.push_back(std::move(finding));
        return found_.back();
    }

    void unknown(const Entry& entry, std::string_view where, std::span<const std::string_view> known) {
        const auto meant = dsl::nearest(entry.key, known);
        std::string list;
        for (const auto name : known) (list += list.empty() ? "" : ", ") += name;
        auto& finding = complain(
            "L0502", entry.key_at,
            "unknown key `" + entry.key + "` " +
                (where.empty() ? "at the top of the file" : "in [" + std::string(where) + "]"),
            meant.empty() ? "known here: " + list : "did you mean `" + std::string(meant) + "`?");
        if (!meant.empty()) finding.fix = dsl::Fix{entry.key_at, std::string(meant)};
    }

    void wrong(const Value& value, std::string_view expected, std::string help) {
        const auto* text = value.get<std::string>();
        complain("L0503", value.at,
                 "expected " + std::string(expected) + ", found " +
                     (text != nullptr ? "`" + *text + "`" : std::string(kind_of(value))),
                 std::move(help));
    }

    std::optional<Value> resolved(const Value& value) {
        return resolve(value, out.environment, found_);
    }

    void text(const Value& written, std::string& to) {
        const auto value = resolved(written);
        if (!value) return;
        if (const auto* found = value->get<std::string>())
            to = *found;
        else
            wrong(*value, "a text in quotes", {});
    }

    void path(const Value& written, std::string& to) {
        text(written, to);
        if (!to.empty()) to = from_folder(to);
    }

    void texts(const Value& written, std::vector<std::string>& to, bool are_paths) {
        const auto value = resolved(written);
        if (!value) return;
        std::vector<std::string> all;
        const auto* list = value->get<Value::List>();
        const std::size_t n = list == nullptr ? 1 : list->size();
        for (std::size_t i = 0; i < n; ++i) {
            std::string one;
            const auto before = found_.size();
            text(list == nullptr ? *value : (*list)[i], one);
            if (one.empty()) {
                if (found_.size() == before) wrong(*value, "a text that is not empty", {});
                continue;
            }
            all.push_back(are_paths ? from_folder(one) : one);
        }
        to = std::move(all);
    }

    void flag(const Value& written, bool& to) {
        const auto value = resolved(written);
        if (!value) return;
        const auto* said = value->get<std::string>();
        if (const auto* found = value->get<bool>())
            to = *found;
        else if (written.get<Reference>() != nullptr && said != nullptr &&
                 (*said == "true" || *said == "false"))
            to = *said == "true";
        else
            wrong(*value, "true or false", {});
    }

    template <class Integer>
    void number(const Value& written, Integer& to, std::uint64_t least, std::uint64_t most) {
        const auto value = resolved(written);
        if (!value) return;
        const auto* whole = value->get<std::int64_t>();
        std::optional<std::uint64_t> number;
        if (whole != nullptr && *whole >= 0) number = static_cast<std::uint64_t>(*whole);
        if (const auto* said = value->get<std::string>();
            said != nullptr && written.get<Reference>() != nullptr && !said->empty() &&
            said->size() < 19 && said->find_first_not_of("0123456789") == std::string::npos)
            number = std::stoull(*said);
        if (!number || *number < least || *number > most)
            wrong(*value,
                  "a whole number from " + std::to_string(least) + " to " + std::to_string(most), {});
        else
            to = static_cast<Integer>(*number);
    }

    void size(const Value& written, std::uint64_t& to, std::uint64_t least, std::uint64_t most) {
        const auto value = resolved(written);
        if (!value) return;
        const auto* said = value->get<std::string>();
        const auto read = said == nullptr ? std::nullopt : loader::size_bytes(*said);
        const auto size = read ? std::optional(static_cast<std::uint64_t>(*read)) : std::nullopt;
        const auto* whole = value->get<std::int64_t>();
        if (!size)
            wrong(*value, "a size like \"64MiB\"",
                  whole != nullptr ? "a size needs its unit: \"" + std::to_string(*whole) + "B\""
                                   : "units: B, KiB, MiB, GiB (1024), KB, MB, GB (1000)");
        else if (*size < least || *size > most)
            complain("L0503", value->at, "`" + *said + "` is out of range",
                     "it may be from " + std::to_string(least) + "B to " + std::to_string(most) + "B");
        else
            to = *size;
    }

    void duration(const Value& written, std::chrono::milliseconds& to,
                  std::chrono::milliseconds most, std::chrono::milliseconds least = std::chrono::milliseconds(1)) {
        const auto value = resolved(written);
        if (!value) return;
        const auto* said = value->get<std::string>();
        const auto read = said == nullptr ? std::nullopt : loader::duration_ns(*said);
        const auto time = read ? std::optional(std::chrono::milliseconds(*read / 1'000'000))
                               : std::nullopt;
        const auto* whole = value->get<std::int64_t>();
        if (!time)
            wrong(*value, "a duration like \"5s\" or \"1h30m\"",
                  whole != nullptr ? "a duration needs its unit: \"" + std::to_string(*whole) + "s\""
                                   : "units: ms, s, m, h, d, w");
        else if (*time < least || *time > most)
            complain("L0503", value->at, "`" + *said + "` is out of range",
                     "it may be from " + std::to_string(least.count()) + "ms to " + std::to_string(most.count()) + "ms");
        else
            to = *time;
    }

    template <class To>
    void one_of(const Value& written, To& to,
                std::initializer_list<std::pair<std::string_view, To>> words) {
        std::string said;
        const auto before = found_.size();
        text(written, said);
        if (found_.size() != before) return;
        std::vector<std::string_view> known;
        for (const auto& [word, meaning] : words) {
            if (said == word) {
                to = meaning;
                return;
            }
            known.push_back(word);
        }
        std::string list;
        for (const auto word : known) (list += list.empty() ? "" : ", ") += word;
        const auto meant = dsl::nearest(said, known);
        complain("L0503", written.at, "`" + said + "` is not one of " + list,
                 meant.empty() ? std::string() : "did you mean `" + std::string(meant) + "`?");
    }

    void secret(const Value& written, std::optional<Reference>& to) {
        const auto* reference = written.get<Reference>();
        if (reference == nullptr || reference->fallback) {
            complain("L0504", reference == nullptr ? written.at : reference->fallback->at,
                     "a secret does not stand in this file",
                     "write `{ env = \"NAME\" }` or `{ file = \"/run/secrets/name\" }`");
            return;
        }
        to = *reference;
    }

    const Table* table(const Entry& entry) {
        const auto* inner = entry.value.get<Table>();
        if (inner == nullptr)
            complain("L0503", entry.key_at, "`" + entry.key + "` is a table",
                     "write `[" + entry.key + "]` on a line of its own, its keys below");
        return inner;
    }

  private:
    std::string from_folder(const std::string& path) const {
        return (std::filesystem::path(folder_) / path).lexically_normal().string();
    }

    const std::string& folder_;
    std::vector<dsl::Diagnostic>& found_;
};

struct Row {
    KernelKey key;
    void (*set)(Interpreter&, const Value&);
};

constexpr std::chrono::milliseconds hour{3'600'000};

// Prefixes of paths: `/api/v1/cache`, without a slash at the end.
void read_mounts(Interpreter& in, const Value& value) {
    std::vector<std::string> mounts;
    in.texts(value, mounts, false);
    for (std::string& mount : mounts) {
        while (mount.size() > 1 && mount.back() == '/') mount.pop_back();
        if (mount.front() != '/' || mount.find_first_of("?#{} ") != std::string::npos)
            in.wrong(value, "prefixes like \"/api/v1/cache\"", "a prefix begins with `/`");
    }
    in.out.admin.mounts = std::move(mounts);
}

void read_token(Interpreter& in, const Entry& entry) {
    static constexpr std::string_view known[] = {"role", "secret"};
    AdminToken made;
    made.name = entry.key;
    made.at = entry.key_at;
    const auto* table = entry.value.get<Table>();
    std::optional<Reference> secret;
    if (table == nullptr) {
        in.complain("L0504", entry.value.at, "a token is a role and where its secret is found",
                    "write `" + entry.key + " = { role = \"read\", secret = { env = \"NAME\" } }`");
        return;
    }
    for (const Entry& option : table->entries) {
        if (option.key == "role")
            in.one_of<std::uint32_t>(option.value, made.role,
                                     {{"read", LARDER_ROLE_READ},
                                      {"invalidate", LARDER_ROLE_INVALIDATE},
                                      {"admin", LARDER_ROLE_ADMIN}});
        else if (option.key == "secret")
            in.secret(option.value, secret);
        else
            in.unknown(option, "admin.tokens", known);
    }
    if (made.role == 0 || !secret) {
        in.complain("L0503", entry.key_at, "`" + entry.key + "` has no " + (secret ? "role" : "secret"),
                    "write `" + entry.key + " = { role = \"read\", secret = { env = \"NAME\" } }`");
        return;
    }
    made.secret = *secret;
    in.out.admin.tokens.push_back(std::move(made));
}

// `[admin.tokens]` and `[admin.entities]`, whose keys are names. False: it is neither.
bool read_admin_table(Interpreter& in, const Entry& entry) {
    if (entry.key != "tokens" && entry.key != "entities") return false;
    const Table* names = in.table(entry);
    if (names == nullptr) return true;
    for (const Entry& named : names->entries) {
        if (entry.key == "tokens") {
            read_token(in, named);
            continue;
        }
        std::string event;
        in.text(named.value, event);
        if (!event.empty()) in.out.admin.entities.emplace_back(named.key, std::move(event));
    }
    return true;
}

const std::vector<Row>& rows() {
    using I = Interpreter;
    using V = const Value&;
    static const std::vector<Row> all{
        {{"", "policy", ""}, [](I& i, V v) { i.texts(v, i.out.policy, true); }},
        {{"", "profile", ""}, [](I& i, V v) { i.text(v, i.out.profile); }},
        {{"plugins", "path", ""}, [](I& i, V v) { i.texts(v, i.out.plugin_path, true); }},
        {{"plugins", "trust_path", "false"}, [](I& i, V v) { i.flag(v, i.out.trust_path); }},
        {{"plugins", "lock", ""}, [](I& i, V v) { i.path(v, i.out.plugin_lock); }},
        {{"log", "level", "info"},
         [](I& i, V v) {
             i.one_of<int>(v, i.out.log.level,
                           {{"trace", LARDER_LOG_TRACE},
                            {"debug", LARDER_LOG_DEBUG},
                            {"info", LARDER_LOG_INFO},
                            {"warn", LARDER_LOG_WARN},
                            {"error", LARDER_LOG_ERROR}});
         }},
        {{"log", "format", "text"},
         [](I& i, V v) {
             i.one_of<LogFormat>(v, i.out.log.format,
                                 {{"text", LogFormat::text}, {"json", LogFormat::json}});
         }},
        {{"log", "file", ""}, [](I& i, V v) { i.path(v, i.out.log.file); }},
        {{"admin", "enabled", "true"}, [](I& i, V v) { i.flag(v, i.out.admin.enabled); }},
        {{"admin", "socket", ""}, [](I& i, V v) { i.path(v, i.out.admin.socket); }},
        {{"admin", "listen", "[]"}, [](I& i, V v) { i.texts(v, i.out.admin.listen, false); }},
        {{"admin", "mount", ""}, [](I& i, V v) { read_mounts(i, v); }},
        {{"admin", "open", "[]"}, [](I& i, V v) { i.texts(v, i.out.admin.open, false); }},
        {{"admin", "remote", "false"}, [](I& i, V v) { i.flag(v, i.out.admin.remote); }},
        {{"admin", "rate", "100"},
         [](I& i, V v) { i.number(v, i.out.admin.rate, 0, 1'000'000); }},
        {{"admin", "connections", "64"},
         [](I& i, V v) { i.number(v, i.out.admin.connections, 1, 10'000); }},
        {{"admin", "pages", ""}, [](I& i, V v) { i.path(v, i.out.admin.pages); }},
        {{"secrets", "binding", ""}, [](I& i, V v) { i.secret(v, i.out.binding); }},
        {{"state", "folder", ""}, [](I& i, V v) { i.path(v, i.out.state.folder); }},
        {{"state", "policies", "10"}, [](I& i, V v) { i.number(v, i.out.state.policies, 1, 100); }},
        {{"journal", "file", ""}, [](I& i, V v) { i.path(v, i.out.journal.file); }},
        {{"journal", "writes", "100000"},
         [](I& i, V v) { i.number(v, i.out.journal.writes, 1, 100'000'000); }},
        {{"journal", "bytes", "64MiB"},
         [](I& i, V v) { i.size(v, i.out.journal.bytes, 1u << 16, std::uint64_t{1} << 36); }},
        {{"warming", "at_once", "20"},
         [](I& i, V v) { i.number(v, i.out.warming.at_once, 1, 1'000); }},
        {{"warming", "per_second", "0"},
         [](I& i, V v) { i.number(v, i.out.warming.per_second, 0, 1'000'000); }},
        {{"warming", "startup_wait", "0s"},
         [](I& i, V v) { i.duration(v, i.out.warming.startup_wait, hour, std::chrono::milliseconds(0)); }},
        {{"limits", "records", "1048576"},
         [](I& i, V v) { i.number(v, i.out.limits.records, 1'024, std::uint64_t{1} << 32); }},
        {{"limits", "fences", "65536"},
         [](I& i, V v) { i.number(v, i.out.limits.fences, 0, std::uint64_t{1} << 28); }},
        {{"limits", "sweep", "1000"},
         [](I& i, V v) { i.number(v, i.out.limits.sweep, 0, 1'000'000); }},
        {{"limits", "sweep_removes", "false"}, [](I& i, V v) { i.flag(v, i.out.limits.sweep_removes); }},
        {{"limits", "max_key", "64KiB"},
         [](I& i, V v) { i.size(v, i.out.limits.max_key_bytes, 64, 1u << 20); }},
        {{"limits", "max_value", "64MiB"},
         [](I& i, V v) { i.size(v, i.out.limits.max_value_bytes, 1'024, 1u << 30); }},
        {{"limits", "deadline", "5s"}, [](I& i, V v) { i.duration(v, i.out.limits.deadline, hour); }},
        {{"limits", "stop_deadline", "10s"},
         [](I& i, V v) { i.duration(v, i.out.limits.stop_deadline, hour); }},
        {{"limits", "workers", "2"},
         [](I& i, V v) { i.number(v, i.out.limits.workers, 1, 256); }},
        {{"limits", "blocking_workers", "4"},
         [](I& i, V v) { i.number(v, i.out.limits.blocking_workers, 1, 1'024); }},
        {{"limits", "queue", "65536"},
         [](I& i, V v) { i.number(v, i.out.limits.queue, 16, 1u << 24); }},
    };
    return all;
}

// Sets what a row knows; says what no row knows.
void read_table(Interpreter& in, const Table& table, std::string_view name) {
    std::vector<std::string_view> known;
    for (const Row& row : rows())
        if (row.key.table == name) known.push_back(row.key.name);
    for (const Entry& entry : table.entries) {
        if (name == "admin" && read_admin_table(in, entry)) continue;
        const auto row = std::find_if(rows().begin(), rows().end(), [&](const Row& one) {
            return one.key.table == name && one.key.name == entry.key;
        });
        if (row != rows().end())
            row->set(in, entry.value);
        else
            in.unknown(entry, name, known);
    }
}

void read_instance(Interpreter& in, Section section, const Entry& entry, const Table& table) {
    Instance made;
    made.section = section;
    made.name = entry.key;
    made.at = entry.key_at;
    const std::string header = std::string(name_of(section)) + "." + entry.key;
    if (!is_name(entry.key))
        in.complain("L0503", entry.key_at, "`" + entry.key + "` is not a name",
                    "a name has letters, digits, `_` and `-`, and begins with a letter");
    for (const Entry& option : table.entries) {
        if (option.key == "plugin") {
            in.text(option.value, made.plugin);
            made.plugin_at = option.value.at;
        } else if (section == Section::store && option.key == "workers") {
            in.number(option.value, made.workers, 1, 256);
        } else if ((section == Section::store || section == Section::source) && option.key == "timeout") {
            in.duration(option.value, made.timeout, hour);
        } else if (section == Section::store && option.key == "empty_on_reload") {
            in.flag(option.value, made.empty_on_reload);
        } else {
            made.options.push_back(option);
        }
    }
    if (made.plugin_at == dsl::Span{})
        in.complain("L0506", entry.key_at, "[" + header + "] names no plugin",
                    section == Section::store ? "write `plugin = \"memory\"`"
                                              : "write `plugin = \"NAME\"`; `larder plugins` lists them");
    else if (!made.plugin.empty())
        in.out.instances.push_back(std::move(made));
}

void read_section(Interpreter& in, Section section, const Entry& entry) {
    const Table* names = in.table(entry);
    if (names == nullptr) return;
    for (const Entry& named : names->entries) {
        if (const auto* table = named.value.get<Table>()) {
            read_instance(in, section, named, *table);
            continue;
        }
        in.complain("L0503", named.key_at,
                    "[" + entry.key + "] holds named instances, `" + named.key + "` is none",
                    "write `[" + entry.key + ".NAME]`, for example `[" + entry.key + "." +
                        (section == Section::store ? "l1" : "main") + "]`");
    }
}

void names_are_told_apart(Interpreter& in) {
    // Alerts name a sink by plugin and name, everything else goes by name within its section.
    std::set<std::pair<loader::Kind, std::string_view>> seen;
    for (const Instance& instance : in.out.instances)
        if (!seen.insert({kind_of(instance.section), instance.name}).second)
            in.complain("L0503", instance.at,
                        "a second " + std::string(loader::name_of(kind_of(instance.section))) +
                            " called `" + instance.name + "`",
                        "give one of them another name");
}

}  // namespace

std::string_view name_of(Section section) {
    return section_facts[static_cast<std::size_t>(section)].name;
}
loader::Kind kind_of(Section section) {
    return section_facts[static_cast<std::size_t>(section)].kind;
}

std::vector<const Instance*> HostConfig::all(Section section) const {
    std::vector<const Instance*> out;
    for (const Instance& instance : instances)
        if (instance.section == section) out.push_back(&instance);
    return out;
}

void HostConfig::apply(Overrides given) {
    overrides = std::move(given);
    if (!overrides.policy.empty()) policy = overrides.policy;
    if (!overrides.profile.empty()) profile = overrides.profile;
}

const std::vector<KernelKey>& kernel_keys() {
    static const std::vector<KernelKey> all = [] {
        std::vector<KernelKey> keys;
        for (const Row& row : rows()) keys.push_back(row.key);
        keys.push_back({"store.NAME", "workers", "4"});
        keys.push_back({"store.NAME", "timeout", "5s"});
        keys.push_back({"store.NAME", "empty_on_reload", "false"});
        keys.push_back({"source.NAME", "timeout", "5s"});
        return keys;
    }();
    return all;
}

void interpret(const Table& tree, const std::string& folder, HostConfig& out,
               std::vector<dsl::Diagnostic>& found) {
    Interpreter in(folder, out, found);
    std::vector<std::string_view> tables, top;
    for (const Row& row : rows()) {
        if (row.key.table.empty())
            top.push_back(row.key.name);
        else if (tables.empty() || tables.back() != row.key.table)
            tables.push_back(row.key.table);
    }
    for (const Entry& entry : tree.entries) {
        const auto section = std::find_if(std::begin(section_facts), std::end(section_facts),
                                          [&](const auto& facts) { return facts.name == entry.key; });
        if (section != std::end(section_facts)) {
            read_section(in, section->section, entry);
        } else if (std::find(tables.begin(), tables.end(), entry.key) != tables.end()) {
            if (const Table* table = in.table(entry)) read_table(in, *table, entry.key);
        } else if (std::find(top.begin(), top.end(), entry.key) == top.end()) {
            std::vector<std::string_view> known = top;
            known.insert(known.end(), tables.begin(), tables.end());
            for (const auto& facts : section_facts) known.push_back(facts.name);
            in.unknown(entry, "", known);
        } else {
            Table one;
            one.entries.push_back(entry);
            read_table(in, one, "");
        }
    }
    // toml++ hands tables over by name; instances stand in the order of their headers.
    std::stable_sort(out.instances.begin(), out.instances.end(),
                     [](const Instance& a, const Instance& b) { return a.at.begin < b.at.begin; });
    names_are_told_apart(in);
}

}  // namespace larder::config
