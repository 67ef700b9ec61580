// plugins/gateway_resp/net.hpp -- what this gateway takes from plugins/net, under its plain names.
#pragma once
#include "plugins/net/buffer.hpp"
#include "plugins/net/event_loop.hpp"
#include "plugins/net/listen_address.hpp"
#include "plugins/net/stream.hpp"
#include "plugins/net/tls.hpp"

namespace larder::resp {

using net::Buffer;
using net::EventLoop;
using net::Io;
using net::ListenAddress;
using net::peer_address;
using net::Stream;
using net::TlsContext;
using net::TlsOptions;
using net::Watcher;

}  // namespace larder::resp
