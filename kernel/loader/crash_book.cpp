// kernel/loader/crash_book.cpp -- which plugins have ended the process, and which are not run again.
#include "kernel/loader/crash_book.hpp"

#include "kernel/loader/plugin_guard.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <fstream>

namespace larder::loader {
namespace {

constexpr std::int64_t within_s = 600;
constexpr std::size_t most_crashes = 1'000;
constexpr char between = '\t';

// "1790000000\tSIGSEGV\torg.larder.memory 1.0.0\tstore.l1\tget"
bool parse(std::string_view line, Crash& out) {
    std::string* const texts[] = {&out.how, &out.plugin, &out.instance, &out.operation};
    auto at = line.find(between);
    if (at == line.npos) {
        return false;
    }
    const auto read = std::from_chars(line.data(), line.data() + at, out.at_s);
    if (read.ec != std::errc{} || read.ptr != line.data() + at) {
        return false;
    }
    for (std::string* text : texts) {
        line.remove_prefix(at + 1);
        at = std::min(line.find(between), line.size());
        *text = line.substr(0, at);
        if (text->empty()) {
            return false;
        }
        if (at == line.size()) {
            return text == texts[3];
        }
    }
    return false;
}

std::string written(const Crash& crash) {
    std::string line = std::to_string(crash.at_s);
    for (const std::string* text : {&crash.how, &crash.plugin, &crash.instance, &crash.operation}) {
        line.append(1, between).append(*text);
    }
    return line + '\n';
}

std::string moment(std::int64_t at_s) {
    const std::time_t at = at_s;
    std::tm utc{};
    char text[32] = "";
    if (gmtime_r(&at, &utc) != nullptr) {
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    }
    return text;
}

// A line under construction where nothing may be allocated.
class Line {
  public:
    void add(const char* text) noexcept {
        for (; *text != '\0' && size_ < sizeof text_ - 1; ++text) {
            // One line a crash, whatever is in a name.
            const bool plain = static_cast<unsigned char>(*text) >= ' ';
            text_[size_++] = plain ? *text : '?';
        }
    }
    void add_separator() noexcept { put(between); }
    void put(char c) noexcept {
        if (size_ < sizeof text_) {
            text_[size_++] = c;
        }
    }
    const char* data() const noexcept { return text_; }
    std::size_t size() const noexcept { return size_; }

  private:
    char text_[1024];
    std::size_t size_ = 0;
};

}  // namespace

std::vector<Crash> read_crashes(const std::string& file) {
    std::ifstream in(file);
    std::vector<Crash> out;
    for (std::string line; std::getline(in, line);) {
        if (Crash crash; parse(line, crash)) {
            out.push_back(std::move(crash));
            if (out.size() == 2 * most_crashes) {
                out.erase(out.begin(), out.begin() + most_crashes);
            }
        }
    }
    if (out.size() > most_crashes) {
        out.erase(out.begin(), out.end() - most_crashes);
    }
    return out;
}

std::int64_t release_crashes(const std::string& file, std::string_view of, std::string& problem) {
    const auto is_meant = [&](const Crash& crash) {
        return crash.instance == of || crash.plugin.substr(0, crash.plugin.find(' ')) == of;
    };
    std::vector<Crash> all = read_crashes(file);
    const auto gone = std::erase_if(all, is_meant);
    if (gone == 0) {
        return 0;
    }
    // In place: a process that runs has the file open to add to it.
    std::ofstream out(file, std::ios::trunc);
    for (const Crash& crash : all) {
        out << written(crash);
    }
    out.flush();
    if (!out) {
        problem = file + " cannot be written: " + std::strerror(errno);
        return -1;
    }
    return static_cast<std::int64_t>(gone);
}

std::string quarantine_of(const std::vector<Crash>& crashes, std::string_view plugin) {
    const Crash* before = nullptr;
    for (const Crash& crash : crashes) {
        if (crash.plugin != plugin) {
            continue;
        }
        if (before != nullptr && crash.at_s - before->at_s <= within_s) {
            return "is in quarantine: " + crash.plugin + " ended the process twice, by " +
                   before->how + " at " + moment(before->at_s) + " and by " + crash.how + " at " +
                   moment(crash.at_s) + " UTC, in " + crash.instance + " " + crash.operation +
                   "; `larder plugin release " +
                   crash.plugin.substr(0, crash.plugin.find(' ')) + "` lets it run again";
        }
        before = &crash;
    }
    return {};
}

void note_crash(int fd, const char* how, const Crumb& where) noexcept {
    char number[24];
    const auto end =
        std::to_chars(number, number + sizeof number - 1, ::time(nullptr));
    *end.ptr = '\0';
    Line line;
    line.add(number);
    for (const char* text : {how, where.plugin, where.instance, where.operation}) {
        line.add_separator();
        line.add(text);
    }
    line.put('\n');
    // There is nobody left to tell that it could not be written.
    [[maybe_unused]] const auto put = ::write(fd, line.data(), line.size());
}

}  // namespace larder::loader
