// tests/unit/packing/choice_test.cpp -- `compress auto` against every fixed codec and level, on data of each kind.
//
// Times are those of a model: each codec and level costs so many nanoseconds a byte, as measured once on one
// machine, and the virtual clock moves by it. So the price of a way is the same on every machine and every run.
#include "kernel/core/figures.hpp"
#include "kernel/core/packing.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/test_cache.hpp"
#include "tests/unit/packing/real_codecs.hpp"

#include <algorithm>
#include <map>
#include <memory>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

// A real codec whose work moves a virtual clock. Coders keep it as they keep a plugin.
class Modelled : public std::enable_shared_from_this<Modelled> {
  public:
    Modelled(CodecHandle real, ManualClock& clock, std::map<int, std::uint64_t> ps_in, std::uint64_t ps_out)
        : real_(std::move(real)), clock_(clock), ps_in_(std::move(ps_in)), ps_out_(ps_out) {
        table_ = *real_.table;
        table_.bound = [](void* self, std::size_t n) noexcept { return me(self).real_.table->bound(me(self).real_.self, n); };
        table_.train = [](void* self, const larder_bytes* samples, std::size_t n, void* out, std::size_t* size) noexcept {
            return me(self).real_.table->train(me(self).real_.self, samples, n, out, size);
        };
        table_.levels = [](void* self, std::int32_t* out, std::size_t n) noexcept { return me(self).real_.table->levels(me(self).real_.self, out, n); };
        table_.open = [](void* self, const larder_codec_setting* setting, void** out) noexcept -> larder_status {
            Modelled& m = me(self);
            auto opened = std::make_unique<Opened>();
            const larder_status status = m.real_.table->open(m.real_.self, setting, &opened->real);
            const auto at = m.ps_in_.find(setting->level);
            opened->ps = at == m.ps_in_.end() ? m.ps_in_.begin()->second : at->second;
            if (status == LARDER_OK) *out = opened.release();
            return status;
        };
        table_.close = [](void* self, void* opened) noexcept {
            me(self).real_.table->close(me(self).real_.self, static_cast<Opened*>(opened)->real);
            delete static_cast<Opened*>(opened);
        };
        table_.compress = [](void* self, larder_bytes in, void* out, std::size_t* size) noexcept {
            me(self).work(in.size, me(self).ps_in_.begin()->second);
            return me(self).real_.table->compress(me(self).real_.self, in, out, size);
        };
        table_.compress_with = [](void* self, void* opened, larder_bytes in, void* out, std::size_t* size) noexcept {
            auto& with = *static_cast<Opened*>(opened);
            me(self).work(in.size, with.ps);
            return me(self).real_.table->compress_with(me(self).real_.self, with.real, in, out, size);
        };
        table_.decompress = [](void* self, larder_bytes in, void* out, std::size_t* size) noexcept {
            me(self).work(*size, me(self).ps_out_);
            return me(self).real_.table->decompress(me(self).real_.self, in, out, size);
        };
        table_.decompress_with = [](void* self, void* opened, larder_bytes in, void* out, std::size_t* size) noexcept {
            me(self).work(*size, me(self).ps_out_);
            return me(self).real_.table->decompress_with(me(self).real_.self, static_cast<Opened*>(opened)->real, in, out, size);
        };
    }
    CodecHandle handle() {
        CodecHandle handle;
        handle.name = real_.name;
        handle.table = &table_;
        handle.self = this;
        handle.caps = real_.caps;
        handle.keep = shared_from_this();
        return handle;
    }

  private:
    struct Opened {
        void* real = nullptr;
        std::uint64_t ps = 0;
    };
    static Modelled& me(void* self) { return *static_cast<Modelled*>(self); }
    // The clock of tests moves in whole milliseconds; a millionth of it is what is meant.
    void work(std::size_t bytes, std::uint64_t ps) { clock_.advance(Ms(static_cast<std::int64_t>(bytes * ps / 1000))); }

    const CodecHandle real_;
    ManualClock& clock_;
    const std::map<int, std::uint64_t> ps_in_;
    const std::uint64_t ps_out_;
    larder_compressor_v1 table_{};
};

// Picoseconds a byte. A nanosecond of work is a millisecond here, so a microsecond is worth a millionth.
struct Machine {
    ManualClock clock;
    std::vector<CodecHandle> codecs{
        std::make_shared<Modelled>(brotli_codec(), clock, std::map<int, std::uint64_t>{{LARDER_LEVEL_OWN, 17'000}, {5, 17'000}, {9, 60'000}}, 2'500)->handle(),
        std::make_shared<Modelled>(zstd_codec(), clock,
                                   std::map<int, std::uint64_t>{{LARDER_LEVEL_OWN, 3'000}, {1, 2'300}, {3, 3'000}, {8, 12'000}, {12, 30'000}}, 700)
            ->handle(),
        std::make_shared<Modelled>(gzip_codec(), clock, std::map<int, std::uint64_t>{{LARDER_LEVEL_OWN, 16'000}, {1, 8'000}, {6, 16'000}}, 2'800)->handle()};
};
PackPrice price() {
    PackPrice p;
    p.bytes_per_us = 1e-6;
    p.reads = 1;
    return p;
}

// Every way there is, tried on `values`: what is not at its best is what auto may miss by.
std::vector<Trial> all_ways(const Machine& machine, const std::vector<std::string>& values, std::shared_ptr<const Dictionary> dictionary) {
    std::vector<Trial> trials{try_coder(nullptr, 1, values, machine.clock)};
    for (const CodecHandle& codec : machine.codecs) {
        std::int32_t levels[8]{};
        const std::size_t count = codec.table->levels(codec.self, levels, 8);
        for (std::size_t i = 0; i < count; ++i)
            for (const auto& with : {std::shared_ptr<const Dictionary>(), dictionary})
                if (with == nullptr || with->codec == codec.table->codec_id)
                    if (auto coder = Coder::make(codec, {levels[i], with, false}, std::make_shared<CoderCounts>()))
                        trials.push_back(try_coder(coder, 1, values, machine.clock));
    }
    return trials;
}

}  // namespace

TEST_CASE("what auto chooses from samples is within 5 % of the best fixed codec, level and dictionary on other values of the kind") {
    struct Kind {
        Corpus seen, other;
    };
    std::vector<Kind> kinds;
    for (const std::size_t size : {std::size_t{500}, std::size_t{2'000}, std::size_t{10'000}})
        kinds.push_back({json_objects(size, 500'000 / size, 1), json_objects(size, 250'000 / size, 2)});
    kinds.push_back({json_reports(300'000, 4, 1), json_reports(300'000, 2, 2)});
    kinds.push_back({logs(300'000, 4, 1), logs(300'000, 2, 2)});
    kinds.push_back({analytics_csv(300'000, 4, 1), analytics_csv(300'000, 2, 2)});
    kinds.push_back({noise(2'000, 300, 1), noise(2'000, 100, 2)});
    for (const Kind& kind : kinds) {
        CAPTURE(kind.seen.name);
        Machine machine;
        Packing packing;
        PackRules rules;
        rules.codec = "auto";
        rules.chooses = true;
        packing.configure(rules, machine.codecs);
        for (const std::string& value : kind.seen.values) packing.offer(value);
        Packing::World world;
        world.clock = &machine.clock;
        world.life_ms = 600'000;
        world.price = price();
        world.note = [](const std::string&) {};
        packing.tend(world);
        const ReadGuard guard;
        const PackPlan* const plan = packing.plan();
        REQUIRE(plan != nullptr);
        const std::shared_ptr<const Coder>& chosen = plan->way(kind.other.values[0].size()).coder;
        CAPTURE(chosen == nullptr ? std::string("as it is") : chosen->shown());
        const double got = try_coder(chosen, 1, kind.other.values, machine.clock).price(price());
        const auto ways = all_ways(machine, kind.other.values, chosen == nullptr ? nullptr : chosen->dictionary());
        double best = 1e9;
        std::string best_name;
        for (const Trial& way : ways)
            if (way.price(price()) < best) {
                best = way.price(price());
                best_name = way.coder == nullptr ? "as it is" : way.coder->shown();
            }
        CAPTURE(got, best, best_name);
        CHECK(got <= best * 1.05);
        packing.close();
    }
}

TEST_CASE("small JSON of one schema gets a dictionary, noise is left as it is, and large text a level above the quickest") {
    const auto chosen_for = [](const Corpus& corpus) {
        Machine machine;
        Packing packing;
        PackRules rules;
        rules.codec = "auto";
        rules.chooses = true;
        packing.configure(rules, machine.codecs);
        for (const std::string& value : corpus.values) packing.offer(value);
        Packing::World world;
        world.clock = &machine.clock;
        world.price = price();
        world.note = [](const std::string&) {};
        packing.tend(world);
        std::string name = "as it is";
        {
            const ReadGuard guard;
            const auto& coder = packing.plan()->way(corpus.values[0].size()).coder;
            if (coder != nullptr) name = coder->shown();
        }
        packing.close();
        return name;
    };
    CHECK(chosen_for(json_objects(500, 1000, 1)) == "zstd-3 with a dictionary");
    CHECK(chosen_for(noise(2'000, 300, 1)) == "as it is");
    CHECK(chosen_for(json_reports(300'000, 4, 1)) == "zstd-8");
}

TEST_CASE("a way that is in use is left only for something three in a hundred cheaper") {
    std::vector<Trial> trials(3);
    for (Trial& trial : trials) trial.in = 1000;
    trials[0].out = 1000;
    trials[1].out = 500;
    trials[2].out = 490;
    CHECK(cheapest(trials, {}) == 2);
    CHECK(cheapest(trials, {}, 1) == 1);
    trials[2].out = 480;
    CHECK(cheapest(trials, {}, 1) == 2);
    CHECK(cheapest(trials, {}, 0) == 2);
}

TEST_CASE("of two ways that are about as cheap the quicker one is taken") {
    std::vector<Trial> trials(2);
    for (Trial& trial : trials) trial.in = 10'000;
    trials[0].out = 3'000;
    trials[0].pack_ns = 500'000;
    trials[1].out = 3'500;
    trials[1].pack_ns = 50'000;
    CHECK(cheapest(trials, {}) == 1);
    trials[1].out = 3'540;
    CHECK(cheapest(trials, {}) == 0);
}

TEST_CASE("a microsecond is worth a byte: what takes longer for each byte it saves is not taken, and reads count as often as they come") {
    Trial quick, slow;
    quick.in = slow.in = 1000;
    quick.out = 400;
    quick.pack_ns = 10'000;
    quick.unpack_ns = 1'000;
    slow.out = 360;
    slow.pack_ns = 25'000;
    slow.unpack_ns = 1'000;
    CHECK(cheapest(std::vector{quick, slow}, {}) == 1);  // 40 bytes for 15 us
    slow.pack_ns = 60'000;
    CHECK(cheapest(std::vector{quick, slow}, {}) == 0);  // 40 bytes for 50 us
    slow.pack_ns = 25'000;
    slow.unpack_ns = 4'000;
    CHECK(cheapest(std::vector{quick, slow}, {}) == 1);
    PackPrice often;
    often.reads = 10;
    CHECK(cheapest(std::vector{quick, slow}, often) == 0);
}

TEST_CASE("with auto a cache compresses from a kilobyte at first, and small values once a dictionary pays") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    TestCache cache("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress auto }\n", std::move(o));
    const Corpus small = json_objects(500, 600, 1);
    for (std::size_t i = 0; i < small.values.size(); ++i) REQUIRE(cache.put("menu", std::to_string(i), small.values[i]) == LARDER_OK);
    CHECK(cache.cache->figures().space("menu")->compressed == 0);
    CHECK(cache.put("menu", "large", json_objects(2'000, 1, 1).values[0]) == LARDER_OK);
    CHECK(cache.cache->figures().space("menu")->compressed == 1);
    cache.executor.run();
    for (std::size_t i = 0; i < small.values.size(); ++i) REQUIRE(cache.put("menu", std::to_string(i), small.values[i]) == LARDER_OK);
    const auto figures = cache.cache->figures();
    const SpaceFigures& menu = *figures.space("menu");
    CHECK(menu.codec == "auto");
    CHECK(menu.compressed > 590);
    CHECK(menu.raw_bytes > 3 * menu.stored_bytes);
    CHECK(menu.packing.tried.size() >= 8);
    for (std::size_t i = 0; i < small.values.size(); ++i) REQUIRE(cache.get("menu", std::to_string(i)) == small.values[i]);
}
