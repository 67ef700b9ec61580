// exporter_@NAME@.cpp -- the numbers as one JSON object, a member for each sample.
//
// The kernel serves what render writes; an exporter listens to nothing. families is a snapshot, good until render returns.
#include <larder/plugin/cpp.hpp>

#include <cmath>
#include <cstdio>
#include <span>
#include <string>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = LARDER_EXP_CAP_PULL;

    @CLASS@(Host, const Config&) {}

    larder_status render(std::string_view, Families families, TextSink out, const char*& content_type) {
        content_type = "application/json";
        bool first = true;
        out.write("{");
        for (const larder_family* family : families)
            for (const larder_sample& sample : std::span(family->samples, family->sample_count)) {
                std::string key(text_of(family->name));
                for (const larder_pair& label : std::span(sample.labels, sample.label_count))
                    key += ' ' + std::string(text_of(label.name)) + '=' + std::string(text_of(label.value));
                char number[40] = "null";
                if (std::isfinite(sample.value)) std::snprintf(number, sizeof number, "%.17g", sample.value);
                out.write((first ? "" : ",") + quoted(key) + ':' + number);
                first = false;
            }
        out.write("}\n");
        return LARDER_OK;
    }

  private:
    static std::string quoted(std::string_view text) {
        std::string out = "\"";
        for (const char c : text) {
            char code[8] = {c};
            if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += code;
        }
        return out + '"';
    }
};

LARDER_MODULE(&Exporter<@CLASS@>::value)
