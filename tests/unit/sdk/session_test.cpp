// tests/unit/sdk/session_test.cpp -- sessions with every function, called through their C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/session.hpp>

#include <map>
#include <vector>

using namespace larder::plugin;

namespace {

class Desk {
  public:
    static constexpr const char* name = "desk";
    static constexpr std::uint64_t caps = LARDER_SESSION_CAP_ROTATE | LARDER_SESSION_CAP_USER_INDEX;
    Desk(Host, const Config&) {}

    larder_status create(const larder_session_spec& spec, const larder_call&,
                         larder_session_id& out) {
        assign(out, spec.user.size > 100 ? std::string(125, 'x') : std::to_string(++last_) + "s");
        open_[std::string(text_of(out))] = {std::string(text_of(spec.user)),
                                            std::string(text_of(spec.data))};
        return LARDER_OK;
    }
    larder_status load(std::string_view id, const larder_call&, Reply out) {
        const auto found = open_.find(id);
        return found == open_.end() ? out.miss() : out.owned(found->second.data);
    }
    larder_status save(std::string_view id, std::string_view data, const larder_call&) {
        const auto found = open_.find(id);
        return found == open_.end() ? LARDER_MISS : (found->second.data = data, LARDER_OK);
    }
    larder_status touch(std::string_view id, const larder_call&) {
        return open_.contains(id) ? LARDER_OK : LARDER_MISS;
    }
    larder_status destroy(std::string_view id, const larder_call&) {
        return open_.erase(std::string(id)) != 0 ? LARDER_OK : LARDER_MISS;
    }
    larder_status rotate(std::string_view id, const larder_call&, larder_session_id& out) {
        auto node = open_.extract(std::string(id));
        if (node.empty()) {
            return LARDER_MISS;
        }
        assign(out, std::to_string(++last_) + "s");
        node.key() = text_of(out);
        open_.insert(std::move(node));
        return LARDER_OK;
    }
    larder_status list_user(std::string_view user, SessionSink sink, const larder_call&) {
        for (const auto& [id, session] : open_) {
            larder_session_id out{};
            assign(out, id);
            if (session.user == user && !sink.add(out, 5, -1)) {
                break;
            }
        }
        return LARDER_OK;
    }
    larder_status destroy_user(std::string_view user, std::uint64_t& count, const larder_call&) {
        count = std::erase_if(open_, [&](const auto& each) { return each.second.user == user; });
        return LARDER_OK;
    }

  private:
    struct Open {
        std::string user, data;
    };
    int last_ = 0;
    std::map<std::string, Open, std::less<>> open_;
};

}  // namespace

TEST_CASE("a session lives from create to destroy through the C table", "[sdk]") {
    larder::test::FakeHost host;
    const larder::test::FakeInstance desk(host, Session<Desk>::value, larder::test::FakeConfig());
    REQUIRE(desk.created() == LARDER_OK);
    const auto& t = desk.table<larder_session_v1>();
    void* self = desk.self();
    larder_call call{};
    call.struct_size = sizeof call;
    larder_session_spec spec{};
    spec.struct_size = sizeof spec;
    spec.user = bytes_of("ann");
    spec.data = bytes_of("cart");
    larder_session_id id{};
    REQUIRE(t.create(self, &spec, &call, &id) == LARDER_OK);
    CHECK(text_of(id) == "1s");

    Value data;
    CHECK(t.load(self, bytes_of("1s"), &call, data.out()) == LARDER_OK);
    CHECK(data.text() == "cart");
    CHECK(t.save(self, bytes_of("1s"), bytes_of("cart2"), &call) == LARDER_OK);
    CHECK(t.touch(self, bytes_of("1s"), &call) == LARDER_OK);
    CHECK(t.rotate(self, bytes_of("1s"), &call, &id) == LARDER_OK);
    CHECK(text_of(id) == "2s");
    CHECK(t.load(self, bytes_of("1s"), &call, data.out()) == LARDER_MISS);
    CHECK(t.load(self, bytes_of("2s"), &call, data.out()) == LARDER_OK);
    CHECK(data.text() == "cart2");

    std::vector<std::string> listed;
    larder_session_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = &listed;
    sink.session = [](void* ctx, const larder_session_id* each, std::uint64_t,
                      std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(text_of(*each));
        return 0;
    };
    CHECK(t.list_user(self, bytes_of("ann"), &sink, &call) == LARDER_OK);
    CHECK(listed == std::vector<std::string>{"2s"});
    std::uint64_t ended = 0;
    CHECK(t.destroy_user(self, bytes_of("ann"), &ended, &call) == LARDER_OK);
    CHECK(ended == 1);
    CHECK(t.destroy(self, bytes_of("2s"), &call) == LARDER_MISS);

    const std::string long_name(101, 'u');
    spec.user = bytes_of(long_name);
    CHECK(t.create(self, &spec, &call, &id) == LARDER_E_TOO_LARGE);
}
