// tests/bench/peers/peers_bench.cpp -- larder beside the caches people would use instead, in one run.
//
//   bench_peers [full | quick] [million-operations] [filter]
//
// Rows are workloads, columns caches: million operations a second (median of three rounds), and for the
// first row memory, latency and hit ratio. `engine` is store_memory through its C table, `kernel` the
// whole cache with policy, validity and metrics. RocksDB's HyperClockCache takes keys of 16 bytes only;
// oneTBB's map evicts nothing.
#include "kernel/api/kernel.hpp"
#include "plugins/store_memory/memory_store.hpp"
#include "tests/bench/peers/load.hpp"
#include "tests/support/fake_host.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef LARDER_BESIDE_ROCKSDB
#include <rocksdb/cache.h>
#endif
#ifdef LARDER_BESIDE_TBB
#include <tbb/concurrent_hash_map.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using namespace larder;
using namespace larder::bench;

larder_bytes bytes(std::string_view t) { return {t.data(), t.size()}; }

// Bytes of capacity so that about this share of the keys fits.
std::uint64_t capacity_for(unsigned percent, double bytes_per_entry) {
    return percent == 100 ? std::uint64_t{2} << 30 : static_cast<std::uint64_t>(bytes_per_entry * key_count * percent / 100);
}

// ---- store_memory, bare

class Engine final : public Subject {
  public:
    using Component = plugin::Store<store_memory::MemoryStore>;
    explicit Engine(std::uint64_t capacity)
        : instance_(host_, Component::value, test::FakeConfig().set("capacity", capacity)), table_(instance_.table<larder_store_v1>()) {}
    static larder_key key(std::string_view text) noexcept {
        return {text.data(), static_cast<std::uint32_t>(text.size()), 1, XXH3_64bits_withSeed(text.data(), text.size(), 1)};
    }
    void put(std::string_view text, std::string_view value) override {
        char with_head[sizeof(larder_head) + 1024];
        const larder_head head{0, 1, 0};
        std::memcpy(with_head, &head, sizeof head);
        std::memcpy(with_head + sizeof head, value.data(), value.size());
        larder_put put{};
        put.struct_size = sizeof put;
        put.flags = LARDER_PUT_HEADED;
        put.value = {with_head, sizeof head + value.size()};
        put.version = 1;
        const larder_key k = key(text);
        const larder_call call{};
        static_cast<void>(table_.put(instance_.self(), &k, &put, &call));
    }
    bool get(std::string_view text, std::uint64_t& sum) {
        const larder_key k = key(text);
        const larder_call call{};
        return table_.visit(instance_.self(), &k, &call,
                            [](void* ctx, larder_bytes b) noexcept {
                                *static_cast<std::uint64_t*>(ctx) += read_all(static_cast<const char*>(b.data) + sizeof(larder_head), b.size - sizeof(larder_head));
                            },
                            &sum) == LARDER_OK;
    }
    void rest() override { host_.advance(std::chrono::seconds(2)); }
    double bytes_per_entry() {
        larder_store_stats stats{};
        stats.struct_size = sizeof stats;
        static_cast<void>(table_.stats(instance_.self(), UINT32_MAX, &stats));
        return static_cast<double>(stats.bytes) / static_cast<double>(std::max<std::uint64_t>(stats.entries, 1));
    }

  private:
    test::FakeHost host_;
    test::FakeInstance instance_;
    const larder_store_v1& table_;
};

// What an entry of this row counts with, so that "10 % fit" means 10 % of the entries.
double engine_cost(const Row& row) {
    static std::vector<std::pair<std::pair<std::size_t, bool>, double>> known;
    for (const auto& [what, cost] : known)
        if (what == std::pair(row.key_size, row.mixed)) return cost;
    const Measured m = in_own_process([&] {
        Engine engine(std::uint64_t{2} << 30);
        for (std::uint64_t n = 0; n < key_count; ++n) engine.put(Key(n, row.key_size).view(), value_of(row, n));
        Measured out;
        out.bytes_per_entry = engine.bytes_per_entry();
        return out;
    });
    known.push_back({{row.key_size, row.mixed}, m.bytes_per_entry});
    return m.bytes_per_entry;
}

// ---- the kernel over store_memory

class Whole final : public Subject {
  public:
    static constexpr bool apart = true;
    Whole(std::uint64_t capacity, bool tagged) {
        config::LoadedConfig conf = config::parse_host_config("bench.toml",
            "policy = [\"" LARDER_SOURCE_DIR "/tests/bench/peers/peers.larder\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
            "[store.l1]\nplugin = \"memory\"\ncapacity = \"" + std::to_string(capacity) + "B\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n");
        KernelOptions options;
        options.config = std::move(conf.config);
        std::string problem;
        kernel_ = Kernel::open(std::move(options), problem);
        if (kernel_ == nullptr || !kernel_->start(problem)) {
            std::fprintf(stderr, "%s\n", problem.c_str());
            std::exit(1);
        }
        kernel_->cache().ns_find(tagged ? "tagged" : "plain", &ns_);
    }
    void put(std::string_view key, std::string_view value) override {
        larder_cache_set item{};
        item.ns = ns_;
        item.key = bytes(key);
        item.value = bytes(value);
        kernel_->cache().set_many(&item, 1, nullptr);
    }
    bool get(std::string_view key, std::uint64_t& sum) {
        return kernel_->cache().visit(ns_, key, nullptr,
                                      [](void* ctx, larder_bytes b) noexcept { *static_cast<std::uint64_t*>(ctx) += read_all(b.data, b.size); },
                                      &sum) == LARDER_OK;
    }
    void rest() override { std::this_thread::sleep_for(std::chrono::milliseconds(500)); }
    void drop_tag_of(std::uint64_t n) override {
        const std::string tag = "of:" + std::string(Key(n, 16).view());
        const larder_target target{LARDER_TARGET_TAG, LARDER_NS_NONE, bytes(tag)};
        kernel_->cache().change(LARDER_DROP, &target, 1, nullptr, nullptr);
    }

  private:
    std::unique_ptr<Kernel> kernel_;
    std::uint32_t ns_ = 0;
};

#ifdef LARDER_BESIDE_ROCKSDB
class HyperClock final : public Subject {
  public:
    explicit HyperClock(unsigned percent) {
        rocksdb::HyperClockCacheOptions options(key_count * percent / 100 + 1, 1);
        options.metadata_charge_policy = rocksdb::kDontChargeCacheMetadata;
        cache_ = options.MakeSharedCache();
    }
    void put(std::string_view key, std::string_view value) override {
        auto* const kept = static_cast<std::uint32_t*>(std::malloc(4 + value.size()));
        *kept = static_cast<std::uint32_t>(value.size());
        std::memcpy(kept + 1, value.data(), value.size());
        if (!cache_->Insert({key.data(), key.size()}, kept, 1, [](const rocksdb::Slice&, void* v) { std::free(v); }).ok()) std::free(kept);
    }
    bool get(std::string_view key, std::uint64_t& sum) {
        auto* const handle = cache_->Lookup({key.data(), key.size()});
        if (handle == nullptr) return false;
        const auto* const kept = static_cast<const std::uint32_t*>(cache_->Value(handle));
        sum += read_all(kept + 1, *kept);
        cache_->Release(handle);
        return true;
    }

  private:
    std::shared_ptr<rocksdb::Cache> cache_;
};
#endif

#ifdef LARDER_BESIDE_TBB
class TbbMap final : public Subject {
  public:
    struct Hash {
        static std::size_t hash(const std::string& key) { return XXH3_64bits(key.data(), key.size()); }
        static bool equal(const std::string& a, const std::string& b) { return a == b; }
    };
    using Map = tbb::concurrent_hash_map<std::string, std::string, Hash>;
    void put(std::string_view key, std::string_view value) override {
        Map::accessor at;
        map_.insert(at, std::string(key));
        at->second = value;
    }
    bool get(std::string_view key, std::uint64_t& sum) {
        Map::const_accessor at;
        thread_local std::string text;
        text = key;
        if (!map_.find(at, text)) return false;
        sum += read_all(at->second.data(), at->second.size());
        return true;
    }

  private:
    Map map_;
};
#endif

template <class S>
Measured run(const Row& row, std::size_t operations, std::function<std::unique_ptr<S>(unsigned)> make) {
    return in_own_process([&] { return measure<S>(row, operations, make, [](S& s, std::string_view k, std::uint64_t& sum) { return s.get(k, sum); }); });
}

struct Column {
    std::string name;
    std::function<Measured(const Row&, std::size_t)> run;
};

std::vector<Column> columns() {
    std::vector<Column> out;
#ifdef LARDER_BESIDE_ROCKSDB
    out.push_back({"HyperClockCache", [](const Row& row, std::size_t n) {
                       if (row.key_size != 16 || row.drops) return Measured{};
                       return run<HyperClock>(row, n, [](unsigned percent) { return std::make_unique<HyperClock>(percent); });
                   }});
#endif
#ifdef LARDER_BESIDE_TBB
    out.push_back({"oneTBB map", [](const Row& row, std::size_t n) {
                       if (row.capacity != 100 || row.drops) return Measured{};
                       return run<TbbMap>(row, n, [](unsigned) { return std::make_unique<TbbMap>(); });
                   }});
#endif
    out.push_back({"larder engine", [](const Row& row, std::size_t n) {
                       if (row.drops) return Measured{};
                       const double cost = engine_cost(row);
                       return run<Engine>(row, n, [cost](unsigned percent) { return std::make_unique<Engine>(capacity_for(percent, cost)); });
                   }});
    out.push_back({"larder kernel", [](const Row& row, std::size_t n) {
                       const double cost = engine_cost(row);
                       return run<Whole>(row, n, [cost](unsigned percent) { return std::make_unique<Whole>(capacity_for(percent, cost), false); });
                   }});
    out.push_back({"kernel, tagged", [](const Row& row, std::size_t n) {
                       const double cost = engine_cost(row) + 8;
                       return run<Whole>(row, n, [cost](unsigned percent) { return std::make_unique<Whole>(capacity_for(percent, cost), true); });
                   }});
    return out;
}

std::vector<Row> rows(bool full) {
    std::vector<Row> out;
    for (const unsigned threads : {1U, 2U})
        for (const unsigned capacity : {100U, 10U})
            for (const bool zipf : {true, false}) {
                if (!full && !zipf) continue;
                Row row;
                row.threads = threads;
                row.capacity = capacity;
                row.zipf = zipf;
                out.push_back(row);
                for (const unsigned writes : {5U, 50U})
                    if (full || (writes == 5 && capacity == 100)) {
                        row.writes = writes;
                        out.push_back(row);
                    }
                row.writes = 0;
                if (capacity == 100 && zipf) {
                    row.drops = true;
                    out.push_back(row);
                    row.drops = false;
                }
                if (full && zipf) {
                    row.key_size = 40;
                    out.push_back(row);
                    row.mixed = true;
                    out.push_back(row);
                }
            }
    return out;
}

void print_header(const std::vector<Column>& all, const char* what) {
    std::printf("\n%s\n\n| workload |", what);
    for (const Column& c : all) std::printf(" %s |", c.name.c_str());
    std::printf("\n|---|");
    for (std::size_t i = 0; i < all.size(); ++i) std::printf("---|");
    std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
    const bool full = argc > 1 && std::strcmp(argv[1], "full") == 0;
    const std::size_t operations = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2) * 1'000'000;
    const char* const filter = argc > 3 ? argv[3] : "";
    const char* const column = argc > 4 ? argv[4] : "";
    std::vector<Column> all = columns();
    std::erase_if(all, [&](const Column& c) { return c.name.find(column) == std::string::npos; });
    std::vector<std::pair<std::string, std::vector<Measured>>> table;
    print_header(all, "Million operations a second, and in brackets the ratio to the first column");
    for (const Row& row : rows(full)) {
        if (row.name().find(filter) == std::string::npos) continue;
        std::printf("| %s |", row.name().c_str());
        std::vector<Measured> line;
        for (const Column& c : all) {
            line.push_back(c.run(row, operations));
            const Measured& m = line.back();
            if (!m.there) std::printf(" - |");
            else if (line.front().there && line.size() > 1) std::printf(" %.2f (%.2f) |", m.mops, m.mops / line.front().mops);
            else std::printf(" %.2f |", m.mops);
            std::fflush(stdout);
        }
        std::printf("\n");
        table.emplace_back(row.name(), std::move(line));
    }
    const auto print = [&](const char* title, auto&& cell) {
        print_header(all, title);
        for (const auto& [name, line] : table) {
            std::printf("| %s |", name.c_str());
            for (const Measured& m : line) {
                if (m.there) cell(m);
                else std::printf(" - |");
            }
            std::printf("\n");
        }
    };
    print("Latency with the clock's own about 25 ns: p50 / p99 / p99.9 in ns", [](const Measured& m) { std::printf(" %.0f / %.0f / %.0f |", m.p50, m.p99, m.p999); });
    print("Hit ratio in percent; resident bytes an entry", [](const Measured& m) {
        if (m.bytes_per_entry > 0) std::printf(" %.1f; %.0f |", m.hit, m.bytes_per_entry);
        else std::printf(" %.1f |", m.hit);
    });
    return 0;
}
