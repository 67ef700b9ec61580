// larder/larder.hpp -- liblarder for C++20: the functions of larder.h, owned, typed, without a loop or with one.
//
//     std::string problem;
//     auto kernel = larder::host::Kernel::open({.policy_path = "hotel.larder"}, problem);
//     auto users = kernel->space("user_details");
//     const auto user = users->get_or_load<User>("42", [&] { return database.find_user(42); });
//
//     auto find_user = larder::host::cached(*users, "find_user", [&](int id) { return database.find_user(id); });
//     auto update_user = larder::host::invalidates(*users, {"glob:*"}, [&](int id, Patch p) { database.update(id, p); });
//
// Header only, over the C functions, so that a program built today runs with the liblarder.so of tomorrow, and no type
// of the kernel's meets one of the program's. Nothing here throws but what the program's own functions and codecs throw,
// and std::bad_alloc.
//
// A value is what Codec<T> makes of it: texts and numbers are there, a program specialises it for its own types. What is
// kept and cannot be decoded is a miss: it is dropped and loaded anew.
#ifndef LARDER_LARDER_HPP
#define LARDER_LARDER_HPP

#include <larder/key.hpp>
#include <larder/larder.h>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder::host {

// How a T is written down. encode: nothing where this value has no form. decode: nothing where the bytes are none.
template <class T>
struct Codec;

template <>
struct Codec<std::string> {
    static std::optional<std::string> encode(const std::string& value) { return value; }
    static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

template <class T>
    requires std::is_arithmetic_v<T>
struct Codec<T> {
    static std::optional<std::string> encode(T value) {
        if constexpr (std::same_as<T, bool>) {
            return value ? "true" : "false";
        } else {
            char text[64];
            const auto end = std::to_chars(text, text + sizeof text, value);
            return end.ec == std::errc{} ? std::optional<std::string>(std::string(text, end.ptr)) : std::nullopt;
        }
    }
    static std::optional<T> decode(std::string_view bytes) {
        if constexpr (std::same_as<T, bool>) {
            return bytes == "true" ? std::optional<T>(true) : bytes == "false" ? std::optional<T>(false) : std::nullopt;
        } else {
            T out{};
            const auto end = std::from_chars(bytes.data(), bytes.data() + bytes.size(), out);
            return end.ec == std::errc{} && end.ptr == bytes.data() + bytes.size() ? std::optional<T>(out) : std::nullopt;
        }
    }
};

// Bytes that stay as they are for as long as somebody holds them.
class Value {
  public:
    Value() = default;
    // `ref` becomes the value's own.
    explicit Value(larder_ref* ref) noexcept : ref_(ref) {}
    // Whether there is one.
    bool has() const noexcept { return ref_ != nullptr; }
    // Valid for as long as the value lives; of none, empty.
    std::string_view bytes() const noexcept {
        std::size_t n = 0;
        const void* const data = larder_ref_data(ref_.get(), &n);
        return {static_cast<const char*>(data), n};
    }
    // See larder_ref_ttl_ms.
    std::int64_t ttl_ms() const noexcept { return larder_ref_ttl_ms(ref_.get()); }

  private:
    struct Release {
        void operator()(larder_ref* ref) const noexcept { larder_ref_release(ref); }
    };
    std::unique_ptr<larder_ref, Release> ref_;
};

// What a put or a fill says of its value.
struct Put {
    std::int64_t ttl_ms = 0;  // 0: the namespace's
    std::vector<std::pair<std::string, std::string>> with;  // values of the namespace's `with` names
    std::uint32_t flags = 0;  // LARDER_PUT_*
};

namespace detail {

// larder_put_args of a Put, for as long as both live.
class PutArgs {
  public:
    explicit PutArgs(const Put& put) {
        fields_.reserve(put.with.size());
        for (const auto& [name, value] : put.with) fields_.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
        args_.size = sizeof args_;
        args_.flags = put.flags;
        args_.ttl_ms = put.ttl_ms;
        args_.with = fields_.data();
        args_.nwith = static_cast<std::uint32_t>(fields_.size());
    }
    PutArgs(const PutArgs&) = delete;
    PutArgs& operator=(const PutArgs&) = delete;
    const larder_put_args* get() const noexcept { return &args_; }

  private:
    std::vector<larder_field> fields_;
    larder_put_args args_{};
};

}  // namespace detail

// The right, and the duty, to load one key. One that is let go of unused has failed.
class Lease {
  public:
    Lease() = default;
    // Of a number that larder_kernel_get wrote; 0 is none.
    Lease(larder_kernel* k, std::uint64_t id) noexcept : kernel_(k), id_(id) {}
    Lease(Lease&& other) noexcept : kernel_(other.kernel_), id_(std::exchange(other.id_, 0)) {}
    Lease& operator=(Lease&& other) noexcept {
        if (this != &other) {
            fail();
            kernel_ = other.kernel_;
            id_ = std::exchange(other.id_, 0);
        }
        return *this;
    }
    ~Lease() { fail(); }
    // Whether there is one that is not used up.
    explicit operator bool() const noexcept { return id_ != 0; }
    // Brings the value. DONE, or NONE: answered and not kept, as something dropped the entry meanwhile.
    larder_result fill(std::string_view bytes, const Put& put = {}) {
        const detail::PutArgs args(put);
        return larder_kernel_fill(kernel_, std::exchange(id_, 0), bytes.data(), bytes.size(), args.get(), nullptr, 0);
    }
    // There is no such thing. Kept where the namespace says `absent`.
    larder_result fill_absent() { return fill({}, {0, {}, LARDER_PUT_NOTHING_THERE}); }
    // Gives up. What may be served in its place, if the policy has something.
    Value fail() noexcept {
        if (id_ == 0) return {};
        larder_ref* stale = nullptr;
        larder_kernel_fail(kernel_, std::exchange(id_, 0), &stale);
        return Value(stale);
    }

  private:
    larder_kernel* kernel_ = nullptr;
    std::uint64_t id_ = 0;
};

// What a get came to.
struct Answer {
    larder_result result = LARDER_R_FAILED;  // LARDER_R_*
    Value value;  // of HIT and STALE
    Lease lease;  // of LEASE, and of a STALE that is this caller's to make anew
};

// A namespace of a kernel. Small, copied freely; the kernel outlives it. Any thread.
class Space {
  public:
    // Of a number that larder_kernel_space answered.
    Space(larder_kernel* k, std::int32_t number) noexcept : kernel_(k), number_(number) {}
    // For the C functions.
    larder_kernel* kernel() const noexcept { return kernel_; }
    // For the C functions.
    std::int32_t number() const noexcept { return number_; }

    // Looks an entry up; blocks while others load it. loop, user: see larder_kernel_get.
    Answer get(std::string_view key, larder_loop* loop = nullptr, std::uint64_t user = 0) const {
        larder_ref* ref = nullptr;
        std::uint64_t lease = 0;
        Answer out;
        out.result = larder_kernel_get(kernel_, number_, key.data(), key.size(), loop, user, &ref, &lease);
        out.value = Value(ref);
        out.lease = Lease(kernel_, lease);
        return out;
    }
    // Puts a value. A load of the key that is under way will not replace it.
    larder_result put(std::string_view key, std::string_view bytes, const Put& put = {}) const {
        const detail::PutArgs args(put);
        return larder_kernel_put(kernel_, number_, key.data(), key.size(), bytes.data(), bytes.size(), args.get(), nullptr, 0);
    }
    // Drops one entry. DONE, or NONE: there was none.
    larder_result drop(std::string_view key) const { return larder_kernel_drop(kernel_, number_, key.data(), key.size(), nullptr, 0); }
    // "namespace", "key:7", "prefix:2024-", "glob:*:7", "tag:x": see larder_kernel_invalidate.
    larder_result invalidate(std::string_view rule, std::uint32_t what = LARDER_DO_DROP) const {
        return larder_kernel_invalidate(kernel_, what, number_, rule.data(), rule.size(), nullptr, 0, nullptr);
    }
    // Changes when an entry ends: in ttl_ms, 0 is now. NONE: no such entry.
    larder_result expire(std::string_view key, std::int64_t ttl_ms) const {
        return larder_kernel_expire(kernel_, number_, key.data(), key.size(), ttl_ms);
    }
    // The time left of an entry in ms, -1: without end; it is no use of it. Nothing: no such entry.
    std::optional<std::int64_t> ttl_ms(std::string_view key) const {
        std::int64_t out = 0;
        const larder_result result = larder_kernel_ttl(kernel_, number_, key.data(), key.size(), &out);
        return result == LARDER_R_DONE ? std::optional<std::int64_t>(out) : std::nullopt;
    }
    // What drops `on_key` of `on` from now on drops `key` as well. NONE: no such entry.
    larder_result depend(std::string_view key, Space on, std::string_view on_key) const {
        return larder_kernel_depend(kernel_, number_, key.data(), key.size(), on.number_, on_key.data(), on_key.size());
    }
    // The keys that fit a Redis glob, all of them at once; each that is there all the time is among them.
    std::vector<std::string> keys(std::string_view glob = {}) const {
        std::vector<std::string> out;
        std::uint64_t cursor = 0;
        do {
            larder_ref* ref = nullptr;
            if (larder_kernel_keys(kernel_, number_, glob.data(), glob.size(), &cursor, 256, &ref) != LARDER_R_DONE) break;
            const Value page(ref);
            for (std::string_view rest = page.bytes(); rest.size() >= sizeof(std::uint32_t);) {
                std::uint32_t n = 0;
                std::memcpy(&n, rest.data(), sizeof n);
                out.emplace_back(rest.substr(sizeof n, n));
                rest.remove_prefix(sizeof n + n);
            }
        } while (cursor != 0);
        return out;
    }
    // Runs the policy's `warm` items of the namespace. How many; nothing: larder_problem() says why none.
    std::optional<std::uint32_t> warm() const {
        std::uint32_t queued = 0;
        return larder_kernel_warm(kernel_, number_, &queued) == LARDER_R_DONE ? std::optional<std::uint32_t>(queued) : std::nullopt;
    }

    // What is there and fresh or stale enough, decoded; nothing else, and nothing is loaded for it.
    template <class T>
    std::optional<T> get_as(std::string_view key) const {
        larder_ref* ref = nullptr;
        std::uint64_t lease = 0;
        const larder_result result = larder_kernel_get(kernel_, number_, key.data(), key.size(), nullptr, 0, &ref, &lease);
        const Value value(ref);
        if (lease != 0) larder_kernel_fail(kernel_, lease, nullptr);  // it is not about to load anything
        if (result != LARDER_R_HIT && result != LARDER_R_STALE) return std::nullopt;
        auto out = Codec<T>::decode(value.bytes());
        if (!out) drop(key);
        return out;
    }

    // load() answers a T, or a std::optional<T> that is empty where there is no such thing. Called once for a key at
    // a time; what it throws comes through, unless something stale may be served. Nothing: there is no such thing.
    template <class T, class Load>
    std::optional<T> get_or_load(std::string_view key, Load&& load, const Put& put = {}) const {
        Answer answer = get(key);
        if (answer.result == LARDER_R_ABSENT) return std::nullopt;
        std::optional<T> old;
        if (answer.value.has()) {
            old = Codec<T>::decode(answer.value.bytes());
            if (old && !answer.lease) return old;
            if (!old) drop(key);  // one that nobody can read: a miss
        }
        try {
            std::optional<T> made = load();
            if (!answer.lease) return made;
            const std::optional<std::string> bytes = made ? Codec<T>::encode(*made) : std::nullopt;
            if (bytes) answer.lease.fill(*bytes, put);
            else if (!made) answer.lease.fill_absent();
            return made;
        } catch (...) {
            const Value stale = answer.lease.fail();
            if (!old && stale.has()) old = Codec<T>::decode(stale.bytes());
            if (!old) throw;
            return old;
        }
    }

  private:
    larder_kernel* kernel_;
    std::int32_t number_;
};

// Sessions that the policy calls `session NAME`. Copied freely; the kernel outlives it. Any thread; blocks as their store does.
// Where an answer is nothing, larder_problem() says why.
class Sessions {
  public:
    // Those of a kernel, by the policy's name for them.
    Sessions(larder_kernel* k, std::string name) : kernel_(k), name_(std::move(name)) {}
    // Begins one. What the client gets, a secret.
    std::optional<std::string> create(std::string_view user, std::string_view data) const {
        return text([&](larder_ref** out) {
            return larder_session_create(kernel_, name_.c_str(), user.data(), user.size(), data.data(), data.size(), nullptr, 0, out);
        });
    }
    // Its data; a use of it.
    std::optional<std::string> get(std::string_view id) const {
        return text([&](larder_ref** out) { return larder_session_get(kernel_, name_.c_str(), id.data(), id.size(), nullptr, 0, out); });
    }
    // Changes its data by a merge patch (RFC 7386). What it says afterwards.
    std::optional<std::string> update(std::string_view id, std::string_view patch) const {
        return text([&](larder_ref** out) {
            return larder_session_update(kernel_, name_.c_str(), id.data(), id.size(), patch.data(), patch.size(), nullptr, 0, out);
        });
    }
    // Its new id; the old one is of no use soon.
    std::optional<std::string> rotate(std::string_view id) const {
        return text([&](larder_ref** out) { return larder_session_rotate(kernel_, name_.c_str(), id.data(), id.size(), nullptr, 0, out); });
    }
    // Ends one. NONE: there was none.
    larder_result end(std::string_view id) const { return larder_session_end(kernel_, name_.c_str(), id.data(), id.size(), nullptr, 0); }
    // Ends all of a user. How many.
    std::uint64_t end_user(std::string_view user) const {
        std::uint64_t ended = 0;
        larder_session_end_user(kernel_, name_.c_str(), user.data(), user.size(), nullptr, 0, &ended);
        return ended;
    }

  private:
    template <class Call>
    static std::optional<std::string> text(Call&& call) {
        larder_ref* ref = nullptr;
        const larder_result result = call(&ref);
        const Value value(ref);
        return result == LARDER_R_HIT ? std::optional<std::string>(value.bytes()) : std::nullopt;
    }
    larder_kernel* kernel_;
    std::string name_;
};

// What larder_open_args has; empty texts are none.
struct Open {
    std::string config_path{}, config_text{}, policy_path{}, policy_text{}, profile{}, plugin_path{};  // as larder_open_args
    std::uint32_t flags = 0;                                                                           // LARDER_OPEN_*
};

// Owns a kernel; what was made of it goes before it.
class Kernel {
  public:
    // Opens and starts one. Nothing: `problem` says why, with file, line and what to do.
    static std::optional<Kernel> open(const Open& how, std::string& problem) {
        const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
        larder_open_args args{};
        args.size = sizeof args;
        args.flags = how.flags;
        args.config_path = given(how.config_path);
        args.config_text = given(how.config_text);
        args.policy_path = given(how.policy_path);
        args.policy_text = given(how.policy_text);
        args.profile = given(how.profile);
        args.plugin_path = given(how.plugin_path);
        larder_kernel* const made = larder_kernel_open(&args, nullptr);
        if (made == nullptr) problem = larder_problem();
        return made == nullptr ? std::nullopt : std::optional<Kernel>(Kernel(made));
    }
    // For the C functions.
    larder_kernel* get() const noexcept { return kernel_.get(); }
    // A namespace. Nothing: the policy has none of that name.
    std::optional<Space> space(std::string_view name) const {
        const std::int32_t number = larder_kernel_space(get(), name.data(), name.size());
        return number < 0 ? std::nullopt : std::optional<Space>(Space(get(), number));
    }
    // Sessions by the policy's name for them.
    Sessions sessions(std::string name) const { return {get(), std::move(name)}; }
    // Reads configuration and policy again. POLICY: they are wrong, nothing has changed, and larder_problem() says where.
    larder_result reload() const { return larder_kernel_reload(get(), nullptr); }
    // Moves virtual time on (LARDER_OPEN_VIRTUAL_TIME), and does what is due until then.
    larder_result advance(std::int64_t ms) const { return larder_kernel_advance(get(), ms); }
    // Drops all that carries a tag, in every namespace.
    larder_result drop_tag(std::string_view tag) const {
        const std::string rule = "tag:" + std::string(tag);
        return larder_kernel_invalidate(get(), LARDER_DO_DROP, LARDER_SPACE_NONE, rule.data(), rule.size(), nullptr, 0, nullptr);
    }
    // Tells of a request that the program has answered: route rules fire.
    larder_result route(std::string_view method, std::string_view path, int status) const {
        larder_route_args args{};
        args.size = sizeof args;
        args.method = {method.data(), method.size()};
        args.path = {path.data(), path.size()};
        args.status = status;
        return larder_kernel_route(get(), &args, nullptr, 0, nullptr);
    }
    // Tells that something happened: rules `on event` fire.
    larder_result event(std::string_view name, std::initializer_list<std::pair<std::string_view, std::string_view>> values = {}) const {
        std::vector<larder_field> fields;
        for (const auto& [key, value] : values) fields.push_back({{key.data(), key.size()}, {value.data(), value.size()}});
        return larder_kernel_event(get(), name.data(), name.size(), fields.data(), static_cast<std::uint32_t>(fields.size()), nullptr, 0, nullptr);
    }
    // What the program's verbs answer, as larder_kernel_report. Nothing: it is not understood.
    std::optional<std::string> report(std::string_view what) const {
        larder_ref* ref = nullptr;
        if (larder_kernel_report(get(), what.data(), what.size(), &ref) != LARDER_R_DONE) return std::nullopt;
        return std::string(Value(ref).bytes());
    }

  private:
    explicit Kernel(larder_kernel* made) noexcept : kernel_(made) {}
    struct Close {
        void operator()(larder_kernel* k) const noexcept { larder_kernel_close(k); }
    };
    std::unique_ptr<larder_kernel, Close> kernel_;
};

// A function whose results are kept: namespace and life are the policy's, the key is NAME:ARGUMENT:... of larder/key.hpp, so
// every argument is something a KeyValue can be made of. What has no key is called and not kept. A result that is an
// empty std::optional is kept where the namespace says `absent`.
template <class F>
auto cached(Space space, std::string name, F function) {
    return [space, name = std::move(name), function = std::move(function)](auto&&... arguments) {
        using Result = std::decay_t<decltype(function(arguments...))>;
        KeyBuilder builder(name);
        (builder.add(KeyValue(arguments)), ...);
        const std::optional<std::string> key = builder.text();
        if constexpr (requires { typename Result::value_type; requires std::same_as<Result, std::optional<typename Result::value_type>>; }) {
            using T = typename Result::value_type;
            if (!key) return function(arguments...);
            return space.get_or_load<T>(*key, [&] { return function(arguments...); });
        } else {
            if (!key) return function(arguments...);
            std::optional<Result> out = space.get_or_load<Result>(*key, [&] { return function(arguments...); });
            return out ? *std::move(out) : function(arguments...);
        }
    };
}

// A function after which rules of larder_kernel_invalidate hold for the space: once it has returned, and not if it throws.
template <class F>
auto invalidates(Space space, std::vector<std::string> rules, F function) {
    return [space, rules = std::move(rules), function = std::move(function)](auto&&... arguments) -> decltype(auto) {
        const auto drop = [&] {
            for (const std::string& rule : rules) space.invalidate(rule);
        };
        using Result = decltype(function(std::forward<decltype(arguments)>(arguments)...));
        if constexpr (std::is_void_v<Result>) {
            function(std::forward<decltype(arguments)>(arguments)...);
            drop();
        } else {
            Result out = function(std::forward<decltype(arguments)>(arguments)...);
            drop();
            return out;
        }
    };
}

}  // namespace larder::host

#endif
