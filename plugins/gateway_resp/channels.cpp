// plugins/gateway_resp/channels.cpp -- see channels.hpp.
#include "channels.hpp"

#include "message.hpp"
#include "words.hpp"

#include <algorithm>

namespace larder::resp {

bool Channels::add(Book& book, const Client& client, std::string_view name) {
    const std::lock_guard lock(mutex_);
    Listeners& listening = book.try_emplace(std::string(name)).first->second;
    if (std::find(listening.begin(), listening.end(), client) != listening.end()) {
        return false;
    }
    listening.push_back(client);
    listeners_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

bool Channels::remove(Book& book, const Client& client, std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = book.find(name);
    if (found == book.end() || std::erase(found->second, client) == 0) {
        return false;
    }
    if (found->second.empty()) {
        book.erase(found);
    }
    listeners_.fetch_sub(1, std::memory_order_relaxed);
    return true;
}

bool Channels::subscribe(const Client& client, std::string_view channel) {
    return add(channels_, client, channel);
}
bool Channels::unsubscribe(const Client& client, std::string_view channel) {
    return remove(channels_, client, channel);
}
bool Channels::subscribe_pattern(const Client& client, std::string_view pattern) {
    return add(patterns_, client, pattern);
}
bool Channels::unsubscribe_pattern(const Client& client, std::string_view pattern) {
    return remove(patterns_, client, pattern);
}

std::size_t Channels::publish(std::string_view channel, std::string_view message,
                              const Client& from, const std::function<void(Mail)>& own) {
    if (silent()) {
        return 0;
    }
    std::size_t told = 0;
    const std::lock_guard lock(mutex_);
    const auto tell = [&](const Listeners& listening, auto&& words) {
        MessageForAll mail(words);
        for (const Client& client : listening) {
            const Mail& text = mail.in(client->protocol.load(std::memory_order_relaxed));
            if (client == from && own) {
                own(text);
            } else {
                clients_.deliver(*client, text);
            }
            ++told;
        }
    };
    if (const auto found = channels_.find(channel); found != channels_.end()) {
        tell(found->second, [&](Message& m) {
            m.push(3).bulk("message").bulk(channel).bulk(message);
        });
    }
    for (const auto& [pattern, listening] : patterns_) {
        if (glob_match(pattern, channel)) {
            tell(listening, [&pattern = pattern, channel, message](Message& m) {
                m.push(4).bulk("pmessage").bulk(pattern).bulk(channel).bulk(message);
            });
        }
    }
    return told;
}

std::vector<std::string> Channels::channels(std::string_view pattern) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, listening] : channels_) {
        if (glob_match(pattern, name)) {
            names.push_back(name);
        }
    }
    return names;
}

std::size_t Channels::listeners(std::string_view channel) const {
    const std::lock_guard lock(mutex_);
    const auto found = channels_.find(channel);
    return found == channels_.end() ? 0 : found->second.size();
}

std::size_t Channels::channel_count() const {
    const std::lock_guard lock(mutex_);
    return channels_.size();
}

std::size_t Channels::pattern_count() const {
    const std::lock_guard lock(mutex_);
    return patterns_.size();
}

}  // namespace larder::resp
