// tests/sim/history.cpp -- the rules.
#include "tests/sim/history.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace larder::sim {
namespace {

// "key/version/load" and some filling.
bool parse(std::string_view text, std::uint64_t& key, std::uint64_t& version, std::uint64_t& load) {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::uint64_t* const part : {&key, &version, &load}) {
        const auto [next, error] = std::from_chars(at, end, *part);
        if (error != std::errc() || next == end || *next != '/') return false;
        at = next + 1;
    }
    return true;
}

constexpr std::uint64_t asking_ns = 150'000'000;

std::string at(std::uint64_t ns) { return std::to_string(ns / 1000) + " us"; }

}  // namespace

void History::line(std::uint64_t key, std::uint64_t now_ns, std::string text) {
    if (tells_story && violation_.empty()) lines_.emplace_back(key, at(now_ns) + "  " + std::move(text));
}

std::uint64_t History::commit(std::uint64_t key, bool absent, std::uint64_t now_ns) {
    Key& k = keys_[key];
    k.absent.push_back(absent);
    k.began_ns.push_back(now_ns);
    line(key, now_ns, "origin: version " + std::to_string(++k.version) + (absent ? ", which is none" : ""));
    return k.version;
}

std::optional<std::string> History::take(std::uint64_t key, std::uint64_t node, std::uint64_t now_ns) {
    const Key& k = keys_[key];
    const std::uint64_t load = loads_.size();
    loads_.push_back({key, k.version, node, now_ns});
    line(key, now_ns, "node " + std::to_string(node) + ": load " + std::to_string(load) + " takes version " + std::to_string(k.version));
    if (k.absent[k.version]) return std::nullopt;
    return std::to_string(key) + "/" + std::to_string(k.version) + "/" + std::to_string(load) + "/";
}

std::size_t History::begin_change(std::vector<std::uint64_t> keys, std::uint64_t node, bool expire, std::uint64_t now_ns) {
    Change change{std::move(keys), {}, node, now_ns, 0, expire};
    for (const std::uint64_t key : change.keys) {
        change.versions.push_back(keys_[key].version);
        line(key, now_ns, "node " + std::to_string(node) + ": begins change " + std::to_string(changes_.size()) + (expire ? " (expire)" : "") +
                              ", version " + std::to_string(keys_[key].version) + " is the oldest to be seen after it");
    }
    changes_.push_back(std::move(change));
    return changes_.size() - 1;
}

void History::end_change(std::size_t number, bool done, std::uint64_t now_ns) {
    Change& change = changes_[number];
    change.ended_ns = now_ns;
    change.done = done;
    for (const std::uint64_t key : change.keys)
        line(key, now_ns, "node " + std::to_string(change.node) + ": change " + std::to_string(number) + (done ? " is done" : " is accepted"));
}

void History::lose_changes() {
    for (Change& change : changes_) change.lost = true;
}

void History::confirm_all() {
    for (Change& change : changes_)
        if (change.ended_ns != 0) change.everywhere = true;
}

bool History::own(const Change& change, const Read& read) const {
    return change.node == read.node && change.ended_ns != 0 && change.ended_ns <= read.began_ns && !change.lost;
}

bool History::delivered(const Change& change, const Read& read) const {
    if (change.ended_ns == 0 || change.ended_ns > read.began_ns) return false;
    if (change.everywhere) return true;
    if (change.lost) return false;
    if (change.node == read.node) return true;
    if (!change.done) return false;
    return (read.trusts && read.told_until_ns >= change.ended_ns) || read.began_ns >= change.ended_ns + bounds_.staleness_ns;
}

History::Read History::begin_read(std::uint64_t key, std::uint64_t node, std::uint64_t told_until_ns, bool trusts, bool troubled, std::uint64_t troubles, std::uint64_t now_ns) {
    ++reads_;
    line(key, now_ns, "node " + std::to_string(node) + ": begins read " + std::to_string(reads_) + (trusts ? "" : " (does not trust)"));
    return {key, node, now_ns, told_until_ns, trusts, troubled, reads_, moved(key, node, told_until_ns), troubles, 0};
}

void History::wrong(const Read& read, std::uint64_t now_ns, const std::string& what) {
    if (!violation_.empty()) return;
    violated_key_ = read.key;
    violation_ = at(now_ns) + "  node " + std::to_string(read.node) + ": read " + std::to_string(read.call) + " of key " + std::to_string(read.key) + ": " + what;
}

void History::end_read(const Read& read, const Answer& answer, std::uint64_t now_ns) {
    const std::string who = "node " + std::to_string(read.node) + ": read " + std::to_string(read.call);
    const std::string mark = answer.stale ? " (marked stale)" : "";
    if (answer.absent) {
        line(read.key, now_ns, who + " is told that there is nothing" + mark);
        const Key& k = keys_[read.key];
        std::uint64_t version = k.version;
        while (version > 0 && !k.absent[version]) --version;
        if (version == 0) return wrong(read, now_ns, "I1: it is said that there is nothing, and there always was something");
        // It was loaded before the next version.
        if (bounds_.hard_ns != 0 && version < k.version && read.began_ns > k.began_ns[version + 1] + bounds_.hard_ns)
            return wrong(read, now_ns, "I5: that there is nothing has been untrue for longer than anything lives");
        return judge(read, answer, version);
    }
    if (!answer.found) {
        line(read.key, now_ns, who + " finds nothing");
        return;
    }
    ++found_;
    std::uint64_t key = 0, version = 0, number = 0;
    if (!parse(answer.value, key, version, number)) return wrong(read, now_ns, "I1: a value that nobody ever wrote: " + std::string(answer.value.substr(0, 40)));
    line(read.key, now_ns, who + " brings version " + std::to_string(version) + " of load " + std::to_string(number) + mark);
    if (key != read.key) return wrong(read, now_ns, "I3: the value of key " + std::to_string(key));
    if (number >= loads_.size() || loads_[number].key != key || loads_[number].version != version) return wrong(read, now_ns, "I1: a value that no loader took");
    const Load& load = loads_[number];
    if (bounds_.hard_ns != 0 && read.began_ns > load.at_ns + bounds_.hard_ns)
        return wrong(read, now_ns, "I5: load " + std::to_string(number) + " is " + std::to_string((read.began_ns - load.at_ns) / 1'000'000) + " ms old");
    judge(read, answer, version);
}

// By the changes that were delivered before it began.
void History::judge(const Read& read, const Answer& answer, std::uint64_t version) {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const Change& change = changes_[i];
        const auto it = std::find(change.keys.begin(), change.keys.end(), read.key);
        if (it == change.keys.end() || !delivered(change, read)) continue;
        const std::uint64_t oldest = change.versions[static_cast<std::size_t>(it - change.keys.begin())];
        if (version >= oldest) continue;
        // It is an age that says so, and nodes know the server's clock only roughly.
        if (change.expire && read.began_ns <= change.ended_ns + bounds_.clock_ns) continue;
        if (answer.stale) {
            // What was expired may be shown as stale for its time; what was dropped may while nobody can be asked.
            if (change.expire && read.began_ns <= change.ended_ns + bounds_.stale_ns + bounds_.staleness_ns) continue;
            if ((!read.trusts || read.troubled) && !own(change, read)) continue;
            // Told by no stream, and the store that was asked instead has just stopped to answer.
            if (answer.troubled && change.ended_ns < read.stream_since_ns && !own(change, read)) continue;
        }
        return wrong(read, read.began_ns, (change.expire ? "I2: version " : "I2, I7: version ") + std::to_string(version) + " after change " + std::to_string(i) +
                                              " was delivered, which asks for " + std::to_string(oldest));
    }
}

// Rises when a change that may concern loads of this key begins. unsettled: one is under way, or the node will be
// told of it later, or has just been and asks what it says; then what it loads meanwhile is stale.
std::uint64_t History::moved(std::uint64_t key, std::uint64_t node, std::uint64_t told_until_ns) const {
    std::uint64_t moved = 0;
    for (const std::uint64_t at : losses_) {
        if (at + asking_ns > told_until_ns) return unsettled;
        ++moved;
    }
    for (const Change& change : changes_) {
        if (std::none_of(change.keys.begin(), change.keys.end(), [&](std::uint64_t other) { return may_concern_(other, key); })) continue;
        if (change.ended_ns == 0 || (change.node != node && change.ended_ns + asking_ns > told_until_ns)) return unsettled;
        ++moved;
    }
    return moved;
}

void History::begin_load(const Read& read, std::uint64_t troubles, std::uint64_t now_ns) {
    auto& loading = keys_[read.key].loading;
    line(read.key, now_ns, "node " + std::to_string(read.node) + ": read " + std::to_string(read.call) + " runs its loader");
    // Of a loader that began before something moved nobody is to join the flight: it counts for itself. What is pushed
    // while the store does not answer, or is left alone, moves, too.
    const auto joinable = [&](const Read& other) {
        return other.node == read.node && other.moved != unsettled && other.moved == read.moved && other.troubles == troubles && !read.troubled && !other.troubled;
    };
    const auto first = std::find_if(loading.begin(), loading.end(), joinable);
    if (first != loading.end() && moved(read.key, read.node, UINT64_MAX) == read.moved && bounds_.one_loader && violation_.empty()) {
        violated_key_ = read.key;
        violation_ = at(now_ns) + "  I4: read " + std::to_string(read.call) + " of node " + std::to_string(read.node) + " runs a loader of key " +
                     std::to_string(read.key) + " beside that of read " + std::to_string(first->call);
    }
    loading.push_back(read);
}

void History::end_load(const Read& read) {
    std::erase_if(keys_[read.key].loading, [&](const Read& other) { return other.call == read.call; });
}

void History::check_time(std::string_view what, std::uint64_t took_ns, std::uint64_t allowed_ns) {
    if (took_ns <= allowed_ns + bounds_.late_ns) return;
    violate("I8: " + std::string(what) + " took " + std::to_string(took_ns / 1'000'000) + " ms, allowed " + std::to_string(allowed_ns / 1'000'000));
}

std::string History::story() const {
    std::string text;
    for (const auto& [key, line] : lines_)
        if (key == everything || key == violated_key_ || violated_key_ == everything) text += line + "\n";
    return text;
}

}  // namespace larder::sim
