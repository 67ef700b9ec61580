// examples/beast/middleware.hpp -- a cache in front of a Beast handler, as the policy says.
//
//     co_await cache.answer(request, [&] { return handle(request); })
//
// A GET that a `serve` rule of the policy names is answered from the cache, or by the handler, once for all who
// ask meanwhile; `Cache-Status` (RFC 9211) says which. Anything else goes to the handler, and when that has answered,
// the policy's route rules fire. Kept is the body and its content type; only answers of 200 are.
#pragma once

#include <larder/asio.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>

#include <string>
#include <utility>

namespace example {

namespace http = boost::beast::http;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

class Cache {
  public:
    Cache(larder::host::Kernel& kernel, boost::asio::any_io_executor executor) : kernel_(kernel), loop_(std::move(executor), kernel) {}

    template <class Handler>
    boost::asio::awaitable<Response> answer(const Request& request, Handler handler) {
        const auto served = served_by(request);
        if (!served) {
            Response made = co_await handler();
            kernel_.route(text(request.method_string()), text(request.target()), static_cast<int>(made.result_int()));
            co_return made;
        }
        const auto& [space, key] = *served;
        larder::host::Answer found = loop_.try_get(space, key);
        if (found.result == LARDER_R_WAIT) found = co_await loop_.async_get(space, key, boost::asio::use_awaitable);
        if (found.value.has() && !found.lease) co_return kept(request, found.value.bytes(), "larder; hit");
        Response made = co_await handler();  // a lease that an exception lets go of has failed
        if (found.lease && made.result() == http::status::ok)
            found.lease.fill(std::string(made[http::field::content_type]) + '\n' + made.body());
        made.set("Cache-Status", "larder; fwd=miss");
        co_return made;
    }

  private:
    static std::string_view text(boost::beast::string_view s) { return {s.data(), s.size()}; }

    std::optional<std::pair<larder::host::Space, std::string>> served_by(const Request& request) const {
        if (request.method() != http::verb::get) return std::nullopt;
        larder_route_args args{};
        args.size = sizeof args;
        args.method = {"GET", 3};
        args.path = {request.target().data(), request.target().size()};
        std::int32_t space = 0;
        larder_ref* key = nullptr;
        if (larder_kernel_serve(kernel_.get(), &args, &space, &key) != LARDER_R_HIT) return std::nullopt;
        return std::pair(larder::host::Space(kernel_.get(), space), std::string(larder::host::Value(key).bytes()));
    }

    static Response kept(const Request& request, std::string_view bytes, const char* status) {
        Response out{http::status::ok, request.version()};
        const auto line = bytes.find('\n');
        out.set(http::field::content_type, std::string(bytes.substr(0, line)));
        out.set("Cache-Status", status);
        out.body() = std::string(bytes.substr(line + 1));
        return out;
    }

    larder::host::Kernel& kernel_;
    larder::host::AsioLoop loop_;
};

}  // namespace example
