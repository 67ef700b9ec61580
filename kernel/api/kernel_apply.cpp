// kernel/api/kernel_apply.cpp -- from one policy to the next while requests are answered, and back.
//
// The instances stay: only the policy is replaced, by the same install() that a reload ends with, so no
// request waits or fails. What can go wrong goes wrong before it. The one before stays in memory, compiled,
// as long as the new one is watched: going back needs no file, no parser and no plugin. The watch is the
// kernel's own, whatever becomes of who asked for the change.
#include "kernel/api/kernel_impl.hpp"
#include "kernel/api/policy_changes.hpp"
#include "kernel/api/policy_plan.hpp"

#include <larder/plugin/services.h>

#include <boost/json.hpp>

#include <algorithm>

namespace larder {
namespace {

std::string seconds(std::uint64_t ms) { return api::duration_text(std::chrono::milliseconds(ms < 1000 ? 1000 : ms / 1000 * 1000)); }

std::string by_whom(const std::string& by) { return by.empty() ? std::string() : " by " + by; }

}  // namespace

PolicyRecord Kernel::Impl::record_of(const dsl::Policy& of, std::string origin, std::string by, PolicyTexts texts) const {
    return {api::policy_id(of), clock->wall_ms(), std::move(origin), std::move(by), std::move(texts)};
}

void Kernel::Impl::open_book() {
    const config::StateOptions& state = options.config.state;
    std::unique_ptr<api::StateFolder> folder;
    std::string problem;
    if (!state.folder.empty()) {
        folder = api::StateFolder::open(state.folder, problem);
        if (!folder) {
            const std::string line = "[state] folder: " + problem + "; earlier policies are forgotten with this process";
            say(LARDER_LOG_WARN, line);
            const std::lock_guard<std::mutex> lock(state_mutex);
            warnings.push_back(line);
        }
    }
    book = std::make_unique<api::PolicyBook>(std::move(folder), static_cast<std::size_t>(state.policies), [to = log](const std::string& line) {
        to->write(LARDER_LOG_ERROR, "kernel", line);
    });
    const std::string said = book->begin(record_of(*policy, "files", "", std::move(first_texts)));
    if (said.empty()) return;
    say(LARDER_LOG_WARN, said);
    cache->note(LARDER_LOG_WARN, "policy", said);
    const std::lock_guard<std::mutex> lock(state_mutex);
    warnings.push_back(said);
}

std::vector<std::string> Kernel::Impl::emptied_stores() const {
    std::vector<std::string> out;
    for (const StoreHandle& store : graph.stores())
        if (store.empty_on_reload) out.push_back(store.name);
    return out;
}

Judged Kernel::Impl::judge_source(const PolicySource& source, PolicyTexts& texts) {
    Judged out;
    switch (source.from) {
        case PolicySource::From::files:
            out = judge(options.config, *registry, options.allow_missing, options.sources);
            if (out.problem.empty()) texts = api::texts_of(*out.compiled.sources);
            return out;
        case PolicySource::From::texts: texts = source.texts; break;
        case PolicySource::From::kept: {
            auto kept = book->find(source.kept);
            if (!kept) {
                out.problem = source.kept.empty() ? "no policy ran before this one\n" : "no policy that is kept has the id " + source.kept + "; `larder policy` lists them\n";
                return out;
            }
            texts = std::move(kept->texts);
            break;
        }
    }
    out.problem = api::complaint_about(texts);
    return out.problem.empty() ? judge(options.config, *registry, options.allow_missing, options.sources, &texts) : out;
}

PolicyPlanned Kernel::Impl::plan_policy(const PolicySource& source) {
    PolicyPlanned out;
    std::shared_ptr<const dsl::Policy> before;
    Judged judged;
    std::vector<std::string> emptied;
    {
        const std::lock_guard<std::mutex> lock(control);
        if (!started || stopped) {
            out.text = "the kernel does not run\n";
            return out;
        }
        PolicyTexts texts;
        judged = judge_source(source, texts);
        before = policy;
        emptied = emptied_stores();
    }
    out.running = api::policy_id(*before);
    if (!judged.problem.empty()) {
        out.text = std::move(judged.problem);
        return out;
    }
    const dsl::Policy& after = *judged.compiled.policy;
    api::PolicyPlan plan = api::plan_of(*before, after, cache->holdings(), std::move(emptied));
    plan.warnings = std::move(judged.warnings);
    out.ok = true;
    out.planned = plan.after;
    out.changes = plan.before != plan.after;
    out.needs_confirm = !plan.breaches.empty();
    out.text = api::plan_text(plan, *before, after);
    boost::json::object object = api::plan_json(plan, *before, after);
    object["text"] = out.text;
    out.json = boost::json::serialize(object) + "\n";
    return out;
}

PolicyApplied Kernel::Impl::apply_policy(const PolicyOrder& order) {
    using End = PolicyApplied::End;
    const std::lock_guard<std::mutex> lock(control);
    PolicyApplied out;
    const auto end = [&](End how, std::string text) {
        out.end = how;
        out.text = std::move(text);
        if (policy) out.running = api::policy_id(*policy);
        return out;
    };
    if (!started || stopped) return end(End::stopped, "the kernel does not run\n");
    const bool back = order.source.from == PolicySource::From::kept;
    const std::string runs = api::policy_id(*policy);
    if (watched && !back)
        return end(End::conflict, "the policy " + watched->id + ", applied" + by_whom(watched->by) + ", is being watched for another " +
                                      seconds(watched->guard.left_ms(clock->mono_ns())) + "; wait for its end, or `larder rollback`\n");
    if (!order.running.empty() && order.running != runs)
        return end(End::conflict, "the policy " + runs + " runs, no longer " + order.running + ", which this change was planned against; plan again\n");
    if (order.watch.count() < 0 || order.watch > longest_policy_watch) return end(End::invalid, "a policy is watched for a day at most\n");

    PolicyTexts texts;
    Judged judged = judge_source(order.source, texts);
    if (!judged.problem.empty()) {
        reload_failures.fetch_add(1);
        say(LARDER_LOG_ERROR, "apply refused, nothing changed: " + judged.problem);
        return end(End::invalid, judged.problem + "nothing changed\n");
    }
    const auto next = judged.compiled.policy;
    api::PolicyPlan plan = api::plan_of(*policy, *next, cache->holdings(), emptied_stores());
    if (plan.before == plan.after) return end(End::nothing, "the policy " + runs + " runs already\n");
    if (!back && !order.confirm && !plan.breaches.empty()) {
        refusals.fetch_add(1);
        std::string text = "refused: this change";
        for (const GuardBreach& breach : plan.breaches) text += "\n  " + breach_text(breach);
        cache->note(LARDER_LOG_WARN, "guard", "refused the policy " + plan.after + by_whom(order.by) + ": " + breach_text(plan.breaches.front()));
        say(LARDER_LOG_WARN, "guard: refused the policy " + plan.after + by_whom(order.by) + ": " + breach_text(plan.breaches.front()));
        return end(End::refused, text + "\nnothing changed; to do it all the same, confirm it: `--confirm`, or confirm=1 over HTTP\n");
    }

    std::vector<dsl::Alert> watches = api::watches_of(*policy, *next);
    const bool watch = order.watch.count() > 0 && !watches.empty() && !plan.same();
    if (watched) end_watch("taken back" + by_whom(order.by) + " before its end", true);
    PolicyRecord record = record_of(*next, back ? "rollback" : "apply", order.by, std::move(texts));
    if (back) book->go_back(order.source.kept, std::move(record));
    else book->replace(std::move(record), watch);
    book->save();  // before the switch: after a crash it is known what was begun
    applies.fetch_add(1);
    const auto before = policy;
    change_to(next, judged.warnings, std::string(back ? "went back to" : "applied") + " the policy " + plan.after + by_whom(order.by), LARDER_LOG_INFO);
    if (watch) {
        watched.reset(new Watched{api::GuardWatch(std::move(watches), order.watch, cache->figures(), store_capacities()), before, plan.after, order.by});
        watching.store(true, std::memory_order_release);
        out.watched = order.watch;
    }
    show_watch();

    std::string text;
    for (const std::string& warning : judged.warnings) text += "warning: " + warning + "\n";
    text += (back ? "went back to the policy " : "applied the policy ") + plan.after;
    if (watch) text += "; it is watched for " + api::duration_text(order.watch);
    else if (!back && order.watch.count() > 0) text += plan.same() ? "; it means what the one before meant" : "; no guard watches anything";
    return end(End::applied, text + "\n");
}

void Kernel::Impl::change_to(std::shared_ptr<const dsl::Policy> next, std::vector<std::string> warned, const std::string& line, int level) {
    const auto said = api::policy_changes(*policy, *next);
    install(graph, next);
    policy = std::move(next);
    show(graph, std::move(warned));
    cache->note(level, "reload", line);
    say(level, line);
    for (const std::string& one : said) say(LARDER_LOG_INFO, "  " + one);
}

void Kernel::Impl::judge_policy(const Figures& figures, const StoreCapacities& capacities) {
    // stop() holds control while it waits for this thread; a change under way is judged a second later.
    const std::unique_lock<std::mutex> lock(control, std::try_to_lock);
    if (!lock || !watched || stopped) return;
    const std::string breach = watched->guard.judge(figures, capacities);
    if (!breach.empty()) {
        const auto before = watched->before;
        const std::string line = "took back the policy " + watched->id + " for " + api::policy_id(*before) + ": " + breach;
        returns.fetch_add(1);
        change_to(before, {}, line, LARDER_LOG_ERROR);
        book->go_back("", record_of(*before, "return", "", {}));
        executor->post(true, [this] { book->save(); });  // this thread does not wait for disks
        end_watch(breach, true);
    } else if (watched->guard.is_over(figures.mono_ns)) {
        const std::string line = "the policy " + watched->id + " stays: no guard was breached in " + api::duration_text(std::chrono::milliseconds(watched->guard.length_ms()));
        cache->note(LARDER_LOG_INFO, "policy", line);
        say(LARDER_LOG_INFO, line);
        book->settle();
        executor->post(true, [this] { book->save(); });
        end_watch(watched->guard.progress(), false);
    } else {
        show_watch();
    }
}

void Kernel::Impl::end_watch(const std::string& how, bool returned) {
    watching.store(false, std::memory_order_release);
    const auto ended = std::move(watched);
    {
        const std::lock_guard<std::mutex> lock(state_mutex);
        watch_shown.last = how;
        watch_shown.last_returned = returned;
        watch_shown.last_id = ended->id;
    }
    show_watch();
}

void Kernel::Impl::show_watch() {
    const std::lock_guard<std::mutex> lock(state_mutex);
    watch_shown.watched = watched != nullptr;
    watch_shown.watch_ms = watched ? watched->guard.length_ms() : 0;
    watch_shown.left_ms = watched ? watched->guard.left_ms(0) : 0;
    watch_shown.progress = watched ? watched->guard.progress() : "";
}

PolicyRunning Kernel::Impl::running_policy() const {
    PolicyRunning out;
    {
        const std::lock_guard<std::mutex> lock(state_mutex);
        out = watch_shown;
    }
    const std::uint64_t now = clock->mono_ns() / 1'000'000;
    out.left_ms = out.left_ms > now ? out.left_ms - now : 0;
    out.applies = applies.load();
    out.returns = returns.load();
    out.refusals = refusals.load();
    if (book) {
        out.record = book->running();
        out.kept = book->kept();
    }
    return out;
}

PolicyPlanned Kernel::plan_policy(const PolicySource& source) { return impl_->plan_policy(source); }
PolicyApplied Kernel::apply_policy(const PolicyOrder& order) { return impl_->apply_policy(order); }
PolicyRunning Kernel::running_policy() const { return impl_->running_policy(); }

}  // namespace larder
