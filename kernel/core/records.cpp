// kernel/core/records.cpp -- the table of records: chains under version words, a clock hand.
//
// A shard holds a fixed array of nodes and an array of buckets. A bucket is one word: the first
// node of its chain and a version that every change of the chain or of a node in it raises. A
// reader reads the word, walks, and reads the word again; if it is the same, what was read belongs
// together. A node that moves to another chain changes the word of the one it leaves before
// anything else of it changes, so whoever walks into it from there notices.
//
// Ordering without fences: nodes are written with release and read with acquire. Who reads a new
// value therefore sees the busy bit, or what came after it, when it reads the word again.
#include "kernel/core/records.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace larder {
namespace {

using Link = std::uint32_t;  // number of a node plus one; 0: none

struct Node {
    std::atomic<std::uint64_t> scope{0}, drop{0}, expire{0}, expired_at_ns{0}, changed{0}, dropped{0};
    std::atomic<Link> next{0};
    std::atomic<std::uint32_t> used{0};  // looked at since the hand passed
};
static_assert(sizeof(Node) == 56);

using Bucket = std::atomic<std::uint64_t>;  // first link, busy bit, version
constexpr unsigned link_bits = 28;
constexpr std::uint64_t link_mask = (std::uint64_t{1} << link_bits) - 1;
constexpr std::uint64_t busy = std::uint64_t{1} << link_bits;
constexpr std::uint64_t one_version = busy << 1;

constexpr std::size_t small_table = 4'096;  // up to here one shard, so the capacity is exact
constexpr std::size_t large_shards = 16;
constexpr std::uint32_t longest_sweep = 1'024;  // nodes the hand passes before it takes any
constexpr int patience = 64;                    // disturbed reads before waiting for the writer

Link first_of(std::uint64_t word) noexcept { return static_cast<Link>(word & link_mask); }

enum class Seen { found, absent, disturbed };

class Shard {
  public:
    void build(std::uint32_t capacity) {
        capacity_ = capacity;
        nodes_ = zeroed_array<Node>(capacity);
        const std::size_t buckets = std::bit_ceil(std::size_t{capacity});
        buckets_ = zeroed_array<Bucket>(buckets);
        bucket_mask_ = buckets - 1;
    }

    Seen look(ScopeId scope, std::uint64_t hash, Record& out) const noexcept {
        const Bucket& bucket = bucket_of(hash);
        const std::uint64_t word = bucket.load(std::memory_order_acquire);
        if ((word & busy) != 0) return Seen::disturbed;
        for (Link link = first_of(word); link != 0;) {
            Node& node = nodes_[link - 1];
            const bool here = node.scope.load(std::memory_order_acquire) == scope;
            if (here) out = read(node);
            link = node.next.load(std::memory_order_acquire);
            if (bucket.load(std::memory_order_relaxed) != word) return Seen::disturbed;
            if (!here) continue;
            if (node.used.load(std::memory_order_relaxed) == 0)
                node.used.store(1, std::memory_order_relaxed);
            return Seen::found;
        }
        return Seen::absent;
    }

    // The node of `scope`, or nullptr. REQUIRES: mutex held, as for all below.
    Node* locate(ScopeId scope, std::uint64_t hash) noexcept {
        for (Link link = first_of(bucket_of(hash).load(std::memory_order_relaxed)); link != 0;) {
            Node& node = nodes_[link - 1];
            if (node.scope.load(std::memory_order_relaxed) == scope) return &node;
            link = node.next.load(std::memory_order_relaxed);
        }
        return nullptr;
    }

    static Record read(const Node& node) noexcept {
        return {node.drop.load(std::memory_order_acquire),
                node.expire.load(std::memory_order_acquire),
                node.expired_at_ns.load(std::memory_order_acquire),
                node.changed.load(std::memory_order_acquire),
                node.dropped.load(std::memory_order_acquire)};
    }

    void rewrite(Node& node, std::uint64_t hash, const Record& record) noexcept {
        Bucket& bucket = bucket_of(hash);
        const std::uint64_t word = begin(bucket);
        write(node, record);
        end(bucket, word, first_of(word));
    }

    // A node that holds nothing; nullptr: one has to be evicted first.
    Node* unused() noexcept {
        const std::uint32_t size = size_.load(std::memory_order_relaxed);
        if (size == capacity_) return nullptr;
        size_.store(size + 1, std::memory_order_relaxed);
        return &nodes_[size];
    }

    // The one to go. What is inserted in its place is behind the hand and stays for a whole round.
    Node& sweep() noexcept {
        for (std::uint32_t passed = 0;; ++passed) {
            Node& node = nodes_[hand_];
            hand_ = hand_ + 1 == capacity_ ? 0 : hand_ + 1;
            if (passed == longest_sweep || node.used.load(std::memory_order_relaxed) == 0)
                return node;
            node.used.store(0, std::memory_order_relaxed);
        }
    }

    void unlink(Node& node, std::uint64_t hash) noexcept {
        Bucket& bucket = bucket_of(hash);
        const Link link = link_to(node), next = node.next.load(std::memory_order_relaxed);
        const std::uint64_t word = begin(bucket);
        if (first_of(word) == link) return end(bucket, word, next);
        Node* before = &nodes_[first_of(word) - 1];
        while (before->next.load(std::memory_order_relaxed) != link)
            before = &nodes_[before->next.load(std::memory_order_relaxed) - 1];
        before->next.store(next, std::memory_order_release);
        end(bucket, word, first_of(word));
    }

    void insert(Node& node, ScopeId scope, std::uint64_t hash, const Record& record) noexcept {
        Bucket& bucket = bucket_of(hash);
        const std::uint64_t word = begin(bucket);
        node.scope.store(scope, std::memory_order_release);
        write(node, record);
        node.next.store(first_of(word), std::memory_order_release);
        node.used.store(0, std::memory_order_relaxed);
        end(bucket, word, link_to(node));
    }

    void clear() noexcept {
        for (std::size_t i = 0; i <= bucket_mask_; ++i)
            end(buckets_[i], buckets_[i].load(std::memory_order_relaxed), 0);
        size_.store(0, std::memory_order_relaxed);
        hand_ = 0;
    }

    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    std::mutex& mutex() const noexcept { return mutex_; }

  private:
    Bucket& bucket_of(std::uint64_t hash) const noexcept { return buckets_[hash & bucket_mask_]; }
    Link link_to(const Node& node) const noexcept {
        return static_cast<Link>(&node - nodes_.get()) + 1;
    }

    static std::uint64_t begin(Bucket& bucket) noexcept {
        const std::uint64_t word = bucket.load(std::memory_order_relaxed);
        bucket.store(word | busy, std::memory_order_relaxed);
        return word;
    }
    static void end(Bucket& bucket, std::uint64_t word, Link first) noexcept {
        bucket.store(((word & ~link_mask) + one_version) | first, std::memory_order_release);
    }
    static void write(Node& node, const Record& record) noexcept {
        node.drop.store(record.drop, std::memory_order_release);
        node.expire.store(record.expire, std::memory_order_release);
        node.expired_at_ns.store(record.expired_at_ns, std::memory_order_release);
        node.changed.store(record.changed, std::memory_order_release);
        node.dropped.store(record.dropped, std::memory_order_release);
    }

    // Set once, by build().
    ZeroedArray<Node> nodes_;
    ZeroedArray<Bucket> buckets_;
    std::size_t bucket_mask_ = 0;
    std::uint32_t capacity_ = 0;
    // Written under the mutex, on a line of their own.
    alignas(64) mutable std::mutex mutex_;
    std::uint32_t hand_ = 0;
    std::atomic<std::uint32_t> size_{0};  // the nodes [0, size) hold records
};

}  // namespace

struct RecordTable::Table {
    explicit Table(Random& numbers) : random(numbers), secret{numbers.next(), numbers.next() | 1} {}

    // Keyed, so that nobody who can choose scopes can choose their chain.
    std::uint64_t hash(ScopeId scope) const noexcept {
        __extension__ using Wide = unsigned __int128;
        const Wide product = Wide{scope ^ secret[0]} * secret[1];
        const auto folded =
            static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
        return folded ^ (folded >> 29);
    }
    Shard& shard_of(std::uint64_t hash_value) noexcept {
        return shards[(hash_value >> 48) % shards.size()];
    }

    bool find(ScopeId scope, std::uint64_t at, Record& out) noexcept {
        const Shard& shard = shard_of(at);
        for (int tries = 0; tries < patience; ++tries)
            if (const Seen seen = shard.look(scope, at, out); seen != Seen::disturbed)
                return seen == Seen::found;
        const std::lock_guard lock(shard.mutex());
        return shard.look(scope, at, out) == Seen::found;
    }

    // REQUIRES: the shard's mutex held, no record of `scope` in it.
    void make(Shard& shard, ScopeId scope, std::uint64_t at, const Record& record) noexcept {
        Node* node = shard.unused();
        if (node == nullptr) {
            node = &shard.sweep();
            forget(Shard::read(*node).changed);  // before anybody can miss it
            shard.unlink(*node, hash(node->scope.load(std::memory_order_relaxed)));
        }
        shard.insert(*node, scope, at, record);
    }

    void forget(std::uint64_t changed) noexcept {
        std::uint64_t known = forgotten.load(std::memory_order_relaxed);
        while (known < changed &&
               !forgotten.compare_exchange_weak(known, changed, std::memory_order_release,
                                                std::memory_order_relaxed)) {
        }
    }

    std::uint64_t other_than(std::uint64_t old) noexcept {
        std::uint64_t number = random.next();
        while (number == old) number = random.next();
        return number;
    }

    Random& random;
    const std::array<std::uint64_t, 2> secret;
    std::vector<Shard> shards;
    // Serializes the changes, so that `changed` is the epoch the change itself makes.
    std::mutex changes;
    std::unordered_multimap<ScopeId, Cell*> watched;  // guarded by changes
    alignas(64) std::atomic<std::uint64_t> forgotten{0};
};

RecordTable::RecordTable(std::size_t capacity, Random& random)
    : table_(std::make_unique<Table>(random)),
      recent_(zeroed_array<Cell>(std::size_t{1} << recent_bits)) {
    capacity = std::max<std::size_t>(capacity, 1);
    const std::size_t shards = capacity <= small_table ? 1 : large_shards;
    const std::size_t mean = (capacity + shards - 1) / shards;
    // Six standard deviations of how unevenly keyed hashes fall.
    const auto slack = static_cast<std::size_t>(6 * std::sqrt(static_cast<double>(mean)));
    const std::size_t each = shards == 1 ? capacity : mean + slack;
    assert(each < link_mask);
    table_->shards = std::vector<Shard>(shards);
    for (Shard& shard : table_->shards)
        shard.build(static_cast<std::uint32_t>(std::min<std::size_t>(each, link_mask - 1)));
}

RecordTable::~RecordTable() = default;

bool RecordTable::find(ScopeId scope, Record& out) const noexcept {
    return table_->find(scope, table_->hash(scope), out);
}

Record RecordTable::stamp(ScopeId scope) {
    const std::uint64_t at = table_->hash(scope);
    Record record;
    if (table_->find(scope, at, record)) return record;
    Shard& shard = table_->shard_of(at);
    record = {table_->random.next(), table_->random.next(), 0, 0, 0};
    const std::lock_guard lock(shard.mutex());
    if (const Node* const made_meanwhile = shard.locate(scope, at))
        return Shard::read(*made_meanwhile);
    table_->make(shard, scope, at, record);
    return record;
}

std::uint64_t RecordTable::drop(ScopeId scope) { return change(scope, true, 0); }

std::uint64_t RecordTable::expire(ScopeId scope, std::uint64_t now_ns) {
    return change(scope, false, now_ns);
}

// The record changes before the epoch rises: whoever reads the new epoch finds the new numbers, so
// nothing can be verified at it by the old ones.
std::uint64_t RecordTable::change(ScopeId scope, bool drop, std::uint64_t now_ns) {
    const std::uint64_t at = table_->hash(scope);
    Shard& shard = table_->shard_of(at);
    const std::lock_guard changing(table_->changes);
    const std::uint64_t next_epoch = epoch_.load(std::memory_order_relaxed) + 1;
    {
        const std::lock_guard lock(shard.mutex());
        Node* const node = shard.locate(scope, at);
        Record record = node != nullptr ? Shard::read(*node) : Record{};
        if (drop || node == nullptr) record.drop = table_->other_than(record.drop);
        record.expire = table_->other_than(record.expire);
        if (!drop) record.expired_at_ns = now_ns;
        record.changed = next_epoch;
        if (drop) record.dropped = next_epoch;
        if (node != nullptr)
            shard.rewrite(*node, at, record);
        else
            table_->make(shard, scope, at, record);
    }
    announce(scope, next_epoch);
    return next_epoch;
}

std::uint64_t RecordTable::stir(ScopeId scope) {
    const std::lock_guard changing(table_->changes);
    const std::uint64_t next_epoch = epoch_.load(std::memory_order_relaxed) + 1;
    announce(scope, next_epoch);
    return next_epoch;
}

// The summaries first, the epoch last. REQUIRES: changes held.
void RecordTable::announce(ScopeId scope, std::uint64_t next_epoch) {
    recent_[recent_cell(scope)].store(next_epoch, std::memory_order_release);
    const auto [first, last] = table_->watched.equal_range(scope);
    for (auto watch = first; watch != last; ++watch)
        watch->second->store(next_epoch, std::memory_order_release);
    epoch_.store(next_epoch, std::memory_order_seq_cst);
}

void RecordTable::watch(std::vector<std::pair<ScopeId, Cell*>> watches) {
    const std::lock_guard changing(table_->changes);
    table_->watched.clear();
    for (const auto& [scope, cell] : watches) {
        table_->watched.emplace(scope, cell);
        cell->store(epoch_.load(std::memory_order_relaxed), std::memory_order_release);
    }
}

std::uint64_t RecordTable::forgotten() const noexcept {
    return table_->forgotten.load(std::memory_order_acquire);
}

std::size_t RecordTable::size() const noexcept {
    std::size_t total = 0;
    for (const Shard& shard : table_->shards) total += shard.size();
    return total;
}

// Counts as a change of every scope there could be: a load that is under way keeps nothing.
void RecordTable::reset() {
    const std::lock_guard changing(table_->changes);
    const std::uint64_t next_epoch = epoch_.load(std::memory_order_relaxed) + 1;
    table_->forget(next_epoch);
    for (Shard& shard : table_->shards) {
        const std::lock_guard lock(shard.mutex());
        shard.clear();
    }
    for (std::size_t i = 0; i < std::size_t{1} << recent_bits; ++i)
        recent_[i].store(next_epoch, std::memory_order_release);
    for (const auto& [scope, cell] : table_->watched)
        cell->store(next_epoch, std::memory_order_release);
    epoch_.store(next_epoch, std::memory_order_seq_cst);
}

}  // namespace larder
