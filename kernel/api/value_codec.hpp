// kernel/api/value_codec.hpp -- a host's own types as values of the cache, and back.
//
// A codec is two functions. decode() is given bytes that anybody may have written, with another release of
// the application for one: it answers false for what it cannot read and never throws, and the cache calls
// that a miss. JsonCodec is the default: plain structs that BOOST_DESCRIBE_STRUCT names the members of, enums
// by BOOST_DESCRIBE_ENUM, optional members, vectors and maps of all these, and whatever Boost.JSON converts
// itself. Why Boost.Describe and not a library that counts members: names are what JSON, migrations in a
// policy and programs in other languages go by.
//
// Reading is tolerant in one direction: members that the struct has not are passed over, and an optional one
// that is missing is empty; any other that is missing, or of another kind, is no value. So a member can be
// added as optional, or with a new version of the namespace and a migration.
#pragma once

#include "kernel/api/json_value.hpp"

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {

template <class C, class T>
concept ValueCodec = requires(const T& value, T& into, std::string& bytes, std::string_view text) {
    { C::encode(value, bytes) } -> std::same_as<bool>;  // false: it has no form; bytes is empty before
    { C::decode(text, into) } -> std::same_as<bool>;    // false: it is none; into may be half read
};

// Texts and bytes as they are.
struct BytesCodec {
    static bool encode(const std::string& value, std::string& bytes) {
        bytes = value;
        return true;
    }
    static bool decode(std::string_view bytes, std::string& into) {
        into = bytes;
        return true;
    }
};

namespace detail {

template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;

template <class T>
using DescribedMembers = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <class T>
struct JsonForm {
    static boost::json::value write(const T& value) {
        if constexpr (Described<T>) {
            boost::json::object out;
            boost::mp11::mp_for_each<DescribedMembers<T>>([&](auto member) {
                using Member = std::remove_cvref_t<decltype(value.*member.pointer)>;
                boost::json::value written = JsonForm<Member>::write(value.*member.pointer);
                if (!JsonForm<Member>::may_be_missing || !written.is_null()) out[member.name] = std::move(written);
            });
            return out;
        } else {
            return boost::json::value_from(value);
        }
    }
    static constexpr bool may_be_missing = false;
    static bool read(const boost::json::value& from, T& into) {
        if constexpr (std::is_same_v<T, boost::json::value>) {
            into = from;
            return true;
        } else if constexpr (Described<T>) {
            const boost::json::object* const object = from.if_object();
            bool good = object != nullptr;
            boost::mp11::mp_for_each<DescribedMembers<T>>([&](auto member) {
                if (!good) return;
                using Member = std::remove_cvref_t<decltype(into.*member.pointer)>;
                const boost::json::value* const found = object->if_contains(member.name);
                if (found != nullptr) good = JsonForm<Member>::read(*found, into.*member.pointer);
                else good = JsonForm<Member>::may_be_missing;
            });
            return good;
        } else {
            auto read = boost::json::try_value_to<T>(from);
            if (!read) return false;
            into = std::move(*read);
            return true;
        }
    }
};

template <class T>
struct JsonForm<std::optional<T>> {
    static constexpr bool may_be_missing = true;
    static boost::json::value write(const std::optional<T>& value) { return value ? JsonForm<T>::write(*value) : boost::json::value(nullptr); }
    static bool read(const boost::json::value& from, std::optional<T>& into) {
        into.reset();
        return from.is_null() || JsonForm<T>::read(from, into.emplace());
    }
};

template <class T>
struct JsonForm<std::vector<T>> {
    static constexpr bool may_be_missing = false;
    static boost::json::value write(const std::vector<T>& value) {
        boost::json::array out;
        for (const T& one : value) out.push_back(JsonForm<T>::write(one));
        return out;
    }
    static bool read(const boost::json::value& from, std::vector<T>& into) {
        const boost::json::array* const array = from.if_array();
        if (array == nullptr) return false;
        into.clear();
        for (const boost::json::value& one : *array) {
            T made{};
            if (!JsonForm<T>::read(one, made)) return false;
            into.push_back(std::move(made));
        }
        return true;
    }
};

template <class T>
struct JsonForm<std::map<std::string, T>> {
    static constexpr bool may_be_missing = false;
    static boost::json::value write(const std::map<std::string, T>& value) {
        boost::json::object out;
        for (const auto& [name, one] : value) out[name] = JsonForm<T>::write(one);
        return out;
    }
    static bool read(const boost::json::value& from, std::map<std::string, T>& into) {
        const boost::json::object* const object = from.if_object();
        if (object == nullptr) return false;
        into.clear();
        for (const auto& member : *object)
            if (!JsonForm<T>::read(member.value(), into[std::string(member.key())])) return false;
        return true;
    }
};

}  // namespace detail

struct JsonCodec {
    template <class T>
    static bool encode(const T& value, std::string& bytes) {
        try {
            bytes = boost::json::serialize(detail::JsonForm<T>::write(value));
            return true;
        } catch (...) {
            return false;
        }
    }
    template <class T>
    static bool decode(std::string_view bytes, T& into) {
        try {
            const auto json = read_json(bytes);
            return json && detail::JsonForm<T>::read(*json, into);
        } catch (...) {
            return false;
        }
    }
};

}  // namespace larder
