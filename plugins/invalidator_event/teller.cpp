// plugins/invalidator_event/teller.cpp -- see teller.hpp.
#include "teller.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace larder::invalidator_event {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t between_complaints_ns = 10 * second_ns;
// Of one try: a stop waits no longer for it.
constexpr std::uint64_t patience_ns = second_ns;
constexpr int most_tries = 8;

bool retryable(larder_status st) noexcept {
    return st == LARDER_E_BUSY || st == LARDER_E_TIMEOUT || st == LARDER_E_IO;
}

// A name from outside, fit for a log.
std::string shown(std::string_view text) {
    constexpr std::size_t most = 80;
    std::string out(text.substr(0, most));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
    return text.size() > most ? out + "..." : out;
}

// The first note of a receipt: "hotel.larder:7:3: nothing gave {user_id} a value, ..."; empty: none.
std::string first_note(std::string_view receipt) {
    if (receipt.find("\"notes\":[") == std::string_view::npos) {
        return {};
    }
    boost::json::error_code error;
    const boost::json::value root = boost::json::parse(receipt, error);
    const boost::json::object* object = error ? nullptr : root.if_object();
    const boost::json::value* notes = object == nullptr ? nullptr : object->if_contains("notes");
    if (notes == nullptr || !notes->is_array() || notes->get_array().empty() ||
        !notes->get_array().front().is_string()) {
        return {};
    }
    const boost::json::string& text = notes->get_array().front().get_string();
    return std::string(text.data(), text.size());
}

}  // namespace

Teller::Teller(plugin::Host host, std::string instance, std::string resync)
    : host_(host),
      speaker_("event " + instance + ": "),
      instance_(std::move(instance)),
      resync_(std::move(resync)) {}

void Teller::start() {
    cache_ = &host_.cache();
    const std::string labels = "instance=" + instance_;
    const char* const mine = labels.c_str();
    events_ = host_.counter("events_total", "messages told to the policy's event rules", mine);
    unknown_ = host_.counter("unknown_events_total", "events that no rule of the policy is for", mine);
    unbound_ = host_.counter("missing_values_total", "events without a value that a rule needs", mine);
    malformed_ = host_.counter("malformed_total", "messages that could not be read", mine);
    too_large_ = host_.counter("too_large_total", "messages over max_payload, skipped", mine);
    failed_ = host_.counter("failed_total", "events the kernel did not take", mine);
    resyncs_ = host_.counter("resyncs_total", "times that messages may have been lost", mine);
    lost_connections_ = host_.counter("lost_connections_total", "connections that broke", mine);
    connected_ = host_.gauge("connected", "connections that listen now", mine);
    connections_ = 0;
    connected_.set(0);
    stopping_ = false;
}

void Teller::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stops_.notify_all();
}

void Teller::count_connected(bool yes) {
    connections_ += yes ? 1 : -1;
    connected_.set(connections_);
}

// False: it was cut short by stop().
bool Teller::pause(std::uint32_t ms) {
    std::unique_lock lock(mutex_);
    return !stops_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_.load(); });
}

Teller::Told Teller::hear(const Mapping& mapping, std::string_view place, std::string_view payload) {
    std::string why;
    const Mapping::Outcome outcome = mapping.read(place, payload, event_, why);
    return tell(outcome, place, why);
}

Teller::Told Teller::hear_entry(const Mapping& mapping, std::string_view place,
                                const Mapping::Fields& fields) {
    std::string why;
    const Mapping::Outcome outcome = mapping.read_entry(place, fields, event_, why);
    return tell(outcome, place, why);
}

Teller::Told Teller::tell(Mapping::Outcome outcome, std::string_view place, const std::string& why) {
    switch (outcome) {
        case Mapping::Outcome::malformed:
            malformed_.add();
            complain(malformed, place, "a message that cannot be read: " + why);
            return Told::refused;
        case Mapping::Outcome::too_large:
            too_large_.add();
            complain(too_large, place, "a message longer than max_payload: " + why);
            return Told::refused;
        case Mapping::Outcome::event: break;
    }
    settle();
    if (!owed_cause_.empty()) {
        return Told::not_now;  // what the resync drops, when it can be told, is this too
    }
    return tell(event_, place);
}

Teller::Told Teller::tell(const BoundEvent& event, std::string_view place) {
    const Answer answer = ask_both(event, place);
    if (answer.status < LARDER_OK) {
        if (stopping_) {
            return Told::not_now;
        }
        failed_.add();
        complain(failed, place, "the kernel did not take the event \"" + shown(event.name) +
                                    "\" (status " + std::to_string(answer.status) + ")");
        return retryable(answer.status) ? Told::not_now : Told::refused;
    }
    events_.add();
    if (answer.rules == 0) {
        unknown_.add();
        complain(unknown, place, "no rule of the policy is for the event \"" + shown(event.name) + "\"");
    } else if (!answer.note.empty()) {
        unbound_.add();
        complain(unbound, place, "the event \"" + shown(event.name) + "\": " + shown(answer.note));
    }
    return Told::taken;
}

Teller::Answer Teller::ask(const BoundEvent& event) const {
    std::vector<larder_pair> pairs;
    pairs.reserve(event.values.size());
    for (const auto& [name, value] : event.values) {
        pairs.push_back({plugin::bytes_of(name), plugin::bytes_of(value)});
    }
    larder_receipt receipt{};
    receipt.struct_size = sizeof receipt;
    receipt.want_json = 1;
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = host_.mono_ns() + patience_ns;
    call.role = LARDER_ROLE_INVALIDATE;
    Answer answer{};
    answer.status = cache_->event(host_.raw(), plugin::bytes_of(event.name), pairs.data(),
                                  pairs.size(), &receipt, &call);
    answer.rules = receipt.rules;
    if (receipt.json.data != nullptr) {
        answer.note = first_note({static_cast<const char*>(receipt.json.data), receipt.json.size});
    }
    if (receipt.json.release != nullptr) {
        receipt.json.release(&receipt.json);
    }
    return answer;
}

Teller::Answer Teller::ask_patiently(const BoundEvent& event) {
    if (stopping_) {
        return {LARDER_E_CANCELLED, 0, {}};
    }
    Answer answer = ask(event);
    std::uint32_t pause_ms = 10;
    for (int tries = 1; tries < most_tries && retryable(answer.status); ++tries, pause_ms *= 2) {
        if (!pause(pause_ms)) {
            break;
        }
        answer = ask(event);
    }
    return answer;
}

// The event itself, and what `on INSTANCE "TOPIC"` rules are for.
Teller::Answer Teller::ask_both(const BoundEvent& event, std::string_view topic) {
    Answer answer = ask_patiently(event);
    if (answer.status < LARDER_OK) {
        return answer;
    }
    trigger_.name = instance_;
    trigger_.name += ':';
    trigger_.name += topic;
    trigger_.values = event.values;
    Answer more = ask_patiently(trigger_);
    more.rules += answer.rules;
    if (more.note.empty()) {
        more.note = std::move(answer.note);
    }
    return more;
}

void Teller::lost(std::string_view place, std::string_view cause) {
    if (stopping_) {
        return;
    }
    resyncs_.add();
    owed_place_ = place;
    owed_cause_ = cause;
}

void Teller::settle() {
    if (owed_cause_.empty() || stopping_) {
        return;
    }
    if (resync_.empty()) {
        owed_cause_.clear();
        return;
    }
    const BoundEvent event{
        resync_, {{"source", instance_}, {"place", owed_place_}, {"cause", owed_cause_}}};
    const Answer answer = ask_both(event, resync_);
    if (answer.status < LARDER_OK) {
        if (!retryable(answer.status) && !stopping_) {
            failed_.add();
            complain(failed, owed_place_, "the kernel did not take the event \"" + resync_ + "\"");
            owed_cause_.clear();
        }
        return;
    }
    if (answer.rules != 0) {
        host_.log(LARDER_LOG_INFO, {speaker_, shown(owed_place_), ": ", owed_cause_,
                                    "; the event \"", resync_, "\" was told"});
    } else if (!std::exchange(resync_unknown_, true)) {
        host_.log(LARDER_LOG_WARN,
                  {speaker_, shown(owed_place_), ": ", owed_cause_,
                   ": messages may have been lost, and no rule of the policy is for the event \"",
                   resync_, "\": what they made stale stays until its ttl. Write on event \"",
                   resync_, "\" { ... }, or resync = \"\" if that is all right"});
    }
    owed_cause_.clear();
}

void Teller::complain(Trouble kind, std::string_view place, std::string_view text) {
    Said& said = said_[kind];
    const std::uint64_t now = host_.mono_ns();
    if (now < said.again_ns) {
        ++said.withheld;
        return;
    }
    const std::string more =
        said.withheld == 0 ? "" : " (and " + std::to_string(said.withheld) + " more of the kind)";
    host_.log(LARDER_LOG_WARN, {speaker_, shown(place), ": ", text, more});
    said = {now + between_complaints_ns, 0};
}

}  // namespace larder::invalidator_event
