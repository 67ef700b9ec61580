// dsl/render_text.cpp -- diagnostics for a person: the lines in question, and a mark under the
// place.
//
//     error[L0103]: a block is not closed: `}` is missing before `session`
//       --> policies/broken.larder:28:1
//        |
//     25 | on event "inventory_update" (sku) {
//        |                                   - this block is still open
//        .
//     28 | session web {
//        | ^^^^^^^ `}` expected before this
//
// Lines stand in the order of the file, each label under its own line; labels in another file
// follow under a `:::` head of their own. A long line is cut to a window around its first label, so
// that a policy of one line of megabytes still gives a message of a few hundred bytes.
#include "dsl/diagnostic.hpp"
#include "dsl/rendering.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

constexpr std::size_t widest_line = 160;  // columns shown
constexpr std::size_t left_context = 60;  // of which stay left of the place, in a cut line
constexpr std::string_view ellipsis = "…";

struct Paint {
    bool on;
    std::string_view operator()(std::string_view code) const { return on ? code : ""; }
};
constexpr std::string_view reset = "\033[0m", bold = "\033[1m", blue = "\033[1;34m",
                           green = "\033[1;32m";

std::string_view hue(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "\033[1;31m";
        case Severity::warning:
            return "\033[1;33m";
        case Severity::note:
            break;
    }
    return "\033[1;36m";
}

// Columns that `text` takes when shown() has been at it.
std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        columns += text.front() == '\t' ? 4 : 1;
        text.remove_prefix(std::max<std::size_t>(code_point_size(text), 1));
    }
    return columns;
}

struct Mark {
    const Label* label;
    bool primary;
    std::size_t line;
};

// The bytes [begin, end) of a line that are shown, at code point borders.
struct Window {
    std::size_t begin, end;
};

Window window_of(std::string_view line, std::size_t focus) {
    if (line.size() <= widest_line) {
        return {0, line.size()};
    }
    std::size_t begin = focus > left_context ? focus - left_context : 0;
    const auto inside = [&](std::size_t i) {
        return i < line.size() && (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
    };
    for (int i = 0; i < 3 && begin > 0 && inside(begin); ++i) {
        --begin;
    }
    std::size_t end = std::min(line.size(), begin + widest_line);
    for (int i = 0; i < 3 && end > begin && inside(end); ++i) {
        --end;
    }
    return {begin, end};
}

class TextRenderer {
  public:
    TextRenderer(const SourceMap& sources, bool colour, std::string& out)
        : sources_(sources), paint_{colour}, out_(out) {}

    void render(const Diagnostic& found) {
        hue_ = hue(found.severity);
        add(paint_(hue_), name_of(found.severity), "[", found.code, "]", paint_(reset));
        add(paint_(bold), ": ", shown(found.message), paint_(reset), "\n");
        if (sources_.files() == 0) {
            return;
        }
        std::vector<Mark> marks = marks_of(found);
        std::size_t last_line = 0;
        for (const Mark& mark : marks) {
            last_line = std::max(last_line, mark.line);
        }
        gutter_.assign(std::to_string(last_line).size(), ' ');
        const Source* home = &sources_.file_at(found.primary.at.begin);
        draw_file(*home, found.primary.at, marks, "--> ");
        while (!marks.empty()) {
            const Span at = marks.front().label->at;
            draw_file(sources_.file_at(at.begin), at, marks, "::: ");
        }
        draw_remarks(found);
        out_ += '\n';
    }

  private:
    template <class... Part>
    void add(const Part&... part) {
        ((out_ += part), ...);
    }

    std::vector<Mark> marks_of(const Diagnostic& found) const {
        std::vector<Mark> marks{
            {&found.primary, true, sources_.place(found.primary.at.begin).line}};
        for (const Label& label : found.more) {
            marks.push_back({&label, false, sources_.place(label.at.begin).line});
        }
        std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) {
            return a.label->at.begin < b.label->at.begin;
        });
        return marks;
    }

    // Draws the marks of this file, and takes them out of the list.
    void draw_file(const Source& source, Span head, std::vector<Mark>& marks,
                   std::string_view arrow) {
        const Place place = source.place(head.begin);
        add(gutter_, paint_(blue), arrow, paint_(reset), shown(source.name()), ":",
            std::to_string(place.line), ":", std::to_string(place.column), "\n");
        bar("\n");
        std::size_t previous = 0;
        Window window{};
        for (const Mark& mark : marks) {
            if (!source.holds(mark.label->at.begin)) {
                continue;
            }
            const std::string_view line = source.line(mark.line);
            const std::size_t column = mark.label->at.begin - source.line_begin(mark.line);
            const std::size_t focus = std::min(column, line.size());
            if (mark.line != previous) {
                if (previous != 0 && mark.line > previous + 1) {
                    add(gutter_, paint_(blue), " .", paint_(reset), "\n");
                }
                window = window_of(line, focus);
                draw_line(mark.line, line, window);
                previous = mark.line;
            }
            draw_mark(mark, line, focus, window);
        }
        std::erase_if(marks, [&](const Mark& m) { return source.holds(m.label->at.begin); });
    }

    void draw_line(std::size_t number, std::string_view line, Window window) {
        const std::string digits = std::to_string(number);
        add(paint_(blue), std::string(gutter_.size() - digits.size(), ' '), digits, " |",
            paint_(reset));
        if (!line.empty()) {
            add(" ", window.begin > 0 ? ellipsis : "",
                shown(line.substr(window.begin, window.end - window.begin)),
                window.end < line.size() ? ellipsis : "");
        }
        out_ += '\n';
    }

    void draw_mark(const Mark& mark, std::string_view line, std::size_t focus, Window window) {
        const std::size_t begin = std::clamp(focus, window.begin, window.end);
        const std::size_t end = std::clamp(begin + mark.label->at.size(), begin, window.end);
        const std::size_t pad =
            width(line.substr(window.begin, begin - window.begin)) + (window.begin > 0 ? 1 : 0);
        const std::size_t length = std::max<std::size_t>(width(line.substr(begin, end - begin)), 1);
        bar(" ");
        add(std::string(pad, ' '), paint_(mark.primary ? hue_ : blue),
            std::string(length, mark.primary ? '^' : '-'));
        if (!mark.label->text.empty()) {
            add(" ", shown(mark.label->text));
        }
        add(paint_(reset), "\n");
    }

    void draw_remarks(const Diagnostic& found) {
        if (found.notes.empty() && found.helps.empty()) {
            return;
        }
        bar("\n");
        for (const std::string& note : found.notes) {
            add(gutter_, " = ", paint_(bold), "note", paint_(reset), ": ", shown(note), "\n");
        }
        for (const std::string& help : found.helps) {
            add(gutter_, " = ", paint_(green), "help", paint_(reset), ": ", shown(help), "\n");
        }
    }

    void bar(std::string_view after) { add(gutter_, paint_(blue), " |", paint_(reset), after); }

    const SourceMap& sources_;
    Paint paint_;
    std::string& out_;
    std::string_view hue_;
    std::string gutter_;
};

}  // namespace

std::string render_text(const SourceMap& sources, std::span<const Diagnostic> found, bool colour) {
    std::string out;
    TextRenderer renderer(sources, colour, out);
    for (const Diagnostic& d : found) {
        renderer.render(d);
    }
    return out;
}

}  // namespace larder::dsl
