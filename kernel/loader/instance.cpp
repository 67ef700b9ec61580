// kernel/loader/instance.cpp -- one configured instance of a component: [store.l1], [gateway.resp].
#include "kernel/loader/instance.hpp"

#include "kernel/loader/reason.hpp"

#include <algorithm>
#include <cstring>

namespace larder::loader {

PluginInstance::PluginInstance(std::shared_ptr<PluginModule> module,
                               const ComponentManifest& component, OptionValues options,
                               std::string title)
    : module_(std::move(module)),
      component_(component),
      functions_(module_->component(component.kind, component.name)),
      options_(std::move(options)),
      title_(std::move(title)),
      record_(module_->host(), module_->manifest().id + " " + module_->manifest().version, title_) {
}

PluginInstance::~PluginInstance() {
    if (theirs_ != nullptr) {
        stop(0);
        const Crumb crumb = record_.crumb("destroy");
        const detail::CrumbScope scope(&crumb);
        if (!Reason::of_void(functions_.destroy, theirs_)) {
            record_.misbehaved(Sin::exception, crumb);
        }
    }
}

template <class Table>
bool PluginInstance::take(const larder_instance& made, std::string& problem) {
    if (const auto slot = missing_slot<Table>(made.vtable, caps_); !slot.empty()) {
        problem = title_ + ": " + std::string(name_of(kind())) + " " + component_.name + " of " +
                  module_->file().path + " has no " + std::string(slot) + ", which a " +
                  std::string(name_of(kind())) + " with its capabilities needs" + ask_the_kit;
        return false;
    }
    guard_.emplace<Guarded<Table>>(record_, made.vtable, made.self);
    return true;
}

template <class Table>
void PluginInstance::take_closed() {
    const Table closed = closed_table<Table>();
    guard_.emplace<Guarded<Table>>(record_, &closed, nullptr);
}

std::shared_ptr<PluginInstance> PluginInstance::stand_in(std::shared_ptr<PluginModule> module,
                                                         const ComponentManifest& component,
                                                         OptionValues options, std::string title,
                                                         std::string why) {
    std::shared_ptr<PluginInstance> self(
        new PluginInstance(std::move(module), component, std::move(options), std::move(title)));
    self->stands_in_ = std::move(why);
    switch (component.kind) {
        case Kind::store:
            self->caps_ = LARDER_STORE_CAP_SYNC;
            self->take_closed<larder_store_v1>();
            break;
        case Kind::compressor:
            self->take_closed<larder_compressor_v1>();
            break;
        case Kind::warmer:
            self->take_closed<larder_warmer_v1>();
            break;
        case Kind::invalidator:
            self->take_closed<larder_invalidator_v1>();
            break;
        case Kind::session:
            self->take_closed<larder_session_v1>();
            break;
        case Kind::exporter:
            self->take_closed<larder_exporter_v1>();
            break;
        case Kind::gateway:
            self->take_closed<larder_gateway_v1>();
            break;
    }
    return self;
}

std::shared_ptr<PluginInstance> PluginInstance::create(std::shared_ptr<PluginModule> module,
                                                       const ComponentManifest& component,
                                                       OptionValues options, std::string title,
                                                       std::string& problem) {
    std::shared_ptr<PluginInstance> self(
        new PluginInstance(std::move(module), component, std::move(options), std::move(title)));
    larder_instance made{};
    made.struct_size = sizeof made;
    const Crumb crumb = self->record_.crumb("create");
    const detail::CrumbScope scope(&crumb);
    Reason reason;
    const larder_status status = Reason::of(self->functions_.create, self->module_->host(),
                                            self->options_.as_config(), &made, reason.buffer());
    const std::string by = self->title_ + ": " + self->module_->file().path + ": ";
    if (status == LARDER_E_EXCEPTION && reason.is_empty()) {
        problem = by + "its create let an exception out" + ask_the_kit;
        return nullptr;
    }
    if (status != LARDER_OK) {
        problem = self->title_ + ": " + reason.text(status);
        return nullptr;
    }
    self->theirs_ = made.self;
    if (made.self == nullptr || made.vtable == nullptr) {
        problem = by + "its create answered OK without an instance" + ask_the_kit;
        return nullptr;
    }
    if ((made.caps & ~component.caps & known_capabilities(component.kind)) != 0) {
        problem =
            by + "the instance has capabilities that its manifest does not have" + ask_the_kit;
        return nullptr;
    }
    self->caps_ = made.caps & known_capabilities(component.kind);
    bool taken = false;
    switch (component.kind) {
        case Kind::store:
            taken = self->take<larder_store_v1>(made, problem);
            break;
        case Kind::compressor:
            taken = self->take<larder_compressor_v1>(made, problem);
            break;
        case Kind::warmer:
            taken = self->take<larder_warmer_v1>(made, problem);
            break;
        case Kind::invalidator:
            taken = self->take<larder_invalidator_v1>(made, problem);
            break;
        case Kind::session:
            taken = self->take<larder_session_v1>(made, problem);
            break;
        case Kind::exporter:
            taken = self->take<larder_exporter_v1>(made, problem);
            break;
        case Kind::gateway:
            taken = self->take<larder_gateway_v1>(made, problem);
            break;
    }
    return taken ? self : nullptr;
}

bool PluginInstance::start(std::string& problem) {
    if (functions_.start != nullptr) {
        const Crumb crumb = record_.crumb("start");
        const detail::CrumbScope scope(&crumb);
        Reason reason;
        const larder_status status = Reason::of(functions_.start, theirs_, reason.buffer());
        if (status != LARDER_OK) {
            problem = title_ + ": " + reason.text(status);
            return false;
        }
    }
    started_ = true;
    return true;
}

larder_status PluginInstance::stop(std::uint64_t deadline_ns) noexcept {
    if (!started_ || stopped_ || functions_.stop == nullptr) {
        return LARDER_OK;
    }
    stopped_ = true;
    const Crumb crumb = record_.crumb("stop");
    const detail::CrumbScope scope(&crumb);
    return Reason::of(functions_.stop, theirs_, deadline_ns);
}

bool PluginInstance::reconfigure(OptionValues options, std::string& problem) {
    problem.clear();
    const auto changed = changed_options(options_, options);
    const bool possible = functions_.reconfigure != nullptr &&
                          std::all_of(changed.begin(), changed.end(), [&](const std::string& name) {
                              const OptionSpec* spec = component_.option(name);
                              return spec != nullptr && spec->reloadable;
                          });
    if (changed.empty()) {
        options_ = std::move(options);
        return true;
    }
    if (!possible) {
        return false;
    }
    const Crumb crumb = record_.crumb("reconfigure");
    const detail::CrumbScope scope(&crumb);
    Reason reason;
    const larder_status status =
        Reason::of(functions_.reconfigure, theirs_, options.as_config(), reason.buffer());
    if (status != LARDER_OK) {
        problem = title_ + ": " + reason.text(status);
        return false;
    }
    options_ = std::move(options);
    return true;
}

HealthReport PluginInstance::health() const noexcept {
    if (!stands_in_.empty()) {
        try {
            return {LARDER_HEALTH_DOWN, stands_in_};
        } catch (...) {
            return {LARDER_HEALTH_DOWN, {}};
        }
    }
    if (functions_.health == nullptr) {
        return {};
    }
    const Crumb crumb = record_.crumb("health");
    const detail::CrumbScope scope(&crumb);
    larder_health health{};
    health.struct_size = sizeof health;
    const larder_status status = Reason::of(functions_.health, theirs_, &health);
    try {
        if (status != LARDER_OK) {
            return {LARDER_HEALTH_DEGRADED,
                    "its health function failed: " + std::string(name_of_status(status))};
        }
        const bool known = health.state >= LARDER_HEALTH_OK && health.state <= LARDER_HEALTH_DOWN;
        return {known ? health.state : LARDER_HEALTH_DEGRADED,
                std::string(health.message, ::strnlen(health.message, sizeof health.message))};
    } catch (...) {
        return {LARDER_HEALTH_DEGRADED, {}};
    }
}

const void* PluginInstance::extension(const char* id) const noexcept {
    if (functions_.extension == nullptr) {
        return nullptr;
    }
    const Crumb crumb = record_.crumb("extension");
    const detail::CrumbScope scope(&crumb);
    const void* (*ask)(void*, const char*) = functions_.extension;  // a type that may throw
    try {
        return ask(theirs_, id);
    } catch (...) {
        return nullptr;
    }
}

std::uint64_t PluginInstance::sins() const noexcept {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < sin_count; ++i) {
        all += record_.count(static_cast<Sin>(i));
    }
    return all;
}

void* PluginInstance::self() noexcept {
    return std::visit(
        [](auto& guard) -> void* {
            if constexpr (std::is_same_v<std::decay_t<decltype(guard)>, std::monostate>) {
                return nullptr;
            } else {
                return guard.self();
            }
        },
        guard_);
}

}  // namespace larder::loader
