// larder/plugin/compressor.hpp -- a compressor written as a C++ class:
// &larder::plugin::Compressor<T>::value
//
// T must have, with the meaning of compressor.h:
//     static constexpr std::uint32_t codec_id = 130;
//     std::size_t bound(std::size_t in_size) const;
//     larder_status compress(std::span<const std::byte> in, std::span<std::byte> out, std::size_t&
//     written) const; larder_status decompress(std::span<const std::byte> in, std::span<std::byte>
//     out) const;  // fills all of out
// and may have
//     larder_status train(std::span<const larder_bytes> samples, std::span<std::byte> out,
//     std::size_t& written) const;
#ifndef LARDER_PLUGIN_COMPRESSOR_HPP
#define LARDER_PLUGIN_COMPRESSOR_HPP
#include "component.hpp"

#include <cstddef>
#include <span>

namespace larder::plugin {

template <class T>
struct CompressorKind {
    static constexpr std::uint32_t kind = LARDER_KIND_COMPRESSOR;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }
    static std::span<std::byte> room(void* out, std::size_t size) noexcept {
        return {static_cast<std::byte*>(out), size};
    }

    static std::size_t LARDER_CALL bound(void* self, std::size_t in_size) noexcept {
        std::size_t most = 0;
        static_cast<void>(detail::guarded(self, [&]() -> larder_status {
            most = of(self).bound(in_size);
            return LARDER_OK;
        }));
        return most;
    }
    static larder_status LARDER_CALL compress(void* self, larder_bytes in, void* out,
                                              std::size_t* out_size) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            return of(self).compress(span_of(in), room(out, *out_size), *out_size);
        });
    }
    static larder_status LARDER_CALL decompress(void* self, larder_bytes in, void* out,
                                                std::size_t* out_size) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            return of(self).decompress(span_of(in), room(out, *out_size));
        });
    }

    static constexpr larder_compressor_v1 make() noexcept {
        static_assert(T::codec_id >= 1 && T::codec_id <= 65535);
        larder_compressor_v1 v{};
        v.struct_size = sizeof v;
        v.codec_id = T::codec_id;
        v.bound = &bound;
        v.compress = &compress;
        v.decompress = &decompress;
        if constexpr (LARDER_DETAIL_HAS(T, train, std::span<const larder_bytes>{},
                                        std::span<std::byte>{}, std::declval<std::size_t&>())) {
            v.train = [](void* self, const larder_bytes* samples, std::size_t n, void* out,
                         std::size_t* out_size) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).train(std::span(samples, n), room(out, *out_size), *out_size);
                });
            };
        }
        return v;
    }
    static constexpr larder_compressor_v1 table = make();
};

template <class T>
using Compressor = Component<T, CompressorKind>;

}  // namespace larder::plugin
#endif
