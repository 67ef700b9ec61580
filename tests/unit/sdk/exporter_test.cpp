// tests/unit/sdk/exporter_test.cpp -- an exporter of all three roles, called through its C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/exporter.hpp>

#include <string>

using namespace larder::plugin;

namespace {

class Lines {
  public:
    static constexpr const char* name = "lines";
    static constexpr std::uint64_t caps =
        LARDER_EXP_CAP_PULL | LARDER_EXP_CAP_PUSH | LARDER_EXP_CAP_EVENTS;
    static inline std::string sent;
    Lines(Host, const Config&) {}

    larder_status render(std::string_view accept, Families families, TextSink out,
                         const char*& content_type) {
        content_type = accept == "text/html" ? "text/html" : "text/plain";
        for (const larder_family* family : families) {
            out.write(text_of(family->name));
            out.write("\n");
        }
        return LARDER_OK;
    }
    larder_status push(Families families, const larder_call&) {
        sent += std::to_string(families.size());
        return LARDER_OK;
    }
    larder_status events(Events events, const larder_call&) {
        for (const larder_event* event : events) {
            sent += text_of(event->type);
        }
        return LARDER_OK;
    }
};

}  // namespace

TEST_CASE("an exporter renders, pushes and tells events", "[sdk]") {
    larder::test::FakeHost host;
    const larder::test::FakeInstance lines(host, Exporter<Lines>::value,
                                           larder::test::FakeConfig());
    REQUIRE(lines.created() == LARDER_OK);
    const auto& t = lines.table<larder_exporter_v1>();
    larder_call call{};
    call.struct_size = sizeof call;

    larder_family hits{};
    hits.struct_size = sizeof hits;
    hits.name = bytes_of("hits");
    const larder_family* const families[] = {&hits, &hits};
    std::string text;
    larder_text_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = &text;
    sink.write = [](void* ctx, larder_bytes chunk) noexcept -> larder_status {
        auto& all = *static_cast<std::string*>(ctx);
        all += text_of(chunk);
        return all.size() > 7 ? LARDER_E_CLOSED : LARDER_OK;
    };
    const char* type = nullptr;
    CHECK(t.render(lines.self(), bytes_of("text/html"), families, 1, &sink, &type) == LARDER_OK);
    CHECK(text == "hits\n");
    CHECK(std::string(type) == "text/html");
    CHECK(t.render(lines.self(), {}, families, 2, &sink, &type) == LARDER_E_CLOSED);

    larder_event event{};
    event.struct_size = sizeof event;
    event.type = bytes_of("reload");
    const larder_event* const events[] = {&event};
    CHECK(t.push(lines.self(), families, 2, &call) == LARDER_OK);
    CHECK(t.events(lines.self(), events, 1, &call) == LARDER_OK);
    CHECK(Lines::sent == "2reload");
}
