// kernel/core/packing.cpp -- plans, and what they are made of; learning is in packing_tend.cpp.
#include "kernel/core/packing.hpp"

#include <algorithm>

namespace larder {
namespace {

// What a value has to have, where the policy does not say: seeds and practice agree on a kilobyte. With a
// dictionary all but the smallest get smaller.
constexpr std::uint64_t usual_from = 1024, from_with_dictionary = 64;
constexpr std::uint64_t missing_for_ns = 10'000'000'000;
constexpr std::size_t most_missing = 256;

}  // namespace

const Coder* PackPlan::reader(std::uint16_t codec, std::uint32_t dictionary) const noexcept {
    for (const Way* way : {&small, &large})
        if (way->coder != nullptr && way->coder->codec() == codec && way->coder->dictionary_id() == dictionary) return way->coder.get();
    for (const auto& one : readers)
        if (one->codec() == codec && one->dictionary_id() == dictionary) return one.get();
    return nullptr;
}

Packing::Packing() : small_(SamplePool::Limits{}), large_(SamplePool::Limits{8, std::size_t{2} << 20, std::size_t{256} << 10}) {}

void Packing::configure(const PackRules& rules, std::vector<CodecHandle> codecs) {
    const std::lock_guard lock(mutex_);
    const bool same = rules.codec == rules_.codec && rules.level == rules_.level;
    rules_ = rules;
    codecs_ = std::move(codecs);
    if (!same) {
        chosen_small_ = chosen_large_ = false;
        small_way_ = large_way_ = {};
        said_.tried.clear();
        ratio_at_first_ = 0;
    }
    const bool learns = !rules_.codec.empty() && (rules_.chooses || !trainable().empty());
    if (learns && !learns_.load()) {
        small_.ready_at(PackPlan::first_values, PackPlan::first_bytes);
        if (rules_.chooses) large_.ready_at(2, 0);
    }
    if (!learns) {
        small_.clear();
        large_.clear();
    }
    learns_.store(learns);
    renew_plan();
}

void Packing::close() {
    const std::lock_guard lock(mutex_);
    learns_.store(false);
    codecs_.clear();
    made_.clear();
    small_way_ = large_way_ = {};
    plan_.replace(nullptr);
}

const CodecHandle* Packing::handle_of(std::uint16_t codec) const {
    for (const CodecHandle& one : codecs_)
        if (one.table->codec_id == codec && (rules_.chooses || one.name == rules_.codec)) return &one;
    for (const CodecHandle& one : codecs_)
        if (one.table->codec_id == codec) return &one;
    return nullptr;
}

// Where nothing was tried yet: one that learns is quick as well; else the first of larder.toml.
const CodecHandle* Packing::first_choice() const {
    for (const CodecHandle& one : codecs_)
        if ((one.caps & LARDER_COMP_CAP_DICTIONARY) != 0) return &one;
    return codecs_.empty() ? nullptr : &codecs_.front();
}

std::vector<CodecHandle> Packing::trainable() const {
    std::vector<CodecHandle> out;
    for (const CodecHandle& one : codecs_)
        if ((one.caps & LARDER_COMP_CAP_DICTIONARY) != 0 && (rules_.chooses || one.name == rules_.codec)) out.push_back(one);
    return out;
}

// REQUIRES mutex_. One that was made before is taken again: digesting a dictionary costs a millisecond.
std::shared_ptr<const Coder> Packing::coder(const CodecHandle& handle, std::optional<int> level, std::shared_ptr<const Dictionary> dictionary, bool reads) {
    for (const auto& one : made_)
        if (one->is(handle, level, dictionary, reads)) return one;
    auto counts = std::make_shared<CoderCounts>();
    auto made = Coder::make(handle, {level, dictionary, reads}, counts);
    if (made == nullptr) return nullptr;
    auto& [codec, kept] = counts_[made->shown()];
    codec = handle.name;
    if (kept == nullptr) {
        kept = std::move(counts);
    } else {
        made = Coder::make(handle, {level, std::move(dictionary), reads}, kept);
    }
    return made;
}

// REQUIRES mutex_.
void Packing::renew_plan() {
    auto next = std::make_unique<PackPlan>();
    const auto from = [&](const std::shared_ptr<const Coder>& coder) {
        const bool dictionary = coder != nullptr && coder->dictionary() != nullptr;
        if (!rules_.chooses) return std::max<std::uint64_t>(rules_.from.value_or(0), 1);
        return dictionary ? from_with_dictionary : std::max<std::uint64_t>(rules_.from.value_or(usual_from), 1);
    };
    if (!rules_.codec.empty()) {
        const CodecHandle* handle = nullptr;
        if (rules_.chooses) handle = first_choice();
        else
            for (const CodecHandle& one : codecs_)
                if (one.name == rules_.codec) handle = &one;
        if (handle != nullptr) {
            auto plain = coder(*handle, rules_.level, nullptr, false);
            if (plain == nullptr) plain = coder(*handle, std::nullopt, nullptr, false);
            next->small.coder = next->large.coder = plain;
            if (!rules_.chooses && writing_ != nullptr && writing_->codec == handle->table->codec_id)
                if (auto with = coder(*handle, rules_.level, writing_, false)) next->small.coder = std::move(with);
        }
        // What was chosen, made of the codecs as they are now.
        const auto chosen = [&](bool made, const PackPlan::Way& way, PackPlan::Way& out) {
            if (!made) return;
            if (way.coder == nullptr) {
                out.coder = nullptr;
                return;
            }
            for (const CodecHandle& one : codecs_)
                if (one.name == way.coder->name())
                    if (auto again = coder(one, way.coder->level(), way.coder->dictionary(), false)) out.coder = std::move(again);
        };
        if (rules_.chooses) {
            chosen(chosen_small_, small_way_, next->small);
            chosen(chosen_large_, large_way_, next->large);
        }
        next->small.from = from(next->small.coder);
        next->large.from = from(next->large.coder);
        next->except = rules_.except;
        next->samples = learns_.load();
    }
    for (const Known& one : known_)
        if (const CodecHandle* handle = handle_of(one.dictionary->codec))
            if (auto reads = coder(*handle, std::nullopt, one.dictionary, true)) next->readers.push_back(std::move(reads));
    made_.assign(next->readers.begin(), next->readers.end());
    for (const auto& one : {next->small.coder, next->large.coder})
        if (one != nullptr) made_.push_back(one);
    const bool any = next->small.coder != nullptr || next->large.coder != nullptr || next->samples || !next->readers.empty();
    plan_.replace(any ? std::move(next) : nullptr);
}

larder_status Packing::fetch(std::uint32_t id, const DictionaryHome& home, Clock& clock) {
    const std::uint64_t now_ns = clock.mono_ns();
    {
        const std::lock_guard lock(mutex_);
        for (const Known& one : known_)
            if (one.dictionary->id == id) return LARDER_OK;
    }
    if (missing(id, now_ns)) return LARDER_MISS;
    std::shared_ptr<const Dictionary> found;
    const larder_status status = home.load(id, found);
    const std::lock_guard lock(mutex_);
    if (status != LARDER_OK) {
        if (missing_.size() >= most_missing) missing_.clear();
        missing_[id] = now_ns + missing_for_ns;
        return status;
    }
    know(found, false, now_ns);
    renew_plan();
    return LARDER_OK;
}

void Packing::want(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    if (wanted_.size() < most_missing) wanted_.insert(id);
}

void Packing::fetch_wanted(const DictionaryHome& home, Clock& clock) {
    const std::lock_guard fetching(fetching_);
    std::set<std::uint32_t> ids;
    {
        const std::lock_guard lock(mutex_);
        ids.swap(wanted_);
    }
    for (const std::uint32_t id : ids) fetch(id, home, clock);
}

bool Packing::missing(std::uint32_t id, std::uint64_t now_ns) const {
    const std::lock_guard lock(mutex_);
    const auto at = missing_.find(id);
    return at != missing_.end() && now_ns < at->second;
}

PackFigures Packing::figures() const {
    const ReadGuard guard;
    const PackPlan* const plan = plan_.get();
    const std::lock_guard lock(mutex_);
    PackFigures out = said_;
    out.packed_already = packed_already_.load(std::memory_order_relaxed);
    out.unread = unread_.load(std::memory_order_relaxed);
    out.dictionary.known = known_.size();
    out.dictionary.id = writing_ == nullptr ? 0 : writing_->id;
    out.dictionary.bytes = writing_ == nullptr ? 0 : writing_->bytes.size();
    using C = CoderCounts;
    const auto mb_s = [](std::uint64_t bytes, std::uint64_t ns) { return ns == 0 ? 0 : static_cast<double>(bytes) * 1000 / static_cast<double>(ns); };
    for (const auto& [name, of] : counts_) {
        const CoderCounts& counts = *of.second;
        PackFigures::Way way;
        way.name = name;
        way.codec = of.first;
        way.values = counts.sum(C::values);
        way.raw = counts.sum(C::raw);
        way.stored = counts.sum(C::stored);
        way.not_smaller = counts.sum(C::not_smaller);
        way.reads = counts.sum(C::reads);
        way.pack_mb_s = mb_s(counts.sum(C::timed), counts.sum(C::timed_ns));
        way.unpack_mb_s = mb_s(counts.sum(C::read_timed), counts.sum(C::read_timed_ns));
        way.small = plan != nullptr && plan->small.coder != nullptr && plan->small.coder->shown() == name;
        way.large = plan != nullptr && plan->large.coder != nullptr && plan->large.coder->shown() == name;
        if (way.small || way.large || way.values != 0 || way.not_smaller != 0 || way.reads != 0) out.ways.push_back(std::move(way));
    }
    return out;
}

}  // namespace larder
