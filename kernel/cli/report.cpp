// kernel/cli/report.cpp -- the findings of a whole run of `larder check`, printed as one.
#include "kernel/cli/report.hpp"

#include "kernel/api/version.hpp"

#include <cstdint>

namespace larder::cli {

// Moves a span into the gathered sources. False: there is no room for its file.
bool Report::place(const dsl::SourceMap& sources, dsl::Span& span) {
    if (sources.files() == 0) {
        span = {};
        return true;
    }
    const dsl::Source& from = sources.file_at(span.begin);
    auto known = files_.find(from.name());
    if (known == files_.end()) {
        if (sources_.files() >= dsl::SourceMap::max_files) return false;
        const auto id = sources_.add(from.name(), std::string(from.text()));
        known = files_.emplace(from.name(), id).first;
    }
    const std::uint32_t base = sources_.file(known->second).base();
    span = {span.begin - from.base() + base, span.end - from.base() + base};
    return true;
}

void Report::add(const dsl::SourceMap& sources, std::span<const dsl::Diagnostic> found) {
    for (const dsl::Diagnostic& one : found) {
        dsl::Diagnostic moved = one;
        bool placed = place(sources, moved.primary.at);
        for (dsl::Label& label : moved.more) placed = placed && place(sources, label.at);
        if (moved.fix) placed = placed && place(sources, moved.fix->at);
        if (placed && !seen_.insert({moved.code, moved.primary.at.begin, moved.primary.at.end,
                                     moved.message})
                           .second)
            continue;
        if (moved.severity == dsl::Severity::error) ++errors_;
        if (moved.severity == dsl::Severity::warning) ++warnings_;
        if (placed)
            found_.push_back(std::move(moved));
        else
            ++left_out_;
    }
}

std::string Report::render(Format format, bool colour) const {
    switch (format) {
        case Format::json: return dsl::render_json(sources_, found_);
        case Format::sarif: return dsl::render_sarif(sources_, found_, version);
        case Format::github: return dsl::render_github(sources_, found_);
        case Format::text: break;
    }
    return dsl::render_text(sources_, found_, colour);
}

}  // namespace larder::cli
