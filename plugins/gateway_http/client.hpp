// plugins/gateway_http/client.hpp -- one client: bytes in, requests in order, answers out in order.
//
// What the cache answers is answered here, without an allocation and without leaving the turn in which
// the request came; a pipeline of such requests becomes one write. Everything else is handed to an
// Exchange, and nothing more is read until that is over: so order needs no bookkeeping, and a client that
// sends faster than it reads fills its own socket.
#pragma once
#include "channel.hpp"
#include "gateway.hpp"
#include "graphql.hpp"
#include "head_parser.hpp"
#include "lookup.hpp"
#include "reply.hpp"

#include <memory>
#include <string>

namespace larder::http {

class Exchange;

class Client final : public net::Watcher, public std::enable_shared_from_this<Client> {
  public:
    Client(Gateway& gateway, Home& home, net::Stream stream, std::string peer, bool secure);

    void start();
    void tick(std::uint64_t now_ns);
    void drain();  // answers what is in work, reads no more, closes
    void close();
    void on_ready(std::uint32_t events) override;

    // For its exchange.
    Channel channel;
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
    [[nodiscard]] bool secure() const noexcept { return secure_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    void flush();
    // The answer has been said whole; keep: the next request may follow.
    void exchange_over(bool keep);
    // It cannot be said whole.
    void broken();

  private:
    enum class State : std::uint8_t { reading, looking, purging, exchanging, lingering, closed };

    void turn();
    bool next_request();
    void refuse(std::uint16_t status, const char* why);
    void handle();
    // False: a body that has to be read first is not here yet.
    bool read_graphql(std::size_t head_size);
    void look();
    static void on_found(void* ctx, larder_status status, larder_value* value) noexcept;
    void found();
    void answer_stored(const CacheStatus& status);
    void answer_value();
    void exchange();
    void revalidate_behind();
    void purge();
    void end_if_over();
    void linger();
    void read_on();

    Gateway& gateway_;
    Home& home_;
    const std::string peer_;
    const bool secure_;
    State state_ = State::reading;
    bool turning_ = false, closing_ = false, draining_ = false, keep_alive_ = true, queued_ = false;
    std::size_t searched_ = 0;
    Head request_;
    Target target_;
    Framing framing_;
    GraphqlRequest graphql_;
    Lookup lookup_;
    std::string value_head_;             // of an answer that is a source's value
    std::shared_ptr<Exchange> exchange_;
    std::shared_ptr<Client> self_;       // while the cache has a pointer to this
    std::uint64_t heard_ns_ = 0;         // last time anything came or could be written
    std::uint64_t head_since_ns_ = 0;    // since when half a head stands; 0: none
    std::uint64_t linger_until_ns_ = 0;
    std::uint64_t told_in_ = 0, told_out_ = 0;  // bytes that are counted
    struct Purge;
    std::shared_ptr<Purge> purge_;
};

}  // namespace larder::http
