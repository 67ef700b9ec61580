// kernel/config/wiring.hpp -- from a plan to running instances, and from one plan to the next.
//
// A Graph holds the instances that run. A reload does not touch it: it makes the next one beside it,
// with the instances that stay the same taken over, starts what is new, and only when all of that
// went well does the kernel use the next graph and stop what it has no use for. A failure before that
// point leaves everything as it was.
//
//   same plugin file, same options             kept
//   only options differ that may change        kept, told of its new options (taken back on failure)
//   other options, or another plugin           made anew beside the old one
//   the same of a gateway or invalidator       kept as it is until a restart, which is said: the new
//                                              one could not have the address while the old has it
#pragma once

#include "kernel/config/catalog.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/loader/instance.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::config {

struct Node {
    Section section = Section::store;
    unsigned workers = 4;
    Ms timeout{5000};
    bool empty_on_reload = false;
    std::string file;  // of its plugin
    std::shared_ptr<loader::PluginInstance> instance;
};

// Whether others reach the cache through it: started last, stopped first.
bool is_front(Section section);

struct Graph {
    std::vector<Node> nodes;  // in file order
    const Node* find(Section section, std::string_view name) const;
    std::vector<StoreHandle> stores() const;
    std::vector<CodecHandle> codecs() const;
    std::vector<SourceHandle> sources() const;  // source_calls.cpp
};

class Transition {
  public:
    // Makes what `plan` asks for and `old` does not have; nothing is started. Nullopt: `problem` says
    // why, and nothing has changed.
    static std::optional<Transition> prepare(const Plan& plan, const Graph& old,
                                             loader::PluginRegistry& registry,
                                             loader::HostServices& services, std::string& problem);
    // Starts what is new behind the cache (fronts false) or in front of it (true). False: `problem`
    // says why; undo() then.
    bool start(bool fronts, std::string& problem);
    // Tells kept instances of their new options.
    bool reconfigure(std::string& problem);
    // Stops what was started and takes options back.
    void undo(std::uint64_t deadline_ns);

    Graph& next() { return next_; }
    // Instances of the old graph that the next one does not have.
    const std::vector<Node>& retired() const { return retired_; }
    // What changes, and what a restart would change, one line each.
    const std::vector<std::string>& said() const { return said_; }

  private:
    struct Reconfigured {
        std::shared_ptr<loader::PluginInstance> instance;
        loader::OptionValues before, after;
        bool done = false;
    };
    void keep_or_say(const PlannedInstance& planned, const Node& old, bool& make);

    Graph next_;
    std::vector<Node> made_, retired_;
    std::vector<Reconfigured> reconfigured_;
    std::vector<std::string> said_;
};

// Fronts first, then the rest, in the opposite order of the file.
void stop(const std::vector<Node>& nodes, bool fronts, std::uint64_t deadline_ns);

}  // namespace larder::config
