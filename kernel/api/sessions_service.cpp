// kernel/api/sessions_service.cpp -- larder.sessions/1: sessions behind a C function, for gateways.
#include "kernel/api/kernel_services.hpp"
#include "kernel/api/sessions.hpp"
#include "kernel/loader/host_visit.hpp"

#include <exception>
#include <new>

namespace larder::api {
namespace {

std::uint32_t role_for(std::uint32_t what) {
    const bool many = what == LARDER_SESSION_LIST || what == LARDER_SESSION_END_USER || what == LARDER_SESSION_END_NAMED;
    return many ? LARDER_ROLE_INVALIDATE : LARDER_ROLE_WRITE;
}

larder_status LARDER_CALL run(const larder_host* host, const larder_session_order* order, larder_session_answer* answer, const larder_call* call) noexcept {
    if (call != nullptr && call->role != LARDER_ROLE_TRUSTED && call->role < role_for(order->what)) return LARDER_E_DENIED;
    const loader::HostVisit visit;
    KernelServices* const found = KernelServices::find(host);
    if (found == nullptr || !found->is_open()) return LARDER_E_CLOSED;
    KernelServices& services = *found;
    try {
        Sessions* const sessions = services.side().sessions();
        return sessions == nullptr ? larder_status{LARDER_E_CONFIG} : sessions->run(*order, *answer, call);
    } catch (const std::bad_alloc&) {
        return LARDER_E_NOMEM;
    } catch (const std::exception& error) {
        services.log("kernel", LARDER_LOG_ERROR, error.what());
        return LARDER_E_INTERNAL;
    }
}

}  // namespace

const larder_sessions_api& sessions_table() {
    static const larder_sessions_api table{sizeof(larder_sessions_api), 0, &run};
    return table;
}

}  // namespace larder::api
