// kernel/cli/doctor.cpp -- larder doctor: what is wrong with an installation, its machine and its kernel, and what to do.
//
// `larder check` judges texts. This looks at what they name: files and who may read them, addresses, servers, memory, disks,
// and a kernel that runs. It changes nothing, connects to what the configuration names and says nothing to it, and takes no
// secret into its mouth. Each finding is one line with its remedy; the exit status says whether there is one.
#include "kernel/cli/host.hpp"
#include "kernel/cli/own_words.hpp"
#include "kernel/config/catalog.hpp"
#include "kernel/loader/options.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace larder::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

class Findings {
  public:
    explicit Findings(bool as_json) : json_(as_json) {}
    void fine(const std::string& what) { add("ok", what, ""); }
    void fault(const std::string& what, const std::string& remedy) {
        ++faults_;
        add("fault", what, remedy);
    }
    // Worth knowing, and no fault.
    void note(const std::string& what, const std::string& remedy) { add("note", what, remedy); }
    int end() {
        if (json_)
            print(json::serialize(json::object{{"faults", faults_}, {"findings", std::move(all_)}}) + "\n");
        else
            print(faults_ == 0 ? "no fault found\n" : std::to_string(faults_) + (faults_ == 1 ? " fault\n" : " faults\n"));
        return faults_ == 0 ? exit_fine : exit_findings;
    }

  private:
    void add(const char* grade, const std::string& what, const std::string& remedy) {
        if (json_)
            all_.push_back(json::object{{"grade", grade}, {"what", what}, {"remedy", remedy}});
        else
            print(std::string(grade) + std::string(7 - std::strlen(grade), ' ') + what + "\n" + (remedy.empty() ? "" : "       " + remedy + "\n"));
    }
    const bool json_;
    std::uint64_t faults_ = 0;
    json::array all_;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// ---- the configuration, by the words of `check`

std::optional<config::HostConfig> configuration(const std::string& conf, Findings& out) {
    if (conf.empty()) {
        out.note("there is no larder.toml here and none in /etc/larder: the built-in defaults are looked at", "`--conf FILE` names one");
    } else {
        const OwnWords told = own_words({"check", "--conf", conf});
        if (told.status == exit_fine)
            out.fine(conf + " and its policy have no error");
        else
            out.fault(conf + ": " + first_line(told.text), "`larder check --conf " + conf + "` shows all of it");
    }
    auto loaded = conf.empty() ? config::default_host_config(config::default_plugin_path()) : config::load_host_config(conf);
    if (!loaded.ok()) return std::nullopt;
    return std::move(loaded.config);
}

// ---- secrets

void look_at_secret(const std::string& owner, const loader::SecretRef& secret, Findings& out) {
    const auto colon = secret.text.find(':');
    const std::string how = secret.text.substr(0, colon), name = secret.text.substr(colon + 1);
    if (how == "env") {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr)
            out.fault(owner + ": the variable " + name + " is not set here", "set it where larder is started; `systemctl edit larder` for the service");
        else if (*value == '\0')
            out.fault(owner + ": the variable " + name + " is empty", "give it a value, or take the line out of larder.toml");
        return;
    }
    struct stat about {};
    if (stat(name.c_str(), &about) != 0 || access(name.c_str(), R_OK) != 0) {
        out.fault(owner + ": " + name + " cannot be read: " + std::strerror(errno), "it has to be readable by the user that larder runs as");
    } else if ((about.st_mode & S_IROTH) != 0) {
        out.fault(owner + ": everybody may read " + name, "chmod o-rwx " + name);
    }
}

// ---- addresses

struct Address {
    std::string host, port;
};

std::optional<Address> address_in(std::string text) {
    if (const auto scheme = text.find("://"); scheme != text.npos) {
        const std::string kind = text.substr(0, scheme);
        if (kind == "unix" || kind.find("cluster") != kind.npos || kind.find("sentinel") != kind.npos) return std::nullopt;
        text = text.substr(scheme + 3);
        text = text.substr(0, text.find('/'));
        if (const auto at = text.rfind('@'); at != text.npos) text = text.substr(at + 1);
        if (text.rfind(':') == text.npos || text.ends_with(']'))
            text += kind.find("redis") != kind.npos ? ":6379" : kind.find("postgres") != kind.npos ? ":5432" : kind == "https" ? ":443" : ":80";
    }
    if (text.starts_with("tls:")) text = text.substr(4);
    const auto colon = text.rfind(':');
    if (colon == text.npos || text.find('/') != text.npos) return std::nullopt;
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return Address{host, text.substr(colon + 1)};
}

// Empty: somebody accepts there.
std::string why_no_connection(const Address& to) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (const int error = getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found); error != 0) return gai_strerror(error);
    std::string why = "no address";
    for (const addrinfo* one = found; one != nullptr && !why.empty(); one = one->ai_next) {
        const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) continue;
        int error = connect(fd, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            pollfd wait{fd, POLLOUT, 0};
            socklen_t size = sizeof error;
            if (poll(&wait, 1, 2000) <= 0)
                error = ETIMEDOUT;
            else
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
        close(fd);
        why = error == 0 ? "" : std::strerror(error);
    }
    freeaddrinfo(found);
    return why;
}

// Empty: it can be listened on.
std::string why_not_listening(const Address& at) {
    if (at.port == "0") return {};
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    if (const int error = getaddrinfo(at.host.empty() ? nullptr : at.host.c_str(), at.port.c_str(), &hints, &found); error != 0) return gai_strerror(error);
    std::string why;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0) why = std::strerror(errno);
    close(fd);
    freeaddrinfo(found);
    return why;
}

Words texts_of(const loader::OptionValues& options, std::string_view name) {
    const auto* value = options.find(name);
    if (value == nullptr) return {};
    if (const auto* text = std::get_if<std::string>(&value->is)) return {*text};
    if (const auto* list = std::get_if<std::vector<std::string>>(&value->is)) return *list;
    return {};
}

// ---- folders

void look_at_folder(const std::string& owner, const std::string& file, Findings& out) {
    const fs::path folder = fs::path(file).has_parent_path() ? fs::path(file).parent_path() : fs::path(".");
    std::error_code error;
    if (!fs::is_directory(folder, error))
        out.fault(owner + ": there is no folder " + folder.string(), "make it, and give it to the user that larder runs as");
    else if (access(folder.c_str(), W_OK | X_OK) != 0)
        out.fault(owner + ": " + folder.string() + " cannot be written", "give it to the user that larder runs as");
}

std::uint64_t free_bytes(const std::string& path) {
    struct statvfs about {};
    for (fs::path at = fs::absolute(path); !at.empty(); at = at.parent_path()) {
        if (statvfs(at.c_str(), &about) == 0) return std::uint64_t{about.f_bavail} * about.f_frsize;
        if (at == at.parent_path()) break;
    }
    return UINT64_MAX;
}

// ---- the machine

// What processes may take here: the control group's limit, else what the machine has.
std::uint64_t memory_bytes() {
    std::uint64_t out = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    std::ifstream group("/sys/fs/cgroup/memory.max");
    if (std::uint64_t limit = 0; group >> limit) out = std::min(out, limit);
    return out;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void look_at_instances(const config::Plan& plan, bool runs, Findings& out) {
    std::uint64_t memory = 0, connections = 0;
    for (const config::PlannedInstance& one : plan.instances) {
        for (const auto& [name, value] : one.options.all())
            if (const auto* secret = std::get_if<loader::SecretRef>(&value.is)) look_at_secret("[" + one.title + "] " + name, *secret, out);
        const auto kind = one.plugin.component->kind;
        const auto number = [&](std::string_view name) -> std::uint64_t {
            const auto* value = one.options.find(name);
            const auto* n = value == nullptr ? nullptr : std::get_if<std::int64_t>(&value->is);
            return n == nullptr || *n < 0 ? 0 : static_cast<std::uint64_t>(*n);
        };
        if (kind == loader::Kind::gateway) {
            connections += number("max_connections");
            for (const std::string& text : texts_of(one.options, "listen")) {
                const auto at = address_in(text);
                if (!at || runs) continue;
                if (const std::string why = why_not_listening(*at); !why.empty())
                    out.fault("[" + one.title + "] cannot listen on " + text + ": " + why, "another program has it (`ss -ltnp`), or it is not this machine's; change `listen`");
            }
            for (const std::string& text : texts_of(one.options, "upstream"))
                if (const auto to = address_in(text.substr(text.starts_with('/') ? text.find(' ') + 1 : 0)))
                    if (const std::string why = why_no_connection(*to); !why.empty()) out.fault("[" + one.title + "] nobody answers at " + text + ": " + why, "start the application, or correct `upstream`");
            continue;
        }
        for (const char* name : {"url", "servers"})
            for (const std::string& text : texts_of(one.options, name))
                if (const auto to = address_in(text))
                    if (const std::string why = why_no_connection(*to); !why.empty())
                        out.fault("[" + one.title + "] nobody answers at " + to->host + ":" + to->port + ": " + why, "start the server, or correct `" + std::string(name) + "`; larder goes on without it");
        if (texts_of(one.options, "url").empty() && one.options.find("host") != nullptr && one.options.find("port") != nullptr)
            for (const std::string& host : texts_of(one.options, "host"))
                if (const std::string why = why_no_connection({host, std::to_string(number("port"))}); !why.empty())
                    out.fault("[" + one.title + "] nobody answers at " + host + ":" + std::to_string(number("port")) + ": " + why, "start the server, or correct `host` and `port`; larder goes on without it");
        if (kind != loader::Kind::store) continue;
        const std::uint64_t capacity = number("capacity");
        if (const auto path = texts_of(one.options, "path"); !path.empty()) {
            if (path.front().empty()) continue;
            if (const std::uint64_t left = free_bytes(path.front()); left < capacity)
                out.fault("[" + one.title + "] may grow to " + mebibytes(capacity) + ", and " + mebibytes(left) + " are free where " + path.front() + " is", "a smaller `capacity`, or another disk");
        } else if ((one.plugin.component->caps & LARDER_STORE_CAP_SHARED) == 0) {
            memory += capacity;
        }
    }
    const std::uint64_t there = memory_bytes();
    if (memory > there / 10 * 9)
        out.fault("memory tiers may grow to " + mebibytes(memory) + ", and this machine or its control group has " + mebibytes(there), "a smaller `capacity`: the kernel is ended by the system when memory runs out");
    else
        out.fine("memory tiers may grow to " + mebibytes(memory) + " of " + mebibytes(there));
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    if (connections + 200 > files.rlim_max)
        out.fault("gateways take " + std::to_string(connections) + " connections, and a process may open " + std::to_string(files.rlim_max) + " files", "LimitNOFILE= of the service, `ulimit -Hn`, or a smaller `max_connections`");
    else
        out.fine("a process may open " + std::to_string(files.rlim_max) + " files, which is enough for " + std::to_string(connections) + " connections");
}

void look_at_host(const config::HostConfig& config, bool runs, Findings& out) {
    if (!config.log.file.empty()) look_at_folder("[log] file", config.log.file, out);
    if (!config.journal.file.empty()) look_at_folder("[journal] file", config.journal.file, out);
    if (!config.state.folder.empty()) look_at_folder("[state] folder", config.state.folder, out);
    const std::string socket = config.admin.socket.empty() ? config::default_socket() : config.admin.socket;
    if (socket.size() > 107) out.fault("[admin] socket: " + socket + " is longer than a socket's path may be", "at most 107 bytes");
    for (const std::string& text : config.admin.listen)
        if (const auto at = address_in(text); at && !runs)
            if (const std::string why = why_not_listening(*at); !why.empty()) out.fault("[admin] cannot listen on " + text + ": " + why, "another program has it (`ss -ltnp`); change `listen`");
    for (const config::AdminToken& token : config.admin.tokens) look_at_secret("[admin.tokens] " + token.name, {token.secret.text()}, out);
    if (config.binding) look_at_secret("[secrets] binding", {config.binding->text()}, out);
    if (time(nullptr) < 1'700'000'000) out.fault("the clock of this machine is before 2024", "set it: stored times and certificates depend on it");
}

std::string text_of(const json::object& from, const char* name) {
    const auto* value = from.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

void look_at_kernel(const Remote& remote, Findings& out) {
    std::string problem;
    const auto answer = remote.try_ask("stats", {}, problem);
    json::error_code error;
    const json::value parsed = answer ? json::parse(answer->out, error) : json::value();
    if (!answer || error || !parsed.is_object()) {
        out.note("no kernel runs here: " + first_line(problem), "`larder serve`, or `--socket PATH`");
        return;
    }
    const json::object& stats = parsed.as_object();
    if (const auto* kernel = stats.if_contains("kernel"); kernel != nullptr && kernel->is_object()) {
        const json::object& k = kernel->as_object();
        const std::string theirs = text_of(k, "version"), mine = first_line(own_words({"version"}).text);
        out.fine("a kernel runs, version " + theirs);
        if (mine.find(" " + theirs + " ") == mine.npos) out.fault("the kernel that runs is " + theirs + ", this program is " + mine, "restart the kernel after an upgrade");
        if (const auto* lost = k.if_contains("log_lines_lost"); lost != nullptr && lost->is_int64() && lost->as_int64() > 0)
            out.fault(std::to_string(lost->as_int64()) + " lines of the log were lost", "the disk of the log is full or too slow");
        if (const auto* warnings = k.if_contains("warnings"); warnings != nullptr && warnings->is_array())
            for (const json::value& one : warnings->as_array())
                if (one.is_string()) out.note("the kernel warns: " + std::string(one.as_string()), "");
    }
    if (const auto* tiers = stats.if_contains("tiers"); tiers != nullptr && tiers->is_object())
        for (const auto& [name, tier] : tiers->as_object())
            if (tier.is_object() && text_of(tier.as_object(), "breaker") == "open")
                out.fault("the breaker of [store." + std::string(name) + "] is open", "docs/runbooks.md, `The breaker is open`");
    if (const auto* plugins = stats.if_contains("plugins"); plugins != nullptr && plugins->is_object())
        for (const auto& [name, plugin] : plugins->as_object()) {
            if (!plugin.is_object()) continue;
            const json::object& p = plugin.as_object();
            if (const std::string health = text_of(p, "health"); health != "ok")
                out.fault("[" + std::string(name) + "] is " + health + ": " + text_of(p, "message"), "the log has more of it");
            if (const auto* sins = p.if_contains("misbehaved"); sins != nullptr && sins->is_int64() && sins->as_int64() > 0)
                out.fault("[" + std::string(name) + "] broke its contract " + std::to_string(sins->as_int64()) + " times", "`larder plugin test` on its file");
        }
}

}  // namespace

int run_doctor(Words words) {
    CLI::App app;
    describe(app, "doctor", "Looks at what larder.toml names, the machine and a running kernel: secrets that cannot be read, addresses that\n"
                            "are taken, servers that do not answer, folders, memory, disks, open breakers. Changes nothing. Status 1\n"
                            "when something is wrong; each finding says what to do.");
    std::string conf;
    Remote remote;
    app.add_option("--conf", conf, "host configuration; without it conf/larder.toml or /etc/larder/larder.toml")->type_name("FILE");
    remote.add_to(app);
    if (const auto status = parse(app, std::move(words))) return *status;
    Findings out(remote.json);
    const auto config = configuration(conf.empty() ? default_conf() : conf, out);
    Remote here = remote;
    if (config && !remote.is_named() && !config->admin.socket.empty()) here.use(config->admin.socket);
    std::string ignored;
    const bool runs = here.try_ask("ping", {}, ignored).has_value();
    if (config) {
        loader::PluginRegistry registry(config::registry_options(*config));
        const config::Plan plan = config::plan(*config, registry);
        out.fine(std::to_string(plan.instances.size()) + " instances have their plugins");
        look_at_host(*config, runs, out);
        look_at_instances(plan, runs, out);
    }
    look_at_kernel(here, out);
    return out.end();
}

}  // namespace larder::cli
