// dsl/policy_files.cpp -- reading policy files, never more than the limit of each, never in a
// circle.
#include "dsl/policy_files.hpp"

#include "dsl/check_texts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace larder::dsl {

namespace {

constexpr std::uint32_t edition = 1;

// At most one byte more than a file may have, so that parse() can say that it is too large. A pipe
// that never ends is read no further.
std::optional<std::string> read_file(const std::string& path, std::string& why) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                               &std::fclose);
    if (!file) {
        why = std::strerror(errno);
        return std::nullopt;
    }
    std::string out;
    char chunk[65536];
    while (out.size() <= SourceMap::max_file_bytes) {
        const std::size_t n =
            std::fread(chunk, 1, std::min(sizeof chunk, SourceMap::max_file_bytes + 1 - out.size()),
                       file.get());
        if (n == 0) break;
        out.append(chunk, n);
    }
    if (std::ferror(file.get()) != 0) {
        why = std::strerror(errno);
        return std::nullopt;
    }
    return out;
}

}  // namespace

std::vector<const ast::Policy*> PolicyFiles::trees() const { return trees_; }

void PolicyFiles::load(const std::string& path) {
    take(std::filesystem::path(path).lexically_normal().string(), {});
}

void PolicyFiles::load_text(std::string name, std::string text) {
    if (!room({}, name)) return;
    states_.emplace(name, State::open);
    parse_and_follow(name, std::move(text));
    states_[name] = State::done;
}

bool PolicyFiles::room(Span used_at, const std::string& path) {
    if (sources_.files() < SourceMap::max_files) return true;
    incomplete_ = true;
    say_.error("L0214", used_at,
               "a policy has at most " + std::to_string(SourceMap::max_files) +
                   " files: " + ticked(path) + " is left out");
    return false;
}

void PolicyFiles::take(const std::string& path, Span used_at) {
    const auto known = states_.find(path);
    if (known != states_.end()) {
        if (known->second == State::done) return;
        std::string circle;
        for (auto it = std::find(stack_.begin(), stack_.end(), path); it != stack_.end(); ++it)
            circle += *it + " -> ";
        say_.error("L0214", used_at, "files use each other in a circle: " + circle + path);
        return;
    }
    if (!room(used_at, path)) return;
    states_.emplace(path, State::open);
    std::string why = "not found";
    const auto text = options_.read ? options_.read(path) : read_file(path, why);
    if (text) {
        parse_and_follow(path, *text);
    } else {
        // A file that is named from outside has no place of its own: it gets an empty text.
        if (used_at == Span{} && stack_.empty()) {
            const Source& nothing = sources_.file(sources_.add(path, {}));
            used_at = {nothing.base(), nothing.base()};
        }
        say_.error("L0213", used_at, ticked(path) + " cannot be read: " + why);
        incomplete_ = true;
    }
    states_[path] = State::done;
}

void PolicyFiles::parse_and_follow(const std::string& path, std::string text) {
    const FileId id = sources_.add(path, std::move(text));
    names_.push_back(path);
    parsed_.push_back(parse(sources_, id));
    const Parsed& parsed = parsed_.back();  // a deque does not move it
    found_.insert(found_.end(), parsed.found.begin(), parsed.found.end());
    check_edition(parsed.tree);
    stack_.push_back(path);
    for (const ast::Item& item : parsed.tree) {
        if (const auto* use = as<ast::Use>(item)) follow(*use, path);
    }
    stack_.pop_back();
    trees_.push_back(&parsed.tree);
}

void PolicyFiles::follow(const ast::Use& use, const std::string& path) {
    const std::string wanted = plain(use.path);
    if (wanted.empty()) {
        say_.error("L0213", use.path.at, "no file is named here");
        return;
    }
    const auto folder = std::filesystem::path(path).parent_path();
    take((folder / wanted).lexically_normal().string(), use.path.at);
}

void PolicyFiles::check_edition(const ast::Policy& tree) {
    for (std::size_t k = 0; k < tree.size(); ++k) {
        const auto* e = as<ast::Edition>(tree[k]);
        if (!e) continue;
        if (k > 0) say_.error("L0215", e->kw.at, "`larder` stands first in its file, and once");
        if (e->number.value == edition) continue;
        say_.error("L0215", e->number.at,
                   "this larder reads edition " + std::to_string(edition) + " of the language",
                   "another edition")
            .helps.push_back("write `larder " + std::to_string(edition) + "`");
    }
}

}  // namespace larder::dsl
