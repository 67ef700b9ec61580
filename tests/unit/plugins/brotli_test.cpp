// tests/unit/plugins/brotli_test.cpp -- the brotli codec through its table, as the kernel calls it.
#include "plugins/compressor_brotli/brotli_codec.hpp"
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <brotli/encode.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace larder::test;
using Component = larder::plugin::Compressor<larder::compressor_brotli::BrotliCodec>;

namespace {

struct Codec {
    explicit Codec(FakeConfig config = {}) : instance(host, Component::value, config) {
        REQUIRE(instance.created() == LARDER_OK);
    }
    const larder_compressor_v1& table() const { return instance.table<larder_compressor_v1>(); }
    std::string compressed(std::string_view value) const {
        std::string out(table().bound(instance.self(), value.size()), '\0');
        std::size_t size = out.size();
        REQUIRE(table().compress(instance.self(), {value.data(), value.size()}, out.data(),
                                 &size) == LARDER_OK);
        REQUIRE(size <= out.size());
        out.resize(size);
        return out;
    }
    larder_status expand(std::string_view in, std::string& out) const {
        std::size_t size = out.size();
        return table().decompress(instance.self(), {in.data(), in.size()}, out.data(), &size);
    }

    FakeHost host;
    FakeInstance instance;
};

// A copy that ends where the next page may not be touched: one byte too far is a fault.
class AgainstWall {
  public:
    explicit AgainstWall(std::string_view bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        room_ = (bytes.size() + page - 1) / page * page;
        base_ = static_cast<char*>(mmap(nullptr, room_ + page, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(base_ != MAP_FAILED);
        REQUIRE(mprotect(base_ + room_, page, PROT_NONE) == 0);
        whole_ = room_ + page;
        size_ = bytes.size();
        std::memcpy(data(), bytes.data(), size_);
    }
    AgainstWall(const AgainstWall&) = delete;
    AgainstWall& operator=(const AgainstWall&) = delete;
    ~AgainstWall() { munmap(base_, whole_); }
    char* data() const { return base_ + room_ - size_; }
    std::string_view view() const { return {data(), size_}; }

  private:
    char* base_ = nullptr;
    std::size_t room_ = 0, whole_ = 0, size_ = 0;
};

std::string json_like(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text;
    while (text.size() < size) {
        text += R"({"id":)" + std::to_string(random() % 100'000) + R"(,"name":"room )" +
                std::to_string(random() % 100) + R"(","free":)" +
                (random() % 2 != 0 ? "true" : "false") + "},";
    }
    text.resize(size);
    return text;
}

std::string noise(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
    return text;
}

}  // namespace

TEST_CASE("brotli gives back exactly what it was given, at every quality") {
    const int quality = GENERATE(range(1, 12));
    const Codec codec(FakeConfig{}.set("quality", quality));
    for (const std::string& value : {std::string(), std::string("x"), std::string(100'000, '\0'),
                                     json_like(50'000, 1), noise(50'000, 2), std::string("0")}) {
        const std::string small = codec.compressed(value);
        std::string back(value.size(), '?');
        REQUIRE(codec.expand(small, back) == LARDER_OK);
        REQUIRE(back == value);
    }
}

TEST_CASE("text becomes less than a third") {
    const Codec codec;
    REQUIRE(codec.compressed(json_like(100'000, 3)).size() < 100'000 / 3);
}

TEST_CASE("the same value becomes the same bytes") {
    const Codec one, other;
    const std::string value = json_like(20'000, 4);
    REQUIRE(one.compressed(value) == other.compressed(value));
}

TEST_CASE("no room for the result is told as too large, and nothing is written past the room") {
    const Codec codec;
    const std::string value = noise(10'000, 5);
    const AgainstWall room(std::string(9'000, 'r'));
    std::size_t size = 9'000;
    REQUIRE(codec.table().compress(codec.instance.self(), {value.data(), value.size()}, room.data(),
                                   &size) == LARDER_E_TOO_LARGE);
    size = 0;
    REQUIRE(codec.table().compress(codec.instance.self(), {value.data(), value.size()}, nullptr,
                                   &size) == LARDER_E_TOO_LARGE);
    REQUIRE(codec.table().bound(codec.instance.self(), SIZE_MAX) == 0);
}

TEST_CASE("another length than the declared one is corrupt, shorter or longer") {
    const Codec codec;
    const std::string value = json_like(5'000, 6);
    const std::string small = codec.compressed(value);
    for (const std::size_t declared : {std::size_t{0}, std::size_t{1}, std::size_t{4'999},
                                       std::size_t{5'001}, std::size_t{100'000}}) {
        std::string out(declared, '?');
        REQUIRE(codec.expand(small, out) == LARDER_E_CORRUPT);
    }
    std::string out(value.size(), '?');
    REQUIRE(codec.expand(small + "x", out) == LARDER_E_CORRUPT);
    REQUIRE(codec.expand("", out) == LARDER_E_CORRUPT);
}

TEST_CASE("a gigabyte of zeros that declares a kilobyte is refused without being made") {
    // Streamed in pieces: the bomb is made without holding what it stands for.
    const std::unique_ptr<BrotliEncoderState, void (*)(BrotliEncoderState*)> encoder(
        BrotliEncoderCreateInstance(nullptr, nullptr, nullptr), &BrotliEncoderDestroyInstance);
    BrotliEncoderSetParameter(encoder.get(), BROTLI_PARAM_QUALITY, 1);
    BrotliEncoderSetParameter(encoder.get(), BROTLI_PARAM_LGWIN, 24);
    const std::vector<std::uint8_t> zeros(1 << 20, 0);
    std::string bomb;
    for (int mib = 0; mib <= 1024; ++mib) {
        std::size_t left = mib < 1024 ? zeros.size() : 0;
        const std::uint8_t* from = zeros.data();
        const auto operation = mib < 1024 ? BROTLI_OPERATION_PROCESS : BROTLI_OPERATION_FINISH;
        do {
            std::uint8_t piece[4096];
            std::size_t room = sizeof piece;
            std::uint8_t* to = piece;
            REQUIRE(BrotliEncoderCompressStream(encoder.get(), operation, &left, &from, &room, &to,
                                                nullptr) == BROTLI_TRUE);
            bomb.append(reinterpret_cast<const char*>(piece), sizeof piece - room);
        } while (left != 0 || BrotliEncoderHasMoreOutput(encoder.get()) == BROTLI_TRUE);
    }
    CAPTURE(bomb.size());
    REQUIRE(bomb.size() < 1'000'000);
    const Codec codec;
    const AgainstWall room(std::string(1024, '?'));
    std::size_t size = 1024;
    REQUIRE(codec.table().decompress(codec.instance.self(), {bomb.data(), bomb.size()}, room.data(),
                                     &size) == LARDER_E_CORRUPT);
}

TEST_CASE("20,000 changed or cut inputs neither fault nor pass for a value of another length") {
    const std::uint64_t seed = 20'260'101;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const Codec codec;
    const std::string value = json_like(2'000, 7);
    const std::string whole = codec.compressed(value);
    int refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string changed = whole;
        switch (random() % 3) {
            case 0:
                changed.resize(random() % changed.size());
                break;
            case 1:
                changed[random() % changed.size()] ^= static_cast<char>(1u << random() % 8);
                break;
            default:
                for (int k = 0; k < 8; ++k) {
                    changed[random() % changed.size()] = static_cast<char>(random());
                }
        }
        const AgainstWall in(changed);
        const AgainstWall out(value);
        std::size_t size = value.size();
        const larder_status st = codec.table().decompress(
            codec.instance.self(), {in.data(), changed.size()}, out.data(), &size);
        REQUIRE((st == LARDER_OK || st == LARDER_E_CORRUPT));
        REQUIRE(size == value.size());
        refused += st == LARDER_E_CORRUPT;
    }
    REQUIRE(refused > 10'000);
}

TEST_CASE("eight threads share one instance") {
    const Codec codec;
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (std::uint64_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 20; ++i) {
                const std::string value = json_like(1'000 + 100 * i, t * 100 + i);
                std::string small(codec.table().bound(codec.instance.self(), value.size()), '\0');
                std::size_t size = small.size();
                if (codec.table().compress(codec.instance.self(), {value.data(), value.size()},
                                           small.data(), &size) != LARDER_OK) {
                    continue;
                }
                std::string back(value.size(), '?');
                right += codec.expand(std::string_view(small).substr(0, size), back) == LARDER_OK &&
                         back == value;
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    REQUIRE(right == 160);
}
