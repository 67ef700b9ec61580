// plugins/gateway_resp/connection.hpp -- one client: bytes in, requests in order, replies out in
// order.
//
// All of it runs on one thread, that of its loop. A turn reads what has come, runs every complete
// request, and writes all replies at once. Consecutive GETs, and consecutive SETs, become one batch
// for the cache. A request whose answer comes later stops the connection until then, so order needs no bookkeeping,
// and what the cache was given (views into the input, items of the exchange) cannot move.
//
// Mail (messages, invalidations) comes at any time and from any thread; it is written between two
// replies, never into one. Requests run inside the gateway's turnstile: together with those of other
// connections, or alone (EXEC, MSET, RENAME ...).
//
// Memory is bounded: input by input_limit, output by output_limit. At half the output limit no more
// requests are run and nothing is read: the client's own socket fills up and the client waits. One
// that goes on not reading is closed after the timeout. Half of the limit, because a client library
// may well send a whole pipeline before it reads the first reply.
#pragma once
#include "exchange.hpp"
#include "net.hpp"

#include <memory>

namespace larder::resp {

class Connection;

// What a connection needs of the thread it lives on.
class Home {
  public:
    virtual EventLoop& loop() noexcept = 0;
    // The connection is over and nothing points to it any more but this round of the loop.
    virtual void closed(Connection& connection) = 0;

  protected:
    ~Home() = default;
};

class Connection final : public std::enable_shared_from_this<Connection>,
                         public Watcher,
                         private Turnaround {
  public:
    Connection(Gateway& gateway, Home& home, Stream stream, std::string address, std::string local);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    // Now and then: deadlines, events for a MONITOR, memory that is no longer needed.
    void tick(std::uint64_t now_ns);
    // Answers what is in work, reads no more, and closes.
    void drain();
    // At once. While the cache works on a request, its home is told only when that is over.
    void close();
    void on_ready(std::uint32_t events) override;
    void on_round_end() override;

  private:
    enum class Batch { None, Gets, Sets };

    [[nodiscard]] bool may_read() const noexcept;
    void go_on_reading();
    bool receive();
    void turn();
    void run();
    void run_inside();
    bool run_one();
    bool next_request();
    // connection_batch.cpp
    Batch fitting_batch() const noexcept;
    bool add_to_batch();
    bool run_batch();
    Step run_gets();
    Step run_sets();

    void begin();
    void advance(Step step);
    void run_queued();
    void flush();
    void flush_soon();
    void end_if_over();
    void write_some();
    void linger();
    void depart();
    void discard_input();
    void finish_request();
    void answer(larder_status status);
    void tell_events();
    void fail(const char* why);

    // connection_mail.cpp
    void receive_mail(Mail mail);
    void write_mail();
    [[nodiscard]] bool come_in(Turnstile::Manner manner);
    void go_out() noexcept;
    [[nodiscard]] Turnstile::Manner manner_of_request() const noexcept;

    // Turnaround
    bool run_off_thread(Step (*job)(Exchange&), Step (*next)(Exchange&)) override;
    larder_done_fn done_fn() noexcept override;
    void* done_ctx() noexcept override { return this; }
    bool output_full() const noexcept override { return output_.pending() >= pause_at_; }
    void start_exec() override;
    void leave_multi() noexcept override;

    Gateway& gateway_;
    Home& home_;
    EventLoop& loop_;
    Stream stream_;
    const std::size_t pause_at_;
    Buffer input_;
    Output output_;
    RequestParser parser_;
    Exchange x_;

    std::optional<Turnstile::Manner> inside_;  // the turnstile
    bool parked_ = false;                      // will be called when it can be entered

    Step step_ = Step::Done;
    bool held_ = false;           // the parser's request was not run yet: a batch goes first
    Batch batch_ = Batch::None;   // x_.gets or x_.sets are requests of this kind, not run yet
    std::size_t batch_size_ = 0;
    std::size_t exec_next_ = 0;   // of the queue; runs while exec_running_
    bool exec_running_ = false;
    Step (*job_)(Exchange&) = nullptr;
    std::shared_ptr<Connection> self_;  // while the cache has a pointer to this

    bool readable_ = false;  // the last read left something, or may have
    bool hung_up_ = false;   // the client sends no more: reads go on until they say so
    bool queued_ = false;    // has asked the loop for another turn
    bool flushing_ = false;  // will be told when the round ends
    bool writing_ = false;   // not all could be written
    bool write_more_ = false;  // ... but the socket would take more
    bool closing_ = false;    // no more requests; close when all is written
    bool lingering_ = false;  // all is written; waits for the client to close
    bool closed_ = false;
    bool ended_ = false;      // the client has said its last
    bool fresh_ = true;       // has not got a request through yet
    bool read_more_ = false;  // the last read was as large as it could be
    std::size_t discarded_ = 0;
    std::size_t half_size_ = 0;         // of half a request, when its time was last counted from
    std::uint64_t heard_ns_ = 0;        // last time something came
    std::uint64_t half_since_ns_ = 0;   // since when half a request stands; 0: none
    std::uint64_t stuck_since_ns_ = 0;  // since when nothing could be written; 0: it could
    std::uint64_t linger_until_ns_ = 0;
    std::vector<std::string_view> queued_args_;
};

}  // namespace larder::resp
