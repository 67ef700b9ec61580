// plugins/gateway_resp/connection.hpp -- one client: bytes in, requests in order, replies out in
// order.
//
// All of it runs on one thread, that of its loop. A turn reads what has come, runs every complete
// request, and writes all replies at once. Consecutive GETs become one batch for the cache. A
// request whose answer comes later stops the connection until then, so order needs no bookkeeping,
// and what the cache was given (views into the input, items of the exchange) cannot move.
//
// Memory is bounded: input by input_limit, output by output_limit. At half the output limit no more
// requests are run and nothing is read: the client's own socket fills up and the client waits. One
// that goes on not reading is closed after the timeout. Half of the limit, because a client library
// may well send a whole pipeline before it reads the first reply.
#pragma once
#include "asio.hpp"
#include "exchange.hpp"

#include <memory>

namespace larder::resp {

using Socket = boost::asio::generic::stream_protocol::socket;

class Connection;

// What a connection needs of the thread it lives on.
class Loop {
  public:
    virtual boost::asio::io_context& context() noexcept = 0;
    // The connection is over and nothing points to it any more.
    virtual void closed(Connection& connection) = 0;

  protected:
    ~Loop() = default;
};

class Connection final : public std::enable_shared_from_this<Connection>, private Turnaround {
  public:
    Connection(Gateway& gateway, Loop& loop, Socket socket, std::string address, std::string local);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    // Now and then: deadlines, events for a MONITOR, memory that is no longer needed.
    void tick(std::uint64_t now_ns);
    // Answers what is in work, reads no more, and closes.
    void drain();
    // At once. While the cache works on a request, the loop is told only when that is over.
    void close();

  private:
    void wait_readable();
    void on_readable(const boost::system::error_code& error);
    bool receive();
    void turn();
    void run();
    bool run_one();
    bool run_batch();
    bool add_to_batch();
    void begin();
    void advance(Step step);
    void run_queued();
    void flush();
    void write_some();
    void linger();
    void discard_input();
    void finish_request();
    void answer(larder_status status);
    void tell_events();
    void fail(const char* why);

    // Turnaround
    bool run_off_thread(Step (*job)(Exchange&), Step (*next)(Exchange&)) override;
    larder_done_fn done_fn() noexcept override;
    void* done_ctx() noexcept override { return this; }
    bool output_full() const noexcept override { return output_.pending() >= pause_at_; }
    void start_exec() override;
    void leave_multi() noexcept override;

    Gateway& gateway_;
    Loop& loop_;
    Socket socket_;
    const std::size_t pause_at_;
    Buffer input_;
    Output output_;
    RequestParser parser_;
    Exchange x_;

    Step step_ = Step::Done;
    bool held_ = false;           // the parser's request was not run yet: a batch goes first
    std::size_t batch_size_ = 0;  // x_.gets are so many GETs, not run yet
    std::size_t exec_next_ = 0;   // of the queue; runs while exec_running_
    bool exec_running_ = false;
    Step (*job_)(Exchange&) = nullptr;
    std::shared_ptr<Connection> self_;  // while the cache has a pointer to this

    bool reading_ = false, writing_ = false;
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
