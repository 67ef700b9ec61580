// kernel/kit/timing.cpp -- what one call of a store or a compressor takes, through the kernel's guard.
//
// The best of many short batches: what else the machine does makes a batch longer, never shorter. Wall time, as a store may
// wait for a server. One thread, 1,024 keys of 12 bytes and values of 128 bytes for a store, 4 KiB of JSON for a compressor.
#include "kernel/kit/kit_run.hpp"
#include "kernel/kit/subject.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

namespace larder::kit {
namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;
constexpr std::chrono::milliseconds for_one{300}, for_batch{2};

// Nanoseconds of one call of work(n), n counting up.
template <class Work>
double best_of(Work&& work) {
    using clock = std::chrono::steady_clock;
    std::uint64_t calls = 0, batch = 1;
    double best = std::numeric_limits<double>::max();
    for (const auto end = clock::now() + for_one; clock::now() < end;) {
        const auto began = clock::now();
        for (std::uint64_t n = 0; n < batch; ++n) work(calls++);
        const Nanoseconds took = clock::now() - began;
        // The first batches only find out how many calls make one.
        if (took < for_batch) batch *= 2;
        else best = std::min(best, took.count() / static_cast<double>(batch));
    }
    return best;
}

class Shelf {
  public:
    explicit Shelf(Subject& subject) : subject_(subject), store_(subject.started()), table_(store_->table<larder_store_v1>()) {
        for (std::uint64_t n = 0; n < count; ++n) texts_.push_back("item:" + std::to_string(1'000'000 + n));
        for (std::uint64_t n = 0; n < count; ++n) require(put(n) == LARDER_OK, "put fails");
    }

    std::vector<Timing> timings() {
        std::vector<Timing> out;
        out.push_back({"get, hit", best_of([&](std::uint64_t n) { expect(get(n, 7), LARDER_OK); })});
        out.push_back({"get, miss", best_of([&](std::uint64_t n) { expect(get(n, 8), LARDER_MISS); })});
        if (visit(0) != LARDER_E_UNSUPPORTED) out.push_back({"visit, hit", best_of([&](std::uint64_t n) { expect(visit(n), LARDER_OK); })});
        out.push_back({"put, replacing", best_of([&](std::uint64_t n) { expect(put(n), LARDER_OK); })});
        out.push_back({"remove and put", best_of([&](std::uint64_t n) {
                           const larder_key key = key_of(n, 7);
                           expect(table_.remove(store_->self(), &key, 0, &call_), LARDER_OK);
                           expect(put(n), LARDER_OK);
                       })});
        subject_.no_sins(*store_);
        return out;
    }

  private:
    static constexpr std::uint64_t count = 1024;

    static void expect(larder_status status, larder_status expected) {
        if (status != expected) [[unlikely]] violate("a call answers " + status_text(status) + " instead of " + status_text(expected));
    }
    larder_key key_of(std::uint64_t n, std::uint32_t ns) const {
        const std::string& text = texts_[n % count];
        return {text.data(), static_cast<std::uint32_t>(text.size()), ns, (n % count + ns) * 0x9E3779B97F4A7C15ULL};
    }
    larder_status get(std::uint64_t n, std::uint32_t ns) {
        const larder_key key = key_of(n, ns);
        plugin::Value value;
        return table_.get(store_->self(), &key, &call_, value.out());
    }
    larder_status visit(std::uint64_t n) {
        const larder_key key = key_of(n, 7);
        return table_.visit(store_->self(), &key, &call_, [](void*, larder_bytes) noexcept {}, nullptr);
    }
    larder_status put(std::uint64_t n) {
        const larder_key key = key_of(n, 7);
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = {value_.data(), value_.size()};
        put.version = n + 1;
        return table_.put(store_->self(), &key, &put, &call_);
    }

    Subject& subject_;
    std::shared_ptr<loader::PluginInstance> store_;
    const larder_store_v1& table_;
    std::vector<std::string> texts_;
    const std::string value_ = std::string(128, 'v');
    // Longer than all of this takes.
    const larder_call call_ = subject_.call(Ms(600'000));
};

std::vector<Timing> time_compressor(Subject& subject) {
    const auto codec = subject.started();
    const auto& table = codec->table<larder_compressor_v1>();
    std::string value;
    while (value.size() < 4096) value += R"({"id":)" + std::to_string(1000 + subject.roll(9000)) + R"(,"kind":"dish","name":"soup","tags":["green","hot"]},)";
    value.resize(4096);
    std::string packed(table.bound(codec->self(), value.size()), '\0'), back(value.size(), '\0');
    std::size_t size = packed.size();
    require(table.compress(codec->self(), {value.data(), value.size()}, packed.data(), &size) == LARDER_OK, "compress fails");
    std::vector<Timing> out;
    out.push_back({"compress 4 KiB", best_of([&](std::uint64_t) {
                       std::size_t room = packed.size();
                       table.compress(codec->self(), {value.data(), value.size()}, packed.data(), &room);
                   })});
    out.push_back({"decompress 4 KiB", best_of([&](std::uint64_t) {
                       std::size_t room = back.size();
                       table.decompress(codec->self(), {packed.data(), size}, back.data(), &room);
                   })});
    require(back == value, "a value comes back as another one");
    subject.no_sins(*codec);
    return out;
}

}  // namespace

int time_one(const RunOptions& options) {
    std::string problem, told;
    const auto manifest = loader::read_manifest(options.plugin, problem);
    if (!manifest) return 2;
    bool good = true;
    try {
        for (const auto& component : manifest->components) {
            if (component.name != options.component) continue;
            Subject subject(options.plugin, *manifest, component.name, given_options(component, options.options), options.seed);
            const auto timings = component.kind == loader::Kind::store ? Shelf(subject).timings() : time_compressor(subject);
            for (const Timing& one : timings) told += one.what + '\t' + std::to_string(one.ns) + '\n';
            subject.host().end_threads();
            break;
        }
    } catch (const Violation& violation) {
        told = "failed " + violation.text;
        good = false;
    } catch (const Skipped& skipped) {
        told = "failed " + skipped.why;
        good = false;
    }
    return ::write(3, told.data(), told.size()) == static_cast<ssize_t>(told.size()) && good ? 0 : 2;
}

}  // namespace larder::kit
