// plugins/gateway_http/thread_metrics.hpp -- a thread's counters, folded into the kernel's metrics now and then.
#pragma once
#include "counters.hpp"

#include <larder/plugin/host.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace larder::http {

// On its thread, but for open().
class ThreadMetrics {
  public:
    // [control]
    void open(plugin::Host host) {
        const auto add = [&](Count Counters::* count, const char* name, const char* help, const char* labels = "") {
            metrics_.push_back({count, host.counter(name, help, labels), 0});
        };
        constexpr const char* requests = "Requests by what became of them.";
        add(&Counters::hits, "requests_total", requests, "result=hit");
        add(&Counters::stale, "requests_total", requests, "result=stale");
        add(&Counters::misses, "requests_total", requests, "result=miss");
        add(&Counters::passes, "requests_total", requests, "result=pass");
        add(&Counters::refused, "requests_total", requests, "result=refused");
        constexpr const char* answers = "Answers of the application to requests that a rule serves.";
        add(&Counters::stored, "answers_total", answers, "result=stored");
        add(&Counters::not_stored, "answers_total", answers, "result=not_stored");
        add(&Counters::fenced, "answers_total", answers, "result=fenced");
        add(&Counters::collapsed, "collapsed_total", "Requests answered by what another one brought.");
        add(&Counters::upstream_errors, "upstream_errors_total", "Requests that the application did not answer well.");
        add(&Counters::retries, "retries_total", "Requests sent again on a new connection.");
        add(&Counters::timeouts, "timeouts_total", "Connections and requests that took too long.");
        add(&Counters::aborted, "aborted_total", "Answers cut short.");
        add(&Counters::purges, "purges_total", "PURGE requests carried out.");
        add(&Counters::denied, "denied_total", "PURGE requests refused.");
        add(&Counters::rules, "rules_total", "Rules that requests fired.");
        add(&Counters::tunnels, "tunnels_total", "Connections upgraded.");
        add(&Counters::connections_total, "connections_total", "Connections accepted.");
        add(&Counters::connections_refused, "connections_refused_total", "Connections beyond max_connections.");
        add(&Counters::bytes_in, "bytes_total", "Bytes of clients.", "direction=in");
        add(&Counters::bytes_out, "bytes_total", "Bytes of clients.", "direction=out");
    }
    void fold(const Counters& counters) noexcept {
        for (One& one : metrics_) {
            const std::uint64_t now = (counters.*one.count).get();
            if (now != one.told) one.metric.add(static_cast<double>(now - one.told));
            one.told = now;
        }
    }

  private:
    struct One {
        Count Counters::* count;
        plugin::Metric metric;
        std::uint64_t told;
    };
    std::vector<One> metrics_;
};

}  // namespace larder::http
