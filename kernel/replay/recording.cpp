// kernel/replay/recording.cpp -- a trace of what a running kernel is asked.
#include "kernel/replay/recording.hpp"

#include "kernel/core/figures.hpp"

#include <algorithm>
#include <array>

namespace larder::replay {
namespace {

constexpr std::size_t most_at_once = 1u << 16;  // operations

constexpr std::array<std::string_view, 5> origins{"header:", "query:", "cookie:", "json:", "form:"};

std::string hex(std::uint64_t n) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[n >> shift & 15];
    return out;
}

}  // namespace

Recording::Recording(Kernel& kernel, const SipKey& key, const TraceHead& head)
    : kernel_(kernel), began_ns_(kernel.clock().mono_ns()), pseudonyms_(key), writer_(head), policy_(kernel.cache().policy()) {
    pseudonyms_.know(*policy_);
}

std::shared_ptr<Recording> Recording::begin(Kernel& kernel, std::uint64_t sample, std::string& problem) {
    SipKey key{}, name{};
    if (!Pseudonyms::make_key(key) || !Pseudonyms::make_key(name)) {
        problem = "the system gives no random numbers";
        return nullptr;
    }
    TraceHead head;
    head.began_ms = kernel.clock().wall_ms();
    head.sample = std::max<std::uint64_t>(sample, 1);
    head.fingerprint = kernel.cache().policy()->fingerprint;
    for (const TierFigures& tier : kernel.cache().figures().tiers) head.stores.emplace_back(tier.name, tier.shared ? 0 : tier.capacity_bytes);
    std::shared_ptr<Recording> out(new Recording(kernel, key, head));
    out->name_ = hex(name[0]) + hex(name[1]);
    if (!kernel.cache().tape().begin(head.sample, kernel.clock().mono_ns(), out)) {
        problem = "a recording goes on already";
        return nullptr;
    }
    return out;
}

std::shared_ptr<Recording> Recording::find(Kernel& kernel, std::string_view name) {
    auto out = std::dynamic_pointer_cast<Recording>(kernel.cache().tape().owner());
    return out && out->name_ == name ? out : nullptr;
}

Recording::Part Recording::take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return read(most_at_once);
}

Recording::Part Recording::end() {
    const auto self = kernel_.cache().tape().owner();  // which may be the last to hold this
    Tape& tape = kernel_.cache().tape();
    const std::lock_guard<std::mutex> lock(mutex_);
    // What was begun before is read to its end; what comes meanwhile is not waited for.
    Part out;
    for (std::size_t rounds = 0; rounds * most_at_once <= Tape::cells; ++rounds) {
        Part part = read(most_at_once);
        out.bytes += part.bytes;
        out.operations = part.operations;
        out.lost = part.lost;
        if (!part.more) break;
    }
    tape.end();
    out.over = true;
    return out;
}

Recording::Part Recording::read(std::size_t most) {
    Tape& tape = kernel_.cache().tape();
    follow_policy();
    const std::uint64_t now = kernel_.clock().mono_ns();
    const std::size_t got = tape.read(most, now, [&](const Taped& what, std::span<const std::string_view> parts) { write(what, parts); });
    operations_ += got;
    if (const std::uint64_t lost = tape.take_lost(); lost != 0) {
        Operation op;
        op.kind = OperationKind::lost;
        op.at_ms = (now - std::min(now, began_ns_)) / 1'000'000;
        op.count = lost;
        writer_.write(op);
        lost_ += lost;
    }
    return {writer_.take(), got == most, !tape.on(), operations_, lost_};
}

void Recording::follow_policy() {
    const auto now = kernel_.cache().policy();
    if (now == policy_) return;
    const bool same = now->fingerprint == policy_->fingerprint;
    policy_ = now;
    if (same) return;
    pseudonyms_.know(*policy_);
    writer_.reloaded((kernel_.clock().mono_ns() - began_ns_) / 1'000'000, policy_->fingerprint);
    std::fill(spaces_.begin(), spaces_.end(), UINT32_MAX);  // their ttl may be another
    named_ = 0;
}

std::uint32_t Recording::space(std::uint32_t number) {
    if (number >= spaces_.size()) {
        if (number >= most_spaces) return UINT32_MAX;
        spaces_.resize(number + 1, UINT32_MAX);
    }
    std::uint32_t& known = spaces_[number];
    if (known != UINT32_MAX) return known;
    larder_bytes name{};
    if (named_ == most_spaces || kernel_.cache().ns_name(number, &name) != LARDER_OK) return UINT32_MAX;
    const std::string_view text(static_cast<const char*>(name.data), name.size);
    const auto at = policy_->find(text);
    const std::int64_t ttl = at && policy_->namespaces[*at].ttl ? policy_->namespaces[*at].ttl->ttl.count() : 0;
    known = named_++;
    writer_.space(known, text, ttl);
    return known;
}

void Recording::hide_key(std::uint32_t number, std::string_view canonical, std::string& out) const {
    larder_bytes name{};
    if (kernel_.cache().ns_name(number, &name) == LARDER_OK)
        if (const auto at = policy_->find({static_cast<const char*>(name.data), name.size}); at && policy_->namespaces[*at].key)
            return pseudonyms_.key(*policy_->namespaces[*at].key, canonical, out);
    pseudonyms_.text(canonical, out);
}

void Recording::write(const Taped& what, std::span<const std::string_view> parts) {
    static constexpr OperationKind kinds[] = {OperationKind::get,    OperationKind::put,     OperationKind::remove, OperationKind::life,
                                              OperationKind::change, OperationKind::request, OperationKind::ask,    OperationKind::event};
    Operation op;
    op.kind = kinds[static_cast<std::size_t>(what.kind)];
    op.at_ms = (what.at_ns - std::min(what.at_ns, began_ns_)) / 1'000'000;
    op.space = what.ns == UINT32_MAX ? UINT32_MAX : space(what.ns);
    op.outcome = static_cast<Outcome>(what.outcome & 3);
    op.fence = (what.flags & Taped::fence) != 0;
    op.takes_stale = (what.flags & Taped::takes_stale) != 0;
    op.fill = (what.flags & Taped::fill) != 0;
    op.negative = (what.flags & Taped::negative) != 0;
    op.served = (what.flags & Taped::served) != 0;
    op.size = what.size;
    op.cost_us = what.cost_us;
    op.ttl_ms = what.ttl_ms;
    op.action = what.action;
    op.target = what.target;
    op.status = what.status;

    texts_.resize(std::max(texts_.size(), parts.size() + 1));
    given_.clear();
    std::size_t used = 0;
    const auto hidden = [&](auto&& hide) -> std::string_view {
        std::string& out = texts_[used++];
        out.clear();
        hide(out);
        return out;
    };
    const auto text_of = [&](std::string_view from) { return hidden([&](std::string& out) { pseudonyms_.text(from, out); }); };
    std::size_t next = 0;
    const bool asks = op.kind == OperationKind::request || op.kind == OperationKind::ask;
    if (op.kind == OperationKind::ask && !parts.empty()) op.key = text_of(parts[next++]);
    if (asks && parts.size() >= next + 3) {
        op.method = parts[next++];
        op.path = hidden([&](std::string& out) { pseudonyms_.path(parts[next], out); });
        ++next;
        op.query = hidden([&](std::string& out) { pseudonyms_.query(parts[next], out); });
        ++next;
    } else if (!asks && !parts.empty()) {
        const std::string_view from = parts[next++];
        if (op.kind == OperationKind::event) op.key = text_of(from);
        else if (op.kind == OperationKind::change && op.target == LARDER_TARGET_TIER) op.key = from;
        else if (op.kind == OperationKind::change) op.key = text_of(from);
        else op.key = hidden([&](std::string& out) { hide_key(what.ns, from, out); });
    }
    for (; next + 1 < parts.size() && given_.size() < most_given; next += 2) {
        Given one;
        std::string_view name = parts[next];
        if (asks)
            for (std::size_t i = 0; i < origins.size(); ++i)
                if (name.starts_with(origins[i])) {
                    one.origin = static_cast<dsl::Origin>(i);
                    name.remove_prefix(origins[i].size());
                    break;
                }
        one.name = text_of(name);
        one.value = text_of(parts[next + 1]);
        given_.push_back(one);
    }
    op.given = given_;
    if (op.kind <= OperationKind::life && op.space == UINT32_MAX) {
        ++lost_;
        return;
    }
    writer_.write(op);
}

}  // namespace larder::replay
