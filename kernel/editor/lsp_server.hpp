// kernel/editor/lsp_server.hpp -- a language server: one message in, its answers out.
//
// LSP 3.17 over JSON-RPC 2.0. It knows nothing of descriptors: a message is a text, answers are texts, so
// tests talk to it without a process. Whatever a message holds ends in an answer, in an error with
// the numbers of JSON-RPC, or, where a notification cannot be answered, in a line of `log`.
//
// Typing is not slowed by checking: a change marks its document, and settle(), which the caller calls
// when no further message is waiting, checks what is marked and tells what was found.
#pragma once

#include "kernel/editor/answers.hpp"
#include "kernel/editor/workspace.hpp"

#include <boost/json.hpp>

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace larder::editor {

struct LspOptions {
    std::string conf;     // larder.toml; else the client's, else the one in the folder it works in
    std::string profile;  // of policies; else the client's, else larder.toml's
    Live live;            // what a running kernel counts for a namespace; may be empty
    std::string version;
};

class LspServer {
  public:
    using Out = std::function<void(std::string_view)>;

    LspServer(LspOptions options, Out send, Out log);

    // Never throws.
    void take(std::string_view message);
    // What came was no message at all.
    void refuse(std::string_view why);
    // Checks what has changed. Never throws.
    void settle();
    // After `exit`; the status is 0 when `shutdown` came before it.
    bool is_over() const { return over_; }
    int status() const { return shut_ ? 0 : 1; }

  private:
    using Params = const boost::json::value&;
    struct Wrong {  // an error of JSON-RPC
        int code;
        std::string text;
    };
    // A method that answers, and one that is only told.
    using Request = boost::json::value (LspServer::*)(Params);
    using Notice = void (LspServer::*)(Params);
    static Request request_of(std::string_view method);
    static Notice notice_of(std::string_view method);

    void dispatch(const boost::json::object& message);
    void run_request(const boost::json::value& id, std::string_view method, Params params);
    void run_notice(std::string_view method, Params params);
    void reply(const boost::json::value& id, boost::json::value result);
    void fail(const boost::json::value& id, const Wrong& wrong);
    void tell(std::string_view method, boost::json::object params);

    boost::json::value initialize(Params params);
    boost::json::value shutdown(Params params);
    boost::json::value complete(Params params);
    boost::json::value hover_at(Params params);
    boost::json::value define(Params params);
    boost::json::value refer(Params params);
    boost::json::value prepare_rename(Params params);
    boost::json::value rename_to(Params params);
    boost::json::value format(Params params);
    boost::json::value act(Params params);
    boost::json::value outline(Params params);
    void opened(Params params);
    void changed(Params params);
    void closed(Params params);
    void touched(Params params);
    void all_dirty();
    void nothing(Params) {}

    // The document a request speaks of. Throws Wrong.
    std::shared_ptr<const Analysis> analysis_of(Params params);
    std::uint32_t place_in(const Analysis& analysis, Params params) const;
    Uris uris() const;
    void publish(const std::string& uri);
    void choose_host(Params params);

    LspOptions options_;
    Out send_, log_;
    Workspace workspace_;
    std::set<std::string> dirty_;                             // URIs
    std::map<std::string, std::set<std::string>> published_;  // by document, the URIs with findings
    std::string told_host_problem_;
    bool initialized_ = false, shut_ = false, over_ = false;
};

}  // namespace larder::editor
