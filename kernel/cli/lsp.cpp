// kernel/cli/lsp.cpp -- larder lsp: the language server, over standard input and output.
#include "kernel/api/version.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/editor/live_figures.hpp"
#include "kernel/editor/lsp_server.hpp"
#include "kernel/editor/message_stream.hpp"
#include "kernel/serve/client.hpp"

#include <unistd.h>

#include <csignal>

namespace larder::cli {
namespace {

// One that hangs is as good as none.
constexpr std::chrono::seconds patience{2};

std::optional<std::string> statistics(const std::string& socket) {
    std::string ignored;
    const auto answer = serve::ask(socket, {"stats", "json"}, patience, ignored);
    return answer && answer->exit == 0 ? std::optional(answer->out) : std::nullopt;
}

int serve_editor(editor::LspOptions options, const std::string& socket) {
    editor::LiveFigures live([&socket] { return statistics(socket); });
    options.live = [&live](const std::string& space) {
        return live.of(space, editor::LiveFigures::Clock::now());
    };
    editor::MessageStream stream(STDIN_FILENO, STDOUT_FILENO);
    bool heard = true;
    editor::LspServer server(
        std::move(options), [&](std::string_view text) { heard = heard && stream.send(text); },
        [](std::string_view line) { complain("larder lsp: " + std::string(line)); });
    using Kind = editor::MessageStream::Incoming::Kind;
    while (heard && !server.is_over()) {
        if (!stream.is_waiting()) server.settle();
        const auto next = stream.next();
        if (next.kind == Kind::end) break;
        if (next.kind == Kind::bad)
            server.refuse(next.text);
        else
            server.take(next.text);
    }
    return server.status();
}

}  // namespace

int run_lsp(Words words) {
    CLI::App app;
    describe(app, "lsp",
             "The language server: an editor starts it and talks to it over standard input and output\n"
             "(LSP 3.17). With a larder.toml it knows stores, codecs and their options, too; it runs no\n"
             "plugin. Of a kernel that answers on the socket it shows live counters.");
    editor::LspOptions options;
    std::string socket;
    bool stdio = false;
    app.add_option("--conf", options.conf,
                   "host configuration; else the editor's setting, else larder.toml or conf/larder.toml in "
                   "the folder that is open")
        ->type_name("FILE");
    app.add_option("--profile", options.profile, "profile of the policies")->type_name("NAME");
    app.add_option("--socket", socket, "admin socket of the kernel; else $LARDER_SOCKET, else " +
                                           config::default_socket())
        ->type_name("PATH");
    app.add_flag("--stdio", stdio, "is what it does; editors say it");
    if (const auto status = parse(app, std::move(words))) return *status;
    std::signal(SIGPIPE, SIG_IGN);  // an editor that is gone is an end of the stream
    options.version = std::string(version);
    return serve_editor(std::move(options), socket.empty() ? socket_of_environment() : socket);
}

}  // namespace larder::cli
