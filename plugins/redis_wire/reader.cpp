// plugins/redis_wire/reader.cpp -- see reader.hpp.
#include "reader.hpp"

#include <hiredis/read.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

namespace larder::redis_wire {
namespace {

// "$" is read when its line is looked at; a length has at most 20 characters.
constexpr std::size_t longest_length_line = 32;
// A status, an error or an integer ends with its line.
constexpr std::size_t longest_line = 64 * 1024;
// Elements of all arrays of a reply, which each cost an item: what a sixteenth of reply_bytes may announce.
constexpr std::size_t item_share = 16;

}  // namespace

struct Reader::Impl {
    explicit Impl(const ReplyLimits& l) : limits(l) {
        functions.createString = &create_string;
        functions.createArray = &create_array;
        functions.createInteger = &create_integer;
        functions.createNil = &create_nil;
        functions.freeObject = [](void*) {};
        fresh();
    }
    ~Impl() { redisReaderFree(reader); }

    void fresh() {
        reader = redisReaderCreateWithFunctions(&functions);
        if (reader == nullptr) {
            throw std::bad_alloc();
        }
        reader->privdata = this;
    }

    // ---- what hiredis builds a reply with: nullptr makes it stop with an error

    static Impl& of(const redisReadTask* task) { return *static_cast<Impl*>(task->privdata); }

    Reply::Item* add(Reply::Type type) noexcept {
        auto& items = reply.filling();
        if (items.size() > limits.reply_bytes / item_share / sizeof(Reply::Item) &&
            items.size() > limits.array_elements) {
            return refuse("a reply of too many elements");
        }
        try {
            items.emplace_back();
        } catch (const std::bad_alloc&) {
            return refuse("out of memory");
        }
        items.back().type = type;
        return &items.back();
    }
    Reply::Item* refuse(const char* reason) noexcept {
        refusal = reason;
        return nullptr;
    }

    static void* create_string(const redisReadTask* task, char* text, std::size_t size) {
        Impl& me = of(task);
        if (size > me.limits.value_bytes) {
            return me.refuse("a string longer than max_value");
        }
        me.bytes += size;
        if (me.bytes > me.limits.reply_bytes) {
            return me.refuse("a reply longer than max_reply");
        }
        Reply::Item* const item = me.add(task->type == REDIS_REPLY_ERROR    ? Reply::Type::error
                                         : task->type == REDIS_REPLY_STATUS ? Reply::Type::status
                                                                            : Reply::Type::string);
        if (item == nullptr) {
            return nullptr;
        }
        char* to = item->brief;
        if (size > sizeof item->brief) {
            to = item->block = static_cast<char*>(std::malloc(size));
            if (to == nullptr) {
                return me.refuse("out of memory");
            }
        }
        std::memcpy(to, text, size);
        item->size = static_cast<std::uint32_t>(size);
        return &me;
    }
    static void* create_array(const redisReadTask* task, int elements) {
        Impl& me = of(task);
        if (elements < 0 || static_cast<std::uint32_t>(elements) > me.limits.array_elements) {
            return me.refuse("an array longer than it may be");
        }
        Reply::Item* const item = me.add(Reply::Type::array);
        if (item == nullptr) {
            return nullptr;
        }
        item->size = static_cast<std::uint32_t>(elements);
        return &me;
    }
    static void* create_integer(const redisReadTask* task, long long value) {
        Impl& me = of(task);
        Reply::Item* const item = me.add(Reply::Type::integer);
        if (item == nullptr) {
            return nullptr;
        }
        item->integer = value;
        return &me;
    }
    static void* create_nil(const redisReadTask* task) {
        Impl& me = of(task);
        return me.add(Reply::Type::nil) == nullptr ? nullptr : &me;
    }

    // ---- what is buffered and incomplete: may it go on?

    bool may_wait() {
        if (reader->ridx < 0) {
            return true;  // between two replies
        }
        const std::string_view rest(reader->buf + reader->pos, reader->len - reader->pos);
        const int type = reader->rstack[reader->ridx].type;
        if (type < 0) {
            return true;  // not even its type
        }
        if (type != REDIS_REPLY_STRING) {
            if (rest.size() > longest_line) {
                refusal = "a line without an end";
                return false;
            }
            return true;
        }
        const std::size_t end = rest.find('\r');
        if (end == std::string_view::npos) {
            if (rest.size() > longest_length_line) {
                refusal = "a length without an end";
                return false;
            }
            return true;
        }
        std::int64_t length = 0;
        const auto [stopped, bad] = std::from_chars(rest.data(), rest.data() + end, length);
        if (bad != std::errc{} || stopped != rest.data() + end || length < -1) {
            refusal = "a length that is no number";
            return false;
        }
        if (length > 0 && static_cast<std::uint64_t>(length) > limits.value_bytes) {
            refusal = "a string longer than max_value";
            return false;
        }
        if (length > 0 && bytes + static_cast<std::uint64_t>(length) > limits.reply_bytes) {
            refusal = "a reply longer than max_reply";
            return false;
        }
        return true;
    }

    const ReplyLimits limits;
    redisReplyObjectFunctions functions{};
    redisReader* reader = nullptr;
    Reply reply;
    bool whole = false;        // reply is one, and was handed out
    std::uint64_t bytes = 0;   // of the strings of the reply being read
    const char* refusal = nullptr;
    std::string why;
};

Reader::Reader(const ReplyLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
Reader::~Reader() = default;

bool Reader::feed(const char* data, std::size_t size) noexcept {
    return redisReaderFeed(impl_->reader, data, size) == REDIS_OK;
}

Reader::Got Reader::next() {
    Impl& me = *impl_;
    if (me.whole) {
        me.reply.clear();
        me.whole = false;
        me.bytes = 0;
    }
    if (!me.why.empty()) {
        return Got::broken;
    }
    void* object = nullptr;
    const int result = redisReaderGetReply(me.reader, &object);
    if (result == REDIS_OK && object != nullptr) {
        me.whole = true;
        return Got::reply;
    }
    if (result == REDIS_OK && me.may_wait()) {
        return Got::more;
    }
    me.why = me.refusal != nullptr     ? me.refusal
             : me.reader->errstr[0] != 0 ? me.reader->errstr
                                       : "not a reply";
    return Got::broken;
}

Reply& Reader::reply() noexcept { return impl_->reply; }
const std::string& Reader::why() const noexcept { return impl_->why; }
std::size_t Reader::buffered() const noexcept { return impl_->reader->len - impl_->reader->pos; }

}  // namespace larder::redis_wire
