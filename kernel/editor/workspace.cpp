// kernel/editor/workspace.cpp -- the documents that are open in an editor.
#include "kernel/editor/workspace.hpp"

#include "kernel/editor/policy_text.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace larder::editor {
namespace {

std::string normal(const std::string& path) {
    return std::filesystem::path(path).lexically_normal().string();
}

bool same_file(const std::string& a, const std::string& b) {
    std::error_code ignored;
    return normal(a) == normal(b) || std::filesystem::equivalent(a, b, ignored);
}

}  // namespace

void Workspace::set_host(std::string conf, std::string profile) {
    conf_ = std::move(conf);
    profile_ = std::move(profile);
    forget();
}

void Workspace::forget() {
    analyses_.clear();
    host_.reset();
}

// ---- documents -----------------------------------------------------------------------------------

void Workspace::open(Document document) {
    document.path = path_of(document.uri);
    document.path = normal(document.path.empty() ? document.uri : document.path);
    analyses_.clear();
    documents_[document.uri] = std::move(document);
}

bool Workspace::change(const std::string& uri, const std::vector<Change>& changes,
                       std::int64_t version) {
    const auto found = documents_.find(uri);
    if (found == documents_.end()) return false;
    Document& document = found->second;
    for (const Change& change : changes) {
        if (!change.range) {
            document.text = change.text;
            continue;
        }
        const dsl::Source file(document.path, document.text, 0);
        const std::uint32_t begin = offset_of(file, change.range->begin);
        const std::uint32_t end = std::max(begin, offset_of(file, change.range->end));
        document.text.replace(begin, end - begin, change.text);
    }
    document.version = version;
    analyses_.clear();
    return true;
}

void Workspace::close(const std::string& uri) {
    documents_.erase(uri);
    meanings_.erase(uri);
    analyses_.clear();
}

const Document* Workspace::find(const std::string& uri) const {
    const auto found = documents_.find(uri);
    return found == documents_.end() ? nullptr : &found->second;
}

std::string Workspace::uri_for(const std::string& path) const {
    for (const auto& [uri, document] : documents_)
        if (document.path == path) return uri;
    return uri_of(std::filesystem::path(path).is_absolute()
                      ? path
                      : normal(std::filesystem::absolute(path).string()));
}

// ---- larder.toml ---------------------------------------------------------------------------------

Workspace::Host* Workspace::host() {
    if (conf_.empty()) return nullptr;
    if (host_) return host_.get();
    auto loaded = config::load_host_config(conf_);
    host_ = std::make_unique<Host>();
    host_->usable = loaded.ok();
    host_->config = std::move(loaded.config);
    if (host_->usable) {
        loader::PluginRegistry registry(config::registry_options(host_->config));
        host_->plan = config::plan(host_->config, registry);
        loaded.found = host_->plan.found;
    }
    if (dsl::has_errors(loaded.found))
        host_->problem = host_->config.sources->where(loaded.found[0].primary.at) + ": " +
                         loaded.found[0].message;
    return host_.get();
}

const dsl::Catalog* Workspace::catalog() {
    const Host* const known = host();
    return known != nullptr && known->usable && known->plan.ok() ? &known->plan.catalog : nullptr;
}

std::string Workspace::host_problem() {
    const Host* const known = host();
    return known == nullptr ? std::string() : known->problem;
}

// ---- analyses ------------------------------------------------------------------------------------

// A document that larder.toml names is checked with the others it names.
std::vector<std::string> Workspace::files_of_policy(const Document& document) {
    if (const Host* const known = host(); known != nullptr && known->usable) {
        const auto& named = known->config.policy;
        if (std::any_of(named.begin(), named.end(),
                        [&](const std::string& path) { return same_file(path, document.path); })) {
            std::vector<std::string> out;
            for (const std::string& path : named)
                out.push_back(same_file(path, document.path) ? document.path : path);
            return out;
        }
    }
    return {document.path};
}

dsl::CompileOptions Workspace::options(const std::map<std::string, std::string>* texts) {
    dsl::CompileOptions out;
    const Host* const known = host();
    out.profile = !profile_.empty() || known == nullptr ? profile_ : known->config.profile;
    out.catalog = catalog();
    out.allow_missing = true;
    out.read = [this, texts](const std::string& path) -> std::optional<std::string> {
        if (texts != nullptr)
            if (const auto given = texts->find(path); given != texts->end()) return given->second;
        for (const auto& [uri, document] : documents_)
            if (document.path == path) return document.text;
        std::string ignored;
        return read_text(path, ignored);
    };
    return out;
}

std::shared_ptr<const Analysis> Workspace::analysis(const std::string& uri) {
    const Document* const document = find(uri);
    if (document == nullptr) return nullptr;
    auto& kept = analyses_[uri];
    if (kept) return kept;
    const auto made = analyse(files_of_policy(*document), document->path, options(nullptr));
    auto& meaning = meanings_[uri];
    if (made->meaning) {
        meaning = made->meaning;
        kept = made;
    } else {
        auto with_meaning = std::make_shared<Analysis>(*made);
        with_meaning->meaning = meaning;
        kept = std::move(with_meaning);
    }
    return kept;
}

std::shared_ptr<const Analysis> Workspace::analysis_with(
    const std::string& uri, const std::map<std::string, std::string>& texts) {
    const Document* const document = find(uri);
    if (document == nullptr) return nullptr;
    return analyse(files_of_policy(*document), document->path, options(&texts));
}

}  // namespace larder::editor
