// kernel/core/packing_tend.cpp -- what is learnt about a namespace's values in the background.
#include "kernel/core/packing.hpp"

#include <algorithm>
#include <cstdio>

namespace larder {
namespace {

constexpr std::size_t first_values = PackPlan::first_values, first_bytes = PackPlan::first_bytes;  // before there is anything to learn
constexpr std::size_t trial_bytes = std::size_t{256} << 10, large_trial_bytes = std::size_t{1} << 20;
constexpr std::size_t most_dictionary = std::size_t{1} << 20;  // a codec's own limit is lower
constexpr std::size_t most_known = 16;
constexpr double saves_enough = 0.95, drifts = 1.15;
constexpr std::uint64_t watched_bytes = std::uint64_t{256} << 10;
constexpr std::uint64_t second_ns = 1'000'000'000, hour_ns = 3600 * second_ns;

std::string text(const char* format, double a, double b) {
    char out[96];
    std::snprintf(out, sizeof out, format, a, b);
    return out;
}

}  // namespace

void Packing::tend(const World& world) {
    const std::unique_lock tending(tending_, std::try_to_lock);
    if (!tending || !learns()) return;
    if (world.home != nullptr) adopt(world);
    watch();
    learn(world);
    try_ways(world);
    if (world.home != nullptr) keep(world);
    forget_some(world);
}

// REQUIRES mutex_.
void Packing::know(const std::shared_ptr<const Dictionary>& dictionary, bool writes, std::uint64_t now_ns) {
    auto at = std::find_if(known_.begin(), known_.end(), [&](const Known& one) { return one.dictionary->id == dictionary->id; });
    if (at == known_.end()) at = known_.insert(known_.begin(), {dictionary, now_ns, now_ns});
    missing_.erase(dictionary->id);
    if (!writes) return;
    for (Known& one : known_)
        if (one.left_ns == 0) one.left_ns = now_ns;
    at->left_ns = 0;
    writing_ = at->dictionary;
    ratio_at_first_ = 0;
    seen_tried_ = seen_kept_ = 0;
    drifted_ = false;
}

void Packing::adopt(const World& world) {
    DictionaryHome::Current current;
    if (world.home->current(current) != LARDER_OK) return;
    {
        const std::lock_guard lock(mutex_);
        if (writing_ != nullptr && writing_->id == current.id) return;
        const auto all = trainable();
        if (std::none_of(all.begin(), all.end(), [&](const CodecHandle& one) { return one.table->codec_id == current.codec; })) return;
    }
    std::shared_ptr<const Dictionary> found;
    if (world.home->load(current.id, found) != LARDER_OK || found->codec != current.codec) return;
    const std::lock_guard lock(mutex_);
    know(found, true, world.clock->mono_ns());
    said_.dictionary.ratio = said_.dictionary.plain_ratio = 0;
    // Whoever made it had samples, too: no better one comes of the same values.
    learnt_from_ = std::max(learnt_from_, small_.bytes());
    renew_plan();
}

void Packing::learn(const World& world) {
    std::vector<CodecHandle> codecs;
    std::optional<int> level;
    std::shared_ptr<const Dictionary> old;
    bool drifted = false;
    {
        const std::lock_guard lock(mutex_);
        codecs = trainable();
        level = rules_.level;
        old = writing_;
        drifted = drifted_;
        // Without a home, dictionaries stay as long as entries may need them.
        if (world.home == nullptr && known_.size() >= most_known) return;
    }
    // A first one early, a better one from four times as many bytes; then only when values have changed.
    const std::size_t bytes = small_.bytes();
    if (small_.values() < first_values || bytes < first_bytes) return;
    if (learnt_from_ != 0 && bytes < 4 * learnt_from_ && !drifted) return;
    const SamplePool::Halves halves = small_.halves(bytes);
    std::vector<larder_bytes> samples;
    std::size_t sum = 0;
    for (const std::string& value : halves.learn) {
        samples.push_back({value.data(), value.size()});
        sum += value.size();
    }
    learnt_from_ = bytes;
    for (const CodecHandle& handle : codecs) {
        std::string content(std::clamp<std::size_t>(sum / 8, 1024, most_dictionary), '\0');
        std::size_t size = content.size();
        if (handle.table->train(handle.self, samples.data(), samples.size(), content.data(), &size) != LARDER_OK) continue;
        content.resize(size);
        const auto fresh = std::make_shared<const Dictionary>(static_cast<std::uint16_t>(handle.table->codec_id), std::move(content));
        const auto with = Coder::make(handle, {level, fresh, false}, std::make_shared<CoderCounts>());
        if (with == nullptr) continue;
        const auto judged = [&](const std::shared_ptr<const Coder>& coder) { return try_coder(coder, 1, halves.judge, *world.clock); };
        const Trial plain = judged(Coder::make(handle, {level, nullptr, false}, std::make_shared<CoderCounts>())), better = judged(with);
        std::uint64_t now_stored = plain.out;
        if (old != nullptr && old->codec == fresh->codec)
            if (const auto before = Coder::make(handle, {level, old, false}, std::make_shared<CoderCounts>())) now_stored = std::min(now_stored, judged(before).out);
        if (static_cast<double>(better.out) > static_cast<double>(now_stored) * saves_enough) continue;
        // Its number may be another's, who made it first.
        std::shared_ptr<const Dictionary> namesake;
        if (world.home != nullptr) {
            world.home->load(fresh->id, namesake);
        } else {
            const std::lock_guard lock(mutex_);
            for (const Known& one : known_)
                if (one.dictionary->id == fresh->id) namesake = one.dictionary;
        }
        if (namesake != nullptr && namesake->bytes != fresh->bytes) continue;
        // First it has to be where everybody can find it.
        if (world.home != nullptr && !(world.home->save(*fresh) && world.home->set_current({fresh->codec, fresh->id}))) {
            learnt_from_ = 0;
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            know(fresh, true, world.clock->mono_ns());
            ++said_.trained;
            said_.dictionary.ratio = better.ratio();
            said_.dictionary.plain_ratio = plain.ratio();
            renew_plan();
        }
        world.note("a dictionary of " + std::to_string(fresh->bytes.size()) + " bytes from " + std::to_string(samples.size()) + " values: " +
                   text("%.1fx instead of %.1fx", better.ratio(), plain.ratio()));
        small_.ready_at(first_values, 4 * bytes);
        return;
    }
    const std::lock_guard lock(mutex_);
    drifted_ = false;  // as good as can be learnt: what it is now is what it is compared with
    ratio_at_first_ = 0;
}

// Whether what the dictionary saves is what it saved at first.
void Packing::watch() {
    const std::lock_guard lock(mutex_);
    if (writing_ == nullptr || drifted_) return;
    std::uint64_t tried = 0, kept = 0;
    for (const auto& one : made_)
        if (one->dictionary_id() == writing_->id && one->counts() != nullptr) {
            tried = std::max(tried, one->counts()->sum(CoderCounts::tried));
            kept = std::max(kept, one->counts()->sum(CoderCounts::kept));
        }
    if (seen_tried_ == 0) {
        seen_tried_ = std::max<std::uint64_t>(tried, 1);
        seen_kept_ = kept;
        return;
    }
    if (tried < seen_tried_ + watched_bytes) return;
    const double ratio = static_cast<double>(kept - seen_kept_) / static_cast<double>(tried - seen_tried_);
    seen_tried_ = tried;
    seen_kept_ = kept;
    if (ratio_at_first_ == 0) {
        ratio_at_first_ = ratio;
    } else if (ratio > ratio_at_first_ * drifts) {
        drifted_ = true;
        small_.clear();
        small_.ready_at(first_values, first_bytes);
    }
}

// REQUIRES mutex_.
Packing::Coders Packing::candidates(bool large) {
    Coders out{nullptr};
    for (const CodecHandle& one : codecs_) {
        std::array<std::int32_t, 16> levels{};
        std::size_t count = (one.caps & LARDER_COMP_CAP_SETTINGS) != 0 && one.table->levels != nullptr ? one.table->levels(one.self, levels.data(), levels.size()) : 0;
        count = std::min(count, levels.size());
        const auto add = [&](std::optional<int> level, std::shared_ptr<const Dictionary> dictionary) {
            if (auto made = Coder::make(one, {level, std::move(dictionary), false}, std::make_shared<CoderCounts>())) out.push_back(std::move(made));
        };
        if (count == 0) add(std::nullopt, nullptr);
        for (std::size_t i = 0; i < count; ++i) {
            add(levels[i], nullptr);
            if (!large && writing_ != nullptr && writing_->codec == one.table->codec_id) add(levels[i], writing_);
        }
    }
    return out;
}

void Packing::try_ways(const World& world) {
    const std::uint64_t now_ns = world.clock->mono_ns();
    PackRules rules;
    std::uint32_t dictionary = 0;
    bool chosen_small = false, chosen_large = false;
    {
        const std::lock_guard lock(mutex_);
        rules = rules_;
        dictionary = writing_ == nullptr ? 0 : writing_->id;
        chosen_small = chosen_small_;
        chosen_large = chosen_large_;
    }
    if (!rules.chooses) return;
    const bool due = now_ns - tried_at_ns_ > hour_ns || dictionary != tried_dictionary_;
    const bool small = small_.values() >= 32 && (due || !chosen_small || small_.bytes() > 4 * tried_small_);
    const bool large = large_.values() >= 1 && (due || !chosen_large || large_.bytes() > 4 * tried_large_);
    if (!small && !large) return;
    tried_at_ns_ = now_ns;
    tried_dictionary_ = dictionary;
    const PackPrice& price = world.price;
    for (const bool is_large : {false, true}) {
        if (!(is_large ? large : small)) continue;
        const SamplePool& pool = is_large ? large_ : small_;
        (is_large ? tried_large_ : tried_small_) = pool.bytes();
        const SamplePool::Halves halves = pool.halves(is_large ? large_trial_bytes : trial_bytes);
        Coders coders;
        std::shared_ptr<const Coder> used;
        {
            const std::lock_guard lock(mutex_);
            coders = candidates(is_large);
            used = (is_large ? large_way_ : small_way_).coder;
        }
        std::vector<Trial> trials;
        std::size_t now = no_trial;
        for (const auto& coder : coders) {
            const std::uint64_t from = coder != nullptr && coder->dictionary() != nullptr ? 64 : rules.from.value_or(1024);
            trials.push_back(try_coder(coder, from, halves.judge, *world.clock));
            const bool same = (is_large ? chosen_large : chosen_small) &&
                              (coder == nullptr ? used == nullptr
                                                : used != nullptr && coder->shown() == used->shown() && coder->dictionary_id() == used->dictionary_id());
            if (same) now = trials.size() - 1;
        }
        const std::size_t best = cheapest(trials, price, now);
        const std::lock_guard lock(mutex_);
        // The policy may have changed meanwhile.
        if (!rules_.chooses) return;
        auto& way = is_large ? large_way_ : small_way_;
        way.coder = trials[best].coder;
        (is_large ? chosen_large_ : chosen_small_) = true;
        std::erase_if(said_.tried, [&](const PackFigures::Tried& one) { return one.large == is_large; });
        for (std::size_t i = 0; i < trials.size(); ++i) {
            const Trial& trial = trials[i];
            PackFigures::Tried tried;
            tried.name = trial.coder == nullptr ? "as it is" : trial.coder->shown();
            tried.large = is_large;
            tried.taken = i == best;
            tried.ratio = trial.ratio();
            tried.pack_mb_s = trial.pack_ns == 0 ? 0 : static_cast<double>(trial.in) * 1000 / static_cast<double>(trial.pack_ns);
            tried.unpack_mb_s = trial.unpack_ns == 0 ? 0 : static_cast<double>(trial.in) * 1000 / static_cast<double>(trial.unpack_ns);
            tried.price = trial.price(price);
            said_.tried.push_back(std::move(tried));
        }
        renew_plan();
    }
}

void Packing::keep(const World& world) {
    const std::uint64_t now_ns = world.clock->mono_ns();
    // Once a minute is little, and soon enough for a store that was emptied.
    const std::uint64_t every_ns = world.life_ms == 0 ? 60 * second_ns : std::min<std::uint64_t>(60 * second_ns, world.life_ms * 1'000'000 / 4);
    std::vector<std::shared_ptr<const Dictionary>> due;
    std::shared_ptr<const Dictionary> writing;
    {
        const std::lock_guard lock(mutex_);
        for (Known& one : known_) {
            if (now_ns - one.kept_ns < every_ns) continue;
            bool used = one.dictionary == writing_;
            for (const auto& coder : made_)
                if (coder->dictionary_id() == one.dictionary->id) used |= coder->take_used();
            if (!used) continue;
            one.kept_ns = now_ns;
            due.push_back(one.dictionary);
            if (one.dictionary == writing_) writing = writing_;
        }
    }
    for (const auto& dictionary : due)
        if (!world.home->keep(*dictionary)) world.note("dictionary " + std::to_string(dictionary->id) + " could not be kept in its store");
    DictionaryHome::Current current;
    const larder_status status = writing == nullptr ? larder_status{LARDER_OK} : world.home->current(current);
    // Its life is prolonged by writing it again; another node's newer one is left, and adopted next time.
    if (writing != nullptr && (status == LARDER_MISS || (status == LARDER_OK && current.id == writing->id)))
        world.home->set_current({writing->codec, writing->id});
}

void Packing::forget_some(const World& world) {
    const std::uint64_t now_ns = world.clock->mono_ns();
    const std::lock_guard lock(mutex_);
    const std::size_t before = known_.size();
    if (world.home != nullptr) {
        // They can be fetched again.
        while (known_.size() > most_known && known_.back().dictionary != writing_) known_.pop_back();
    } else if (world.life_ms != 0) {
        const std::uint64_t life_ns = world.life_ms * 1'000'000;
        std::erase_if(known_, [&](const Known& one) { return one.left_ns != 0 && now_ns - one.left_ns > life_ns; });
    }
    if (known_.size() != before) renew_plan();
}

}  // namespace larder
