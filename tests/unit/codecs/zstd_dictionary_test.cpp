// tests/unit/codecs/zstd_dictionary_test.cpp -- what a trained dictionary saves, and what happens with another one.
#include "plugins/compressor_zstd/zstd_codec.hpp"
#include "tests/support/codec_rig.hpp"
#include "tests/support/corpora.hpp"

#include <random>

using namespace larder::test;

namespace {

const larder_component& zstd() { return larder::plugin::Compressor<larder::compressor_zstd::ZstdCodec>::value; }

double ratio(const CodecRig& rig, const Corpus& corpus, void* opened) {
    std::size_t out = 0;
    for (const std::string& value : corpus.values) out += rig.compressed(value, opened).size();
    return static_cast<double>(corpus.bytes()) / static_cast<double>(out);
}

}  // namespace

TEST_CASE("with a dictionary from others of the schema, JSON of 0.5 KB is 3.3 times smaller, of 2 KB 4.5 times") {
    const CodecRig rig(zstd());
    for (const auto& [size, wanted] : {std::pair<std::size_t, double>{500, 3.3}, {2000, 4.5}}) {
        CAPTURE(size);
        const std::string dictionary = rig.trained(json_objects(size, 1'000'000 / size, 1).values, 1 << 20);
        CHECK(dictionary.size() <= 32 * 1024);  // the option's default
        void* const with = rig.open(LARDER_LEVEL_OWN, dictionary);
        const Corpus others = json_objects(size, 500, 2);
        const double saved = ratio(rig, others, with), alone = ratio(rig, others, nullptr);
        CAPTURE(saved, alone);
        CHECK(saved >= wanted);
        CHECK(saved > alone * 1.5);
        rig.table().close(rig.self(), with);
    }
}

TEST_CASE("a value of one dictionary is not given back with another, and not without") {
    const CodecRig rig(zstd());
    void* const right = rig.open(3, rig.trained(json_objects(500, 1000, 1).values, 16'384));
    void* const wrong = rig.open(3, rig.trained(logs(500, 1000, 1).values, 16'384));
    REQUIRE((right != nullptr && wrong != nullptr));
    for (const std::string& value : json_objects(500, 200, 5).values) {
        const std::string small = rig.compressed(value, right);
        for (void* const other : {wrong, static_cast<void*>(nullptr)}) {
            std::string back(value.size(), '?');
            CHECK((rig.expand(small, back, other) == LARDER_E_CORRUPT || back != value));
        }
    }
    rig.table().close(rig.self(), right);
    rig.table().close(rig.self(), wrong);
}

TEST_CASE("a dictionary opened for reading reads, and does not compress") {
    const CodecRig rig(zstd());
    const std::string dictionary = rig.trained(json_objects(500, 1000, 1).values, 16'384);
    void* const both = rig.open(3, dictionary);
    void* const reading = rig.open(LARDER_LEVEL_OWN, dictionary, LARDER_SETTING_READS);
    const std::string value = json_objects(500, 1, 9).values[0];
    std::string back(value.size(), '?'), room(1000, '\0');
    CHECK(rig.expand(rig.compressed(value, both), back, reading) == LARDER_OK);
    CHECK(back == value);
    std::size_t size = room.size();
    CHECK(rig.table().compress_with(rig.self(), reading, {value.data(), value.size()}, room.data(), &size) == LARDER_E_UNSUPPORTED);
    rig.table().close(rig.self(), both);
    rig.table().close(rig.self(), reading);
}

TEST_CASE("an instance that wants no dictionary trains none, and too few or too equal samples teach nothing") {
    const CodecRig none(zstd(), FakeConfig{}.set("dictionary", 0));
    const CodecRig rig(zstd());
    std::string out(16'384, '\0');
    const std::string one = "one";
    std::vector<larder_bytes> few(3, larder_bytes{one.data(), one.size()});
    std::size_t size = out.size();
    CHECK(none.table().train(none.self(), few.data(), few.size(), out.data(), &size) == LARDER_E_UNSUPPORTED);
    size = out.size();
    CHECK(rig.table().train(rig.self(), few.data(), few.size(), out.data(), &size) == LARDER_E_INVALID);
    size = out.size();
    CHECK(rig.table().train(rig.self(), nullptr, 0, out.data(), &size) == LARDER_E_INVALID);
}

TEST_CASE("a damaged dictionary is refused or another dictionary, and never a fault") {
    const CodecRig rig(zstd());
    const std::string dictionary = rig.trained(json_objects(500, 1000, 1).values, 4'096);
    const std::string value = json_objects(500, 1, 9).values[0];
    std::mt19937_64 random(4);
    for (int i = 0; i < 300; ++i) {
        std::string changed = dictionary;
        if (random() % 2 == 0) changed.resize(random() % changed.size());
        else
            for (int k = 0; k < 4; ++k) changed[random() % changed.size()] = static_cast<char>(random());
        if (changed.empty()) continue;
        const AgainstWall bytes(changed);
        void* const opened = rig.open(3, bytes.view());
        if (opened == nullptr) continue;
        std::string back(value.size(), '?');
        REQUIRE(rig.expand(rig.compressed(value, opened), back, opened) == LARDER_OK);
        REQUIRE(back == value);
        rig.table().close(rig.self(), opened);
    }
}
