// kernel/core/migrations.cpp -- see migrations.hpp.
#include "kernel/core/migrations.hpp"

#include "kernel/core/json_members.hpp"

#include <algorithm>

namespace larder {

bool migrate_json(const dsl::Migration& migration, std::string_view value, std::string& out) {
    using Kind = dsl::MigrationStep::Kind;
    JsonMembers members;
    if (!members.read(value)) return false;
    for (const dsl::MigrationStep& step : migration.steps) {
        switch (step.kind) {
            case Kind::move: {
                const bool stays = step.path.size() == step.to.size() && std::equal(step.path.begin(), step.path.end() - 1, step.to.begin());
                if (stays) {
                    members.rename(step.path, step.to.back());
                    break;
                }
                std::string taken = members.take(step.path);
                if (!taken.empty() && !members.put(step.to, std::move(taken))) return false;
                break;
            }
            case Kind::fill:
                if (members.find(step.path).data() == nullptr && !members.put(step.path, step.json)) return false;
                break;
            case Kind::drop: members.take(step.path); break;
        }
    }
    out = members.text();
    return true;
}

void MigrationBook::set(std::string_view space, std::uint32_t from, std::uint32_t to, Migrate fn) {
    std::unique_lock lock(mutex_);
    std::shared_ptr<Registered>& slot = registered_[{std::string(space), from, to}];
    const std::shared_ptr<Registered> before = slot;
    slot.reset();
    if (fn) {
        slot = std::make_shared<Registered>();
        slot->fn = std::move(fn);
    } else {
        registered_.erase({std::string(space), from, to});
    }
    if (before != nullptr) idle_.wait(lock, [&before] { return before->running == 0; });
}

bool MigrationBook::find_way(const dsl::Namespace& ns, std::uint32_t at, std::vector<Step>& way) {
    if (at == ns.version) return true;
    std::vector<Step> next;
    for (auto it = registered_.lower_bound({ns.name, at, 0}); it != registered_.end(); ++it) {
        const auto& [space, from, to] = it->first;
        if (space != ns.name || from != at) break;
        if (to > at && to <= ns.version) next.push_back({nullptr, it->second, to});
    }
    for (const dsl::Migration& one : ns.migrations)
        if (one.from == at && one.to > at && one.to <= ns.version) next.push_back({&one, nullptr, one.to});
    std::stable_sort(next.begin(), next.end(), [](const Step& a, const Step& b) { return a.to > b.to; });
    for (Step& step : next) {
        way.push_back(step);
        if (find_way(ns, step.to, way)) return true;
        way.pop_back();
    }
    return false;
}

larder_status MigrationBook::take(const Step& step, std::string_view key, std::string_view value, std::string& out) {
    if (step.declared != nullptr) return migrate_json(*step.declared, value, out) ? LARDER_OK : LARDER_E_CORRUPT;
    try {
        return step.registered->fn(key, value, out);
    } catch (...) {
        return LARDER_E_EXCEPTION;
    }
}

larder_status MigrationBook::run(const dsl::Namespace& ns, std::string_view key, std::uint32_t from, std::string_view value, std::string& out) {
    std::vector<Step> way;
    {
        const std::lock_guard lock(mutex_);
        if (!find_way(ns, from, way)) return LARDER_MISS;
        for (const Step& step : way)
            if (step.registered != nullptr) ++step.registered->running;
    }
    larder_status status = LARDER_OK;
    std::string older(value);
    for (const Step& step : way) {
        out.clear();
        status = take(step, key, older, out);
        if (status != LARDER_OK) break;
        older = out;
    }
    {
        const std::lock_guard lock(mutex_);
        for (const Step& step : way)
            if (step.registered != nullptr) --step.registered->running;
    }
    idle_.notify_all();
    if (status == LARDER_MISS) status = LARDER_E_CORRUPT;  // a function that has nothing: not the same as no way
    return status;
}

}  // namespace larder
