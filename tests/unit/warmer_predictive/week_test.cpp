// tests/unit/warmer_predictive/week_test.cpp -- two synthetic weeks of a shop: one to learn from, one to be judged by.
//
// The real cache and the real warming on virtual time, fed with seeded visits of keys whose pattern is known: daily
// ones, periodic ones, constant ones, bursts, and keys that are asked for once. The same visits with and without
// prediction; the table that is printed compares them. With LARDER_WEEK_SVG set, the hit ratio of each hour of the
// second week is drawn into that file (docs/warming.svg). LARDER_WEEK_SEED plays other weeks than the one of every run.
#include "kernel/core/access_samples.hpp"
#include "plugins/warmer_predictive/patterns.hpp"
#include "tests/catch.hpp"
#include "tests/unit/warming/warm_rig.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

using namespace larder;
using namespace larder::test;
using namespace larder::warmer_predictive;

namespace {

constexpr std::uint64_t minute = 60'000, hour = 60 * minute, day = 24 * hour, week = 7 * day;
constexpr std::uint64_t monday = 1'700'438'400'000;  // 2023-11-20T00:00:00Z
constexpr double load_ms = 50, hit_ms = 0.1;

const char* const policy = R"(larder 1
namespace shop { key "{id}"; ttl 10m; source db }
warm shop { learn 7d at least 10 hits priority 5; every 30m; at most 20 at once })";

struct Visit {
    std::uint64_t at_ms = 0;
    std::uint32_t key = 0;
    bool operator<(const Visit& other) const { return at_ms != other.at_ms ? at_ms < other.at_ms : key < other.key; }
};

struct Traffic {
    std::vector<std::string> keys;
    std::vector<AccessType> labels;
    std::vector<bool> labelled;
    std::vector<Visit> visits;  // in order

    double chance(SeededRandom& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }
    std::uint64_t wait(SeededRandom& random, double mean_ms) { return static_cast<std::uint64_t>(-std::log(1 - chance(random)) * mean_ms) + 1; }
    std::uint32_t key(const std::string& name, AccessType label, bool is_labelled = true) {
        keys.push_back(name);
        labels.push_back(label);
        labelled.push_back(is_labelled);
        return static_cast<std::uint32_t>(keys.size() - 1);
    }

    explicit Traffic(std::uint64_t seed) {
        SeededRandom random(seed);
        const std::uint64_t end = monday + 2 * week;
        for (int i = 0; i < 60; ++i) {  // opened each morning or evening, looked at for about an hour
            const std::uint32_t k = key("daily:" + std::to_string(i), AccessType::daily);
            const double begins = (i % 2 == 0 ? 8.0 : 17.0) + 2 * chance(random);
            for (std::uint64_t d = monday; d < end; d += day) {
                std::uint64_t at = d + static_cast<std::uint64_t>((begins + (chance(random) - 0.5) / 15) * static_cast<double>(hour));
                const std::uint64_t over = at + static_cast<std::uint64_t>((0.8 + 0.4 * chance(random)) * static_cast<double>(hour));
                for (; at < over; at += wait(random, 2.5 * static_cast<double>(minute))) visits.push_back({at, k});
            }
        }
        for (int i = 0; i < 60; ++i) {  // a job that comes every so often
            const std::uint32_t k = key("periodic:" + std::to_string(i), AccessType::periodic);
            const double period = (40 + 140 * chance(random)) * static_cast<double>(minute);
            for (double at = static_cast<double>(monday) + period * chance(random); at < static_cast<double>(end); at += period)
                visits.push_back({static_cast<std::uint64_t>(at + (chance(random) - 0.5) * 2 * static_cast<double>(minute)), k});
        }
        for (int i = 0; i < 20; ++i) {
            const std::uint32_t k = key("constant:" + std::to_string(i), AccessType::constant);
            for (std::uint64_t at = monday; at < end; at += wait(random, 3.0 * static_cast<double>(minute))) visits.push_back({at, k});
        }
        for (int i = 0; i < 30; ++i) {  // an hour or two of one day
            const std::uint32_t k = key("burst:" + std::to_string(i), AccessType::burst);
            std::uint64_t at = monday + 2 * day + static_cast<std::uint64_t>(chance(random) * 4.5 * static_cast<double>(day));
            const std::uint64_t over = at + 2 * hour;
            for (; at < over; at += wait(random, 0.5 * static_cast<double>(minute))) visits.push_back({at, k});
        }
        for (int i = 0; i < 5'000; ++i) {
            const std::uint32_t k = key("once:" + std::to_string(i), AccessType::irregular, false);
            visits.push_back({monday + static_cast<std::uint64_t>(chance(random) * 2 * static_cast<double>(week)), k});
        }
        std::sort(visits.begin(), visits.end());
        visits.erase(std::remove_if(visits.begin(), visits.end(), [&](const Visit& visit) { return visit.at_ms >= end; }), visits.end());
    }
};

struct Outcome {
    std::uint64_t reads = 0, hits = 0, peak_reads = 0, peak_hits = 0;
    std::uint64_t expected = 0, expected_there = 0;   // visits of predictable keys that a preload could serve, and were there
    std::uint64_t made = 0, used = 0, loads = 0;
    double foreseen_ms = 0;                           // of accesses to keys that prediction names
    std::uint64_t foreseen = 0;
    double right = 0;
    std::array<std::uint64_t, 168> hour_reads{}, hour_hits{};
    std::size_t patterns_of_once = 0;
    Score score;
};

bool is_peak(std::uint64_t at_ms) {
    const std::uint64_t h = at_ms % day / hour;
    return (h >= 8 && h < 11) || (h >= 17 && h < 20);
}

Outcome play(const Traffic& traffic, bool predicts) {
    Outcome out;
    WarmRig rig(policy, {}, {}, MapStore::default_caps & ~std::uint64_t{LARDER_STORE_CAP_SCAN});
    rig.clock.set_wall_ms(monday);
    Patterns patterns(std::size_t{32} << 20);
    const auto tell = [&] {
        const AccessSamples::Batch told = rig.cache->accesses().take();
        for (const AccessSamples::Access& access : told.accesses) {
            const std::string_view key = told.key_of(access);
            if (access.what == LARDER_ACCESS_PRELOADED) patterns.made("shop", key);
            else if (access.weight != 0) {
                if (access.what == LARDER_ACCESS_FIRST_HIT) patterns.used("shop", key);
                patterns.add({access.at_ms, "shop", key, access.weight, static_cast<std::uint32_t>(load_ms * 1000), 1});
            }
        }
    };
    Rules rules;
    rules.ttl_min = 10;
    rules.min_priority = 5;
    rig.foresee = [&](std::uint32_t, const dsl::Warm&, std::size_t most) {
        std::vector<Warming::Foreseen> list;
        if (!predicts || rig.clock.wall_ms() < monday + 3 * day) return list;
        tell();
        for (const PlannedKey& one : patterns.plan("shop", rig.clock.wall_ms(), rules, most)) list.push_back({std::string(one.key), one.due_ms, one.priority});
        return list;
    };
    rig.install(policy);  // the schedule of this clock
    rig.cache->accesses().listen(true);
    std::vector<std::uint64_t> last(traffic.keys.size(), 0);
    Score before;
    bool second = false;
    for (const Visit& visit : traffic.visits) {
        if (visit.at_ms > rig.clock.wall_ms()) rig.executor.advance(Ms(static_cast<std::int64_t>(visit.at_ms - rig.clock.wall_ms())));
        if (!second && visit.at_ms >= monday + week) {
            second = true;
            tell();
            before = patterns.score();
            // What was learnt, against what is known.
            std::size_t good = 0, all = 0;
            std::set<std::string> found;
            for (const Pattern& one : patterns.list("shop", visit.at_ms, rules, 0)) {
                const auto at = std::find(traffic.keys.begin(), traffic.keys.end(), one.key);
                const auto i = static_cast<std::size_t>(at - traffic.keys.begin());
                if (!traffic.labelled[i]) {
                    ++out.patterns_of_once;
                    continue;
                }
                found.insert(std::string(one.key));
                if (one.verdict.type == traffic.labels[i]) ++good;
                else if (std::getenv("LARDER_WEEK_WRONG") != nullptr) std::printf("%s taken for %s, %u accesses\n", traffic.keys[i].c_str(), std::string(word_of(one.verdict.type)).c_str(), one.accesses);
            }
            for (const bool labelled : traffic.labelled) all += labelled ? 1 : 0;
            out.right = static_cast<double>(good) / static_cast<double>(all);
        }
        const std::string& key = traffic.keys[visit.key];
        const bool hit = rig.has("shop", key);
        rig.get("shop", key);
        if (second) {
            const AccessType label = traffic.labels[visit.key];
            const bool predictable = traffic.labelled[visit.key] && (label == AccessType::daily || label == AccessType::periodic);
            ++out.reads;
            out.hits += hit ? 1 : 0;
            const std::size_t h = (visit.at_ms - monday - week) / hour % 168;
            ++out.hour_reads[h];
            out.hour_hits[h] += hit ? 1 : 0;
            if (is_peak(visit.at_ms)) {
                ++out.peak_reads;
                out.peak_hits += hit ? 1 : 0;
            }
            if (traffic.labelled[visit.key] && label != AccessType::burst) {
                ++out.foreseen;
                out.foreseen_ms += hit ? hit_ms : load_ms;
            }
            // Without a preload the entry of its last visit would be gone.
            if (predictable && visit.at_ms > last[visit.key] + 10 * minute) {
                ++out.expected;
                out.expected_there += hit ? 1 : 0;
            }
        }
        last[visit.key] = visit.at_ms;
        if (rig.cache->accesses().on() && visit.key % 16 == 0) tell();
    }
    tell();
    if (std::getenv("LARDER_WEEK_WRONG") != nullptr) {
        int shown = 0;
        for (const Pattern& one : patterns.list("shop", rig.clock.wall_ms(), rules, 0))
            if (shown++ % 12 == 0)
                std::printf("%s: %s of %u min, spread %.1f, priority %u, %u accesses, %u made, %u used\n", std::string(one.key).c_str(), std::string(word_of(one.verdict.type)).c_str(),
                            one.verdict.period_min, one.verdict.spread_min, one.priority, one.accesses, one.made, one.used);
        std::size_t i = 0;
        for (const WarmRun& run : rig.warming->runs())
            if (i++ < 6) std::printf("%s\n", warm_text({run}).c_str());
    }
    out.score = patterns.score();
    out.made = out.score.made - before.made;
    out.used = out.score.used - before.used;
    out.loads = rig.asked.size();
    return out;
}

double percent(std::uint64_t part, std::uint64_t whole) { return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole); }

// The hit ratio of each hour of the week, without and with.
void draw(const char* file, const Outcome& without, const Outcome& with) {
    std::ofstream svg(file);
    constexpr double width = 840, height = 260, left = 50, top = 34, right = 12, bottom = 40;
    const auto x = [&](std::size_t h) { return left + (width - left - right) * static_cast<double>(h) / 168; };
    const auto y = [&](double share) { return top + (height - top - bottom) * (1 - share); };
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 260\" font-family=\"sans-serif\" font-size=\"11\" role=\"img\">\n"
           "<title>Hit ratio of each hour of a week, with and without prediction</title>\n"
           "<rect width=\"840\" height=\"260\" fill=\"#ffffff\"/>\n"
           "<text x=\"50\" y=\"18\" fill=\"#222\">Hit ratio by hour, second synthetic week</text>\n"
           "<text x=\"560\" y=\"18\" fill=\"#b3541e\">without prediction</text><text x=\"700\" y=\"18\" fill=\"#1f6f8b\">with prediction</text>\n";
    for (int p = 0; p <= 100; p += 25)
        svg << "<line x1=\"50\" x2=\"828\" y1=\"" << y(p / 100.0) << "\" y2=\"" << y(p / 100.0) << "\" stroke=\"#ddd\"/><text x=\"44\" y=\"" << y(p / 100.0) + 4
            << "\" text-anchor=\"end\" fill=\"#555\">" << p << "%</text>\n";
    static constexpr std::array<const char*, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    for (std::size_t d = 0; d < 7; ++d) svg << "<text x=\"" << x(d * 24 + 12) << "\" y=\"" << height - 18 << "\" text-anchor=\"middle\" fill=\"#555\">" << days[d] << "</text>\n";
    for (const auto& [outcome, colour] : {std::pair{&without, "#b3541e"}, std::pair{&with, "#1f6f8b"}}) {
        svg << "<polyline fill=\"none\" stroke=\"" << colour << "\" stroke-width=\"1.5\" points=\"";
        for (std::size_t h = 0; h < 168; ++h)
            svg << x(h) << "," << y(percent(outcome->hour_hits[h], outcome->hour_reads[h]) / 100) << " ";
        svg << "\"/>\n";
    }
    svg << "</svg>\n";
}

}  // namespace

TEST_CASE("a synthetic week: what is foreseen is there before it is asked for") {
    const char* const other = std::getenv("LARDER_WEEK_SEED");
    const Traffic traffic(other == nullptr ? 20'231'120 : std::strtoull(other, nullptr, 10));
    const Outcome without = play(traffic, false), with = play(traffic, true);
    const double before = percent(without.peak_hits, without.peak_reads), after = percent(with.peak_hits, with.peak_reads);
    const double slow = without.foreseen_ms / static_cast<double>(without.foreseen), fast = with.foreseen_ms / static_cast<double>(with.foreseen);
    std::printf("two synthetic weeks of %zu visits to %zu keys; the second one without and with prediction\n", traffic.visits.size(), traffic.keys.size());
    std::printf("  hit ratio                         %6.1f %%  %6.1f %%\n", percent(without.hits, without.reads), percent(with.hits, with.reads));
    std::printf("  hit ratio at peak                 %6.1f %%  %6.1f %%   (wanted: 15 points more)\n", before, after);
    std::printf("  latency of foreseen keys, mean    %6.2f ms %6.2f ms  (wanted: 35 %% less; a load is %.0f ms, a hit %.1f ms)\n", slow, fast, load_ms, hit_ms);
    std::printf("  predictable uses found there      %6.1f %%  %6.1f %%   (wanted: 92 %%)\n", percent(without.expected_there, without.expected), percent(with.expected_there, with.expected));
    std::printf("  preloads made, never used                   %6llu, %.1f %%   (wanted: at most 10 %%)\n", static_cast<unsigned long long>(with.made), percent(with.made - with.used, with.made));
    std::printf("  labelled keys classified right              %6.1f %%   (wanted: 95 %%)\n", 100 * with.right);
    std::printf("  loads of the origin               %6llu    %6llu\n", static_cast<unsigned long long>(without.loads), static_cast<unsigned long long>(with.loads));
    if (const char* const file = std::getenv("LARDER_WEEK_SVG")) draw(file, without, with);
    CHECK(percent(with.expected_there, with.expected) >= 92);
    CHECK(after - before >= 15);
    CHECK(percent(with.made - with.used, with.made) <= 10);
    CHECK(fast <= 0.65 * slow);
    CHECK(with.right >= 0.95);
    CHECK(with.patterns_of_once == 0);
}
