// tests/bench/shared/node.hpp -- a whole kernel over a Redis, as the programs of this folder use it.
#pragma once

#include "kernel/api/kernel.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace larder::bench {

inline larder_bytes bytes(std::string_view t) { return {t.data(), t.size()}; }
inline const std::string value(100, 'v');

// A kernel with tests/bench/shared/shared.larder over one Redis, when pushes are told to it.
class Node {
  public:
    explicit Node(int port) {
        config::LoadedConfig conf = config::parse_host_config("bench.toml",
            "policy = [\"" LARDER_SOURCE_DIR "/tests/bench/shared/shared.larder\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR "/plugins\"]\ntrust_path = true\n"
            "[store.l1]\nplugin = \"memory\"\ncapacity = \"256MiB\"\n[store.redis]\nplugin = \"redis\"\nurl = \"redis://127.0.0.1:" + std::to_string(port) +
            "\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n");
        KernelOptions options;
        options.config = std::move(conf.config);
        std::string problem;
        kernel_ = Kernel::open(std::move(options), problem);
        if (kernel_ == nullptr || !kernel_->start(problem)) {
            std::fprintf(stderr, "%s\n", problem.c_str());
            std::exit(1);
        }
        // Until pushes are told.
        for (int i = 0; i < 400 && kernel_->cache().stats_json("tiers").find("\"trusted\":true") == std::string::npos; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    Cache& cache() { return kernel_->cache(); }
    std::uint32_t ns(const char* name) {
        std::uint32_t number = 0;
        cache().ns_find(name, &number);
        return number;
    }
    bool get(std::uint32_t space, const std::string& key) {
        larder_cache_get item{};
        item.ns = space;
        item.key = bytes(key);
        cache().get_many(&item, 1, nullptr);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return item.status == LARDER_OK;
    }
    void set(std::uint32_t space, const std::string& key) {
        larder_cache_set item{};
        item.ns = space;
        item.key = bytes(key);
        item.value = bytes(value);
        cache().set_many(&item, 1, nullptr);
    }
    void drop(std::uint32_t kind, std::uint32_t space, const std::string& what) {
        const larder_target target{kind, space, bytes(what)};
        cache().change(LARDER_DROP, &target, 1, nullptr, nullptr);
    }
    // An answered request: its rules fire.
    void post(const std::string& path) {
        larder_request request{};
        request.struct_size = sizeof request;
        request.status = 200;
        request.method = bytes("POST");
        request.path = bytes(path);
        cache().request(request, nullptr, nullptr);
    }
    // Sets that wait for nothing but each other.
    void fill(std::uint32_t space, std::size_t count, const char* prefix) {
        constexpr std::size_t at_once = 256;
        for (std::size_t from = 0; from < count; from += at_once) {
            const std::size_t n = std::min(at_once, count - from);
            std::vector<std::string> keys(n);
            std::vector<larder_cache_set> items(n);
            for (std::size_t i = 0; i < n; ++i) {
                keys[i] = prefix + std::to_string(from + i);
                items[i].ns = space;
                items[i].key = bytes(keys[i]);
                items[i].value = bytes(value);
            }
            cache().set_many(items.data(), n, nullptr);
        }
    }

  private:
    std::unique_ptr<Kernel> kernel_;
};

}  // namespace larder::bench
