// tests/unit/config/log_test.cpp -- that a log line is one line, whatever stands in it.
#include "catch.hpp"
#include "kernel/config/log.hpp"
#include "support/temporary_folder.hpp"

#include <larder/plugin/services.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace larder;
using test::contains;
using test::TemporaryFolder;

namespace {

std::string content(const std::string& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

// What one line looks like in the file once the log is closed.
std::string written(config::LogFormat format, int level, std::string_view text) {
    const TemporaryFolder folder;
    config::LogOptions options;
    options.format = format;
    options.file = folder.file("log");
    std::string problem;
    auto log = config::Log::open(options, problem);
    REQUIRE(problem == "");
    log->write(level, "org.larder.resp", text);
    log.reset();
    return content(options.file);
}

}  // namespace

TEST_CASE("a line says when, how grave, who and what") {
    const auto line = written(config::LogFormat::text, LARDER_LOG_WARN, "3 {} clients");
    CHECK_THAT(line, contains(" warning [org.larder.resp] 3 {} clients\n"));
    CHECK(line.substr(0, 2) == "20");
}

TEST_CASE("a JSON line is one object") {
    const auto line = written(config::LogFormat::json, LARDER_LOG_INFO, "say \"hi\" \\ {}");
    CHECK_THAT(line, contains(R"("level":"info","source":"org.larder.resp")"));
    CHECK_THAT(line, contains(R"("message":"say \"hi\" \\ {}"})"));
}

TEST_CASE("nobody forges a line or reaches the terminal through the log") {
    const auto line = written(config::LogFormat::text, LARDER_LOG_INFO, "a\nb\x1b[31mc\xff\xc3");
    CHECK_THAT(line, contains("a\\x0ab\\x1b[31mc\\xff\\xc3\n"));
    const auto json = written(config::LogFormat::json, LARDER_LOG_INFO, "a\nb\xff \xC3\xBC");
    CHECK_THAT(json, contains("a\\\\x0ab\\\\xff \xC3\xBC\"}"));
}

TEST_CASE("what is below the level is not written, and the level may change") {
    const TemporaryFolder folder;
    config::LogOptions options;
    options.file = folder.file("log");
    std::string problem;
    auto log = config::Log::open(options, problem);
    log->write(LARDER_LOG_DEBUG, "kernel", "first");
    log->set_level(LARDER_LOG_DEBUG);
    log->write(LARDER_LOG_DEBUG, "kernel", "second");
    log.reset();
    const auto text = content(options.file);
    CHECK(text.find("first") == std::string::npos);
    CHECK_THAT(text, contains("second"));
}

TEST_CASE("a log file that was moved away is opened anew") {
    const TemporaryFolder folder;
    config::LogOptions options;
    options.file = folder.file("log");
    std::string problem;
    auto log = config::Log::open(options, problem);
    log->write(LARDER_LOG_INFO, "kernel", "before");
    log->flush();
    // The flush is asynchronous; closing and opening through reopen() keeps the order all the same.
    std::filesystem::rename(options.file, folder.file("log.1"));
    log->reopen();
    log->write(LARDER_LOG_INFO, "kernel", "after");
    log.reset();
    CHECK_THAT(content(options.file), contains("after"));
}

TEST_CASE("a log file that cannot be written is a reason not to start") {
    config::LogOptions options;
    options.file = "/proc/no/such/folder/log";
    std::string problem;
    CHECK(config::Log::open(options, problem) == nullptr);
    CHECK_THAT(problem, contains("log cannot be written"));
}
