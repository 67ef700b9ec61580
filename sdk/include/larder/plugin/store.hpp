// larder/plugin/store.hpp -- a store written as a C++ class:
// LARDER_MODULE(&larder::plugin::Store<T>::value)
//
// T must have, with the meaning of store.h:
//     larder_status get(const larder_key&, const larder_call&, Reply);
//     larder_status put(const larder_key&, const larder_put&, const larder_call&);
//     larder_status remove(const larder_key&, std::uint64_t if_version, const larder_call&);
//     larder_status touch(const larder_key&, const larder_touch&, const larder_call&);
// and may have
//     larder_status visit(const larder_key&, const larder_call&, Visitor);
//     larder_status get_many(std::span<larder_get_item>, const larder_call&);
//     larder_status remove_many(std::span<const larder_key>, const larder_call&);
//     larder_status clear_ns(std::uint32_t ns, const larder_call&);
//     larder_status scan(larder_scan&, const larder_call&);
//     larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes);
//     larder_status evict(std::uint32_t ns, std::uint32_t order);
//     larder_status demote(std::uint32_t ns, const larder_demotion* to);
//     void          cancel(void* done_ctx);
//     larder_status stats(std::uint32_t ns, larder_store_stats&);
// All are called from many threads at once, but limits.
#ifndef LARDER_PLUGIN_STORE_HPP
#define LARDER_PLUGIN_STORE_HPP
#include "component.hpp"

#include <cstdint>
#include <span>

namespace larder::plugin {

// What visit shows the stored bytes to: call it once, and return LARDER_OK.
class Visitor {
  public:
    using Fn = void(LARDER_CALL*)(void* ctx, larder_bytes value) LARDER_NOEXCEPT;
    Visitor(Fn fn, void* ctx) noexcept : fn_(fn), ctx_(ctx) {}
    larder_status operator()(const void* data, std::size_t size) const noexcept {
        fn_(ctx_, larder_bytes{data, size});
        return LARDER_OK;
    }

  private:
    Fn fn_;
    void* ctx_;
};

template <class T>
struct StoreKind {
    static constexpr std::uint32_t kind = LARDER_KIND_STORE;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static larder_status LARDER_CALL get(void* self, const larder_key* key, const larder_call* call,
                                         larder_value* out) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).get(*key, *call, Reply(out)); });
    }
    static larder_status LARDER_CALL put(void* self, const larder_key* key, const larder_put* put,
                                         const larder_call* call) noexcept {
        return detail::guarded(self,
                               [&]() -> larder_status { return of(self).put(*key, *put, *call); });
    }
    static larder_status LARDER_CALL remove(void* self, const larder_key* key,
                                            std::uint64_t if_version,
                                            const larder_call* call) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).remove(*key, if_version, *call); });
    }
    static larder_status LARDER_CALL touch(void* self, const larder_key* key,
                                           const larder_touch* touch,
                                           const larder_call* call) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).touch(*key, *touch, *call); });
    }

    static constexpr larder_store_v1 make() noexcept {
        larder_store_v1 v{};
        v.struct_size = sizeof v;
        v.get = &get;
        v.put = &put;
        v.remove = &remove;
        v.touch = &touch;
        if constexpr (LARDER_DETAIL_HAS(T, visit, larder_key{}, larder_call{},
                                        std::declval<Visitor>())) {
            v.visit = [](void* self, const larder_key* key, const larder_call* call, Visitor::Fn fn,
                         void* ctx) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).visit(*key, *call, Visitor(fn, ctx));
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, get_many, std::span<larder_get_item>{}, larder_call{})) {
            v.get_many = [](void* self, larder_get_item* items, std::size_t n,
                            const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).get_many(std::span(items, n), *call);
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, remove_many, std::span<const larder_key>{},
                                        larder_call{})) {
            v.remove_many = [](void* self, const larder_key* keys, std::size_t n,
                               const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).remove_many(std::span(keys, n), *call);
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, clear_ns, std::uint32_t{}, larder_call{})) {
            v.clear_ns = [](void* self, std::uint32_t ns,
                            const larder_call* call) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).clear_ns(ns, *call); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, scan, std::declval<larder_scan&>(), larder_call{})) {
            v.scan = [](void* self, larder_scan* scan,
                        const larder_call* call) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).scan(*scan, *call); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, limits, std::uint32_t{}, std::uint64_t{},
                                        std::uint64_t{})) {
            v.limits = [](void* self, std::uint32_t ns, std::uint64_t entries,
                          std::uint64_t bytes) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).limits(ns, entries, bytes); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, evict, std::uint32_t{}, std::uint32_t{})) {
            v.evict = [](void* self, std::uint32_t ns, std::uint32_t order) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).evict(ns, order); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, demote, std::uint32_t{},
                                        static_cast<const larder_demotion*>(nullptr))) {
            v.demote = [](void* self, std::uint32_t ns,
                          const larder_demotion* to) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).demote(ns, to); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, cancel, static_cast<void*>(nullptr))) {
            v.cancel = [](void* self, void* done_ctx) noexcept {
                static_cast<void>(detail::guarded(self, [&]() -> larder_status {
                    of(self).cancel(done_ctx);
                    return LARDER_OK;
                }));
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, stats, std::uint32_t{},
                                        std::declval<larder_store_stats&>())) {
            v.stats = [](void* self, std::uint32_t ns,
                         larder_store_stats* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    larder_store_stats now{};
                    now.struct_size = sizeof now;
                    const larder_status st = of(self).stats(ns, now);
                    if (st == LARDER_OK) {
                        detail::copy_out(now, out);
                    }
                    return st;
                });
            };
        }
        return v;
    }
    static constexpr larder_store_v1 table = make();
};

template <class T>
using Store = Component<T, StoreKind>;

}  // namespace larder::plugin
#endif
