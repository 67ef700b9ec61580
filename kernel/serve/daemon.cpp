// kernel/serve/daemon.cpp -- `larder serve`: a kernel, its admin socket, and the signals of an operator.
#include <utility>  // before Asio, whose awaitable.hpp misses it with g++ 12

#include "kernel/serve/daemon.hpp"

#include "kernel/api/version.hpp"
#include "kernel/config/catalog.hpp"
#include "kernel/serve/admin.hpp"
#include "kernel/serve/admin_api.hpp"
#include "kernel/serve/crash.hpp"
#include "kernel/serve/http_listener.hpp"
#include "kernel/serve/notify.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <unistd.h>

#include <csignal>
#include <memory>

namespace larder::serve {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

constexpr int ended_by_signal = 128;

std::string counted(std::size_t n, const char* one, const char* many) {
    return std::to_string(n) + " " + (n == 1 ? one : many);
}

// The admin API with what listens for it. Null without a problem: no address is configured.
struct AdminHttp {
    std::unique_ptr<AdminApi> api;
    std::unique_ptr<HttpListener> listener;  // ends first

    static std::unique_ptr<AdminHttp> open(Kernel& kernel, const config::AdminOptions& options,
                                           const config::Environment& environment, std::string& problem) {
        if (options.listen.empty()) return nullptr;
        auto made = std::make_unique<AdminHttp>();
        made->api = AdminApi::make(kernel, options, environment, kernel.clock(), problem);
        if (!made->api) return nullptr;
        HttpListenerOptions how;
        how.listen = options.listen;
        how.remote = options.remote;
        how.connections = static_cast<std::size_t>(options.connections);
        made->listener = HttpListener::open(
            how, [api = made->api.get()](const HttpRequest& request) { return api->answer(request); }, problem);
        return made->listener ? std::move(made) : nullptr;
    }
};

std::string ready_line(Kernel& kernel, const AdminServer* admin, const AdminHttp* http) {
    const auto policy = kernel.cache().policy();
    std::string files;
    for (const std::string& file : policy->files) (files += files.empty() ? "" : ",") += file;
    std::string line = std::string("larder ") + version + " ready: policy " + files + " (" +
                       counted(policy->namespaces.size(), "namespace", "namespaces") + ", " +
                       counted(policy->rules.size(), "rule", "rules") + ")";
    if (!policy->profile.empty()) line += " profile=" + policy->profile;
    for (const auto& [name, address] : kernel.addresses()) line.append(" ").append(name + "=" + address);
    if (admin != nullptr) line += " admin=" + admin->socket();
    if (http != nullptr)
        for (const std::string& address : http->listener->addresses()) line += " admin_http=" + address;
    return line;
}

// The operator's side of a running kernel: waits for signals on the thread that calls run().
class Watch {
  public:
    explicit Watch(Kernel& kernel) : kernel_(kernel), signals_(io_, SIGHUP, SIGTERM, SIGINT) {}

    void run() {
        wait();
        io_.run();
    }
    // From now on a signal to stop ends the process: somebody has lost patience with a stop.
    void let_second_signal_end() {
        Error ignored;
        signals_.clear(ignored);
        for (const int number : {SIGTERM, SIGINT})
            std::signal(number, [](int which) { ::_exit(ended_by_signal + which); });
    }

  private:
    void wait() {
        signals_.async_wait([this](const Error& error, int number) {
            if (error || number != SIGHUP) return;
            notify("RELOADING=1");
            kernel_.reload();
            notify("READY=1");
            wait();
        });
    }

    Kernel& kernel_;
    asio::io_context io_;
    asio::signal_set signals_;
};

}  // namespace

bool run_daemon(DaemonOptions options, std::string& problem) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    name_plugin_in_crashes(config::registry_options(options.kernel.config).crash_book);
    const config::AdminOptions admin_options = options.kernel.config.admin;
    const config::Environment environment = options.kernel.config.environment;
    const config::Limits limits = options.kernel.config.limits;
    auto kernel = Kernel::open(std::move(options.kernel), problem);
    if (!kernel) return false;
    // Before anything listens, so that no signal finds the process without a handler.
    Watch watch(*kernel);
    if (!kernel->start(problem)) return false;

    std::unique_ptr<AdminServer> admin;
    if (admin_options.enabled) {
        AdminServerOptions made;
        made.socket = admin_options.socket.empty() ? config::default_socket() : admin_options.socket;
        made.request_bytes = static_cast<std::size_t>(limits.max_value_bytes) + (1u << 20);
        admin = AdminServer::open(*kernel, made, problem);
        if (!admin) return false;
    }
    problem.clear();
    const auto http = AdminHttp::open(*kernel, admin_options, environment, problem);
    if (!problem.empty()) return false;
    if (http && admin_options.tokens.empty())
        options.warn("[admin] listen: no token is configured, so nobody is answered; see [admin.tokens]");
    for (const std::string& warning : kernel->warnings()) options.warn(warning);
    options.ready(ready_line(*kernel, admin.get(), http.get()));
    notify("READY=1");

    watch.run();

    notify("STOPPING=1");
    watch.let_second_signal_end();
    if (http) http->listener->stop();
    if (admin) admin->stop();
    kernel->stop(limits.stop_deadline);
    return true;
}

}  // namespace larder::serve
