// kernel/serve/socket_file.hpp -- a listening unix socket in the file system, for its owner alone.
#pragma once

#include <string>

namespace larder::serve {

// A descriptor that listens, non-blocking, its file 0600. The folder is made (0700) when it is not
// there; one that others may write is refused, unless it is sticky and root's. A file of a socket that
// nobody listens at is replaced. -1: `problem` says why and what to do.
int listen_at(const std::string& path, std::string& problem);

}  // namespace larder::serve
