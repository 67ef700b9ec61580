// tests/unit/codecs/codecs_test.cpp -- every codec of larder's own through the same tests: exact, bounded, and
// not to be hurt by bytes.
#include "plugins/compressor_brotli/brotli_codec.hpp"
#include "plugins/compressor_zlib/deflate_codec.hpp"
#include "plugins/compressor_zstd/zstd_codec.hpp"
#include "tests/support/codec_rig.hpp"
#include "tests/support/corpora.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <thread>

using namespace larder::test;
using larder::plugin::Compressor;

namespace {

// A gigabyte of zeros, made in pieces: without holding what it stands for.
std::string deflate_bomb(int window_bits) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::vector<Bytef> zeros(1 << 20), piece(1 << 16);
    std::string bomb;
    for (int mib = 0; mib <= 1024; ++mib) {
        stream.next_in = zeros.data();
        stream.avail_in = mib < 1024 ? static_cast<uInt>(zeros.size()) : 0;
        do {
            stream.next_out = piece.data();
            stream.avail_out = static_cast<uInt>(piece.size());
            deflate(&stream, mib < 1024 ? Z_NO_FLUSH : Z_FINISH);
            bomb.append(reinterpret_cast<const char*>(piece.data()), piece.size() - stream.avail_out);
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return bomb;
}

// `says`: with the true size in its head. Without it, the frame does not tell.
std::string zstd_bomb(bool says) {
    const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    if (says) ZSTD_CCtx_setPledgedSrcSize(context.get(), std::size_t{1} << 30);
    const std::vector<char> zeros(1 << 20);
    std::vector<char> piece(1 << 17);
    std::string bomb;
    for (int mib = 0; mib <= 1024; ++mib) {
        ZSTD_inBuffer in{zeros.data(), mib < 1024 ? zeros.size() : 0, 0};
        for (bool more = true; more;) {
            ZSTD_outBuffer out{piece.data(), piece.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, mib < 1024 ? ZSTD_e_continue : ZSTD_e_end);
            REQUIRE_FALSE(ZSTD_isError(left));
            bomb.append(piece.data(), out.pos);
            more = mib < 1024 ? in.pos < in.size : left != 0;
        }
    }
    return bomb;
}

std::string brotli_bomb() {
    const std::unique_ptr<BrotliEncoderState, void (*)(BrotliEncoderState*)> encoder(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr),
                                                                                     &BrotliEncoderDestroyInstance);
    BrotliEncoderSetParameter(encoder.get(), BROTLI_PARAM_QUALITY, 1);
    const std::vector<std::uint8_t> zeros(1 << 20, 0);
    std::string bomb;
    for (int mib = 0; mib <= 1024; ++mib) {
        std::size_t left = mib < 1024 ? zeros.size() : 0;
        const std::uint8_t* from = zeros.data();
        do {
            std::uint8_t piece[4096];
            std::size_t room = sizeof piece;
            std::uint8_t* to = piece;
            REQUIRE(BrotliEncoderCompressStream(encoder.get(), mib < 1024 ? BROTLI_OPERATION_PROCESS : BROTLI_OPERATION_FINISH, &left, &from,
                                                &room, &to, nullptr) == BROTLI_TRUE);
            bomb.append(reinterpret_cast<const char*>(piece), sizeof piece - room);
        } while (left != 0 || BrotliEncoderHasMoreOutput(encoder.get()) == BROTLI_TRUE);
    }
    return bomb;
}

struct Kind {
    const char* name;
    const larder_component* component;
    FakeConfig config;
    std::uint32_t id;
    std::vector<int> levels;
    bool checks;  // its format has a CRC: another value of the same length does not pass. Adler-32 let one pass here
    std::function<std::vector<std::string>()> bombs;
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"brotli", &Compressor<larder::compressor_brotli::BrotliCodec>::value, {}, 1, {1, 5, 11}, false, [] { return std::vector{brotli_bomb()}; }},
        {"gzip", &Compressor<larder::compressor_zlib::DeflateCodec>::value, FakeConfig{}.set("format", "gzip"), 2, {1, 6, 9}, true, [] { return std::vector{deflate_bomb(15 + 16)}; }},
        {"zlib", &Compressor<larder::compressor_zlib::DeflateCodec>::value, {}, 2, {1, 6, 9}, false, [] { return std::vector{deflate_bomb(15)}; }},
        {"zstd", &Compressor<larder::compressor_zstd::ZstdCodec>::value, {}, 3, {1, 3, 9, 19}, false,
         [] { return std::vector{zstd_bomb(true), zstd_bomb(false)}; }},
    };
    return all;
}

std::string json(std::size_t size, std::uint64_t seed) { return json_reports(size, 1, seed).values[0]; }

// A codec as it is used: by itself, at a level, or with a dictionary.
struct Use {
    std::string name;
    const Kind* kind;
    std::shared_ptr<CodecRig> rig;
    void* opened = nullptr;
    ~Use() {
        if (opened != nullptr) rig->table().close(rig->self(), opened);
    }
};

std::vector<std::unique_ptr<Use>> uses() {
    std::vector<std::unique_ptr<Use>> all;
    for (const Kind& kind : kinds()) {
        const auto rig = std::make_shared<CodecRig>(*kind.component, kind.config);
        all.push_back(std::unique_ptr<Use>(new Use{kind.name, &kind, rig}));
        for (const int level : kind.levels)
            all.push_back(std::unique_ptr<Use>(new Use{std::string(kind.name) + "-" + std::to_string(level), &kind, rig, rig->open(level)}));
        if ((kind.component->caps & LARDER_COMP_CAP_DICTIONARY) != 0) {
            const std::string dictionary = rig->trained(json_objects(500, 2000, 1).values, 16'384);
            all.push_back(std::unique_ptr<Use>(new Use{std::string(kind.name) + " with a dictionary", &kind, rig, rig->open(3, dictionary)}));
        }
    }
    return all;
}

}  // namespace

TEST_CASE("every codec gives back exactly what it was given, at every level and with a dictionary") {
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        CHECK(use->rig->table().codec_id == use->kind->id);
        for (const std::string& value : {std::string(), std::string("x"), std::string(100'000, '\0'), json(50'000, 1), noise(50'000, 1, 2).values[0],
                                         json_objects(500, 1, 7).values[0], std::string("0")}) {
            const std::string small = use->rig->compressed(value, use->opened);
            std::string back(value.size(), '?');
            REQUIRE(use->rig->expand(small, back, use->opened) == LARDER_OK);
            REQUIRE(back == value);
        }
    }
}

TEST_CASE("every codec makes reports less than a quarter, and the same bytes of the same value") {
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        const std::string value = json(100'000, 3), small = use->rig->compressed(value, use->opened);
        CHECK(small.size() < value.size() / 4);
        CHECK(use->rig->compressed(value, use->opened) == small);
    }
}

TEST_CASE("what one level wrote every other reads, as the format does not depend on it") {
    for (const Kind& kind : kinds()) {
        CAPTURE(kind.name);
        const CodecRig rig(*kind.component, kind.config);
        const std::string value = json(5'000, 4);
        for (const int level : kind.levels) {
            void* const opened = rig.open(level);
            std::string back(value.size(), '?');
            CHECK(rig.expand(rig.compressed(value, opened), back) == LARDER_OK);
            CHECK(back == value);
            CHECK(rig.expand(rig.compressed(value), back, opened) == LARDER_OK);
            rig.table().close(rig.self(), opened);
        }
    }
}

TEST_CASE("no codec writes past the room it has: what does not fit is told as too large") {
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        const auto& table = use->rig->table();
        const std::string value = noise(10'000, 1, 5).values[0];
        for (const std::size_t room : {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{9'000}}) {
            const AgainstWall out(std::string(room, 'r'));
            std::size_t size = room;
            const larder_bytes in{value.data(), value.size()};
            CHECK((use->opened != nullptr ? table.compress_with(use->rig->self(), use->opened, in, out.data(), &size)
                                          : table.compress(use->rig->self(), in, out.data(), &size)) == LARDER_E_TOO_LARGE);
        }
        CHECK(table.bound(use->rig->self(), SIZE_MAX) == 0);
    }
}

TEST_CASE("another length than the declared one is corrupt in every codec, and so is something behind the end") {
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        const std::string value = json(5'000, 6), small = use->rig->compressed(value, use->opened);
        for (const std::size_t declared : {std::size_t{0}, std::size_t{1}, value.size() - 1, value.size() + 1, std::size_t{100'000}}) {
            CAPTURE(declared);
            const AgainstWall in(small), out(std::string(declared, '?'));
            std::size_t size = declared;
            const larder_bytes bytes{in.data(), small.size()};
            const auto& table = use->rig->table();
            CHECK((use->opened != nullptr ? table.decompress_with(use->rig->self(), use->opened, bytes, out.data(), &size)
                                          : table.decompress(use->rig->self(), bytes, out.data(), &size)) == LARDER_E_CORRUPT);
        }
        std::string out(value.size(), '?');
        CHECK(use->rig->expand(small + "x", out, use->opened) == LARDER_E_CORRUPT);
        CHECK(use->rig->expand(small + small, out, use->opened) == LARDER_E_CORRUPT);
        CHECK(use->rig->expand("", out, use->opened) == LARDER_E_CORRUPT);
        std::string twice(value.size() * 2, '?');
        CHECK(use->rig->expand(small + small, twice, use->opened) == LARDER_E_CORRUPT);
    }
}

TEST_CASE("a gigabyte of zeros that declares a kilobyte is refused by every codec without being made") {
    for (const Kind& kind : kinds()) {
        const CodecRig rig(*kind.component, kind.config);
        for (const std::string& bomb : kind.bombs()) {
            CAPTURE(kind.name, bomb.size());
            REQUIRE(bomb.size() < 2'000'000);
            const AgainstWall room(std::string(1024, '?'));
            std::size_t size = 1024;
            CHECK(rig.table().decompress(rig.self(), {bomb.data(), bomb.size()}, room.data(), &size) == LARDER_E_CORRUPT);
        }
    }
}

TEST_CASE("poisoned bytes, cut, flipped or made up, are refused by every codec or another value of that length, and never a fault") {
    const std::uint64_t seed = 20'260'101;
    CAPTURE(seed);
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        std::mt19937_64 random(seed);
        const std::string value = json(2'000, 7), whole = use->rig->compressed(value, use->opened);
        int refused = 0, same = 0;
        constexpr int rounds = 4'000;
        for (int i = 0; i < rounds; ++i) {
            std::string changed = whole;
            switch (random() % 4) {
                case 0: changed.resize(random() % changed.size()); break;
                case 1: changed[random() % changed.size()] ^= static_cast<char>(1u << random() % 8); break;
                case 2:
                    for (char& c : changed) c = static_cast<char>(random());
                    break;
                default:
                    for (int k = 0; k < 8; ++k) changed[random() % changed.size()] = static_cast<char>(random());
            }
            const AgainstWall in(changed), out(std::string(value.size(), '?'));
            std::size_t size = value.size();
            const larder_bytes bytes{in.data(), changed.size()};
            const auto& table = use->rig->table();
            const larder_status status = use->opened != nullptr ? table.decompress_with(use->rig->self(), use->opened, bytes, out.data(), &size)
                                                                : table.decompress(use->rig->self(), bytes, out.data(), &size);
            REQUIRE((status == LARDER_OK || status == LARDER_E_CORRUPT));
            REQUIRE(size == value.size());
            refused += status == LARDER_E_CORRUPT;
            same += status == LARDER_OK && out.view() == value;
            if (use->kind->checks && status == LARDER_OK) REQUIRE(out.view() == value);
        }
        CHECK(refused > rounds / 2);
        CHECK(same < rounds / 8);
    }
}

TEST_CASE("eight threads share one instance of every codec, and each setting of it") {
    for (const auto& use : uses()) {
        CAPTURE(use->name);
        std::vector<std::thread> threads;
        std::atomic<int> right{0};
        for (std::uint64_t t = 0; t < 8; ++t)
            threads.emplace_back([&, t] {
                const auto& table = use->rig->table();
                for (std::uint64_t i = 0; i < 5; ++i) {
                    const std::string value = json(1'000 + 100 * i, t * 100 + i);
                    std::string small(table.bound(use->rig->self(), value.size()), '\0'), back(value.size(), '?');
                    std::size_t size = small.size(), room = back.size();
                    const larder_bytes in{value.data(), value.size()};
                    if ((use->opened != nullptr ? table.compress_with(use->rig->self(), use->opened, in, small.data(), &size)
                                                : table.compress(use->rig->self(), in, small.data(), &size)) != LARDER_OK)
                        continue;
                    const larder_bytes packed{small.data(), size};
                    right += (use->opened != nullptr ? table.decompress_with(use->rig->self(), use->opened, packed, back.data(), &room)
                                                     : table.decompress(use->rig->self(), packed, back.data(), &room)) == LARDER_OK &&
                             back == value;
                }
            });
        for (std::thread& thread : threads) thread.join();
        CHECK(right == 40);
    }
}

TEST_CASE("a level that a codec does not have is invalid, and so are bytes that are no dictionary") {
    for (const Kind& kind : kinds()) {
        CAPTURE(kind.name);
        const CodecRig rig(*kind.component, kind.config);
        for (const int level : {-1, 0, 99}) {
            larder_status status = LARDER_OK;
            CHECK(rig.open(level, {}, 0, &status) == nullptr);
            CHECK(status == LARDER_E_INVALID);
        }
        void* const own = rig.open(LARDER_LEVEL_OWN);
        REQUIRE(own != nullptr);
        rig.table().close(rig.self(), own);
        larder_status status = LARDER_OK;
        CHECK(rig.open(LARDER_LEVEL_OWN, "these are no dictionary", 0, &status) == nullptr);
        CHECK((status == LARDER_E_CORRUPT || status == LARDER_E_UNSUPPORTED));
        std::int32_t some[2]{};
        const std::size_t count = rig.table().levels(rig.self(), some, 2);
        CHECK(count >= 2);
        CHECK(some[0] < some[1]);
    }
}

TEST_CASE("an instance of zlib writes the format that it is told, and reads both") {
    const CodecRig zlib(*kinds()[2].component), gzip(*kinds()[1].component, kinds()[1].config);
    const std::string value = json(3'000, 8), as_zlib = zlib.compressed(value), as_gzip = gzip.compressed(value);
    CHECK(as_zlib.substr(0, 1) == "\x78");
    CHECK(as_gzip.substr(0, 3) == "\x1f\x8b\x08");
    CHECK(as_gzip.size() == as_zlib.size() + 12);
    for (const CodecRig* rig : {&zlib, &gzip})
        for (const std::string* packed : {&as_zlib, &as_gzip}) {
            std::string back(value.size(), '?');
            CHECK(rig->expand(*packed, back) == LARDER_OK);
            CHECK(back == value);
        }
}
