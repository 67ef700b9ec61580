// kernel/config/wiring.cpp -- from one set of running instances to the next.
#include "kernel/config/wiring.hpp"

#include <algorithm>
#include <utility>

namespace larder::config {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) (out += out.empty() ? "`" : "`, `") += word;
    return out + "`";
}

bool all_reloadable(const loader::ComponentManifest& component,
                    const std::vector<std::string>& options) {
    return std::all_of(options.begin(), options.end(), [&](const std::string& name) {
        const auto* spec = component.option(name);
        return spec != nullptr && spec->reloadable;
    });
}

}  // namespace

bool is_front(Section section) {
    return section == Section::gateway || section == Section::invalidator;
}

const Node* Graph::find(Section section, std::string_view name) const {
    for (const Node& node : nodes)
        if (node.section == section && node.instance->name() == name) return &node;
    return nullptr;
}

namespace {

// The table, if nothing is missing in it; a store with half an extension is a plain one.
const larder_shared_v1* whole(const larder_shared_v1* table) {
    if (table == nullptr || table->struct_size < sizeof *table) return nullptr;
    const bool all = table->prefix && table->listen && table->now_ms && table->max_staleness_ms && table->read && table->make &&
                     table->change && table->lease && table->fill;
    return all ? table : nullptr;
}

}  // namespace

std::vector<StoreHandle> Graph::stores() const {
    std::vector<StoreHandle> out;
    for (const Node& node : nodes) {
        if (node.section != Section::store) continue;
        StoreHandle handle;
        handle.name = node.instance->name();
        handle.plugin = node.instance->component();
        handle.table = &node.instance->table<larder_store_v1>();
        handle.self = node.instance->self();
        handle.caps = node.instance->caps();
        // What outlives the process is judged by records that do, as what other nodes share.
        if ((handle.caps & (LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_PERSISTENT)) != 0) {
            // The guard stands before the store's own table only: the extension is called as it is.
            handle.shared = whole(static_cast<const larder_shared_v1*>(node.instance->extension(LARDER_EXT_SHARED)));
            handle.shared_self = node.instance->theirs();
        }
        handle.workers = node.workers;
        handle.timeout = node.timeout;
        handle.empty_on_reload = node.empty_on_reload;
        handle.keep = node.instance;
        out.push_back(std::move(handle));
    }
    return out;
}

std::vector<CodecHandle> Graph::codecs() const {
    std::vector<CodecHandle> out;
    for (const Node& node : nodes) {
        if (node.section != Section::codec) continue;
        out.push_back({node.instance->name(), &node.instance->table<larder_compressor_v1>(),
                       node.instance->self(), node.instance, node.instance->caps()});
    }
    return out;
}

// Decides about an instance that both plans have. make: it has to be made anew.
void Transition::keep_or_say(const PlannedInstance& planned, const Node& old, bool& make) {
    make = false;
    const auto& component = *planned.plugin.component;
    const bool same_plugin = old.file == planned.plugin.file->path &&
                             old.instance->component() == component.name;
    const auto changed = loader::changed_options(old.instance->options(), planned.options);
    if (same_plugin && changed.empty()) return;
    const std::string what = same_plugin ? joined(changed) : std::string("its plugin");
    if (same_plugin && all_reloadable(component, changed)) {
        reconfigured_.push_back({old.instance, old.instance->options(), planned.options, false});
        said_.push_back(planned.title + ": " + what + " changed");
    } else if (is_front(planned.from.section)) {
        said_.push_back(planned.title + ": " + what + " changed; a restart takes it up");
    } else {
        make = true;
        said_.push_back(planned.title + ": made anew, " + what + " changed" +
                        (planned.from.section == Section::store ? "; it begins empty" : ""));
    }
}

std::optional<Transition> Transition::prepare(const Plan& plan, const Graph& old,
                                              loader::PluginRegistry& registry,
                                              loader::HostServices& services,
                                              std::string& problem) {
    std::optional<Transition> out(std::in_place);
    for (const PlannedInstance& planned : plan.instances) {
        const Node* before = old.find(planned.from.section, planned.from.name);
        bool make = true;
        if (before != nullptr) out->keep_or_say(planned, *before, make);
        Node node{planned.from.section, planned.from.workers, planned.from.timeout, planned.from.empty_on_reload,
                  planned.plugin.file->path, before == nullptr ? nullptr : before->instance};
        if (make) {
            node.instance =
                registry.make(planned.plugin, planned.options, planned.title, services, problem);
            if (!node.instance) {
                problem = planned.where + ": " + problem;
                return std::nullopt;
            }
            if (before == nullptr) out->said_.push_back(planned.title + ": added");
            out->made_.push_back(node);
        }
        out->next_.nodes.push_back(std::move(node));
    }
    for (const Node& node : old.nodes) {
        const Node* after = out->next_.find(node.section, node.instance->name());
        if (after != nullptr && after->instance == node.instance) continue;
        if (after == nullptr)
            out->said_.push_back(std::string(name_of(node.section)) + "." + node.instance->name() +
                                 ": removed");
        out->retired_.push_back(node);
    }
    return out;
}

bool Transition::start(bool fronts, std::string& problem) {
    for (const Node& node : made_)
        if (is_front(node.section) == fronts && !node.instance->start(problem)) return false;
    return true;
}

bool Transition::reconfigure(std::string& problem) {
    for (Reconfigured& one : reconfigured_) {
        if (!one.instance->reconfigure(one.after, problem)) {
            if (problem.empty())
                problem = one.instance->title() + ": it does not take new options while it runs; "
                                                  "restart larder";
            return false;
        }
        one.done = true;
    }
    return true;
}

void Transition::undo(std::uint64_t deadline_ns) {
    for (Reconfigured& one : reconfigured_) {
        std::string ignored;
        if (one.done) one.instance->reconfigure(one.before, ignored);
        one.done = false;
    }
    stop(made_, true, deadline_ns);
    stop(made_, false, deadline_ns);
}

void stop(const std::vector<Node>& nodes, bool fronts, std::uint64_t deadline_ns) {
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
        if (is_front(node->section) == fronts) node->instance->stop(deadline_ns);
}

}  // namespace larder::config
