// plugins/exporter_webhook/module.cpp -- the one exported symbol of exporter_webhook.so.
#include "webhook.hpp"

LARDER_MODULE(&larder::plugin::Exporter<larder::exporter_webhook::Webhook>::value)
