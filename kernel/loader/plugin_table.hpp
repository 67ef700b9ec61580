// kernel/loader/plugin_table.hpp -- tables of functions that grew after the plugin was built, made
// whole.
//
// A plugin's table ends where its headers ended. The kernel copies what is there into a table of
// its own size and puts a function that answers LARDER_E_UNSUPPORTED into every slot that is absent
// or NULL, once, when an instance is made. So no call tests a size or a pointer, and a plugin that
// changes its table later changes nothing.
#pragma once

#include "kernel/loader/kind.hpp"

#include <larder/plugin/plugin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace larder::loader {

constexpr std::uint64_t always = ~std::uint64_t{0};

// Whether a `size_t*` of a slot goes in with the room there is and comes out with what was used. By the
// type alone it cannot be told from a plain count: destroy_user's uint64_t* is the same type here.
enum class Room : bool { none, told };

// A function of a table, and what makes it one the kernel needs.
template <auto Member, Room HasRoom = Room::none>
struct Slot {
    static constexpr auto member = Member;
    static constexpr Room room = HasRoom;
    const char* name;
    std::uint64_t needed_by;  // `always`, the capabilities that promise it, or 0: optional
};

// A kind's table: which kind, and its slots in their order.
template <class Table>
struct TableFacts;

template <>
struct TableFacts<larder_store_v1> {
    using T = larder_store_v1;
    static constexpr Kind kind = Kind::store;
    static constexpr std::tuple slots{
        Slot<&T::get>{"get", always},
        Slot<&T::put>{"put", always},
        Slot<&T::remove>{"remove", always},
        Slot<&T::touch>{"touch", always},
        Slot<&T::visit>{"visit", 0},
        Slot<&T::get_many>{"get_many", 0},
        Slot<&T::remove_many>{"remove_many", 0},
        Slot<&T::clear_ns>{"clear_ns", 0},
        Slot<&T::scan>{"scan", LARDER_STORE_CAP_SCAN},
        Slot<&T::limits>{"limits", LARDER_STORE_CAP_LIMITS},
        Slot<&T::cancel>{"cancel", 0},
        Slot<&T::stats>{"stats", 0},
        Slot<&T::evict>{"evict", LARDER_STORE_CAP_EVICT},
        Slot<&T::demote>{"demote", LARDER_STORE_CAP_DEMOTE},
    };
};

template <>
struct TableFacts<larder_compressor_v1> {
    using T = larder_compressor_v1;
    static constexpr Kind kind = Kind::compressor;
    static constexpr std::tuple slots{
        Slot<&T::bound>{"bound", always},
        Slot<&T::compress, Room::told>{"compress", always},
        Slot<&T::decompress, Room::told>{"decompress", always},
        Slot<&T::train, Room::told>{"train", LARDER_COMP_CAP_DICTIONARY},
        Slot<&T::levels>{"levels", 0},
        Slot<&T::open>{"open", LARDER_COMP_CAP_SETTINGS},
        Slot<&T::close>{"close", LARDER_COMP_CAP_SETTINGS},
        Slot<&T::compress_with, Room::told>{"compress_with", LARDER_COMP_CAP_SETTINGS},
        Slot<&T::decompress_with, Room::told>{"decompress_with", LARDER_COMP_CAP_SETTINGS},
    };
};

template <>
struct TableFacts<larder_warmer_v1> {
    using T = larder_warmer_v1;
    static constexpr Kind kind = Kind::warmer;
    static constexpr std::tuple slots{
        Slot<&T::fetch>{"fetch", always},
        Slot<&T::plan>{"plan", LARDER_WARM_CAP_PLAN},
        Slot<&T::observe>{"observe", LARDER_WARM_CAP_OBSERVE},
        Slot<&T::write>{"write", LARDER_WARM_CAP_WRITE},
        Slot<&T::report>{"report", LARDER_WARM_CAP_REPORT},
    };
};

template <>
struct TableFacts<larder_invalidator_v1> {
    using T = larder_invalidator_v1;
    static constexpr Kind kind = Kind::invalidator;
    static constexpr std::tuple slots{
        Slot<&T::on_request>{"on_request", LARDER_INV_CAP_RULES},
    };
};

template <>
struct TableFacts<larder_session_v1> {
    using T = larder_session_v1;
    static constexpr Kind kind = Kind::session;
    static constexpr std::tuple slots{
        Slot<&T::create>{"create", always},
        Slot<&T::load>{"load", always},
        Slot<&T::save>{"save", always},
        Slot<&T::touch>{"touch", always},
        Slot<&T::destroy>{"destroy", always},
        Slot<&T::rotate>{"rotate", LARDER_SESSION_CAP_ROTATE},
        Slot<&T::list_user>{"list_user", LARDER_SESSION_CAP_USER_INDEX},
        Slot<&T::destroy_user>{"destroy_user", LARDER_SESSION_CAP_USER_INDEX},
        Slot<&T::get>{"get", 0},
        Slot<&T::update>{"update", 0},
        Slot<&T::destroy_named>{"destroy_named", 0},
        Slot<&T::figures>{"figures", 0},
    };
};

template <>
struct TableFacts<larder_exporter_v1> {
    using T = larder_exporter_v1;
    static constexpr Kind kind = Kind::exporter;
    static constexpr std::tuple slots{
        Slot<&T::render>{"render", LARDER_EXP_CAP_PULL},
        Slot<&T::push>{"push", LARDER_EXP_CAP_PUSH},
        Slot<&T::events>{"events", LARDER_EXP_CAP_EVENTS},
    };
};

template <>
struct TableFacts<larder_gateway_v1> {
    using T = larder_gateway_v1;
    static constexpr Kind kind = Kind::gateway;
    static constexpr std::tuple slots{
        Slot<&T::address>{"address", always},
        Slot<&T::stats>{"stats", 0},
    };
};

template <class Table>
constexpr std::size_t slot_count = std::tuple_size_v<decltype(TableFacts<Table>::slots)>;

// Calls f.operator()<Index>(slot) for each slot.
template <class Table, class F>
constexpr void each_slot(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f.template operator()<I>(std::get<I>(TableFacts<Table>::slots)), ...);
    }
    (std::make_index_sequence<slot_count<Table>>());
}

namespace detail {

template <class F, larder_status Status>
struct Answers;
template <class R, class... A, bool N, larder_status Status>
struct Answers<R (*)(A...) noexcept(N), Status> {
    static R answer(A...) noexcept {
        if constexpr (std::is_same_v<R, larder_status>) {
            return Status;
        } else if constexpr (!std::is_void_v<R>) {
            return R{};
        }
    }
};

// What the plugin's table has, in the kernel's size; NULL where it has nothing. A size that ends
// within a member is taken as ending before it.
template <class Table>
Table bare_table(const void* theirs) noexcept {
    std::uint32_t size = 0;
    std::memcpy(&size, theirs, sizeof size);
    Table table{};
    std::memcpy(static_cast<void*>(&table), theirs,
                std::min<std::size_t>(size / sizeof(void*) * sizeof(void*), sizeof table));
    table.struct_size = sizeof table;
    return table;
}

}  // namespace detail

// The plugin's table in the kernel's size, every slot callable. `theirs` begins with its
// struct_size.
template <class Table>
Table whole_table(const void* theirs) noexcept {
    Table table = detail::bare_table<Table>(theirs);
    each_slot<Table>([&]<std::size_t I>(auto slot) {
        auto& function = table.*(decltype(slot)::member);
        if (function == nullptr) {
            function = &detail::Answers<std::remove_reference_t<decltype(function)>,
                                        LARDER_E_UNSUPPORTED>::answer;
        }
    });
    return table;
}

// The table of a component that is not there: whatever it is asked, it is closed.
template <class Table>
Table closed_table() noexcept {
    Table table{};
    table.struct_size = sizeof table;
    each_slot<Table>([&]<std::size_t I>(auto slot) {
        auto& function = table.*(decltype(slot)::member);
        function =
            &detail::Answers<std::remove_reference_t<decltype(function)>, LARDER_E_CLOSED>::answer;
    });
    return table;
}

// The first slot that an instance with these capabilities needs and its table does not have; empty:
// none is missing.
template <class Table>
std::string_view missing_slot(const void* theirs, std::uint64_t caps) noexcept {
    const Table table = detail::bare_table<Table>(theirs);
    std::string_view missing;
    each_slot<Table>([&]<std::size_t I>(auto slot) {
        const bool needed = slot.needed_by == always || (slot.needed_by & caps) != 0;
        if (missing.empty() && needed && table.*(decltype(slot)::member) == nullptr) {
            missing = slot.name;
        }
    });
    return missing;
}

}  // namespace larder::loader
