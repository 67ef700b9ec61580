// kernel/replay/trace_reader.cpp -- a trace as traffic.
#include "kernel/replay/trace_reader.hpp"

#include "kernel/replay/siphash.hpp"

#include <algorithm>

namespace larder::replay {
namespace {

constexpr SipKey no_key{0, 0};
constexpr std::uint64_t most_ms = 1'000ull * 86'400'000;  // a thousand days
constexpr std::uint64_t most_stores = 256;

std::uint64_t little_endian(const char* at, std::size_t bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) out |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
    return out;
}

}  // namespace

bool is_trace(std::string_view text) { return text.starts_with(trace_magic); }

TraceReader::TraceReader(std::string_view file) : file_(file), next_(trace_magic.size()) { kept_.resize(2 * most_given + 4); }

bool TraceReader::fail(const char* what) {
    if (problem_.empty()) {
        const std::size_t offset = at_ == nullptr ? next_ : static_cast<std::size_t>(at_ - file_.data());
        problem_ = "at byte " + std::to_string(offset) + ": " + what;
    }
    at_ = end_ = nullptr;
    next_ = file_.size();
    return false;
}

bool TraceReader::next_block() {
    at_ = end_ = nullptr;
    if (next_ == file_.size()) return false;
    if (file_.size() - next_ < block_head) return fail("it was cut off within the head of a block");
    const std::uint64_t size = little_endian(file_.data() + next_, 4), sum = little_endian(file_.data() + next_ + 4, 8);
    if (size == 0 || size > most_block) return fail("a block cannot have this size");
    if (file_.size() - next_ - block_head < size) return fail("it was cut off within a block");
    const std::string_view payload = file_.substr(next_ + block_head, size);
    if (siphash(no_key, payload) != sum) return fail("the checksum of this block is wrong");
    at_ = payload.data();
    end_ = at_ + payload.size();
    next_ += block_head + size;
    return true;
}

bool TraceReader::open() {
    if (!is_trace(file_)) {
        next_ = 0;
        return fail("it is no trace");
    }
    if (next_ == file_.size()) return fail("it has no head");
    return next_block() && read_head();
}

bool TraceReader::number(std::uint64_t& out) {
    out = 0;
    for (int shift = 0; at_ != end_ && shift < 64; shift += 7) {
        const auto byte = static_cast<unsigned char>(*at_++);
        out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return fail(at_ == end_ ? "a record ends within a number" : "a number has too many bytes");
}

bool TraceReader::small(std::uint32_t& out, std::uint64_t most) {
    std::uint64_t n = 0;
    if (!number(n)) return false;
    if (n > most) return fail("a number is too large");
    out = static_cast<std::uint32_t>(n);
    return true;
}

bool TraceReader::signed_number(std::int64_t& out) {
    std::uint64_t n = 0;
    if (!number(n)) return false;
    out = static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
    return true;
}

bool TraceReader::text(Table& table, std::string_view& out, bool* fresh) {
    std::uint64_t at = 0;
    if (!number(at)) return false;
    if (fresh != nullptr) *fresh = at == 0;
    if (at != 0) {
        if (at > trace_slots) return fail("there is no such slot");
        out = table.get(at - 1);
        return true;
    }
    std::uint32_t slot = 0, size = 0;
    if (!small(slot, trace_slots - 1) || !small(size, most_text)) return false;
    if (static_cast<std::size_t>(end_ - at_) < size) return fail("a record ends within a text");
    std::string& kept = table.at(slot);
    kept.assign(at_, size);
    at_ += size;
    out = kept;
    return true;
}

bool TraceReader::read_head() {
    const auto first = static_cast<unsigned char>(*at_);
    if ((first & 15) != static_cast<unsigned>(RecordKind::head)) return fail("it does not begin with its head");
    ++at_;
    std::uint64_t version = 0;
    std::uint32_t stores = 0;
    if (!number(version)) return false;
    if (version != trace_version) return fail("it is of another version than this larder reads");
    if (!number(head_.began_ms) || !number(head_.sample) || !number(head_.fingerprint) || !small(stores, most_stores)) return false;
    if (head_.sample == 0) return fail("its sample is none");
    for (std::uint32_t i = 0; i < stores; ++i) {
        std::string_view name;
        std::uint64_t bytes = 0;
        if (!text(texts_, name) || !number(bytes)) return false;
        head_.stores.emplace_back(name, bytes);
    }
    return true;
}

bool TraceReader::read_space() {
    std::uint32_t at = 0;
    std::string_view name;
    std::int64_t ttl = 0;
    if (!small(at, most_spaces - 1) || !text(texts_, name) || !signed_number(ttl)) return false;
    if (at >= spaces_.size()) spaces_.resize(at + 1);
    spaces_[at] = {std::string(name), ttl};
    ++version_;
    return true;
}

bool TraceReader::place(Operation& out, bool* fresh) {
    return small(out.space, most_spaces - 1) && text(keys_, out.key, fresh);
}

bool TraceReader::given(Operation& out, bool origins) {
    std::uint32_t n = 0;
    if (!small(n, most_given)) return false;
    for (std::uint32_t i = 0; i < n; ++i) {
        std::uint32_t origin = 0;
        std::string_view name, value;
        if (origins && !small(origin, static_cast<std::uint64_t>(dsl::Origin::form))) return false;
        if (!text(texts_, name)) return false;
        kept_[2 * i] = name;
        if (!text(texts_, value)) return false;
        kept_[2 * i + 1] = value;
        given_[i] = {static_cast<dsl::Origin>(origin), kept_[2 * i], kept_[2 * i + 1]};
    }
    out.given = {given_.data(), n};
    return true;
}

bool TraceReader::next(Operation& out) {
    for (;;) {
        if (at_ == end_ && !next_block()) return false;
        const auto kind = static_cast<RecordKind>(static_cast<unsigned char>(*at_) & 15);
        if (kind == RecordKind::space) {
            ++at_;
            if (!read_space()) return false;
            continue;
        }
        return read_record(out);
    }
}

bool TraceReader::read_record(Operation& out) {
    const auto first = static_cast<unsigned char>(*at_);
    const auto kind = static_cast<RecordKind>(first & 15);
    const unsigned flags = first >> 4;
    if (kind < RecordKind::get || kind > RecordKind::reloaded) return fail("there is no such record");
    ++at_;
    out = Operation{};
    out.space = UINT32_MAX;
    std::uint64_t delta = 0;
    if (!number(delta)) return false;
    if (delta > most_ms || now_ms_ + delta > most_ms) return fail("a trace is no longer than a thousand days");
    now_ms_ += delta;
    out.at_ms = now_ms_;
    switch (kind) {
        case RecordKind::get:
            out.kind = OperationKind::get;
            out.outcome = static_cast<Outcome>(flags & 3);
            out.fence = (flags & 4) != 0;
            out.takes_stale = (flags & 8) != 0;
            if (!place(out, &out.fresh_text)) return false;
            return !out.fresh_text || out.outcome != Outcome::hit || (signed_number(out.ttl_ms) && number(out.size));
        case RecordKind::put:
            out.kind = OperationKind::put;
            out.fill = (flags & 1) != 0;
            out.negative = (flags & 2) != 0;
            if (!place(out) || !number(out.size) || !number(out.cost_us)) return false;
            if ((flags & 4) != 0 && !signed_number(out.ttl_ms)) return false;
            return (flags & 8) == 0 || given(out, false);
        case RecordKind::remove: out.kind = OperationKind::remove; return place(out);
        case RecordKind::life: out.kind = OperationKind::life; return place(out) && signed_number(out.ttl_ms);
        case RecordKind::change: {
            out.kind = OperationKind::change;
            std::uint32_t space = 0;
            if (!small(out.action, 2) || !small(out.target, 5) || !small(space, most_spaces)) return false;
            out.space = space == 0 ? UINT32_MAX : space - 1;
            return text(texts_, out.key);
        }
        case RecordKind::request:
        case RecordKind::ask: {
            out.kind = kind == RecordKind::ask ? OperationKind::ask : OperationKind::request;
            out.served = (flags & 4) != 0;
            std::string& method = kept_[2 * most_given];
            std::string& path = kept_[2 * most_given + 1];
            std::string& query = kept_[2 * most_given + 2];
            if (!text(texts_, out.method)) return false;
            method = out.method;
            if (!text(texts_, out.path) || !small(out.status, 999)) return false;
            path = out.path;
            if ((flags & 1) != 0 && !text(texts_, out.query)) return false;
            query = out.query;
            if ((flags & 2) != 0 && !given(out, true)) return false;
            out.method = method;
            out.path = path;
            out.query = query;
            return !out.served || place(out);
        }
        case RecordKind::event: {
            out.kind = OperationKind::event;
            if (!text(texts_, out.key)) return false;
            std::string& name = kept_[2 * most_given];
            name = out.key;
            out.key = name;
            return given(out, false);
        }
        case RecordKind::lost: out.kind = OperationKind::lost; return number(out.count);
        case RecordKind::reloaded: out.kind = OperationKind::reloaded; return number(out.count);
        default: return fail("there is no such record");
    }
}

}  // namespace larder::replay
