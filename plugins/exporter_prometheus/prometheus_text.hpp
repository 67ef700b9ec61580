// plugins/exporter_prometheus/prometheus_text.hpp -- the component "prometheus": metrics in Prometheus'
// text format.
//
// It listens to nothing and keeps nothing: the kernel serves /metrics, gathers what there is to tell, and
// asks for text. Escaping and the format are prometheus-cpp's.
#pragma once

#include <larder/plugin/exporter.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::exporter_prometheus {

// Safe for any number of threads: nothing changes after the constructor.
class PrometheusText {
  public:
    static constexpr const char* name = "prometheus";
    static constexpr std::uint64_t caps = LARDER_EXP_CAP_PULL;

    PrometheusText(plugin::Host host, const plugin::Config& config);
    larder_status render(std::string_view accept, plugin::Families families, plugin::TextSink out,
                         const char*& content_type) const;

  private:
    // With which label every sample begins: which of several kernels this is.
    const std::vector<std::pair<std::string, std::string>> labels_;
    // Families whose names begin with one of these are left out.
    const std::vector<std::string> leave_out_;
};

}  // namespace larder::exporter_prometheus
