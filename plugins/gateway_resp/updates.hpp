// plugins/gateway_resp/updates.hpp -- a command whose new value depends on the old one.
//
// The kernel reads, asks a judge(exchange, old text, replacement), and writes only if nobody wrote
// meanwhile; else it asks again. So a judge computes and keeps nothing but what its last call found. It
// answers LARDER_OK with a replacement, or refuses.
#pragma once
#include "exchange.hpp"

namespace larder::resp {

// A replacement of its own; the kernel gives it back.
inline larder_status replace(larder_value* out, std::string bytes) {
    auto* owned = new std::string(std::move(bytes));
    out->data = owned->data();
    out->size = owned->size();
    out->pin = owned;
    out->release = [](larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); };
    return LARDER_OK;
}

// Leaves the entry alone; why is the reply.
inline larder_status refuse(Exchange& x, const char* why) noexcept {
    x.failure = why;
    return LARDER_EXISTS;
}

// What a judge throws is lack of memory.
template <larder_status (*judge)(Exchange&, std::string_view, larder_value*)>
larder_status LARDER_CALL ask(void* ctx, larder_bytes old, larder_value* replacement,
                              std::int64_t*) noexcept {
    auto& x = *static_cast<Exchange*>(ctx);
    x.failure = nullptr;
    try {
        const larder_status judged = judge(x, text_of(old), replacement);
        x.flag = judged == LARDER_OK;
        x.made = old.data == nullptr;
        return judged;
    } catch (...) {
        return LARDER_E_NOMEM;
    }
}

// Updates the entry of args[1].
Step update(Exchange& x, larder_update_fn fn, Handler second_half);
// True: the update went through, and those who asked are told; else the reply is the error.
bool went_through(Exchange& x);
// x.number2, when it went through.
Step reply_number(Exchange& x);

}  // namespace larder::resp
