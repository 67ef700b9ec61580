// plugins/exporter_prometheus/prometheus_text.cpp -- families of the kernel as families of prometheus-cpp.
#include "prometheus_text.hpp"

#include <prometheus/check_names.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace larder::exporter_prometheus {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

std::string text(larder_bytes bytes) {
    return std::string(static_cast<const char*>(bytes.data), bytes.size);
}

prometheus::MetricType type_of(std::int32_t kind) {
    switch (kind) {
        case LARDER_METRIC_COUNTER: return prometheus::MetricType::Counter;
        case LARDER_METRIC_GAUGE: return prometheus::MetricType::Gauge;
        case LARDER_METRIC_HISTOGRAM: return prometheus::MetricType::Histogram;
        default: return prometheus::MetricType::Untyped;
    }
}

prometheus::ClientMetric metric_of(const larder_family& family, const larder_sample& sample,
                                   const Labels& more) {
    prometheus::ClientMetric out;
    for (const auto& [name, value] : more) {
        out.label.push_back({name, value});
    }
    for (std::uint32_t i = 0; i < sample.label_count; ++i) {
        out.label.push_back({text(sample.labels[i].name), text(sample.labels[i].value)});
    }
    switch (family.kind) {
        case LARDER_METRIC_COUNTER: out.counter.value = sample.value; break;
        case LARDER_METRIC_GAUGE: out.gauge.value = sample.value; break;
        case LARDER_METRIC_HISTOGRAM:
            out.histogram.sample_count = sample.count;
            out.histogram.sample_sum = sample.value;
            for (std::uint32_t i = 0; i < sample.bucket_count; ++i) {
                prometheus::ClientMetric::Bucket bucket;
                bucket.cumulative_count = sample.bucket_count_le[i];
                bucket.upper_bound = sample.bucket_le[i];
                out.histogram.bucket.push_back(bucket);
            }
            break;
        default: out.untyped.value = sample.value; break;
    }
    return out;
}

// `cluster=eu`, `node=1`: each once, each a name that Prometheus takes.
Labels labels_from(const plugin::Config& config) {
    Labels out;
    for (const std::string& one : config.list("labels")) {
        const auto equals = one.find('=');
        const std::string name = one.substr(0, equals);
        if (equals == std::string::npos || !prometheus::CheckLabelName(name)) {
            throw plugin::Error(LARDER_E_CONFIG, "labels: `" + one + "` is not NAME=VALUE");
        }
        out.emplace_back(name, one.substr(equals + 1));
    }
    return out;
}

}  // namespace

namespace {

// The library escapes values of labels, and not this.
std::string one_line(const std::string& help) {
    std::string out;
    for (const char c : help) out += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
    return out;
}

}  // namespace

PrometheusText::PrometheusText(plugin::Host, const plugin::Config& config)
    : labels_(labels_from(config)), leave_out_(config.list("leave_out")) {}

larder_status PrometheusText::render(std::string_view, plugin::Families families,
                                     plugin::TextSink out, const char*& content_type) const {
    std::vector<prometheus::MetricFamily> all;
    for (const larder_family* const family : families) {
        prometheus::MetricFamily made;
        made.name = text(family->name);
        const bool wanted = std::none_of(leave_out_.begin(), leave_out_.end(),
                                         [&](const std::string& one) { return made.name.starts_with(one); });
        if (!wanted || !prometheus::CheckMetricName(made.name)) {
            continue;
        }
        made.help = one_line(text(family->help));
        made.type = type_of(family->kind);
        for (std::size_t i = 0; i < family->sample_count; ++i) {
            made.metric.push_back(metric_of(*family, family->samples[i], labels_));
        }
        all.push_back(std::move(made));
    }
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, all);
    out.write(text.str());
    content_type = "text/plain; version=0.0.4; charset=utf-8";
    return LARDER_OK;
}

}  // namespace larder::exporter_prometheus
