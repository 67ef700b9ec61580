// kernel/kit/checks_compressor.cpp -- LPR-201 to 209: exactly themselves again, whatever is given, and nothing outside of it.
#include "kernel/kit/edge.hpp"
#include "kernel/kit/subject.hpp"

#include <atomic>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

class Codec {
  public:
    explicit Codec(Subject& subject) : instance_(subject.started()), table_(instance_->table<larder_compressor_v1>()) {}

    loader::PluginInstance& instance() { return *instance_; }
    const larder_compressor_v1& table() const { return table_; }
    void* self() { return instance_->self(); }

    // Nullopt: it says that this is too much.
    std::optional<std::string> packed(std::string_view value, void* opened = nullptr) {
        Edge in(value);
        const std::size_t bound = table_.bound(self(), value.size());
        if (bound == 0) return std::nullopt;
        Edge out(bound);
        std::size_t size = bound;
        const larder_status status = opened == nullptr ? table_.compress(self(), in.bytes(), out.data(), &size)
                                                       : table_.compress_with(self(), opened, in.bytes(), out.data(), &size);
        require(status == LARDER_OK, "compress of " + std::to_string(value.size()) + " bytes into its own bound answers " + status_text(status));
        require(size <= bound, "compress says it wrote more than its bound");
        return std::string(out.data(), size);
    }
    larder_status unpack(std::string_view bytes, std::size_t size, std::string& value, void* opened = nullptr) {
        Edge in(bytes), out(size);
        std::size_t told = size;
        const larder_status status = opened == nullptr ? table_.decompress(self(), in.bytes(), out.data(), &told)
                                                       : table_.decompress_with(self(), opened, in.bytes(), out.data(), &told);
        if (status == LARDER_OK) {
            require(told == size, "decompress says OK of another length than the one it was told");
            value.assign(out.data(), size);
        }
        return status;
    }
    void must_come_back(std::string_view value, void* opened = nullptr) {
        const auto bytes = packed(value, opened);
        if (!bytes) return;
        std::string back;
        const larder_status status = unpack(*bytes, value.size(), back, opened);
        require(status == LARDER_OK, "decompress of what was compressed answers " + status_text(status));
        require(back == value, "a value of " + std::to_string(value.size()) + " bytes comes back as another one");
    }

  private:
    std::shared_ptr<loader::PluginInstance> instance_;
    const larder_compressor_v1& table_;
};

std::string prose(Subject& subject, std::size_t size) {
    static constexpr const char* words[] = {"{\"id\":", "\"name\":\"soup\",", "price", ": 4.50", "available", "true,", "\n", "the menu of the day ", "</li><li>"};
    std::string out;
    while (out.size() < size) out += words[subject.roll(std::size(words))];
    out.resize(size);
    return out;
}

void round_trip(Subject& subject) {
    Codec codec(subject);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{300}, std::size_t{4096}, std::size_t{65'537}, std::size_t{1} << 20}) {
        codec.must_come_back(prose(subject, size));
        codec.must_come_back(subject.random_bytes(size));
        codec.must_come_back(std::string(size, '\0'));
    }
    for (int n = 0; n < 50; ++n) {
        codec.must_come_back(prose(subject, subject.roll(20'000)));
        codec.must_come_back(subject.random_bytes(subject.roll(3'000)));
    }
    subject.no_sins(codec.instance());
}

void no_room(Subject& subject) {
    Codec codec(subject);
    const std::string value = subject.random_bytes(5000);
    for (const std::size_t room : {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
        Edge in(value), out(room);
        std::size_t size = room;
        const larder_status status = codec.table().compress(codec.self(), in.bytes(), out.data(), &size);
        require(status == LARDER_E_TOO_LARGE, "compress into too little room answers " + status_text(status));
    }
    subject.no_sins(codec.instance());
}

void other_length(Subject& subject) {
    Codec codec(subject);
    const std::string value = prose(subject, 5000);
    const auto bytes = codec.packed(value);
    if (!bytes) skip("its bound is 0");
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4999}, std::size_t{5001}, std::size_t{100'000}}) {
        std::string back;
        const larder_status status = codec.unpack(*bytes, size, back);
        require(status == LARDER_E_CORRUPT, "decompress to another length answers " + status_text(status));
    }
    subject.no_sins(codec.instance());
}

void broken_input(Subject& subject) {
    Codec codec(subject);
    const std::string value = prose(subject, 3000);
    const auto bytes = codec.packed(value);
    if (!bytes) skip("its bound is 0");
    const auto judge = [&](const std::string& broken) {
        std::string back;
        const larder_status status = codec.unpack(broken, value.size(), back);
        require(status == LARDER_OK || status == LARDER_E_CORRUPT, "decompress of broken bytes answers " + status_text(status));
    };
    for (std::size_t size = 0; size < bytes->size(); size += 1 + bytes->size() / 200) {
        std::string back;
        require(codec.unpack(bytes->substr(0, size), value.size(), back) == LARDER_E_CORRUPT, "decompress of " + std::to_string(size) + " of " + std::to_string(bytes->size()) + " bytes is not CORRUPT");
    }
    for (int n = 0; n < 2000; ++n) {
        std::string broken = *bytes;
        for (std::uint64_t flips = 1 + subject.roll(4); flips > 0; --flips) broken[subject.roll(broken.size())] = static_cast<char>(subject.roll(256));
        judge(broken);
    }
    for (int n = 0; n < 300; ++n) judge(subject.random_bytes(subject.roll(400)));
    subject.no_sins(codec.instance());
}

void same_bytes(Subject& subject) {
    Codec codec(subject);
    if ((codec.instance().caps() & LARDER_COMP_CAP_DETERMINISTIC) == 0) skip("it is not `deterministic`");
    for (int n = 0; n < 20; ++n) {
        const std::string value = prose(subject, subject.roll(5000));
        require(codec.packed(value) == codec.packed(value), "the same value is compressed into other bytes");
    }
}

void many_threads(Subject& subject) {
    Codec codec(subject);
    const std::string value = prose(subject, 20'000);
    std::atomic<bool> bad{false};
    std::vector<std::thread> running;
    for (int t = 0; t < 8; ++t)
        running.emplace_back([&, t] {
            try {
                for (int n = 0; n < 20; ++n) codec.must_come_back(std::string_view(value).substr(static_cast<std::size_t>(t * 100 + n)));
            } catch (const Violation&) {
                bad = true;
            }
        });
    for (std::thread& thread : running) thread.join();
    require(!bad, "eight threads at once spoil each other's values");
    subject.no_sins(codec.instance());
}

void settings(Subject& subject) {
    Codec codec(subject);
    if ((codec.instance().caps() & LARDER_COMP_CAP_SETTINGS) == 0) skip("it has no `settings`");
    std::vector<std::int32_t> levels(codec.table().levels(codec.self(), nullptr, 0));
    require(levels.size() < 1000, "it has " + std::to_string(levels.size()) + " levels");
    static_cast<void>(codec.table().levels(codec.self(), levels.data(), levels.size()));
    levels.push_back(LARDER_LEVEL_OWN);
    const std::string value = prose(subject, 9000);
    for (const std::int32_t level : levels) {
        larder_codec_setting setting{};
        setting.struct_size = sizeof setting;
        setting.level = level;
        void* opened = nullptr;
        const larder_status status = codec.table().open(codec.self(), &setting, &opened);
        require(status == LARDER_OK, "open of level " + std::to_string(level) + ", which it names itself, answers " + status_text(status));
        codec.must_come_back(value, opened);
        // Whichever level wrote it, the instance itself reads it.
        const auto bytes = codec.packed(value, opened);
        std::string back;
        require(!bytes || (codec.unpack(*bytes, value.size(), back) == LARDER_OK && back == value), "what a level compressed is not read without it");
        codec.table().close(codec.self(), opened);
    }
    larder_codec_setting nonsense{};
    nonsense.struct_size = sizeof nonsense;
    nonsense.level = 1'000'000;
    void* opened = nullptr;
    const larder_status status = codec.table().open(codec.self(), &nonsense, &opened);
    require(status == LARDER_E_INVALID && opened == nullptr, "open of a level that is none answers " + status_text(status));
    subject.no_sins(codec.instance());
}

void dictionary(Subject& subject) {
    Codec codec(subject);
    if ((codec.instance().caps() & LARDER_COMP_CAP_DICTIONARY) == 0) skip("it has no `dictionary`");
    std::vector<std::string> values;
    std::vector<larder_bytes> samples;
    for (int n = 0; n < 500; ++n) values.push_back(R"({"id":)" + std::to_string(subject.roll(1'000'000)) + R"(,"kind":"dish","name":"soup )" + std::to_string(subject.roll(900)) + R"(","tags":["green","hot"],"currency":"EUR"})");
    for (const std::string& value : values) samples.push_back(plugin::bytes_of(value));
    std::string learnt(64 << 10, '\0');
    std::size_t size = learnt.size();
    const larder_status status = codec.table().train(codec.self(), samples.data(), samples.size(), learnt.data(), &size);
    if (status == LARDER_E_UNSUPPORTED) skip("it wants no dictionary with these options");
    require(status == LARDER_OK && size <= learnt.size(), "train answers " + status_text(status));
    learnt.resize(size);
    larder_codec_setting setting{};
    setting.struct_size = sizeof setting;
    setting.level = LARDER_LEVEL_OWN;
    setting.dictionary = plugin::bytes_of(learnt);
    void* opened = nullptr;
    require(codec.table().open(codec.self(), &setting, &opened) == LARDER_OK, "open refuses the dictionary that train made");
    std::fill(learnt.begin(), learnt.end(), '\xA5');  // borrowed: it has its own copy
    for (int n = 0; n < 50; ++n) codec.must_come_back(values[static_cast<std::size_t>(n)], opened);
    codec.table().close(codec.self(), opened);
    subject.no_sins(codec.instance());
}

void number(Subject& subject) {
    Codec codec(subject);
    const std::uint32_t id = codec.table().codec_id;
    require(id >= 1 && id <= 65535, "its codec_id is " + std::to_string(id));
    const bool ours = subject.manifest().id.rfind("org.larder.", 0) == 0;
    require(ours || id >= 128, "its codec_id is " + std::to_string(id) + "; those below 128 are larder's own");
}

constexpr Requirement all[] = {
    {"LPR-201", Kind::compressor, "What is decompressed is what was compressed, within the bound and nothing outside of it.", "wrong values", round_trip, true},
    {"LPR-202", Kind::compressor, "What does not fit is TOO_LARGE, and nothing is written past the room.", "memory is overwritten", no_room},
    {"LPR-203", Kind::compressor, "Bytes that decode to another length are CORRUPT.", "wrong values", other_length},
    {"LPR-204", Kind::compressor, "Broken and truncated bytes are judged, not believed: nothing is read or written outside.", "a store's damage ends the process", broken_input, true},
    {"LPR-205", Kind::compressor, "With `deterministic`, the same value is the same bytes.", "needless writes", same_bytes, true},
    {"LPR-206", Kind::compressor, "Eight threads at once do not disturb each other.", "wrong values", many_threads},
    {"LPR-207", Kind::compressor, "With `settings`, every level it names works, and others are INVALID.", "values are not compressed", settings},
    {"LPR-208", Kind::compressor, "With `dictionary`, what train learns can be opened and used.", "values are not compressed", dictionary},
    {"LPR-209", Kind::compressor, "Its codec_id is its own: 128 and more for those of others.", "another codec's bytes", number},
};

}  // namespace

std::span<const Requirement> compressor_requirements() { return all; }

}  // namespace larder::kit
