// kernel/editor/workspace.hpp -- the documents that are open in an editor, and what larder.toml offers them.
//
// An open document is what counts, also for policies that use it; everything else is read from disk.
// What an analysis was made of may change under it, so analyses are kept until anything changes, and
// made when somebody asks. For one thread.
#pragma once

#include "kernel/config/catalog.hpp"
#include "kernel/editor/analysis.hpp"
#include "kernel/editor/position.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::editor {

struct Document {
    std::string uri;
    std::string path;  // absolute; the URI itself where it names no file
    std::string text;
    std::int64_t version = 0;
};

// Part of a document, replaced; without a range all of it.
struct Change {
    struct Range {
        Position begin, end;
    };
    std::optional<Range> range;
    std::string text;
};

class Workspace {
  public:
    // A larder.toml, and the profile of policies; both may be empty.
    void set_host(std::string conf, std::string profile);
    // Files may have changed on disk.
    void forget();

    void open(Document document);
    bool change(const std::string& uri, const std::vector<Change>& changes, std::int64_t version);
    void close(const std::string& uri);
    const Document* find(const std::string& uri) const;
    const std::map<std::string, Document>& documents() const { return documents_; }
    // The URI under which a file is known: that of an open document, or its path's.
    std::string uri_for(const std::string& path) const;

    // Null when no such document is open.
    std::shared_ptr<const Analysis> analysis(const std::string& uri);
    // The same policy with other texts, by path: to try out what a change would do.
    std::shared_ptr<const Analysis> analysis_with(const std::string& uri,
                                                  const std::map<std::string, std::string>& texts);
    const dsl::Catalog* catalog();
    // What is wrong with larder.toml, in one line; empty when nothing is.
    std::string host_problem();

  private:
    // What is known of larder.toml, judged once for each state of the file.
    struct Host {
        config::HostConfig config;
        config::Plan plan;
        bool usable = false;
        std::string problem;
    };
    Host* host();
    std::vector<std::string> files_of_policy(const Document& document);
    dsl::CompileOptions options(const std::map<std::string, std::string>* texts);

    std::map<std::string, Document> documents_;  // by URI
    std::map<std::string, std::shared_ptr<const Analysis>> analyses_;
    std::map<std::string, std::shared_ptr<const dsl::Policy>> meanings_;
    std::string conf_, profile_;
    std::unique_ptr<Host> host_;
};

}  // namespace larder::editor
