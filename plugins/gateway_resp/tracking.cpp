// plugins/gateway_resp/tracking.cpp -- see tracking.hpp.
#include "tracking.hpp"

#include "message.hpp"

#include <algorithm>

namespace larder::resp {

std::string TrackingTable::name_of(std::uint32_t ns, std::string_view key) {
    std::string name(sizeof ns, '\0');
    for (std::size_t i = 0; i < sizeof ns; ++i) {
        name[i] = static_cast<char>(ns >> (8 * i));
    }
    return name.append(key);
}

namespace {

std::uint32_t namespace_in(const std::string& name) {
    std::uint32_t ns = 0;
    for (std::size_t i = 0; i < sizeof ns; ++i) {
        ns |= std::uint32_t{static_cast<unsigned char>(name[i])} << (8 * i);
    }
    return ns;
}

std::string key_in(const std::string& name) { return name.substr(sizeof(std::uint32_t)); }

}  // namespace

// ---- who wants to be told ------------------------------------------------------------------------

void TrackingTable::enable(const Client& client, TrackingWish wish) {
    const std::lock_guard lock(mutex_);
    TrackingWish& had = client->tracking;
    if (!had.on) {
        clients_on_.fetch_add(1, std::memory_order_relaxed);
    }
    wish.on = true;
    std::vector<std::string> added = std::move(wish.prefixes);
    wish.prefixes = had.broadcast ? std::move(had.prefixes) : std::vector<std::string>();
    if (wish.broadcast && added.empty() && wish.prefixes.empty()) {
        added.emplace_back();
    }
    for (std::string& prefix : added) {
        std::vector<Client>& listeners = prefixes_[prefix].listeners;
        if (std::find(listeners.begin(), listeners.end(), client) == listeners.end()) {
            listeners.push_back(client);
            wish.prefixes.push_back(std::move(prefix));
        }
    }
    broadcasts_.store(!prefixes_.empty(), std::memory_order_relaxed);
    had = std::move(wish);
    client->redirect.store(had.redirect, std::memory_order_relaxed);
    client->broken_redirect.store(false, std::memory_order_relaxed);
    client->tracked.store(true, std::memory_order_relaxed);
}

// What it has read stays in the table, where it is found to be of nobody when it changes.
void TrackingTable::disable(const Client& client) {
    const std::lock_guard lock(mutex_);
    if (!client->tracking.on) {
        return;
    }
    for (const std::string& prefix : client->tracking.prefixes) {
        const auto found = prefixes_.find(prefix);
        if (found != prefixes_.end() && std::erase(found->second.listeners, client) != 0 &&
            found->second.listeners.empty()) {
            prefixes_.erase(found);
        }
    }
    broadcasts_.store(!prefixes_.empty(), std::memory_order_relaxed);
    client->tracking = {};
    client->tracked.store(false, std::memory_order_relaxed);
    client->broken_redirect.store(false, std::memory_order_relaxed);
    client->redirect.store(0, std::memory_order_relaxed);
    if (clients_on_.fetch_sub(1, std::memory_order_relaxed) == 1) {
        table_.clear();
        deadlines_.clear();
        items_ = 0;
    }
}

TrackingWish TrackingTable::wish(const Client& client) const {
    const std::lock_guard lock(mutex_);
    return client->tracking;
}

// ---- what was read -------------------------------------------------------------------------------

void TrackingTable::remember(const Client& client, std::uint32_t ns, std::string_view key,
                             std::string_view prefix) {
    const std::lock_guard lock(mutex_);
    if (most_keys_ != 0) {
        shrink(most_keys_ - 1);
    }
    Tracked& tracked = table_[name_of(ns, key)];
    for (const Reader& reader : tracked.readers) {
        if (reader.client == client) {
            return;
        }
    }
    const auto spelling = spellings_.try_emplace(std::string(prefix)).first;
    tracked.readers.push_back({client, &spelling->first});
    ++items_;
}

void TrackingTable::seen(std::uint32_t ns, std::string_view key, std::uint64_t version,
                         std::uint64_t deadline_ns) {
    const std::lock_guard lock(mutex_);
    const auto found = table_.find(name_of(ns, key));
    if (found == table_.end()) {
        return;  // told already
    }
    Tracked& tracked = found->second;
    // Two readers who found different versions: one of them is to be told.
    tracked.version = tracked.version == kUnknown || tracked.version == version ? version : kMixed;
    if (deadline_ns != 0 && !tracked.deadline) {
        tracked.deadline = deadlines_.emplace(deadline_ns, found->first);
    }
}

// ---- what has changed ----------------------------------------------------------------------------

void TrackingTable::changed(std::uint32_t ns, std::string_view key,
                            const std::vector<std::string>& names, const Changer& by) {
    const std::lock_guard lock(mutex_);
    for (auto& [prefix, broadcast] : prefixes_) {
        for (const std::string& name : names) {
            if (name.starts_with(prefix)) {
                broadcast.keys[name] = by.client;
                gathered_.store(true, std::memory_order_relaxed);
            }
        }
    }
    const auto found = table_.find(name_of(ns, key));
    if (found == table_.end()) {
        return;
    }
    for (const Reader& reader : found->second.readers) {
        const TrackingWish& wish = reader.client->tracking;
        if (!wish.on || wish.broadcast || (wish.no_loop && reader.client == by.client)) {
            continue;
        }
        const std::string name = *reader.prefix + std::string(key);
        const std::vector<std::string_view> one{name};
        tell(reader.client, &one, by);
    }
    forget(found);
}

void TrackingTable::flushed(const Changer& by) {
    if (idle()) {
        return;
    }
    const std::lock_guard lock(mutex_);
    for (const Client& client : clients_.everyone()) {
        if (client->tracking.on) {
            tell(client, nullptr, by);
        }
    }
    table_.clear();
    deadlines_.clear();
    items_ = 0;
}

void TrackingTable::may_have_changed(const std::vector<std::string>& beginnings) {
    const std::lock_guard lock(mutex_);
    for (const auto& [prefix, broadcast] : prefixes_) {
        const auto meets = [&prefix = prefix](const std::string& beginning) {
            return beginning.starts_with(prefix) || prefix.starts_with(beginning);
        };
        if (!beginnings.empty() && std::none_of(beginnings.begin(), beginnings.end(), meets)) {
            continue;
        }
        for (const Client& client : broadcast.listeners) {
            tell(client, nullptr, {});
        }
    }
}

void TrackingTable::send_broadcasts(const Changer& by) {
    if (!gathered_.load(std::memory_order_relaxed)) {
        return;
    }
    const std::lock_guard lock(mutex_);
    gathered_.store(false, std::memory_order_relaxed);
    for (auto& [prefix, broadcast] : prefixes_) {
        if (broadcast.keys.empty()) {
            continue;
        }
        for (const Client& client : broadcast.listeners) {
            std::vector<std::string_view> keys;
            for (const auto& [key, changer] : broadcast.keys) {
                if (!client->tracking.no_loop || changer != client) {
                    keys.push_back(key);
                }
            }
            if (!keys.empty()) {
                tell(client, &keys, by);
            }
        }
        broadcast.keys.clear();
    }
}

// keys: nullptr for all. A client that gets its messages over another connection and speaks RESP2 there
// has subscribed to the channel of that name; over its own it must speak RESP3.
void TrackingTable::tell(const Client& reader, const std::vector<std::string_view>* keys,
                         const Changer& by) {
    Client to = reader;
    if (reader->tracking.redirect != 0) {
        to = clients_.find(reader->tracking.redirect);
        if (to == nullptr) {
            reader->broken_redirect.store(true, std::memory_order_relaxed);
            if (reader->protocol.load(std::memory_order_relaxed) == 3) {
                Message broken(3);
                broken.push(2).bulk("tracking-redir-broken").integer(reader->tracking.redirect);
                clients_.deliver(*reader, broken.mail());
            }
            return;
        }
    }
    const int protocol = to->protocol.load(std::memory_order_relaxed);
    Message message(protocol);
    if (protocol == 3) {
        message.push(2).bulk("invalidate");
    } else if (to != reader && to->subscribed()) {
        message.push(3).bulk("message").bulk("__redis__:invalidate");
    } else {
        return;
    }
    if (keys == nullptr) {
        message.null();
    } else {
        message.array(keys->size());
        for (const std::string_view key : *keys) {
            message.bulk(key);
        }
    }
    if (to == by.client && by.own) {
        by.own(message.mail());
    } else {
        clients_.deliver(*to, message.mail());
    }
}

void TrackingTable::forget(Table::iterator at) {
    items_ -= at->second.readers.size();
    if (at->second.deadline) {
        deadlines_.erase(*at->second.deadline);
    }
    table_.erase(at);
}

// In no particular order.
void TrackingTable::shrink(std::size_t most) {
    while (table_.size() > most) {
        const auto at = table_.begin();
        for (const Reader& reader : at->second.readers) {
            if (reader.client->tracking.on && !reader.client->tracking.broadcast) {
                const std::string name = *reader.prefix + key_in(at->first);
                const std::vector<std::string_view> one{name};
                tell(reader.client, &one, {});
            }
        }
        forget(at);
    }
}

void TrackingTable::limit(std::size_t most_keys) {
    const std::lock_guard lock(mutex_);
    most_keys_ = most_keys;
    if (most_keys != 0) {
        shrink(most_keys);
    }
}

std::size_t TrackingTable::limit() const {
    const std::lock_guard lock(mutex_);
    return most_keys_;
}

// ---- looking again -------------------------------------------------------------------------------

std::vector<TrackingTable::Suspect> TrackingTable::suspects(std::uint32_t ns) const {
    const std::lock_guard lock(mutex_);
    std::vector<Suspect> found;
    for (const auto& [name, tracked] : table_) {
        if (ns == UINT32_MAX || namespace_in(name) == ns) {
            found.push_back({namespace_in(name), key_in(name), tracked.version});
        }
    }
    return found;
}

std::vector<TrackingTable::Suspect> TrackingTable::overdue(std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    std::vector<Suspect> found;
    const auto end = deadlines_.upper_bound(now_ns);
    for (auto at = deadlines_.begin(); at != end; ++at) {
        Tracked& tracked = table_.at(at->second);
        tracked.deadline.reset();
        found.push_back({namespace_in(at->second), key_in(at->second), tracked.version});
    }
    deadlines_.erase(deadlines_.begin(), end);
    return found;
}

TrackingTable::Totals TrackingTable::totals() const {
    const std::lock_guard lock(mutex_);
    return {clients_on_.load(std::memory_order_relaxed), table_.size(), items_, prefixes_.size()};
}

}  // namespace larder::resp
