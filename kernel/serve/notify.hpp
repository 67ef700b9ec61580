// kernel/serve/notify.hpp -- telling the service manager what state we are in.
#pragma once

namespace larder::serve {

// One datagram to $NOTIFY_SOCKET, as sd_notify(3) says; without one, nothing. "READY=1".
void notify(const char* state) noexcept;

}  // namespace larder::serve
