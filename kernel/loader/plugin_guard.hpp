// kernel/loader/plugin_guard.hpp -- the kernel's second net around a plugin's functions.
//
// A Guarded<Table> holds the whole copy of a plugin's table and offers a table of the same type, so
// that whoever calls a plugin needs to know nothing of it. Around each call it
//   - leaves a breadcrumb, one store to a thread-local: a crash names the plugin and its operation;
//   - catches what a plugin throws that was not built with the C++ wrapper (not one with a static
//     libstdc++ and hidden symbols: there the unwinder finds no handler, the process ends, and the
//     breadcrumb says where);
//   - looks at the answer: a status nobody knows, PENDING where it was not allowed, a value that is
//   no
//     value, a size beyond the room that was given. A liar is an error of that call, counted and
//     logged.
// The way without sin is two stores, one load and two compares, and no atomic operation.
#pragma once

#include "kernel/loader/host_services.hpp"
#include "kernel/loader/plugin_table.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace larder::loader {

// Where a thread is. What it points at lives as long as the instance.
struct Crumb {
    const char* plugin;     // "org.larder.memory 1.0.0"
    const char* instance;   // "store.l1"
    const char* operation;  // "get"
};

#if defined(__GNUC__) && defined(__ELF__)
#define LARDER_FAST_TLS __attribute__((tls_model("initial-exec")))
#else
#define LARDER_FAST_TLS
#endif
// Null: this thread is in no plugin. A signal handler may read it.
extern constinit thread_local const Crumb* current_crumb LARDER_FAST_TLS;

// "in store.l1 get (org.larder.memory 1.0.0)\n" to a file descriptor, or nothing.
// Async-signal-safe.
void write_crumb(int fd) noexcept;

enum class Sin : std::uint8_t { none, exception, unknown_status, pending, value, size };
constexpr std::size_t sin_count = 6;

// What the guards of one instance share.
class GuardRecord {
  public:
    static constexpr std::uint64_t most_value_bytes = std::uint64_t{1} << 30;

    GuardRecord(const larder_host* host, std::string plugin, std::string instance)
        : host_(host), plugin_(std::move(plugin)), instance_(std::move(instance)) {}

    std::uint64_t count(Sin sin) const noexcept {
        return counts_[static_cast<std::size_t>(sin)].load(std::memory_order_relaxed);
    }
    Crumb crumb(const char* operation) const noexcept {
        return {plugin_.c_str(), instance_.c_str(), operation};
    }
    // Counts and logs; returns what the caller gets instead.
    larder_status misbehaved(Sin sin, const Crumb& where) noexcept;

  private:
    const larder_host* host_;
    const std::string plugin_, instance_;
    std::array<std::atomic<std::uint64_t>, sin_count> counts_{};
};

namespace detail {

// Restores the crumb that was there: plugins are called from within plugins.
class CrumbScope {
  public:
    explicit CrumbScope(const Crumb* crumb) noexcept : before_(current_crumb) {
        current_crumb = crumb;
    }
    ~CrumbScope() { current_crumb = before_; }
    CrumbScope(const CrumbScope&) = delete;
    CrumbScope& operator=(const CrumbScope&) = delete;

  private:
    const Crumb* before_;
};

// What can be wrong with an answer shows in the arguments that carry it; their types tell which.
template <class A>
[[gnu::always_inline]] inline bool is_no_value(A arg) noexcept {
    if constexpr (std::is_same_v<A, larder_value*>) {
        return arg != nullptr && (arg->size > GuardRecord::most_value_bytes ||
                                  (arg->data == nullptr && arg->size != 0));
    } else {
        return false;
    }
}
template <Room HasRoom, class A>
std::size_t room_in(A arg) noexcept {
    if constexpr (HasRoom == Room::told && std::is_same_v<A, std::size_t*>) {
        return *arg;
    } else {
        return 0;
    }
}
template <class A>
bool may_wait(A arg) noexcept {
    if constexpr (std::is_same_v<A, const larder_call*>) {
        return arg != nullptr && arg->done != nullptr;
    } else {
        return false;
    }
}

// The sin in an answer, if any; looked for only where it can be, so that OK and MISS cost a
// compare.
template <Room HasRoom, class... A>
[[gnu::always_inline]] inline Sin sin_in(larder_status status, std::size_t room,
                                         A... args) noexcept {
    if (status == LARDER_OK) [[likely]] {
        if ((false || ... || is_no_value(args))) [[unlikely]] {
            return Sin::value;
        }
        return (std::size_t{0} + ... + room_in<HasRoom>(args)) > room ? Sin::size : Sin::none;
    }
    if (status == LARDER_PENDING) {
        return (false || ... || may_wait(args)) ? Sin::none : Sin::pending;
    }
    return status < LARDER_E_REFUSED || status > LARDER_EXISTS ? Sin::unknown_status : Sin::none;
}

}  // namespace detail

// `self` for the functions of table().
template <class Table>
class Guarded {
  public:
    // theirs: the plugin's table, of whatever size. REQUIRES: record outlives this.
    Guarded(GuardRecord& record, const void* theirs, void* self)
        : theirs_(whole_table<Table>(theirs)), self_(self), record_(record), offered_(theirs_) {
        each_slot<Table>([&]<std::size_t I>(auto slot) {
            constexpr auto member = decltype(slot)::member;
            crumbs_[I] = record.crumb(slot.name);
            offered_.*member =
                &Thunk<member, decltype(slot)::room, I,
                       std::remove_reference_t<decltype(offered_.*member)>>::call;
        });
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    // The functions to call, with self() as their first argument.
    const Table& table() const noexcept { return offered_; }
    void* self() noexcept { return this; }

    // The plugin's own, whole but unguarded.
    const Table& theirs() const noexcept { return theirs_; }
    void* their_self() const noexcept { return self_; }

  private:
    template <auto Member, Room HasRoom, std::size_t I, class F>
    struct Thunk;
    template <auto Member, Room HasRoom, std::size_t I, class R, class... A, bool N>
    struct Thunk<Member, HasRoom, I, R (*)(void*, A...) noexcept(N)> {
        // Called through a type that may throw: through a noexcept one the compiler would leave the
        // handler out.
        static R call(void* guarded, A... args) noexcept {
            auto& me = *static_cast<Guarded*>(guarded);
            R (*function)(void*, A...) = me.theirs_.*Member;
            if constexpr (std::is_same_v<R, larder_status>) {
                const std::size_t room =
                    (std::size_t{0} + ... + detail::room_in<HasRoom>(args));
                larder_status status = LARDER_OK;
                Sin sin = Sin::exception;
                try {
                    const detail::CrumbScope scope(&me.crumbs_[I]);
                    status = function(me.self_, args...);
                    sin = detail::sin_in<HasRoom>(status, room, args...);
                } catch (...) {
                    // The record says it.
                }
                return sin == Sin::none ? status : me.misbehaved(sin, I);
            } else {
                try {
                    const detail::CrumbScope scope(&me.crumbs_[I]);
                    return function(me.self_, args...);
                } catch (...) {
                    me.misbehaved(Sin::exception, I);
                    if constexpr (!std::is_void_v<R>) {
                        return R{};
                    }
                }
            }
        }
    };

    [[gnu::cold, gnu::noinline]] larder_status misbehaved(Sin sin, std::size_t slot) noexcept {
        return record_.misbehaved(sin, crumbs_[slot]);
    }

    // What a hot call reads stands together, in front.
    Table theirs_;
    void* self_;
    GuardRecord& record_;
    std::array<Crumb, slot_count<Table>> crumbs_{};
    Table offered_;
};

}  // namespace larder::loader
