// kernel/api/families.hpp -- the figures as families of metrics: what exporters are given to render.
//
// Names, kinds and labels are those of docs/operating.md. Label values come from the policy and from
// larder.toml (namespaces, tiers, rules by file and line), never from keys, so their number is bounded by
// what people wrote; a namespace's tags and captures are no labels. Everything is built when somebody
// asks: between two scrapes it costs nothing.
#pragma once

#include "kernel/api/alerts.hpp"
#include "kernel/api/metrics.hpp"
#include "kernel/api/sessions.hpp"
#include "kernel/core/figures.hpp"

#include <larder/plugin/exporter.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::api {

// What the families are made of.
struct Exported {
    const Figures& figures;
    const Metrics& plugins;
    const std::map<std::pair<std::string, unsigned>, std::uint64_t>& admin_requests;
    const std::vector<AlertState>& alerts;
    struct Instance {
        std::string title, plugin, version;
        int health = 0;  // LARDER_HEALTH_*
        std::uint64_t sins = 0;
    };
    const std::vector<Instance>& instances;
    std::uint64_t policy_generation = 0, reload_failures = 0, log_lines_lost = 0;
    double uptime_s = 0;
    // By store: seconds until it is full, where that can be told.
    const std::vector<std::pair<std::string, double>>& full_in_s;
    std::uint64_t policy_applies = 0, policy_returns = 0, policy_refusals = 0;
    const std::vector<SessionState>& sessions;
};

// Owns its texts and numbers; view() is valid as long as it lives.
class Families {
  public:
    explicit Families(const Exported& from);
    ~Families();
    Families(const Families&) = delete;
    Families& operator=(const Families&) = delete;
    const std::vector<const larder_family*>& view() const { return view_; }

  private:
    struct Sample {
        std::vector<std::pair<std::string, std::string>> labels;
        double value = 0;
        std::uint64_t count = 0;
        std::vector<double> le;
        std::vector<std::uint64_t> count_le;
        std::vector<larder_pair> pairs;  // views of labels
    };
    struct Family {
        std::string name, help, unit;
        std::int32_t kind = LARDER_METRIC_COUNTER;
        std::deque<Sample> samples;
        std::vector<larder_sample> views;
        larder_family view{};
    };
    using Labels = std::vector<std::pair<std::string, std::string>>;

    Family& family(std::int32_t kind, std::string name, std::string help);
    static void add(Family& to, Labels labels, double value);
    static void add(Family& to, Labels labels, const DurationFigures& durations);
    void namespaces(const Figures& figures);
    void stores(const Figures& figures);
    void sources(const Figures& figures);
    void changes(const Figures& figures);
    void kernel(const Exported& from);
    void sessions(const std::vector<SessionState>& all);
    void plugin_metrics(const Metrics& metrics);
    void process();
    void finish();

    std::deque<Family> families_;
    std::vector<const larder_family*> view_;
};

}  // namespace larder::api
