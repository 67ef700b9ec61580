// tests/unit/core/journal_kill_test.cpp -- a process that writes behind is killed at random moments: nothing that it
// answered is lost, and each key's writes reach the source in their order.
//
// The process is a child of the test; its source is a file that it appends to. It tells by a pipe what it has
// answered. Ten kills; LARDER_KILLS says how many else.
#include "kernel/core/write_behind.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

constexpr int writers = 4, keys_each = 8;

void say(int fd, const std::string& line) {
    if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

// Writes rising numbers until it is killed; with `answered` -1 it only brings the source what is left.
[[noreturn]] void run_child(const std::string& journal, const std::string& source, long first, int answered) {
    SystemClock clock;
    SystemRandom random;
    const auto executor = make_thread_executor({});
    const int out = ::open(source.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    WriteBehindOptions options;
    options.file = journal;
    options.batch = 5;
    options.writes = 20;
    options.waiters = writers;
    options.retry_least = 1ms;
    options.retry_most = 2ms;
    std::atomic<unsigned> calls{0};
    std::vector<std::string> said;
    std::string problem;
    const auto behind = WriteBehind::open(
        options,
        {&clock, &random, executor.get(),
         [&](std::string_view, std::span<SourceWrite> writes) {
             if (calls++ % 7 == 6) return;  // it is away now and then
             for (SourceWrite& write : writes) {
                 say(out, std::string(write.key) + " " + std::string(write.value) + "\n");
                 write.status = LARDER_OK;
             }
         }},
        said, problem);
    if (behind == nullptr || said.size() > 1) ::_exit(2);  // damage would be said
    behind->start();
    if (answered < 0) {
        behind->stop(clock.mono_ns() + 10'000'000'000);
        for (int i = 0; behind->figures().waiting != 0; ++i)
            if (i == 100) ::_exit(4);
        ::_exit(0);
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < writers; ++t)
        threads.emplace_back([&, t] {
            for (long value = first;; ++value) {
                const std::string key = std::to_string(t) + "." + std::to_string(value % keys_each);
                const Ms delay(value % 3);
                const std::uint64_t number = behind->add("s", key, std::to_string(value), false, delay, clock.mono_ns() + 5'000'000'000);
                if (number == 0 || !behind->sync(number)) ::_exit(5);
                say(answered, key + " " + std::to_string(value) + "\n");
            }
        });
    for (std::thread& thread : threads) thread.join();
    ::_exit(0);
}

using Newest = std::map<std::string, long>;

// The last value of each key; whether they never go back is told in `ordered`.
Newest newest_in(std::istream& lines, bool& ordered) {
    Newest out;
    std::string line;
    while (std::getline(lines, line)) {
        const auto space = line.find(' ');
        if (space == std::string::npos || lines.eof()) break;  // the last one may be cut
        const std::string key = line.substr(0, space);
        const long value = std::stol(line.substr(space + 1));
        ordered = ordered && value >= out[key];
        out[key] = value;
    }
    return out;
}

}  // namespace

TEST_CASE("kill -9 at a random moment loses no write that was answered, and keeps the order of each key", "[behind][kill]") {
    const char* const wanted = std::getenv("LARDER_KILLS");
    const int kills = wanted != nullptr ? std::atoi(wanted) : 10;
    TemporaryFolder folder;
    const std::string journal = folder.file("journal"), source = folder.file("source");
    SeededRandom random(static_cast<std::uint64_t>(kills));
    std::string answered;
    long first = 1;
    for (int round = 0; round < kills; ++round) {
        INFO("kill " << round);
        std::array<int, 2> tells{};
        REQUIRE(::pipe(tells.data()) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(tells[0]);
            run_child(journal, source, first, tells[1]);
        }
        ::close(tells[1]);
        // So many bytes of answers, and then up to 3 ms more.
        std::size_t until = random.next() % 4000, have = 0;
        std::array<char, 1024> some{};
        while (have < until) {
            const ssize_t n = ::read(tells[0], some.data(), std::min(some.size(), until - have));
            if (n <= 0) break;
            answered.append(some.data(), static_cast<std::size_t>(n));
            have += static_cast<std::size_t>(n);
        }
        ::poll(nullptr, 0, static_cast<int>(random.next() % 4));
        ::kill(child, SIGKILL);
        for (ssize_t n; (n = ::read(tells[0], some.data(), some.size())) > 0;) answered.append(some.data(), static_cast<std::size_t>(n));
        ::close(tells[0]);
        int how = 0;
        REQUIRE(::waitpid(child, &how, 0) == child);
        REQUIRE((WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL));
        if (!answered.empty() && answered.back() != '\n') answered += '\n';
        first += 1'000'000;  // whatever it wrote, the next writes more
    }
    const pid_t last = ::fork();
    REQUIRE(last >= 0);
    if (last == 0) run_child(journal, source, 0, -1);
    int how = 0;
    REQUIRE(::waitpid(last, &how, 0) == last);
    REQUIRE((WIFEXITED(how) && WEXITSTATUS(how) == 0));

    bool ordered = true, rising = true;
    std::istringstream told(answered);
    std::ifstream kept(source);
    const Newest promised = newest_in(told, rising), there = newest_in(kept, ordered);
    CHECK(ordered);
    std::size_t writes = static_cast<std::size_t>(std::count(answered.begin(), answered.end(), '\n')), lost = 0;
    for (const auto& [key, value] : promised) lost += !there.contains(key) || there.at(key) < value ? 1u : 0u;
    CHECK(lost == 0);
    WARN(kills << " kills, " << writes << " writes answered, " << lost << " lost");
}
