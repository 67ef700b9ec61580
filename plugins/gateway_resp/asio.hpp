// plugins/gateway_resp/asio.hpp -- Boost.Asio, header-only, with what its headers forget.
//
// <utility> first: Boost 1.81's awaitable.hpp does not include it and fails with g++ 12.
#pragma once
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>
