// kernel/cli/drop.cpp -- larder drop, expire, refresh: what a rule would do, by hand; reclaim: what time would.
#include "kernel/cli/host.hpp"

namespace larder::cli {
namespace {

int change(const std::string& verb, const std::string& description, Words words) {
    CLI::App app;
    describe(app, verb, description);
    Remote remote;
    std::string space, key, matching, tag, tier;
    bool everything = false, confirm = false;
    remote.add_to(app);
    app.add_option("NAMESPACE", space, "with its children");
    app.add_option("KEY", key, "one entry of it");
    app.add_option("--matching", matching, "entries of the namespace whose key fits; `*` is any text")
        ->type_name("PATTERN");
    app.add_option("--tag", tag, "every entry that carries this tag")->type_name("TAG");
    app.add_flag("--all", everything, "everything but sessions");
    if (verb == "drop")
        app.add_option("--tier", tier, "the copies in this store; entries that other tiers have stay valid")
            ->type_name("STORE");
    app.add_flag("--confirm", confirm, "although a guard of the policy refuses it");
    if (const auto status = parse(app, std::move(words))) return *status;

    const int targets = (space.empty() ? 0 : 1) + (tag.empty() ? 0 : 1) +
                        (everything ? 1 : 0) + (tier.empty() ? 0 : 1);
    if (targets != 1 || (!matching.empty() && (space.empty() || !key.empty()))) {
        complain("larder " + verb + ": name one thing: NAMESPACE, NAMESPACE KEY, NAMESPACE --matching "
                 "PATTERN, --tag TAG, or --all" + (verb == "drop" ? ", or --tier STORE" : ""));
        return exit_usage;
    }
    const auto ask = [&](Words target) {
        if (confirm) target.insert(target.begin(), "confirmed");
        return remote.ask(verb, std::move(target));
    };
    if (everything) return ask({"everything"});
    if (!tier.empty()) return ask({"tier", tier});
    if (!tag.empty()) return ask({"tag", tag});
    if (!matching.empty()) return ask({"matching", space, matching});
    if (!key.empty()) return ask({"key", space, key});
    return ask({"namespace", space});
}

}  // namespace

int run_drop(Words words) {
    return change("drop",
                  "Makes entries absent, in every tier, whatever their number, and prints what was\n"
                  "changed.",
                  std::move(words));
}

int run_expire(Words words) {
    return change("expire",
                  "Makes entries stale: they are served only where the policy says `stale`.",
                  std::move(words));
}

int run_refresh(Words words) {
    return change("refresh",
                  "Drops entries and loads them again where the policy has warm items or a source.",
                  std::move(words));
}

int run_reclaim(Words words) {
    CLI::App app;
    describe(app, "reclaim",
             "Removes entries that are over (past their ttl, or dropped) and still take memory, which\n"
             "else comes back by itself. Prints how many.");
    Remote remote;
    std::string space;
    remote.add_to(app);
    app.add_option("NAMESPACE", space, "else all of them");
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("reclaim", space.empty() ? Words{} : Words{space});
}

}  // namespace larder::cli
