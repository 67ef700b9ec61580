// kernel/config/log.cpp -- the log over spdlog: the only file that sees it.
#include "kernel/config/log.hpp"

#include <larder/plugin/services.h>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace larder::config {
namespace {

constexpr std::size_t queued_lines = 8192;
constexpr std::size_t max_line_bytes = 8192;

spdlog::level::level_enum level_of(int level) noexcept {
    switch (level) {
        case LARDER_LOG_TRACE: return spdlog::level::trace;
        case LARDER_LOG_DEBUG: return spdlog::level::debug;
        case LARDER_LOG_INFO: return spdlog::level::info;
        case LARDER_LOG_WARN: return spdlog::level::warn;
        default: return spdlog::level::err;
    }
}

// How many bytes of well-formed UTF-8 begin here; 0: none.
std::size_t utf8_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4 : 0;
    if (size == 0 || at + size > text.size()) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(at + i) & 0xC0) != 0x80) return 0;
    if ((lead == 0xE0 && byte(at + 1) < 0xA0) || (lead == 0xED && byte(at + 1) > 0x9F) ||
        (lead == 0xF0 && byte(at + 1) < 0x90) || (lead == 0xF4 && byte(at + 1) > 0x8F))
        return 0;
    return size;
}

// Bytes that are no text as \xNN, so that nobody writes a second line or moves a terminal's cursor.
std::string visible(std::string_view text, bool json) {
    static constexpr char digits[] = "0123456789abcdef";
    text = text.substr(0, max_line_bytes);
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const std::size_t size = byte < 0x20 || byte == 0x7F ? 0 : utf8_at(text, at);
        if (size == 0) {
            out += json ? "\\\\x" : "\\x";
            (out += digits[byte >> 4]) += digits[byte & 15];
        } else {
            if (json && (byte == '"' || byte == '\\')) out += '\\';
            out += text.substr(at, size);
        }
        at += size == 0 ? 1 : size;
    }
    return out;
}

// A file that can be opened anew. Its own sink, because spdlog's keep the descriptor for good.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit FileSink(std::string path) : path_(std::move(path)) { file_.open(path_, false); }
    void reopen() {
        const std::lock_guard<std::mutex> lock(mutex_);
        file_.reopen(false);
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        file_.write(line);
        file_.flush();
    }
    void flush_() override { file_.flush(); }

  private:
    std::string path_;
    spdlog::details::file_helper file_;
};

}  // namespace

struct Log::Impl {
    bool json = false;
    std::atomic<int> level{LARDER_LOG_INFO};
    std::atomic<std::uint64_t> failed{0};
    std::shared_ptr<FileSink> file;  // null: standard error
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;

    void put(int at, std::string_view source, std::string_view text) {
        // The braces of a pattern would be arguments: the line goes in as one.
        if (json)
            logger->log(level_of(at), "\"source\":\"{}\",\"message\":\"{}\"", visible(source, true),
                        visible(text, true));
        else
            logger->log(level_of(at), "[{}] {}", visible(source, false), visible(text, false));
    }
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() { flush(); }

std::shared_ptr<Log> Log::open(const LogOptions& options, std::string& problem) {
    auto impl = std::make_unique<Impl>();
    impl->json = options.format == LogFormat::json;
    impl->level = options.level;
    try {
        spdlog::sink_ptr sink;
        if (options.file.empty())
            sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        else
            sink = impl->file = std::make_shared<FileSink>(options.file);
        sink->set_pattern(impl->json
                              ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                              : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        impl->pool = std::make_shared<spdlog::details::thread_pool>(queued_lines, 1);
        impl->logger = std::make_shared<spdlog::async_logger>(
            "larder", std::move(sink), impl->pool, spdlog::async_overflow_policy::overrun_oldest);
        impl->logger->set_level(spdlog::level::trace);
        impl->logger->set_error_handler([](const std::string&) {});
    } catch (const std::exception& error) {
        problem = "the log cannot be written: " + std::string(error.what());
        return nullptr;
    }
    return std::shared_ptr<Log>(new Log(std::move(impl)));
}

int Log::level() const noexcept { return impl_->level.load(std::memory_order_relaxed); }
void Log::set_level(int level) noexcept { impl_->level.store(level, std::memory_order_relaxed); }

void Log::write(int level, std::string_view source, std::string_view text) noexcept {
    if (level < this->level()) return;
    try {
        impl_->put(level, source, text);
    } catch (...) {
        impl_->failed.fetch_add(1, std::memory_order_relaxed);
    }
}

void Log::reopen() noexcept {
    try {
        if (impl_->file) impl_->file->reopen();
    } catch (...) {
        impl_->failed.fetch_add(1, std::memory_order_relaxed);
    }
}

void Log::flush() noexcept {
    try {
        impl_->logger->flush();
    } catch (...) {
        impl_->failed.fetch_add(1, std::memory_order_relaxed);
    }
}

std::uint64_t Log::lost() const noexcept {
    return impl_->failed.load(std::memory_order_relaxed) + impl_->pool->overrun_counter();
}

}  // namespace larder::config
