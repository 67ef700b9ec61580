// plugins/store_lmdb/page_walk.cpp -- see page_walk.hpp.
#include "page_walk.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace larder::store_lmdb {
namespace {

using Page = std::uint64_t;  // number of one
constexpr Page none = ~Page{0};
constexpr std::size_t head_bytes = 16, node_head = 8, longest_key = 511;
constexpr unsigned deepest = 32;
enum Kind : std::uint16_t { branch = 1, leaf = 2, overflow = 4, meta = 8 };
enum NodeFlag : std::uint16_t { big = 1, table = 2 };
constexpr std::uint16_t integer_keys = 8;
enum class Holds { free_lists, tables, rows };

struct Tree {  // MDB_db
    std::uint32_t pad;
    std::uint16_t flags, depth;
    std::uint64_t branches, leaves, overflows, entries;
    Page root;
};
static_assert(sizeof(Tree) == 48);

struct Meta {
    std::uint32_t magic, version;
    std::uint64_t address, map_bytes;
    Tree free, main;
    Page last;
    std::uint64_t transaction;
};
static_assert(sizeof(Meta) == 136);

struct Damage {
    std::string what;
};

template <class T>
T at(const unsigned char* from) noexcept {
    T out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

class Walk {
  public:
    Walk(const unsigned char* data, std::size_t size) : data_(data), size_(size) {}

    void run() {
        const Meta newest = choose_meta();
        last_ = newest.last;
        used_.assign(last_ + 1, false);
        used_[0] = used_[1] = true;
        if (newest.free.flags != integer_keys || newest.main.flags != 0) {
            throw Damage{"its tables are of another kind"};
        }
        whole_tree(newest.free, Holds::free_lists);
        whole_tree(newest.main, Holds::tables);
        for (const Page page : free_) {
            use(page, "is free and in use, or free twice");
        }
    }

  private:
    [[noreturn]] static void fail(Page page, const char* what) {
        throw Damage{"page " + std::to_string(page) + " " + what};
    }

    Meta choose_meta() {
        constexpr std::size_t smallest = 512;
        if (size_ < smallest) {
            throw Damage{"it is too short"};
        }
        const Meta first = meta_at(0, 0);
        page_bytes_ = first.free.pad;
        if (page_bytes_ < smallest || page_bytes_ > 65536 || !std::has_single_bit(page_bytes_) ||
            size_ < 2 * page_bytes_) {
            throw Damage{"its pages have no size"};
        }
        const Meta second = meta_at(1, page_bytes_);
        if (second.free.pad != page_bytes_) {
            throw Damage{"its pages have two sizes"};
        }
        const Meta newest = second.transaction > first.transaction ? second : first;
        // Pages at the end that were given back before they were ever written may be missing.
        constexpr Page may_be_missing = 1024;
        if (newest.last < 1 || newest.last > size_ / page_bytes_ + may_be_missing) {
            throw Damage{"it is cut off"};
        }
        return newest;
    }

    Meta meta_at(Page number, std::size_t offset) const {
        if (offset + head_bytes + sizeof(Meta) > size_ || at<Page>(data_ + offset) != number ||
            (at<std::uint16_t>(data_ + offset + 10) & meta) == 0) {
            throw Damage{"it does not begin as an LMDB file"};
        }
        const Meta m = at<Meta>(data_ + offset + head_bytes);
        if (m.magic != 0xBEEFC0DEU || m.version != 1) {
            throw Damage{"it is of another program, or version"};
        }
        return m;
    }

    void use(Page page, const char* what) {
        if (page > last_ || page < 2) {
            fail(page, "is named and not there");
        }
        if (used_[page]) {
            fail(page, what);
        }
        used_[page] = true;
    }

    // A page with a head of that kind.
    const unsigned char* enter(Page page, std::uint16_t kind) {
        use(page, "is named twice");
        if ((page + 1) * page_bytes_ > size_) {
            fail(page, "is cut off");
        }
        const unsigned char* const p = data_ + page * page_bytes_;
        if (at<Page>(p) != page || at<std::uint16_t>(p + 10) != kind) {
            fail(page, "is not what it should be");
        }
        return p;
    }

    void whole_tree(const Tree& tree, Holds holds) {
        if ((tree.flags != 0 && tree.flags != integer_keys) || tree.depth > deepest ||
            (tree.root == none) != (tree.depth == 0)) {
            fail(tree.root, "is the root of a tree that cannot be");
        }
        Tree counted{};
        if (tree.root != none) {
            pages(tree.root, tree.depth, tree.flags, holds, counted);
        }
        if (counted.branches != tree.branches || counted.leaves != tree.leaves ||
            counted.overflows != tree.overflows || counted.entries != tree.entries) {
            fail(tree.root, "is the root of a tree with other pages than it says");
        }
    }

    void pages(Page number, unsigned depth, std::uint16_t tree_flags, Holds holds, Tree& counted) {
        const unsigned char* const page = enter(number, depth == 1 ? leaf : branch);
        ++(depth == 1 ? counted.leaves : counted.branches);
        const std::size_t lower = at<std::uint16_t>(page + 12), upper = at<std::uint16_t>(page + 14);
        if (lower < head_bytes || lower > upper || upper > page_bytes_ || lower % 2 != 0) {
            fail(number, "has bounds that cannot be");
        }
        const std::size_t nodes = (lower - head_bytes) / 2;
        if (nodes < (depth == 1 ? 1 : 2)) {
            fail(number, "leads nowhere");
        }
        for (std::size_t i = 0; i < nodes; ++i) {
            const std::size_t offset = at<std::uint16_t>(page + head_bytes + 2 * i);
            if (offset < upper || offset + node_head > page_bytes_ || offset % 2 != 0) {
                fail(number, "has a node outside of it");
            }
            const unsigned char* const node = page + offset;
            const std::size_t room = page_bytes_ - offset - node_head;
            const std::size_t key = at<std::uint16_t>(node + 6);
            const bool leftmost = depth > 1 && i == 0;
            if (key > longest_key || key > room || (key == 0 && !leftmost) ||
                (tree_flags == integer_keys && !leftmost && key != sizeof(std::uint64_t))) {
                fail(number, "has a key that cannot be");
            }
            const Page low = at<std::uint32_t>(node);
            const std::uint16_t high = at<std::uint16_t>(node + 4);
            if (depth > 1) {
                pages(low | Page{high} << 32, depth - 1, tree_flags, holds, counted);
            } else {
                ++counted.entries;
                in_leaf(number, node + node_head + key, room - key, low, high, holds, counted);
            }
        }
    }

    void in_leaf(Page number, const unsigned char* data, std::size_t room, std::size_t size, std::uint16_t flags,
                 Holds holds, Tree& counted) {
        if ((flags & ~(big | table)) != 0 || ((flags & table) != 0 && holds != Holds::tables)) {
            fail(number, "has a node of a kind that cannot be");
        }
        if ((flags & big) != 0) {
            if (room < sizeof(Page)) {
                fail(number, "has a node outside of it");
            }
            data = long_value(at<Page>(data), size, counted);
        } else if (size > room) {
            fail(number, "has a value outside of it");
        }
        if ((flags & table) != 0) {
            if (size != sizeof(Tree)) {
                fail(number, "has a table that is none");
            }
            whole_tree(at<Tree>(data), Holds::rows);
        } else if (holds == Holds::free_lists) {
            free_list(number, data, size);
        }
    }

    const unsigned char* long_value(Page first, std::size_t size, Tree& counted) {
        const unsigned char* const page = enter(first, overflow);
        // It may have been longer before it was put over.
        const std::size_t count = at<std::uint32_t>(page + 12);
        if (count < (head_bytes + size + page_bytes_ - 1) / page_bytes_ || count > size_ / page_bytes_ ||
            (first + count) * page_bytes_ > size_) {
            fail(first, "begins a value of another length");
        }
        counted.overflows += count;
        for (std::size_t i = 1; i < count; ++i) {
            use(first + i, "is named twice");
        }
        return page + head_bytes;
    }

    void free_list(Page number, const unsigned char* data, std::size_t size) {
        if (size < sizeof(Page) || at<std::uint64_t>(data) > size / sizeof(Page) - 1) {
            fail(number, "has a list of free pages that cannot be");
        }
        const std::size_t count = at<std::uint64_t>(data);
        for (std::size_t i = 1; i <= count; ++i) {
            const Page page = at<Page>(data + i * sizeof(Page));
            if (i > 1 && page >= at<Page>(data + (i - 1) * sizeof(Page))) {
                fail(number, "has a list of free pages out of order");
            }
            free_.push_back(page);
        }
    }

    const unsigned char* const data_;
    const std::size_t size_;
    std::size_t page_bytes_ = 0;
    Page last_ = 0;
    std::vector<bool> used_;
    std::vector<Page> free_;
};

}  // namespace

std::optional<std::string> damage_in(const std::string& file) {
    const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status {};
    if (opened < 0 || ::fstat(opened, &status) != 0 || status.st_size == 0) {
        if (opened >= 0) {
            ::close(opened);
        }
        return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, opened, 0);
    ::close(opened);
    if (mapped == MAP_FAILED) {
        return "it cannot be read";
    }
    std::optional<std::string> damage;
    try {
        Walk(static_cast<const unsigned char*>(mapped), size).run();
    } catch (const Damage& found) {
        damage = found.what;
    }
    ::munmap(mapped, size);
    return damage;
}

}  // namespace larder::store_lmdb
