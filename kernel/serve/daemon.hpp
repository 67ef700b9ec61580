// kernel/serve/daemon.hpp -- `larder serve`: a kernel, its admin socket, and the signals of an operator.
//
//   SIGHUP           reload; the log file is opened anew
//   SIGTERM, SIGINT  clean stop; a second one ends the process at once
//   SIGPIPE          ignored
//   SIGXFSZ          ignored: a file that may not grow is a full disk to whoever writes it
#pragma once

#include "kernel/api/kernel.hpp"

#include <functional>
#include <string>

namespace larder::serve {

struct DaemonOptions {
    KernelOptions kernel;
    // Called once when everything listens, with one line: `larder 0.1.0 ready: policy hotel.larder
    // (5 namespaces, 8 rules) resp=127.0.0.1:7380 admin=/run/larder/larder.sock`.
    std::function<void(const std::string& line)> ready;
    std::function<void(const std::string& line)> warn;
};

// Blocks until a signal says stop. False: it did not start, and `problem` says why. One at a time in a
// process, on its main thread.
bool run_daemon(DaemonOptions options, std::string& problem);

}  // namespace larder::serve
