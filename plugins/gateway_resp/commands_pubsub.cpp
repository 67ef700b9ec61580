// plugins/gateway_resp/commands_pubsub.cpp -- SUBSCRIBE and its family, PUBLISH, PUBSUB.
//
// A confirmation is a push in RESP3: it may stand anywhere in the stream, and is sent even when
// CLIENT REPLY silences answers.
#include "commands.hpp"

namespace larder::resp {
namespace {

using Names = std::set<std::string, std::less<>>;
using Change = bool (Channels::*)(const Client&, std::string_view);

std::size_t listens_to(const Session& session) {
    return session.channels.size() + session.patterns.size();
}

void confirm(Exchange& x, std::string_view what, const std::string_view* name) {
    x.output.mute(false);
    x.reply.push(3);
    x.reply.bulk(what);
    if (name != nullptr) {
        x.reply.bulk(*name);
    } else {
        x.reply.null();
    }
    x.reply.integer(static_cast<std::int64_t>(listens_to(x.session)));
}

void note_counts(Exchange& x) {
    ClientRecord& record = *x.session.record;
    record.channels.store(static_cast<std::uint32_t>(x.session.channels.size()),
                          std::memory_order_relaxed);
    record.patterns.store(static_cast<std::uint32_t>(x.session.patterns.size()),
                          std::memory_order_relaxed);
}

Step join(Exchange& x, Names& names, Change subscribe, std::string_view what) {
    constexpr std::size_t most = 100'000;
    for (const std::string_view name : x.args.subspan(1)) {
        if (names.size() >= most) {
            return x.error("ERR too many channels");
        }
        if (names.emplace(name).second) {
            (x.gateway.channels.*subscribe)(x.session.record, name);
            note_counts(x);
        }
        confirm(x, what, &name);
    }
    return Step::Done;
}

Step leave(Exchange& x, Names& names, Change unsubscribe, std::string_view what) {
    std::vector<std::string> going(x.args.begin() + 1, x.args.end());
    if (going.empty()) {
        going.assign(names.begin(), names.end());
    }
    if (going.empty()) {
        confirm(x, what, nullptr);
    }
    for (const std::string_view name : going) {
        if (const auto found = names.find(name); found != names.end()) {
            (x.gateway.channels.*unsubscribe)(x.session.record, name);
            names.erase(found);
            note_counts(x);
        }
        confirm(x, what, &name);
    }
    return Step::Done;
}

}  // namespace

Step subscribe(Exchange& x) {
    return join(x, x.session.channels, &Channels::subscribe, "subscribe");
}
Step psubscribe(Exchange& x) {
    return join(x, x.session.patterns, &Channels::subscribe_pattern, "psubscribe");
}
Step unsubscribe(Exchange& x) {
    return leave(x, x.session.channels, &Channels::unsubscribe, "unsubscribe");
}
Step punsubscribe(Exchange& x) {
    return leave(x, x.session.patterns, &Channels::unsubscribe_pattern, "punsubscribe");
}

Step publish(Exchange& x) {
    const TrackingTable::Changer me = x.changer();
    return x.integer(static_cast<std::int64_t>(
        x.gateway.channels.publish(x.args[1], x.args[2], me.client, me.own)));
}

Step pubsub_channels(Exchange& x) {
    const std::vector<std::string> names =
        x.gateway.channels.channels(x.args.size() == 3 ? x.args[2] : std::string_view("*"));
    x.reply.array(names.size());
    for (const std::string& name : names) {
        x.reply.bulk(name);
    }
    return Step::Done;
}

Step pubsub_numsub(Exchange& x) {
    x.reply.array((x.args.size() - 2) * 2);
    for (const std::string_view name : x.args.subspan(2)) {
        x.reply.bulk(name);
        x.reply.integer(static_cast<std::int64_t>(x.gateway.channels.listeners(name)));
    }
    return Step::Done;
}

Step pubsub_numpat(Exchange& x) {
    return x.integer(static_cast<std::int64_t>(x.gateway.channels.pattern_count()));
}

}  // namespace larder::resp
