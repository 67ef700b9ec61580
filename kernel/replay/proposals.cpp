// kernel/replay/proposals.cpp -- what could be changed in a policy, looking at what came of it.
#include "kernel/replay/proposals.hpp"

#include "dsl/revision.hpp"
#include "kernel/api/policy_changes.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace larder::replay {
namespace {

using api::duration_text;

constexpr std::uint64_t few = 10;  // below so many of anything nothing is worth a sentence

// At least one in `parts` of `all`, and more than a few.
bool is_much(std::uint64_t n, std::uint64_t all, std::uint64_t parts) { return n >= few && n * parts >= all; }

std::string megabytes(std::uint64_t bytes) { return std::to_string(std::max<std::uint64_t>(bytes >> 20, 1)) + "MiB"; }

class Search {
  public:
    Search(const dsl::Policy& policy, const Tally& base, const std::function<std::optional<std::string>(const std::string&)>& read)
        : policy_(policy), base_(base), read_(read) {}

    std::vector<Proposals> run() {
        for (const dsl::Namespace& space : policy_.namespaces) {
            const SpaceTally* const tally = base_.space(space.name);
            if (tally == nullptr || tally->gets() < few) continue;
            if (space.ttl && !space.ttl->sliding) {
                longer(space, *tally);
                shorter(space, *tally);
                stale(space, *tally);
                jitter(space, *tally);
            }
            limit(space, *tally);
        }
        for (std::size_t i = 0; i < policy_.rules.size() && i < base_.rules.size(); ++i)
            if (base_.rules[i].fired != 0) narrower(policy_.rules[i], base_.rules[i]);
        return std::move(out_);
    }

  private:
    const dsl::Revision* revision(const std::string& file) {
        auto& known = revisions_[file];
        if (!known)
            if (auto text = read_(file)) known = std::make_unique<dsl::Revision>(file, std::move(*text));
        return known.get();
    }
    void add(Proposals& to, const dsl::Namespace& about, Aim aim, std::string title, std::string price, const std::string& file, std::optional<std::string> text) {
        if (text) to.push_back({std::move(title), std::move(price), about.name, aim, file, std::move(*text)});
    }
    void keep(Proposals group) {
        if (!group.empty()) out_.push_back(std::move(group));
    }

    void longer(const dsl::Namespace& space, const SpaceTally& tally) {
        if (!is_much(tally.expired, tally.gets(), 50)) return;
        const dsl::Revision* const text = revision(space.where.file);
        Proposals group;
        for (const int factor : {2, 4, 8}) {
            const std::string was = duration_text(space.ttl->ttl), now = duration_text(space.ttl->ttl * factor);
            if (text != nullptr)
                add(group, space, Aim::misses, space.name + ": ttl " + now + " instead of " + was,
                    "a change that no rule tells of shows after " + now + " at the latest, instead of " + was, space.where.file, text->with_ttl(space.name, now));
        }
        keep(std::move(group));
    }

    void shorter(const dsl::Namespace& space, const SpaceTally& tally) {
        constexpr std::uint64_t worth = 64u << 10;
        if (base_.peak_bytes < worth || space.ttl->ttl < dsl::Ms(2000) || tally.bytes * 20 < base_.peak_bytes) return;
        const dsl::Revision* const text = revision(space.where.file);
        Proposals group;
        for (const int part : {2, 4, 8}) {
            const dsl::Ms ttl = std::chrono::duration_cast<std::chrono::seconds>(space.ttl->ttl / part);
            if (text == nullptr || ttl.count() == 0) continue;
            const std::string was = duration_text(space.ttl->ttl), now = duration_text(ttl);
            add(group, space, Aim::memory, space.name + ": ttl " + now + " instead of " + was, "nearly nothing that was kept longer was asked for again",
                space.where.file, text->with_ttl(space.name, now));
        }
        keep(std::move(group));
    }

    void stale(const dsl::Namespace& space, const SpaceTally& tally) {
        if (space.stale_while_revalidating || space.stale_on_error || !is_much(tally.expired, tally.gets(), 50)) return;
        const dsl::Revision* const text = revision(space.where.file);
        const std::string window = duration_text(space.ttl->ttl);
        Proposals group;
        if (text != nullptr)
            add(group, space, Aim::misses, space.name + ": stale " + window + " while revalidating",
                "the first answer after the ttl is up to " + window + " older; nobody waits for the origin", space.where.file,
                text->with_clause(space.name, "stale " + window + " while revalidating"));
        keep(std::move(group));
    }

    void jitter(const dsl::Namespace& space, const SpaceTally& tally) {
        if (space.ttl->jitter > 0 || !is_much(tally.expired, tally.gets(), 100) || tally.peak_loads < few) return;
        const dsl::Revision* const text = revision(space.where.file);
        Proposals group;
        for (const unsigned percent : {10u, 30u})
            if (text != nullptr)
                add(group, space, Aim::peak, space.name + ": jitter " + std::to_string(percent) + "%", "entries end up to " + std::to_string(percent) + " % earlier",
                    space.where.file, text->with_jitter(space.name, percent));
        keep(std::move(group));
    }

    // Where memory is short: less for who makes little of it.
    void limit(const dsl::Namespace& space, const SpaceTally& tally) {
        if (base_.evictions < few || !space.limits.empty() || tally.bytes * 10 < base_.peak_bytes * 3) return;
        if (hit_ratio(tally) + 0.1 > hit_ratio(base_.all())) return;
        const dsl::Revision* const text = revision(space.where.file);
        Proposals group;
        for (const std::uint64_t part : {2u, 4u, 8u})
            if (text != nullptr && tally.bytes / part > (1u << 20))
                add(group, space, Aim::misses, space.name + ": limit " + megabytes(tally.bytes / part),
                    "its own entries go earlier, which leaves room for those that are asked for more", space.where.file,
                    text->with_clause(space.name, "limit " + megabytes(tally.bytes / part)));
        keep(std::move(group));
    }

    void narrower(const dsl::Rule& rule, const RuleTally& tally) {
        if (tally.misses < few) return;
        for (const dsl::Change& change : rule.changes) {
            if (change.kind != dsl::TargetKind::namespace_ || change.action == dsl::Action::refresh) continue;
            const dsl::Namespace& space = policy_.namespaces[change.ns];
            if (!space.key || !space.children.empty()) continue;
            const auto target = target_of(space, rule);
            const dsl::Revision* const text = target ? revision(change.where.file) : nullptr;
            if (text == nullptr) continue;
            Proposals group;
            add(group, space, Aim::misses, rule.where.text() + ": " + *target + " instead of all of " + space.name,
                "right where what happened concerns no entry but those", change.where.file,
                text->with_target(change.where.line, change.where.column, *target));
            keep(std::move(group));
        }
    }

    // The entries of `space` whose fields are what the rule knows by the same names.
    static std::optional<std::string> target_of(const dsl::Namespace& space, const dsl::Rule& rule) {
        std::string text;
        bool any = false, all = true;
        for (const dsl::Piece& piece : space.key->pattern().pieces) {
            if (piece.kind == dsl::Piece::Kind::literal) {
                text += piece.text;
                continue;
            }
            if (piece.kind == dsl::Piece::Kind::rest) return std::nullopt;
            const bool known = std::find(rule.variables.begin(), rule.variables.end(), piece.text) != rule.variables.end();
            text += known ? "{" + piece.text + "}" : "*";
            (known ? any : all) = known;
        }
        if (!any || text.find_first_of("\"\\") != std::string::npos) return std::nullopt;
        return space.name + (all ? " \"" : " matching \"") + text + "\"";
    }

    const dsl::Policy& policy_;
    const Tally& base_;
    const std::function<std::optional<std::string>(const std::string&)>& read_;
    std::map<std::string, std::unique_ptr<dsl::Revision>> revisions_;
    std::vector<Proposals> out_;
};

}  // namespace

std::vector<Proposals> proposals(const dsl::Policy& policy, const Tally& base, const std::function<std::optional<std::string>(const std::string& file)>& read) {
    return Search(policy, base, read).run();
}

}  // namespace larder::replay
