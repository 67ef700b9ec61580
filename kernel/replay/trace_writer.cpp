// kernel/replay/trace_writer.cpp -- operations in, bytes of a trace out.
#include "kernel/replay/trace_writer.hpp"

#include "kernel/replay/siphash.hpp"

#include <algorithm>

namespace larder::replay {
namespace {

constexpr std::size_t wanted_block = 64u << 10;
constexpr SipKey no_key{0, 0};

void append_number(std::string& out, std::uint64_t n, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i) & 0xff);
}

}  // namespace

TraceWriter::TraceWriter(const TraceHead& head) : out_(trace_magic) {
    begin(RecordKind::head, 0, 0);
    number(trace_version);
    number(head.began_ms);
    number(head.sample);
    number(head.fingerprint);
    number(head.stores.size());
    for (const auto& [name, bytes] : head.stores) {
        text(texts_, name);
        number(bytes);
    }
    end();
}

void TraceWriter::number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) block_ += static_cast<char>(n | 0x80);
    block_ += static_cast<char>(n);
}

bool TraceWriter::text(Table& table, std::string_view text, std::uint64_t seed) {
    text = text.substr(0, most_text);
    const std::size_t slot = siphash({seed, 1}, text) % trace_slots;
    if (table.slots[slot] == text && !text.empty()) {
        number(slot + 1);
        return false;
    }
    number(0);
    number(slot);
    number(text.size());
    block_ += text;
    table.slots[slot] = text;
    return true;
}

void TraceWriter::begin(RecordKind kind, unsigned flags, std::uint64_t at_ms) {
    block_ += static_cast<char>(static_cast<unsigned>(kind) | flags << 4);
    if (kind == RecordKind::head || kind == RecordKind::space) return;
    const std::uint64_t at = std::max(at_ms, last_ms_);  // threads write past each other by a tick
    number(at - last_ms_);
    last_ms_ = at;
}

void TraceWriter::end() {
    if (block_.size() >= wanted_block) close_block();
}

void TraceWriter::close_block() {
    if (block_.empty()) return;
    append_number(out_, block_.size(), 4);
    append_number(out_, siphash(no_key, block_), 8);
    out_ += block_;
    block_.clear();
}

std::string TraceWriter::take() {
    close_block();
    return std::exchange(out_, {});
}

void TraceWriter::space(std::uint32_t at, std::string_view name, std::int64_t ttl_ms) {
    begin(RecordKind::space, 0, 0);
    number(at);
    text(texts_, name);
    signed_number(ttl_ms);
    end();
}

void TraceWriter::reloaded(std::uint64_t at_ms, std::uint64_t fingerprint) {
    begin(RecordKind::reloaded, 0, at_ms);
    number(fingerprint);
    end();
}

void TraceWriter::given(const Operation& op, bool origins) {
    const std::size_t n = std::min(op.given.size(), most_given);
    number(n);
    for (const Given& one : op.given.subspan(0, n)) {
        if (origins) number(static_cast<std::uint64_t>(one.origin));
        text(texts_, one.name);
        text(texts_, one.value);
    }
}

void TraceWriter::write(const Operation& op) {
    switch (op.kind) {
        case OperationKind::get: {
            begin(RecordKind::get, static_cast<unsigned>(op.outcome) | (op.fence ? 4u : 0u) | (op.takes_stale ? 8u : 0u), op.at_ms);
            number(op.space);
            if (text(keys_, op.key, op.space) && op.outcome == Outcome::hit) {
                signed_number(op.ttl_ms);
                number(op.size);
            }
            break;
        }
        case OperationKind::put: {
            begin(RecordKind::put, (op.fill ? 1u : 0u) | (op.negative ? 2u : 0u) | (op.ttl_ms != 0 ? 4u : 0u) | (op.given.empty() ? 0u : 8u), op.at_ms);
            number(op.space);
            text(keys_, op.key, op.space);
            number(op.size);
            number(op.cost_us);
            if (op.ttl_ms != 0) signed_number(op.ttl_ms);
            if (!op.given.empty()) given(op, false);
            break;
        }
        case OperationKind::remove:
        case OperationKind::life: {
            begin(op.kind == OperationKind::remove ? RecordKind::remove : RecordKind::life, 0, op.at_ms);
            number(op.space);
            text(keys_, op.key, op.space);
            if (op.kind == OperationKind::life) signed_number(op.ttl_ms);
            break;
        }
        case OperationKind::change: {
            begin(RecordKind::change, 0, op.at_ms);
            number(op.action);
            number(op.target);
            number(op.space == UINT32_MAX ? 0 : std::uint64_t{op.space} + 1);
            text(texts_, op.key);
            break;
        }
        case OperationKind::http:
        case OperationKind::request:
        case OperationKind::ask: {
            const bool ask = op.kind == OperationKind::ask;
            begin(ask ? RecordKind::ask : RecordKind::request, (op.query.empty() ? 0u : 1u) | (op.given.empty() ? 0u : 2u) | (op.served ? 4u : 0u), op.at_ms);
            text(texts_, op.method);
            text(texts_, op.path);
            number(op.status);
            if (!op.query.empty()) text(texts_, op.query);
            if (!op.given.empty()) given(op, true);
            if (op.served) {
                number(op.space);
                text(keys_, op.key, op.space);
            }
            break;
        }
        case OperationKind::event: {
            begin(RecordKind::event, 0, op.at_ms);
            text(texts_, op.key);
            given(op, false);
            break;
        }
        case OperationKind::lost:
            begin(RecordKind::lost, 0, op.at_ms);
            number(op.count);
            break;
        case OperationKind::reloaded: return reloaded(op.at_ms, op.count);
    }
    end();
}

}  // namespace larder::replay
