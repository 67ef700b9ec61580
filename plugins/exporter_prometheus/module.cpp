// plugins/exporter_prometheus/module.cpp -- the one exported symbol of exporter_prometheus.so.
#include "prometheus_text.hpp"

LARDER_MODULE(&larder::plugin::Exporter<larder::exporter_prometheus::PrometheusText>::value)
