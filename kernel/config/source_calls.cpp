// kernel/config/source_calls.cpp -- `[source.NAME]` as the cache calls it: a warmer's table behind two functions.
#include "kernel/config/wiring.hpp"

#include <algorithm>

namespace larder::config {
namespace {

larder_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }
std::string text_of(larder_bytes bytes) { return bytes.size == 0 ? std::string() : std::string(static_cast<const char*>(bytes.data), bytes.size); }

larder_warm_item item_of(const SourceAsk& ask) {
    larder_warm_item item{};
    item.struct_size = sizeof item;
    item.ns = ask.ns;
    item.key = bytes_of(ask.key);
    item.hint = bytes_of(ask.address);
    item.options = ask.options.data();
    item.option_count = static_cast<std::uint32_t>(ask.options.size());
    item.reason = ask.reason;
    item.priority = ask.priority;
    item.fields = ask.fields.data();
    item.field_count = static_cast<std::uint32_t>(ask.fields.size());
    return item;
}

larder_call call_of(const SourceAsk& ask) {
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = ask.deadline_ns;
    return call;
}

Loaded load(loader::PluginInstance& plugin, const SourceAsk& ask) {
    const larder_warm_item item = item_of(ask);
    const larder_call call = call_of(ask);
    larder_cache_set set{};
    set.ns = ask.ns;
    set.key = item.key;
    set.ttl_ms = ask.ttl_ms;
    larder_value value{};
    Loaded out;
    out.status = plugin.table<larder_warmer_v1>().fetch(plugin.self(), &item, &call, &set, &value);
    if (out.status == LARDER_OK && (set.flags & LARDER_SET_ABSENT) != 0) out.status = LARDER_MISS;
    if (out.status == LARDER_OK) {
        out.value = text_of({value.data, value.size});
        out.ttl_ms = set.ttl_ms == ask.ttl_ms ? 0 : set.ttl_ms;  // as the policy says: with its jitter, sliding
        for (std::size_t i = 0; i < set.with_count; ++i) out.with.emplace_back(text_of(set.with[i].name), text_of(set.with[i].value));
        if (value.release != nullptr) value.release(&value);
    }
    return out;
}

void write(loader::PluginInstance& plugin, const SourceAsk& ask, std::span<SourceChange> changes) {
    const larder_warm_item item = item_of(ask);
    const larder_call call = call_of(ask);
    std::vector<larder_source_write> writes;
    writes.reserve(changes.size());
    for (const SourceChange& change : changes)
        writes.push_back({bytes_of(change.key), bytes_of(change.value), bytes_of(change.address), change.fields.data(),
                          static_cast<std::uint32_t>(change.fields.size()), change.remove ? 1u : 0u, LARDER_E_IO, 0});
    const larder_status all = plugin.table<larder_warmer_v1>().write(plugin.self(), &item, writes.data(), writes.size(), &call);
    for (std::size_t i = 0; i < changes.size(); ++i) changes[i].status = all == LARDER_OK ? writes[i].status : std::min<larder_status>(all, LARDER_E_INVALID);
}

}  // namespace

std::vector<SourceHandle> Graph::sources() const {
    std::vector<SourceHandle> out;
    for (const Node& node : nodes) {
        if (node.section != Section::source) continue;
        const std::shared_ptr<loader::PluginInstance> plugin = node.instance;
        SourceHandle handle;
        handle.name = plugin->name();
        handle.load = [plugin](const SourceAsk& ask) { return load(*plugin, ask); };
        if ((plugin->caps() & LARDER_WARM_CAP_WRITE) != 0)
            handle.write = [plugin](const SourceAsk& ask, std::span<SourceChange> changes) { write(*plugin, ask, changes); };
        handle.timeout = node.timeout;
        handle.self = plugin.get();
        handle.keep = plugin;
        out.push_back(std::move(handle));
    }
    return out;
}

}  // namespace larder::config
