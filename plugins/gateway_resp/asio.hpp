// plugins/gateway_resp/asio.hpp -- Boost.Asio, header-only, with what its headers forget.
//
// <utility> first: Boost 1.81's awaitable.hpp does not include it and fails with g++ 12.
//
// Without the fences that Asio puts around handlers: operations go from thread to thread through
// the io_context's mutex, which orders them already, and thread sanitizer follows a mutex but no
// fence.
#pragma once
#ifndef BOOST_ASIO_DISABLE_FENCED_BLOCK
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#endif

// clang-format off
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
// clang-format on
