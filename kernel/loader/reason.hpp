// kernel/loader/reason.hpp -- why a cold function of a plugin failed, in its own words.
#pragma once

#include <larder/plugin/abi.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>

namespace larder::loader {

// What a plugin's author does about a promise that the loader found broken.
inline constexpr const char* ask_the_kit = "; `larder plugin test` on it tells more";

std::string_view name_of_status(larder_status status);  // "LARDER_E_IO"

class Reason {
  public:
    larder_errbuf* buffer() noexcept { return &err_; }

    // Calls a function of a plugin and catches what gets out of one that was not built with the
    // wrapper. The type called through may throw although the table's is noexcept: through that one
    // the compiler would leave the handler out.
    template <class F, class... A>
    static larder_status of(F function, A... args) noexcept {
        typename MayThrow<F>::type call = function;
        try {
            return call(args...);
        } catch (...) {
            return LARDER_E_EXCEPTION;
        }
    }

    // The same for one that answers nothing. False: it let an exception out.
    template <class F, class... A>
    static bool of_void(F function, A... args) noexcept {
        typename MayThrow<F>::type call = function;
        try {
            call(args...);
            return true;
        } catch (...) {
            return false;
        }
    }

    bool is_empty() const noexcept { return err_.len == 0; }
    // One line: what the plugin wrote, else the name of the status.
    std::string text(larder_status status) const {
        const std::size_t size = std::min<std::size_t>(err_.len, sizeof text_ - 1);
        std::string line(text_, size);
        std::replace_if(
            line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; },
            ' ');
        return line.empty() ? std::string(name_of_status(status)) : line;
    }

  private:
    template <class F>
    struct MayThrow;
    template <class R, class... P, bool N>
    struct MayThrow<R (*)(P...) noexcept(N)> {
        using type = R (*)(P...);
    };

    char text_[512] = {};
    larder_errbuf err_{text_, sizeof text_, 0};
};

}  // namespace larder::loader
