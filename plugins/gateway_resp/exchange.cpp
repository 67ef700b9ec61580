// plugins/gateway_resp/exchange.cpp -- see exchange.hpp.
#include "exchange.hpp"

namespace larder::resp {

const larder_call* Exchange::call(std::uint32_t flags) noexcept {
    call_ = {};
    call_.struct_size = sizeof call_;
    call_.flags = flags;
    if (session.record->no_touch.load(std::memory_order_relaxed)) {
        call_.flags |= LARDER_CALL_PEEK;
    }
    call_.deadline_ns = gateway.now_ns() + gateway.options.call_timeout_ns;
    call_.role = session.role;
    call_.client = session.record->id;
    if (!blocking) {
        call_.done = turnaround.done_fn();
        call_.done_ctx = turnaround.done_ctx();
    }
    return &call_;
}

Step Exchange::off_thread(Handler job, Handler second_half) {
    if (gateway.executor == nullptr) {
        blocking = true;
        job(*this);
        blocking = false;
        return second_half(*this);
    }
    if (!turnaround.run_off_thread(job, second_half)) {
        return failed(LARDER_E_BUSY);
    }
    return Step::Waiting;
}

// ---- names
// ---------------------------------------------------------------------------------------

std::uint32_t Exchange::fallback() const noexcept {
    if (!fallback_known_) {
        const std::string& name = gateway.options.fallback;
        if (name.empty() || cache().ns_find(host(), bytes_of(name), &fallback_) != LARDER_OK) {
            fallback_ = LARDER_NS_NONE;
        }
        fallback_known_ = true;
    }
    return fallback_;
}

bool Exchange::try_locate(std::string_view full, std::uint32_t& found,
                          std::string_view& rest) const noexcept {
    std::uint32_t prefix = 0;
    if (cache().resolve(host(), bytes_of(full), fallback(), &found, &prefix) != LARDER_OK) {
        return false;
    }
    rest = full.substr(prefix);
    return true;
}

bool Exchange::locate(std::string_view full, std::uint32_t& found, std::string_view& rest) {
    if (try_locate(full, found, rest)) {
        return true;
    }
    error(gateway.unknown_key(full));
    return false;
}

bool Exchange::find_namespace(std::string_view name, std::uint32_t& found) {
    if (cache().ns_find(host(), bytes_of(name), &found) == LARDER_OK) {
        return true;
    }
    error(gateway.unknown_namespace(name));
    return false;
}

void Exchange::append_full_key(std::string& out, std::uint32_t of, std::string_view rest) const {
    gateway.append_full_key(out, of, rest);
}

// ---- items
// -----------------------------------------------------------------------------------------

bool Exchange::add_get(std::string_view full_key) {
    larder_cache_get item{};
    std::string_view rest;
    if (!locate(full_key, item.ns, rest)) {
        return false;
    }
    item.key = bytes_of(rest);
    gets.push_back(item);
    return true;
}

bool Exchange::add_key(std::string_view full_key) {
    larder_cache_key item{};
    std::string_view rest;
    if (!locate(full_key, item.ns, rest)) {
        return false;
    }
    item.key = bytes_of(rest);
    keys.push_back(item);
    return true;
}

larder_cache_set* Exchange::add_set(std::string_view full_key, std::string_view bytes,
                                    std::uint32_t flags) {
    larder_cache_set item{};
    std::string_view rest;
    if (!locate(full_key, item.ns, rest)) {
        return nullptr;
    }
    item.key = bytes_of(rest);
    item.value = bytes_of(bytes);
    item.flags = flags;
    sets.push_back(item);
    return &sets.back();
}

void Exchange::finish() noexcept {
    constexpr std::size_t keep = 256;
    const auto reset = [](auto& items) {
        items.clear();
        if (items.capacity() > keep) {
            items.shrink_to_fit();
        }
    };
    if (!gets.empty() && session.record != nullptr && remembers_reads()) {
        note_what_was_read();
    }
    for (larder_cache_get& item : gets) {
        release_value(item.value);
    }
    for (larder_cache_set& item : sets) {
        release_value(item.old);
    }
    reset(gets);
    reset(sets);
    reset(keys);
    reset(pairs);
    reset(sizes);
    text.clear();
    if (text.capacity() > 64 * 1024) {
        text.shrink_to_fit();
    }
    release_value(receipt.json);
    release_value(report);
    index = 0;
    next = nullptr;
    failure = nullptr;
    running = false;
}

// ---- replies
// ---------------------------------------------------------------------------------------

Step Exchange::error(std::string_view message) {
    count(gateway.counters.errors);
    if (command != nullptr) {
        CommandCounters& counters = gateway.counters.of(*command);
        count(running ? counters.failed : counters.rejected);
    }
    if (session.in_multi) {
        session.multi_broken = true;
    }
    reply.error(message);
    return Step::Done;
}

Step Exchange::wrong_arity() {
    return error("ERR wrong number of arguments for '" + std::string(command->name) + "' command");
}

bool Exchange::integer_argument(std::string_view argument, std::int64_t& out) {
    if (parse_integer(argument, out)) {
        return true;
    }
    error("ERR value is not an integer or out of range");
    return false;
}

Step Exchange::failed(larder_status st, std::uint32_t in, std::string_view name) {
    switch (st) {
        case LARDER_E_INVALID: {
            char why[256] = {};
            larder_errbuf err{why, sizeof why, 0};
            if (in != LARDER_NS_NONE &&
                cache().check_key(host(), in, bytes_of(name), &err) != LARDER_OK) {
                return error("ERR " + std::string(why, err.len));
            }
            return error("ERR the namespace's policy does not allow that value or time to live");
        }
        case LARDER_E_DENIED:
            return error("NOPERM this user has no permissions to run the '" +
                         std::string(command->name) + "' command");
        case LARDER_E_REFUSED:
            return error("ERR the policy says that this is never stored");
        case LARDER_E_TOO_LARGE:
            return error("ERR value is larger than its namespace allows");
        case LARDER_E_UNSUPPORTED:
            return error("ERR '" + std::string(command->name) + "' is not supported here");
        case LARDER_E_NOMEM:
            return error("OOM command not allowed when used memory > 'maxmemory'.");
        case LARDER_E_BUSY:
            return error("BUSY larder has too much to do, try again");
        case LARDER_E_TIMEOUT:
            return error("ERR the cache did not answer in time, try again");
        case LARDER_E_IO:
            return error("ERR a store behind the cache cannot be reached, try again");
        case LARDER_E_CONFLICT:
            return error("ERR somebody else changed the entry meanwhile, try again");
        case LARDER_E_CANCELLED:
        case LARDER_E_CLOSED:
            return error("ERR larder is stopping");
        case LARDER_MISS:
            return error("ERR no such key");
        default:
            return error("ERR the cache failed (status " + std::to_string(st) + ")");
    }
}

Step Exchange::refused(std::string_view confirmed) {
    return error("REFUSED a guard of the policy wants this confirmed: " + std::string(confirmed) +
                 ". " + std::string(static_cast<const char*>(receipt.json.data), receipt.json.size));
}

Step Exchange::verbatim_report() {
    const std::string_view said(static_cast<const char*>(report.data), report.size);
    if (status == LARDER_OK) {
        reply.verbatim(said);
        return Step::Done;
    }
    // A refusal may come with its reason.
    return said.empty() ? failed(status) : error(std::string("ERR ").append(said));
}

}  // namespace larder::resp
