// kernel/loader/instance.hpp -- one configured instance of a component: [store.l1], [gateway.resp].
//
// create and start are two steps, so that a whole graph can be made and judged before anything of
// it connects or listens. The last reference destroys the instance, after stopping it: whoever
// holds a value that points into the instance holds a reference too.
#pragma once

#include "kernel/loader/options.hpp"
#include "kernel/loader/plugin_guard.hpp"
#include "kernel/loader/plugin_module.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace larder::loader {

struct HealthReport {
    std::int32_t state = LARDER_HEALTH_OK;  // LARDER_HEALTH_*
    std::string message;
};

class PluginInstance {
  public:
    // title: how people know it, "store.l1" for [store.l1]. Null: `problem` is one line that begins
    // with it. No I/O, no thread. [control]
    static std::shared_ptr<PluginInstance> create(std::shared_ptr<PluginModule> module,
                                                  const ComponentManifest& component,
                                                  OptionValues options, std::string title,
                                                  std::string& problem);
    // One whose plugin is not run, because of `why`: everything that is asked of it ends with
    // LARDER_E_CLOSED, as if a breaker stood open, and its health is down. [control]
    static std::shared_ptr<PluginInstance> stand_in(std::shared_ptr<PluginModule> module,
                                                    const ComponentManifest& component,
                                                    OptionValues options, std::string title,
                                                    std::string why);
    ~PluginInstance();
    PluginInstance(const PluginInstance&) = delete;
    PluginInstance& operator=(const PluginInstance&) = delete;

    // False: `problem` as above; the instance can be dropped, not started again. [control]
    bool start(std::string& problem);
    // deadline_ns: host monotonic clock. Idempotent. [control]
    larder_status stop(std::uint64_t deadline_ns) noexcept;
    // Takes options that differ only in reloadable ones. False: it goes on as before; `problem`
    // says why, or is empty when this instance has to be made anew. [control]
    bool reconfigure(OptionValues options, std::string& problem);
    HealthReport health() const noexcept;                  // [any thread]
    const void* extension(const char* id) const noexcept;  // [any thread]

    const std::string& name() const { return options_.instance(); }  // "l1"
    const std::string& title() const { return title_; }              // "store.l1"
    Kind kind() const { return component_.kind; }
    const std::string& component() const { return component_.name; }  // "memory"
    std::uint64_t caps() const { return caps_; }                      // LARDER_..._CAP_*
    const OptionValues& options() const { return options_; }
    const PluginModule& module() const { return *module_; }
    // Why it is only a stand-in; empty: it is none.
    const std::string& stands_in() const { return stands_in_; }
    // Broken promises of any function so far.
    std::uint64_t sins() const noexcept;

    // What to call, guarded, with every slot callable: table<larder_store_v1>().get(self(), ...).
    // REQUIRES: the table is that of kind().
    template <class Table>
    const Table& table() const {
        return std::get<Guarded<Table>>(guard_).table();
    }
    void* self() noexcept;
    // What an extension's functions are called with: nothing stands before them.
    void* theirs() const noexcept { return theirs_; }

  private:
    PluginInstance(std::shared_ptr<PluginModule> module, const ComponentManifest& component,
                   OptionValues options, std::string title);
    template <class Table>
    bool take(const larder_instance& made, std::string& problem);
    template <class Table>
    void take_closed();

    std::shared_ptr<PluginModule> module_;
    const ComponentManifest component_;
    const larder_component functions_;
    OptionValues options_;
    std::string title_;
    std::string stands_in_;
    GuardRecord record_;
    std::uint64_t caps_ = 0;
    void* theirs_ = nullptr;
    bool started_ = false;
    bool stopped_ = false;
    std::variant<std::monostate, Guarded<larder_store_v1>, Guarded<larder_compressor_v1>,
                 Guarded<larder_warmer_v1>, Guarded<larder_invalidator_v1>,
                 Guarded<larder_session_v1>, Guarded<larder_exporter_v1>,
                 Guarded<larder_gateway_v1>>
        guard_;
};

}  // namespace larder::loader
