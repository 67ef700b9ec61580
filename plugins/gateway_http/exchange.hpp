// plugins/gateway_http/exchange.hpp -- one request and the application: what the cache could not answer.
//
// Sends the request on, brings the answer back piece by piece, and meanwhile keeps it if it may be kept.
// The client is read from only as fast as the application takes it, and the application only as fast as
// the client does. An answer is kept when it was whole, and only then; what a rule of the policy drops
// because of a write is dropped before the client hears that the write went well.
//
// An exchange without a client fetches a new answer behind a stale one. One whose client goes away ends,
// unless it brings something that will be kept.
#pragma once
#include "body_reader.hpp"
#include "client.hpp"
#include "gateway.hpp"
#include "graphql.hpp"
#include "lookup.hpp"
#include "reply.hpp"
#include "upstream.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace larder::http {

class Exchange final : public UpstreamUser, public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(Gateway& gateway, Home& home, Client* client) : gateway_(gateway), home_(home), client_(client) {}

    // Takes over the request and what is known of it. REQUIRES: once, right after it was made.
    // graphql: what the body says, where the target is one of Options::graphql.
    void start(Head&& request, const Framing& framing, Lookup& lookup, bool keep_alive, const GraphqlRequest& graphql);
    // Leads the flight of its target already.
    void start_behind(const Head& request, Lookup& lookup);

    void on_client();  // can be read or written
    void client_gone();
    void tick(std::uint64_t now_ns);
    void end(const char* why);  // now; the gateway stops

    void on_connected(bool well) override;
    void on_upstream() override;

  private:
    enum class Step : std::uint8_t { waiting, looking, connecting, asking, firing, answering, tunnel, over };

    // exchange.cpp
    void board();
    void landed(bool kept);
    void look();
    static void on_found(void* ctx, larder_status status, larder_value* value) noexcept;
    void found();
    void connect();
    void ask();
    bool pump_request();
    void retry_or_fail(std::uint16_t status, const char* why);
    void fail(std::uint16_t status, const char* why);
    void serve_stored(const CacheStatus& status, bool kept = false);
    void finish(bool keep, bool kept = false, bool uncacheable = false);
    void release_upstream(bool reusable);
    [[nodiscard]] bool replayable() const noexcept;

    // exchange_answer.cpp
    void read_head();
    void take_head();
    void informational();
    void begin_tunnel();
    void pump_tunnel();
    void answer_head();
    void say_head();
    void pump_answer();
    bool take_body(std::string_view piece);
    void answer_over();
    void cut_short(const char* why);

    // exchange_keep.cpp
    void decide_keeping(std::string tags);
    void refreshed();
    // Takes out of what is to be kept what the policy never stores. False: nothing of it may be kept.
    bool withhold();
    void keep();
    void kept_done(larder_status status);
    void fire();
    void fired();
    void set_answered();
    void collect_targets();
    void target_tag(std::string_view tag);
    // exchange_graphql.cpp
    void drop_touched();
    void say_held();
    void later(void (Exchange::*next)());
    static void on_done(void* ctx, larder_status status, larder_value* value) noexcept;
    [[nodiscard]] larder_call call() noexcept;

    Gateway& gateway_;
    Home& home_;
    Client* client_;
    Step step_ = Step::waiting;
    Head request_;
    Target target_;
    Framing framing_;
    Lookup lookup_;
    GraphqlRequest graphql_;
    bool holding_ = false;  // the answer to a mutation is looked at before it is said
    bool keep_alive_ = true, to_head_ = false, wants_upgrade_ = false;
    bool leads_ = false, collapsed_ = false;

    Origin* origin_ = nullptr;
    std::shared_ptr<Upstream> upstream_;
    unsigned tries_ = 0;
    bool said_request_ = false, continue_due_ = false;
    BodyReader request_body_;
    std::uint64_t body_seen_ = 0;
    std::string captured_;  // of the request's body, for rules that look into it
    bool capturing_ = false;

    std::size_t searched_ = 0;
    Head answer_;
    Framing answer_framing_;
    BodyReader answer_body_;
    bool head_said_ = false;
    Towards towards_ = Towards::none;
    bool keeping_ = false, revalidating_ = false;
    const char* not_kept_why_ = nullptr;
    std::string kept_head_, kept_body_, vary_;
    std::string tags_, cdn_lines_;  // as StoredAnswer has them
    AnswerFacts facts_;
    Lifetime lifetime_;
    std::int64_t requested_s_ = 0, received_s_ = 0;
    std::uint64_t moved_ns_ = 0;  // last time something moved

    // What the cache was given, until it answers.
    std::shared_ptr<Exchange> self_;
    void (Exchange::*next_)() = nullptr;
    larder_status done_status_ = LARDER_OK;
    larder_request rule_request_{};
    std::vector<larder_pair> fields_, with_;
    std::deque<std::string> texts_;
    std::vector<larder_target> targets_;
    larder_receipt receipt_{};
    larder_cache_set set_{};
    std::string value_;
};

}  // namespace larder::http
