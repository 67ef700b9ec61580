// larder/plugin/error.hpp -- how a C++ plugin fails: throw Error to choose the status, or let
// anything escape.
//
// No exception crosses the border. Every thunk of the wrapper is noexcept and ends in guarded(),
// whose one cold function knows all exception types; the way without an exception costs no
// instruction.
#ifndef LARDER_PLUGIN_ERROR_HPP
#define LARDER_PLUGIN_ERROR_HPP
#include "plugin.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace larder::plugin {

// What a component throws when it knows which status it means. The text is for the person who wrote
// the configuration: it is printed behind "store.l1: ".
class Error : public std::exception {
  public:
    Error(larder_status status, std::string text) : status_(status), text_(std::move(text)) {}
    larder_status status() const noexcept { return status_; }
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    larder_status status_;
    std::string text_;
};

namespace detail {

// Every instance the wrapper makes begins with the host, so that a hot thunk that stops an
// exception can log it without a global.
struct Head {
    const larder_host* host;
};

template <class T>
struct Held : Head {
    template <class... Args>
    explicit Held(const larder_host* h, Args&&... args)
        : Head{h}, object(std::forward<Args>(args)...) {}
    T object;
};

template <class T>
T& object_of(void* self) noexcept {
    return static_cast<Held<T>*>(self)->object;
}

inline const larder_host* host_of(void* self) noexcept { return static_cast<Head*>(self)->host; }

inline void tell(const larder_host* host, larder_errbuf* err, std::string_view text) noexcept {
    if (err != nullptr && err->buf != nullptr && err->cap > 0) {
        const std::size_t n = std::min<std::size_t>(text.size(), err->cap - 1);
        std::memcpy(err->buf, text.data(), n);
        err->buf[n] = '\0';
        err->len = static_cast<std::uint32_t>(n);
    } else if (host != nullptr) {
        host->log(host, LARDER_LOG_ERROR, text.data(), text.size());
    }
}

#if defined(__cpp_exceptions)
// Lippincott's function: the only place that knows the exception types.
[[gnu::cold, gnu::noinline]] inline larder_status stopped_exception(const larder_host* host,
                                                                    larder_errbuf* err) noexcept {
    try {
        throw;
    } catch (const Error& e) {
        tell(host, err, e.what());
        return e.status();
    } catch (const std::bad_alloc&) {
        tell(host, err, "out of memory");
        return LARDER_E_NOMEM;
    } catch (const std::exception& e) {
        tell(host, err, e.what());
    } catch (...) {
        tell(host, err, "an exception of unknown type");
    }
    return LARDER_E_EXCEPTION;
}

template <class F>
larder_status guarded(const larder_host* host, larder_errbuf* err, F&& f) noexcept {
    try {
        return f();
    } catch (...) {
        return stopped_exception(host, err);
    }
}
#else  // -fno-exceptions: there is nothing to stop.
template <class F>
larder_status guarded(const larder_host*, larder_errbuf*, F&& f) noexcept {
    return f();
}
#endif

// Around one function of an instance. The host is fetched only when something was thrown.
template <class F>
larder_status guarded(void* self, F&& f) noexcept {
#if defined(__cpp_exceptions)
    try {
        return f();
    } catch (...) {
        return stopped_exception(host_of(self), nullptr);
    }
#else
    static_cast<void>(self);
    return f();
#endif
}

// Copies what a caller built with an older header has room for; its struct_size stays.
template <class Out>
void copy_out(const Out& from, Out* to) noexcept {
    const std::uint32_t room = to->struct_size;
    std::memcpy(static_cast<void*>(to), &from, std::min<std::size_t>(room, sizeof from));
    to->struct_size = room;
}

}  // namespace detail
}  // namespace larder::plugin
#endif
