// kernel/loader/reason.cpp -- why a cold function of a plugin failed, in its own words.
#include "kernel/loader/reason.hpp"

namespace larder::loader {

std::string_view name_of_status(larder_status status) {
    switch (status) {
        case LARDER_OK:
            return "LARDER_OK";
        case LARDER_MISS:
            return "LARDER_MISS";
        case LARDER_PENDING:
            return "LARDER_PENDING";
        case LARDER_EXISTS:
            return "LARDER_EXISTS";
        case LARDER_E_INVALID:
            return "LARDER_E_INVALID";
        case LARDER_E_UNSUPPORTED:
            return "LARDER_E_UNSUPPORTED";
        case LARDER_E_NOMEM:
            return "LARDER_E_NOMEM";
        case LARDER_E_IO:
            return "LARDER_E_IO";
        case LARDER_E_TIMEOUT:
            return "LARDER_E_TIMEOUT";
        case LARDER_E_BUSY:
            return "LARDER_E_BUSY";
        case LARDER_E_CANCELLED:
            return "LARDER_E_CANCELLED";
        case LARDER_E_CLOSED:
            return "LARDER_E_CLOSED";
        case LARDER_E_CONFLICT:
            return "LARDER_E_CONFLICT";
        case LARDER_E_TOO_LARGE:
            return "LARDER_E_TOO_LARGE";
        case LARDER_E_CORRUPT:
            return "LARDER_E_CORRUPT";
        case LARDER_E_DENIED:
            return "LARDER_E_DENIED";
        case LARDER_E_CONFIG:
            return "LARDER_E_CONFIG";
        case LARDER_E_VERSION:
            return "LARDER_E_VERSION";
        case LARDER_E_INTERNAL:
            return "LARDER_E_INTERNAL";
        case LARDER_E_EXCEPTION:
            return "LARDER_E_EXCEPTION";
        case LARDER_E_REFUSED:
            return "LARDER_E_REFUSED";
        default:
            return "an unknown status";
    }
}

}  // namespace larder::loader
