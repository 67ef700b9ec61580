// tests/bench/codecs/codecs_bench.cpp -- what each codec saves and costs on values of each kind, what auto makes of
// them, and what a hit on a compressed value costs.
//
//   bench_codecs            everything, about two minutes
//   bench_codecs quick      a tenth of the data
//
// Times are the processor time of the one thread that works, the best of three or nine rounds: a busy machine makes
// them worse, so compare within one run. Sizes do not depend on the machine (tests/support/corpora.hpp). "promised" is
// what the seeds' documents say is saved of data of the kind.
#include "kernel/api/kernel.hpp"
#include "kernel/core/figures.hpp"
#include "kernel/core/packing.hpp"
#include "plugins/compressor_brotli/brotli_codec.hpp"
#include "plugins/compressor_zlib/deflate_codec.hpp"
#include "plugins/compressor_zstd/zstd_codec.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/fake_host.hpp"

#include <ctime>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace larder;
using namespace larder::test;

std::uint64_t cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

// Of the one thread that works; what the kernel times with, too.
class ProcessorClock final : public Clock {
  public:
    std::uint64_t mono_ns() const noexcept override { return 3'600'000'000'000 + cpu_ns(); }
    std::uint64_t wall_ms() const noexcept override { return 1'700'000'000'000; }
};

struct Codec {
    Codec(std::string name, const larder_component& component, FakeConfig config) : instance(host, component, std::move(config)) {
        handle.name = std::move(name);
        handle.table = &instance.table<larder_compressor_v1>();
        handle.self = instance.self();
        handle.caps = component.caps;
    }
    FakeHost host;
    FakeInstance instance;
    CodecHandle handle;
};

struct Codecs {
    Codec brotli{"brotli", plugin::Compressor<compressor_brotli::BrotliCodec>::value, {}};
    Codec zstd{"zstd", plugin::Compressor<compressor_zstd::ZstdCodec>::value, {}};
    Codec gzip{"gzip", plugin::Compressor<compressor_zlib::DeflateCodec>::value, FakeConfig{}.set("format", "gzip")};
};

std::shared_ptr<const Coder> coder(const Codec& codec, int level, std::shared_ptr<const Dictionary> dictionary = nullptr) {
    return Coder::make(codec.handle, {level, std::move(dictionary), false}, std::make_shared<CoderCounts>());
}

struct Row {
    double ratio = 0, in_mb_s = 0, out_mb_s = 0;
};

// A whole pass is timed: reading this clock costs as much as decompressing half a kilobyte.
Row measured(const std::shared_ptr<const Coder>& with, const Corpus& corpus) {
    Row row;
    const auto in = static_cast<double>(corpus.bytes());
    std::vector<std::string> packed;
    std::string room, back;
    std::size_t out = 0;
    for (const std::string& value : corpus.values) {
        const std::string_view small = with->compress(value, room);
        packed.emplace_back(small);
        out += small.empty() ? value.size() : small.size();
        back.resize(std::max(back.size(), value.size()));
    }
    row.ratio = in / static_cast<double>(out);
    const int rounds = in > 3e6 ? 3 : 9;
    for (int round = 0; round < rounds; ++round) {
        const std::uint64_t began = cpu_ns();
        for (const std::string& value : corpus.values) with->compress(value, room);
        const std::uint64_t packed_at = cpu_ns();
        for (std::size_t i = 0; i < packed.size(); ++i)
            if (!packed[i].empty() && !with->decompress(packed[i], back.data(), corpus.values[i].size())) std::abort();
        const std::uint64_t ended = cpu_ns();
        row.in_mb_s = std::max(row.in_mb_s, in * 1000 / static_cast<double>(packed_at - began));
        row.out_mb_s = std::max(row.out_mb_s, in * 1000 / static_cast<double>(ended - packed_at));
    }
    return row;
}

void print(const Corpus& corpus, const std::string& way, const Row& row, const char* promised) {
    std::printf("%-22s %-26s %6.2fx  %5.1f %% saved%s  %7.0f MB/s in  %7.0f MB/s out\n", corpus.name.c_str(), way.c_str(), row.ratio,
                100 - 100 / row.ratio, promised, row.in_mb_s, row.out_mb_s);
    std::fflush(stdout);
}

std::shared_ptr<const Dictionary> trained(const Codec& codec, const Corpus& corpus) {
    std::vector<larder_bytes> samples;
    for (const std::string& value : corpus.values) samples.push_back({value.data(), value.size()});
    std::string content(64 << 10, '\0');
    std::size_t size = content.size();
    if (codec.handle.table->train(codec.handle.self, samples.data(), samples.size(), content.data(), &size) != LARDER_OK) return nullptr;
    content.resize(size);
    return std::make_shared<const Dictionary>(static_cast<std::uint16_t>(codec.handle.table->codec_id), std::move(content));
}

// What auto takes after it has seen `seen`, measured on `other`.
void print_auto(const Codecs& codecs, const Corpus& seen, const Corpus& other, const char* promised, const Row& brotli) {
    ProcessorClock clock;
    Packing packing;
    PackRules rules;
    rules.codec = "auto";
    rules.chooses = true;
    packing.configure(rules, {codecs.brotli.handle, codecs.zstd.handle, codecs.gzip.handle});
    for (const std::string& value : seen.values) packing.offer(value);
    Packing::World world;
    world.clock = &clock;
    world.note = [](const std::string&) {};
    packing.tend(world);
    std::shared_ptr<const Coder> taken;
    {
        const ReadGuard guard;
        taken = packing.plan()->way(other.values[0].size()).coder;
    }
    packing.close();
    if (taken == nullptr) {
        std::printf("%-22s auto: as it is\n", other.name.c_str());
        return;
    }
    const Row row = measured(taken, other);
    print(other, "auto: " + taken->shown(), row, promised);
    std::printf("%-22s   beside brotli-5: %.2f of its ratio at %.1f times its speed in, %.1f out\n", "", row.ratio / brotli.ratio, row.in_mb_s / brotli.in_mb_s,
                row.out_mb_s / brotli.out_mb_s);
}

void compare(const Codecs& codecs, const Corpus& seen, const Corpus& other, const char* promised, bool dictionary) {
    print(other, "gzip-6", measured(coder(codecs.gzip, 6), other), promised);
    const Row brotli = measured(coder(codecs.brotli, 5), other);
    print(other, "brotli-5", brotli, promised);
    for (const int level : {1, 3, 8, 12}) print(other, "zstd-" + std::to_string(level), measured(coder(codecs.zstd, level), other), promised);
    if (dictionary)
        for (const int level : {1, 3, 8})
            print(other, "zstd-" + std::to_string(level) + " + dictionary", measured(coder(codecs.zstd, level, trained(codecs.zstd, seen)), other), promised);
    print_auto(codecs, seen, other, promised, brotli);
}

// ---- through the kernel

larder_bytes bytes(std::string_view t) { return {t.data(), t.size()}; }

double get_ns(Cache& cache, std::uint32_t ns, const std::vector<std::string>& keys) {
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        const std::uint64_t began = cpu_ns();
        constexpr int times = 20;
        for (int t = 0; t < times; ++t)
            for (const std::string& key : keys) {
                larder_cache_get item{};
                item.ns = ns;
                item.key = bytes(key);
                cache.get_many(&item, 1, nullptr);
                if (item.status != LARDER_OK) std::abort();
                if (item.value.release != nullptr) item.value.release(&item.value);
            }
        best = std::min(best, static_cast<double>(cpu_ns() - began) / static_cast<double>(times * static_cast<int>(keys.size())));
    }
    return best;
}

void hits() {
    const std::string folder = std::filesystem::temp_directory_path() / "larder_bench_codecs";
    std::filesystem::create_directories(folder);
    const std::string file = folder + "/bench.larder";
    FILE* out = std::fopen(file.c_str(), "w");
    std::fputs(
        "larder 1\nnamespace plain { key \"{id}\"; ttl 1h }\nnamespace zstd { key \"{id}\"; ttl 1h; compress zstd above 100B }\n"
        "namespace brotli { key \"{id}\"; ttl 1h; compress brotli above 100B }\nnamespace gzip { key \"{id}\"; ttl 1h; compress gzip above 100B }\n",
        out);
    std::fclose(out);
    config::LoadedConfig conf = config::parse_host_config(
        "bench.toml", "policy = [\"" + file + "\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
        "[store.l1]\nplugin = \"memory\"\ncapacity = \"256MiB\"\n[codec.zstd]\nplugin = \"zstd\"\n[codec.brotli]\nplugin = \"brotli\"\n"
        "[codec.gzip]\nplugin = \"zlib\"\nformat = \"gzip\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n");
    KernelOptions options;
    options.config = std::move(conf.config);
    std::string problem;
    const auto kernel = Kernel::open(std::move(options), problem);
    if (kernel == nullptr || !kernel->start(problem)) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        std::exit(1);
    }
    Cache& cache = kernel->cache();
    const Corpus objects = json_objects(1'024, 1'000, 1);
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < objects.values.size(); ++i) keys.push_back("item" + std::to_string(i));
    const auto put_all = [&](std::uint32_t ns) {
        const std::uint64_t began = cpu_ns();
        for (std::size_t i = 0; i < keys.size(); ++i) {
            larder_cache_set item{};
            item.ns = ns;
            item.key = bytes(keys[i]);
            item.value = bytes(objects.values[i]);
            cache.set_many(&item, 1, nullptr);
            if (item.status != LARDER_OK) std::abort();
        }
        return static_cast<double>(cpu_ns() - began) / static_cast<double>(keys.size());
    };
    std::printf("\nJSON objects of %zu bytes on average in one memory tier, through the kernel:\n", objects.bytes() / objects.values.size());
    for (const char* name : {"plain", "zstd", "brotli", "gzip"}) {
        std::uint32_t ns = 0;
        cache.ns_find(name, &ns);
        put_all(ns);
        for (int i = 0; i < 300 && std::string_view(name) == "zstd" && cache.figures().space(name)->packing.dictionary.id == 0; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        double put = 1e9;
        for (int round = 0; round < 3; ++round) put = std::min(put, put_all(ns));
        const Figures figures = cache.figures();
        const SpaceFigures& space = *figures.space(name);
        const bool dictionary = space.packing.dictionary.id != 0;
        std::printf("%-8s hit %6.2f us   put %6.2f us   memory %7.1f KB%s\n", name, get_ns(cache, ns, keys) / 1000, put / 1000,
                    static_cast<double>(space.bytes) / 1000, dictionary ? "   with a dictionary" : "");
    }
    kernel->stop();
    std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
    const bool quick = argc > 1 && std::strcmp(argv[1], "quick") == 0;
    const std::size_t small = quick ? 200'000 : 2'000'000, large = quick ? 1 : 4;
    const Codecs codecs;
    for (const std::size_t size : {std::size_t{500}, std::size_t{2'000}, std::size_t{10'000}})
        compare(codecs, json_objects(size, 2'000'000 / size, 1), json_objects(size, small / size, 2), "", true);
    compare(codecs, json_reports(1'000'000, 2, 1), json_reports(1'000'000, large, 2), " (88 promised)", false);
    compare(codecs, logs(1'000'000, 2, 1), logs(1'000'000, large, 2), " (84 promised)", false);
    compare(codecs, analytics_csv(1'000'000, 2, 1), analytics_csv(1'000'000, large, 2), " (86 promised)", false);
    hits();
    return 0;
}
