// kernel/editor/analysis.cpp -- one policy as an editor needs it.
#include "kernel/editor/analysis.hpp"

#include "dsl/parser.hpp"

#include <algorithm>

namespace larder::editor {

const dsl::Mention* Analysis::mention_at(std::uint32_t offset) const {
    const dsl::Mention* found = nullptr;
    for (const dsl::Mention& m : mentions) {
        if (offset < m.at.begin || offset > m.at.end || !document().holds(m.at.begin)) continue;
        // The shorter is the inner one: a capture in a tag.
        if (found == nullptr || m.at.size() < found->at.size() ||
            (m.at == found->at && !is_declared(*found)))
            found = &m;
    }
    return found;
}

std::vector<const dsl::Mention*> Analysis::all_of(const dsl::Mention& mention) const {
    std::vector<const dsl::Mention*> out;
    for (const dsl::Mention& m : mentions)
        if (m.same_as(mention)) out.push_back(&m);
    return out;
}

bool Analysis::is_declared(const dsl::Mention& mention) const {
    return std::any_of(mentions.begin(), mentions.end(), [&](const dsl::Mention& m) {
        return m.declares && m.same_as(mention);
    });
}

std::shared_ptr<const Analysis> analyse(const std::vector<std::string>& paths,
                                        const std::string& document,
                                        const dsl::CompileOptions& options) {
    auto out = std::make_shared<Analysis>();
    out->compiled = dsl::compile(paths, options);
    out->meaning = out->compiled.policy;
    const dsl::SourceMap& sources = out->sources();
    for (std::size_t i = 0; i < sources.files(); ++i) {
        const auto id = static_cast<dsl::FileId>(i);
        if (sources.file(id).name() == document) out->file = id;
        auto found = dsl::mentions_of(sources, dsl::parse(sources, id).tree);
        out->mentions.insert(out->mentions.end(), std::make_move_iterator(found.begin()),
                             std::make_move_iterator(found.end()));
    }
    dsl::join_scopes(out->mentions);
    return out;
}

}  // namespace larder::editor
