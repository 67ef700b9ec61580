// tests/bench/eviction/generated.cpp -- the generated families of traces.
//
// Every family stands for a way in which single policies lose: zipf (frequency), loop (recency is
// the worst guess), replay (a list of draws again and again, as benchmarks do: both), scan
// (one-time objects wash out the others), shift (old frequencies are wrong), recent (only recency
// is right), mixed and phases (now one, now the other).
#include "tests/bench/eviction/trace.hpp"
#include "tests/bench/zipf.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

namespace larder::bench {

namespace {

using Random = std::mt19937_64;

// Gives objects numbers in the order of their first request, as files have them.
class Writer {
  public:
    explicit Writer(std::uint64_t names) : number_(names, unnamed) {}
    void ask(std::uint64_t name) {
        if (number_[name] == unnamed) {
            number_[name] = static_cast<std::uint32_t>(trace_.objects++);
        }
        trace_.requests.push_back({number_[name], 1});
    }
    std::size_t asked() const { return trace_.requests.size(); }
    Trace take(std::string name) {
        trace_.name = std::move(name);
        trace_.bytes = trace_.objects;
        return std::move(trace_);
    }

  private:
    static constexpr std::uint32_t unnamed = 0xffffffff;
    std::vector<std::uint32_t> number_;
    Trace trace_;
};

// What a variant changes: everything that has a size or a shape, by up to a factor of two.
struct Shape {
    Random random;
    double factor;
    explicit Shape(std::uint64_t variant)
        : random(0x9e3779b97f4a7c15u * (variant + 1)),
          factor(variant == 0 ? 1 : std::exp2(std::uniform_real_distribution<>(-1, 1)(random))) {}
    std::uint64_t size(double base) {
        return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(base * factor));
    }
};

Trace zipf_of(Shape shape, std::uint64_t n, double skew, std::uint64_t requests) {
    const Zipf zipf(n, skew);
    Writer writer(n);
    while (writer.asked() < requests) {
        writer.ask(zipf(shape.random));
    }
    return writer.take("");
}

Trace replay(Shape shape) {
    const std::uint64_t n = shape.size(100'000);
    const Zipf zipf(n, 0.99);
    std::vector<std::uint64_t> draws(n);
    for (std::uint64_t& draw : draws) {
        draw = zipf(shape.random);
    }
    Writer writer(n);
    for (unsigned round = 0; round < 10; ++round) {
        for (const std::uint64_t draw : draws) {
            writer.ask(draw);
        }
    }
    return writer.take("");
}

Trace loop(Shape shape) {
    const std::uint64_t n = shape.size(10'000);
    Writer writer(n);
    for (std::uint64_t i = 0; i < 40 * n; ++i) {
        writer.ask(i % n);
    }
    return writer.take("");
}

// A stretch of objects asked once each, three times the length of the stretch between scans.
Trace scan(Shape shape) {
    const std::uint64_t n = shape.size(50'000), requests = 1'500'000;
    const Zipf zipf(n, 0.9);
    Writer writer(n + requests);
    std::uint64_t fresh = n;
    while (writer.asked() < requests) {
        for (std::uint64_t i = 0; i < n; ++i) {
            writer.ask(zipf(shape.random));
        }
        for (std::uint64_t i = 0; i < n / 3; ++i) {
            writer.ask(fresh++);
        }
    }
    return writer.take("");
}

// Zipf over a working set of which a twentieth is exchanged every so often.
Trace shift(Shape shape) {
    const std::uint64_t n = shape.size(20'000), requests = 1'500'000;
    const Zipf zipf(n, 0.9);
    std::vector<std::uint64_t> names(n);
    std::uint64_t fresh = 0;
    for (std::uint64_t& name : names) {
        name = fresh++;
    }
    std::shuffle(names.begin(), names.end(), shape.random);
    Writer writer(n + requests);
    while (writer.asked() < requests) {
        writer.ask(names[zipf(shape.random)]);
        if (writer.asked() % n == 0) {
            for (std::uint64_t i = 0; i < n / 20; ++i) {
                names[shape.random() % n] = fresh++;
            }
        }
    }
    return writer.take("");
}

// What comes next was mostly asked a short while ago: stack distances of a power law.
Trace recent(Shape shape) {
    const std::uint64_t n = shape.size(30'000), requests = 600'000;
    std::vector<std::uint64_t> history;
    Writer writer(n + requests);
    std::uint64_t fresh = 0;
    std::uniform_real_distribution<> uniform;
    while (writer.asked() < requests) {
        const double u = uniform(shape.random);
        const auto back =
            static_cast<std::uint64_t>(std::exp(u * std::log(static_cast<double>(n))));
        const bool is_new = history.size() <= back || uniform(shape.random) < 0.1;
        const std::uint64_t name = is_new ? fresh++ : history[history.size() - back];
        history.push_back(name);
        writer.ask(name);
    }
    return writer.take("");
}

// Zipf, a loop and one-time objects at the same time.
Trace mixed(Shape shape) {
    const std::uint64_t n = shape.size(50'000), round = shape.size(20'000), requests = 1'500'000;
    const Zipf zipf(n, 0.8);
    Writer writer(n + round + requests);
    std::uint64_t at = 0, fresh = n + round;
    while (writer.asked() < requests) {
        switch (shape.random() % 4) {
            case 0:
                writer.ask(n + at++ % round);
                break;
            case 1:
                writer.ask(fresh++);
                break;
            default:
                writer.ask(zipf(shape.random));
                break;
        }
    }
    return writer.take("");
}

// Long stretches of zipf, of a loop and of recency, one after the other.
Trace phases(Shape shape) {
    const std::uint64_t n = shape.size(20'000), round = shape.size(8'000);
    const Zipf zipf(n, 0.9);
    Writer writer(n + round + 2'000'000);
    std::uint64_t fresh = n + round;
    std::vector<std::uint64_t> history;
    for (unsigned phase = 0; phase < 9; ++phase) {
        for (std::uint64_t i = 0; i < 150'000; ++i) {
            if (phase % 3 == 0) {
                writer.ask(zipf(shape.random));
            } else if (phase % 3 == 1) {
                writer.ask(n + i % round);
            } else {
                const std::uint64_t back = 1 + shape.random() % (round / 2);
                const bool is_new = history.size() <= back || shape.random() % 8 == 0;
                history.push_back(is_new ? fresh++ : history[history.size() - back]);
                writer.ask(history.back());
            }
        }
    }
    return writer.take("");
}

using Family = std::function<Trace(Shape)>;
const std::map<std::string, Family>& families() {
    static const std::map<std::string, Family> all = {
        {"zipf_1m", [](Shape s) { return zipf_of(s, 1'000'000, 0.99, 8'000'000); }},
        {"zipf_flat", [](Shape s) { return zipf_of(s, s.size(100'000), 0.7, 2'000'000); }},
        {"zipf_steep", [](Shape s) { return zipf_of(s, s.size(100'000), 1.2, 1'000'000); }},
        {"loop", loop},
        {"replay", replay},
        {"scan", scan},
        {"shift", shift},
        {"recent", recent},
        {"mixed", mixed},
        {"phases", phases}};
    return all;
}

}  // namespace

std::vector<std::string> generated_names() {
    std::vector<std::string> names;
    for (const auto& [name, family] : families()) {
        names.push_back(name);
    }
    return names;
}

Trace generate(const std::string& name, std::uint64_t variant) {
    const auto family = families().find(name);
    if (family == families().end()) {
        std::fprintf(stderr, "%s: neither a generated trace nor a file\n", name.c_str());
        std::exit(2);
    }
    Trace trace = family->second(Shape(variant));
    trace.name = variant == 0 ? name : name + "/" + std::to_string(variant);
    return trace;
}

}  // namespace larder::bench
