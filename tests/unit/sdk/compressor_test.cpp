// tests/unit/sdk/compressor_test.cpp -- a run-length compressor, called through its C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/compressor.hpp>

#include <algorithm>
#include <vector>

using namespace larder::plugin;

namespace {

class RunLength {
  public:
    static constexpr const char* name = "run_length";
    static constexpr std::uint64_t caps =
        LARDER_COMP_CAP_DETERMINISTIC | LARDER_COMP_CAP_DICTIONARY;
    static constexpr std::uint32_t codec_id = 200;
    RunLength(Host, const Config&) {}

    std::size_t bound(std::size_t in_size) const { return in_size * 2; }
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const {
        written = 0;
        for (std::size_t i = 0; i < in.size();) {
            std::size_t run = 1;
            while (i + run < in.size() && in[i + run] == in[i] && run < 255) {
                ++run;
            }
            if (written + 2 > out.size()) {
                return LARDER_E_TOO_LARGE;
            }
            out[written++] = static_cast<std::byte>(run);
            out[written++] = in[i];
            i += run;
        }
        return LARDER_OK;
    }
    larder_status decompress(std::span<const std::byte> in, std::span<std::byte> out) const {
        std::size_t at = 0;
        for (std::size_t i = 0; i + 1 < in.size(); i += 2) {
            const auto run = std::to_integer<std::size_t>(in[i]);
            if (at + run > out.size()) {
                return LARDER_E_CORRUPT;
            }
            std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), run, in[i + 1]);
            at += run;
        }
        return at == out.size() && in.size() % 2 == 0 ? LARDER_OK : LARDER_E_CORRUPT;
    }
    larder_status train(std::span<const larder_bytes> samples, std::span<std::byte> out,
                        std::size_t& written) const {
        written = std::min(samples.size(), out.size());
        return LARDER_OK;
    }
};

}  // namespace

TEST_CASE("a compressor's sizes cross the border both ways", "[sdk]") {
    larder::test::FakeHost host;
    const larder::test::FakeInstance codec(host, Compressor<RunLength>::value,
                                           larder::test::FakeConfig());
    REQUIRE(codec.created() == LARDER_OK);
    const auto& t = codec.table<larder_compressor_v1>();
    CHECK(t.codec_id == 200);
    CHECK(t.bound(codec.self(), 7) == 14);

    const std::string text = "aaaaabbbc";
    std::vector<char> packed(t.bound(codec.self(), text.size()));
    std::size_t size = packed.size();
    REQUIRE(t.compress(codec.self(), bytes_of(text), packed.data(), &size) == LARDER_OK);
    CHECK(size == 6);
    std::string back(text.size(), '\0');
    std::size_t back_size = back.size();
    CHECK(t.decompress(codec.self(), {packed.data(), size}, back.data(), &back_size) == LARDER_OK);
    CHECK(back == text);
    --back_size;
    CHECK(t.decompress(codec.self(), {packed.data(), size}, back.data(), &back_size) ==
          LARDER_E_CORRUPT);
    size = 3;
    CHECK(t.compress(codec.self(), bytes_of(text), packed.data(), &size) == LARDER_E_TOO_LARGE);

    const larder_bytes samples[2] = {bytes_of("a"), bytes_of("b")};
    size = packed.size();
    CHECK(t.train(codec.self(), samples, 2, packed.data(), &size) == LARDER_OK);
    CHECK(size == 2);
}
