// kernel/editor/lsp_server.cpp -- a language server: one message in, its answers out.
#include "kernel/editor/lsp_server.hpp"

#include "kernel/editor/params.hpp"

#include <exception>
#include <filesystem>
#include <utility>

namespace larder::editor {
namespace {

namespace json = boost::json;

enum Code : int {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    internal_error = -32603,
    not_initialized = -32002,
    request_failed = -32803,
};

// A log line or an error message quotes no more than this.
std::string clipped(std::string_view text) {
    constexpr std::size_t most = 80;
    return std::string(text.substr(0, most)) + (text.size() > most ? "..." : "");
}

std::size_t errors_of(const Analysis& analysis) {
    std::size_t out = 0;
    for (const dsl::Diagnostic& d : analysis.compiled.found)
        out += d.severity == dsl::Severity::error ? 1 : 0;
    return out;
}

json::object capabilities() {
    return {{"positionEncoding", "utf-16"},
            {"textDocumentSync",
             {{"openClose", true}, {"change", 2}, {"save", json::object{{"includeText", false}}}}},
            {"completionProvider",
             {{"triggerCharacters", json::array{"\"", "{", "."}}, {"resolveProvider", false}}},
            {"hoverProvider", true},
            {"definitionProvider", true},
            {"referencesProvider", true},
            {"renameProvider", {{"prepareProvider", true}}},
            {"documentFormattingProvider", true},
            {"documentSymbolProvider", true},
            {"codeActionProvider",
             {{"codeActionKinds", json::array{"quickfix", "source.fixAll.larder"}}}}};
}

}  // namespace

LspServer::LspServer(LspOptions options, Out send, Out log)
    : options_(std::move(options)), send_(std::move(send)), log_(std::move(log)) {
    workspace_.set_host(options_.conf, options_.profile);
}

// ---- JSON-RPC ------------------------------------------------------------------------------------

void LspServer::refuse(std::string_view why) {
    log_("bad message: " + std::string(why));
    fail(nullptr, {parse_error, std::string(why)});
}

void LspServer::take(std::string_view message) {
    json::error_code error;
    const json::value value = json::parse(message, error);
    if (error) return refuse("this is no JSON: " + error.message());
    if (!value.is_object())  // LSP has no batches
        return fail(nullptr, {invalid_request, "a message is an object"});
    dispatch(value.get_object());
}

void LspServer::dispatch(const json::object& message) {
    const json::value* const id = message.if_contains("id");
    const json::value* const method = message.if_contains("method");
    const json::value* const params = message.if_contains("params");
    const bool is_id = id != nullptr && (id->is_string() || id->is_number() || id->is_null());
    if (method == nullptr || !method->is_string()) {
        // The client's answer to a question of ours: there is none that needs it.
        if (message.contains("result") || message.contains("error")) return;
        return fail(is_id ? *id : json::value(), {invalid_request, "a message names its method"});
    }
    const json::value none;
    if (is_id)
        run_request(*id, method->get_string(), params != nullptr ? *params : none);
    else if (id == nullptr)
        run_notice(method->get_string(), params != nullptr ? *params : none);
    else
        fail(nullptr, {invalid_request, "an id is a number or a text"});
}

void LspServer::run_request(const json::value& id, std::string_view method, Params params) {
    try {
        const Request request = request_of(method);
        if (request == nullptr) throw Wrong{method_not_found, "no method `" + clipped(method) + "` here"};
        if (!initialized_ && method != "initialize")
            throw Wrong{not_initialized, "`initialize` comes first"};
        if (shut_) throw Wrong{invalid_request, "`shutdown` was asked for"};
        reply(id, (this->*request)(params));
    } catch (const Wrong& wrong) {
        fail(id, wrong);
    } catch (const BadParams& bad) {
        fail(id, {invalid_params, bad.what});
    } catch (const std::exception& error) {
        log_(clipped(method) + ": " + error.what());
        fail(id, {internal_error, error.what()});
    }
}

void LspServer::run_notice(std::string_view method, Params params) {
    if (method == "exit") {
        over_ = true;
        return;
    }
    const Notice notice = notice_of(method);
    if (notice == nullptr) {
        if (!method.starts_with("$/")) log_("no notification `" + clipped(method) + "` here");
        return;
    }
    if (!initialized_) return log_("`" + clipped(method) + "` before `initialize`");
    try {
        (this->*notice)(params);
    } catch (const BadParams& bad) {
        log_(clipped(method) + ": " + bad.what);
    } catch (const std::exception& error) {
        log_(clipped(method) + ": " + error.what());
    }
}

void LspServer::reply(const json::value& id, json::value result) {
    send_(json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}));
}

void LspServer::fail(const json::value& id, const Wrong& wrong) {
    send_(json::serialize(json::object{
        {"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", wrong.code}, {"message", wrong.text}}}}));
}

void LspServer::tell(std::string_view method, json::object params) {
    send_(json::serialize(json::object{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}));
}

LspServer::Request LspServer::request_of(std::string_view method) {
    static const std::map<std::string_view, Request> all{
        {"initialize", &LspServer::initialize},
        {"shutdown", &LspServer::shutdown},
        {"textDocument/completion", &LspServer::complete},
        {"textDocument/hover", &LspServer::hover_at},
        {"textDocument/definition", &LspServer::define},
        {"textDocument/references", &LspServer::refer},
        {"textDocument/prepareRename", &LspServer::prepare_rename},
        {"textDocument/rename", &LspServer::rename_to},
        {"textDocument/formatting", &LspServer::format},
        {"textDocument/codeAction", &LspServer::act},
        {"textDocument/documentSymbol", &LspServer::outline},
    };
    const auto found = all.find(method);
    return found == all.end() ? nullptr : found->second;
}

LspServer::Notice LspServer::notice_of(std::string_view method) {
    static const std::map<std::string_view, Notice> all{
        {"initialized", &LspServer::nothing},
        {"textDocument/didOpen", &LspServer::opened},
        {"textDocument/didChange", &LspServer::changed},
        {"textDocument/didClose", &LspServer::closed},
        {"textDocument/didSave", &LspServer::touched},
        {"workspace/didChangeWatchedFiles", &LspServer::touched},
        {"workspace/didChangeConfiguration", &LspServer::nothing},
    };
    const auto found = all.find(method);
    return found == all.end() ? nullptr : found->second;
}

// ---- the session ---------------------------------------------------------------------------------

json::value LspServer::initialize(Params params) {
    if (initialized_) throw Wrong{invalid_request, "`initialize` came twice"};
    choose_host(params);
    initialized_ = true;
    return json::object{{"capabilities", capabilities()},
                        {"serverInfo", {{"name", "larder"}, {"version", options_.version}}}};
}

// What the command line says counts, then what the client says, then what lies in its folder.
void LspServer::choose_host(Params params) {
    if (options_.conf.empty()) options_.conf = text_in(params, "/initializationOptions/conf");
    if (options_.profile.empty()) options_.profile = text_in(params, "/initializationOptions/profile");
    std::string root = path_of(text_in(params, "/workspaceFolders/0/uri"));
    if (root.empty()) root = path_of(text_in(params, "/rootUri"));
    std::error_code ignored;
    for (const char* const name : {"/larder.toml", "/conf/larder.toml"})
        if (options_.conf.empty() && !root.empty() && std::filesystem::is_regular_file(root + name, ignored))
            options_.conf = root + name;
    workspace_.set_host(options_.conf, options_.profile);
}

json::value LspServer::shutdown(Params) {
    shut_ = true;
    return nullptr;
}

// ---- documents -----------------------------------------------------------------------------------

void LspServer::opened(Params params) {
    Document document;
    document.uri = need_text(params, "/textDocument/uri");
    document.text = need_text(params, "/textDocument/text");
    document.version = number_in(params, "/textDocument/version");
    workspace_.open(std::move(document));
    all_dirty();
}

// Any of them may use the one that has changed.
void LspServer::all_dirty() {
    for (const auto& [uri, document] : workspace_.documents()) dirty_.insert(uri);
}

void LspServer::changed(Params params) {
    const std::string uri = need_text(params, "/textDocument/uri");
    std::vector<Change> changes;
    for (const json::value& one : need_list(params, "/contentChanges")) {
        Change change{std::nullopt, need_text(one, "/text")};
        if (one.get_object().contains("range"))
            change.range = {need_position(one, "/range/start"), need_position(one, "/range/end")};
        changes.push_back(std::move(change));
    }
    if (!workspace_.change(uri, changes, number_in(params, "/textDocument/version")))
        return log_("a change of a document that is not open: " + clipped(uri));
    all_dirty();
}

void LspServer::closed(Params params) {
    const std::string uri = need_text(params, "/textDocument/uri");
    workspace_.close(uri);
    dirty_.erase(uri);
    for (const std::string& told : std::exchange(published_[uri], {}))
        tell("textDocument/publishDiagnostics", {{"uri", told}, {"diagnostics", json::array()}});
    published_.erase(uri);
    all_dirty();
}

// Saved here, or changed on disk by somebody else.
void LspServer::touched(Params) {
    workspace_.forget();
    all_dirty();
}

void LspServer::settle() {
    for (const std::string& uri : std::exchange(dirty_, {})) {
        try {
            publish(uri);
        } catch (const std::exception& error) {
            log_(clipped(uri) + ": " + error.what());
        }
    }
}

void LspServer::publish(const std::string& uri) {
    const auto analysis = workspace_.analysis(uri);
    if (analysis == nullptr) return;
    std::set<std::string> now;
    for (auto& [path, found] : diagnostics(*analysis, uris())) {
        const std::string where = path == analysis->document().name() ? uri : workspace_.uri_for(path);
        // A document that is open itself speaks for itself.
        if (where != uri && workspace_.find(where) != nullptr) continue;
        json::object params{{"uri", where}, {"diagnostics", std::move(found)}};
        if (const Document* const open = workspace_.find(where)) params["version"] = open->version;
        now.insert(where);
        tell("textDocument/publishDiagnostics", std::move(params));
    }
    auto& before = published_[uri];
    for (const std::string& gone : before)
        if (now.count(gone) == 0)
            tell("textDocument/publishDiagnostics", {{"uri", gone}, {"diagnostics", json::array()}});
    before = std::move(now);
    if (const std::string problem = workspace_.host_problem(); problem != told_host_problem_) {
        told_host_problem_ = problem;
        if (!problem.empty())
            tell("window/logMessage", {{"type", 2}, {"message", problem}});
    }
}

// ---- questions about a place ---------------------------------------------------------------------

std::shared_ptr<const Analysis> LspServer::analysis_of(Params params) {
    const std::string uri = need_text(params, "/textDocument/uri");
    auto out = workspace_.analysis(uri);
    if (out == nullptr) throw Wrong{invalid_params, "no such document is open: " + clipped(uri)};
    return out;
}

std::uint32_t LspServer::place_in(const Analysis& analysis, Params params) const {
    return offset_of(analysis.document(), need_position(params, "/position"));
}

Uris LspServer::uris() const {
    return [this](const std::string& path) { return workspace_.uri_for(path); };
}

json::value LspServer::complete(Params params) {
    const auto analysis = analysis_of(params);
    return completion(*analysis, place_in(*analysis, params), workspace_.catalog());
}

json::value LspServer::hover_at(Params params) {
    const auto analysis = analysis_of(params);
    return hover(*analysis, place_in(*analysis, params), options_.live);
}

json::value LspServer::define(Params params) {
    const auto analysis = analysis_of(params);
    return definition(*analysis, place_in(*analysis, params), uris());
}

json::value LspServer::refer(Params params) {
    const auto analysis = analysis_of(params);
    return references(*analysis, place_in(*analysis, params),
                      truth_in(params, "/context/includeDeclaration"), uris());
}

json::value LspServer::prepare_rename(Params params) {
    const auto analysis = analysis_of(params);
    return can_rename(*analysis, place_in(*analysis, params));
}

// A name that breaks the policy is refused: the new texts are checked before anybody sees them.
json::value LspServer::rename_to(Params params) {
    const auto analysis = analysis_of(params);
    Renamed renamed =
        rename(*analysis, place_in(*analysis, params), need_text(params, "/newName"));
    if (!renamed.refused.empty()) throw Wrong{request_failed, renamed.refused};
    const auto after =
        workspace_.analysis_with(need_text(params, "/textDocument/uri"), renamed.texts);
    if (errors_of(*after) > errors_of(*analysis))
        for (const dsl::Diagnostic& d : after->compiled.found)
            if (d.severity == dsl::Severity::error)
                throw Wrong{request_failed, "the policy would have an error: " + d.message};
    json::object changes;
    for (auto& [path, edits] : renamed.edits) {
        const bool here = path == analysis->document().name();
        changes[here ? need_text(params, "/textDocument/uri") : workspace_.uri_for(path)] =
            std::move(edits);
    }
    return json::object{{"changes", std::move(changes)}};
}

json::value LspServer::format(Params params) { return formatting(*analysis_of(params)); }

json::value LspServer::act(Params params) {
    const auto analysis = analysis_of(params);
    const dsl::Source& file = analysis->document();
    const dsl::Span range{offset_of(file, need_position(params, "/range/start")),
                          offset_of(file, need_position(params, "/range/end"))};
    return code_actions(*analysis, range, need_text(params, "/textDocument/uri"), uris());
}

json::value LspServer::outline(Params params) { return symbols(*analysis_of(params)); }

}  // namespace larder::editor
