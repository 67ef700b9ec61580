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
//     std::span<const std::int32_t> levels() const;
// and, for settings (LARDER_COMP_CAP_SETTINGS), a type of what was opened, which has the two verbs
// of the codec:
//     class Opened { public: compress(in, out, written) const; decompress(in, out) const; };
//     larder_status open(const larder_codec_setting& setting, std::unique_ptr<Opened>& out) const;
#ifndef LARDER_PLUGIN_COMPRESSOR_HPP
#define LARDER_PLUGIN_COMPRESSOR_HPP
#include "component.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
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
        if constexpr (requires(const T& t) { t.levels(); }) {
            v.levels = [](void* self, std::int32_t* out, std::size_t n) noexcept -> std::size_t {
                const std::span<const std::int32_t> all = of(self).levels();
                std::copy_n(all.begin(), std::min(n, all.size()), out);
                return all.size();
            };
        }
        if constexpr (requires { typename T::Opened; }) {
            v.open = &open;
            v.close = &close;
            v.compress_with = &compress_with;
            v.decompress_with = &decompress_with;
        }
        return v;
    }
    static constexpr larder_compressor_v1 table = make();

  private:
    static larder_status LARDER_CALL open(void* self, const larder_codec_setting* setting,
                                          void** out) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            std::unique_ptr<typename T::Opened> opened;
            const larder_status status = of(self).open(*setting, opened);
            if (status == LARDER_OK) {
                *out = static_cast<void*>(opened.release());
            }
            return status;
        });
    }
    static void LARDER_CALL close(void*, void* opened) noexcept {
        if constexpr (requires { typename T::Opened; }) {
            delete static_cast<typename T::Opened*>(opened);
        }
    }
    static larder_status LARDER_CALL compress_with(void* self, void* opened, larder_bytes in,
                                                   void* out, std::size_t* out_size) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            const auto& with = *static_cast<const typename T::Opened*>(opened);
            return with.compress(span_of(in), room(out, *out_size), *out_size);
        });
    }
    static larder_status LARDER_CALL decompress_with(void* self, void* opened, larder_bytes in,
                                                     void* out, std::size_t* out_size) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            const auto& with = *static_cast<const typename T::Opened*>(opened);
            return with.decompress(span_of(in), room(out, *out_size));
        });
    }
};

template <class T>
using Compressor = Component<T, CompressorKind>;

}  // namespace larder::plugin
#endif
