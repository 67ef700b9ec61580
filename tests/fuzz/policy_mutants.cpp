// tests/fuzz/policy_mutants.cpp -- policies with random damage, held to what larder promises of any bytes.
//
//   policy_mutants FOLDER... [--runs N] [--seed S] [--only I] [--most-mib M]
//
// libFuzzer needs clang and looks for new ways through the code; this needs any compiler, knows what
// policies look like, and does the same inputs on every machine: input I depends on the seed and I
// alone, so `--only I` shows one again. The damage is done to what the *.larder files below the folders
// hold, whole or by items, and words of the language are put where they do not belong. An input may
// take five seconds and all of them together the memory that is named.
#include "policy_promises.hpp"
#include "suite_promises.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#ifdef LARDER_SANITIZED
#include <sanitizer/common_interface_defs.h>
// Freed memory that is kept to find its use would count as memory that larder holds.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
    return "quarantine_size_mb=8:thread_local_quarantine_size_kb=256:malloc_context_size=4";
}
#endif

namespace {

std::uint64_t now_at = 0;

void tell_where() {
    std::fprintf(stderr, "at input %llu, which `--only` shows\n",
                 static_cast<unsigned long long>(now_at));
}

// splitmix64 (Steele, Lea, Flood 2014): any number is a good seed.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : next() % n; }

  private:
    std::uint64_t state_;
};

struct Corpus {
    std::vector<std::string> whole;  // files
    std::vector<std::string> items;  // their parts between blank lines
    std::vector<std::string> words;  // every different word of them, and some that hurt

    void read(const std::string& folder) {
        std::set<std::string> known(words.begin(), words.end());
        std::vector<std::filesystem::path> paths;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
            if (entry.path().extension() == ".larder") paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        for (const auto& path : paths) {
            std::ostringstream text;
            text << std::ifstream(path, std::ios::binary).rdbuf();
            add(text.str(), known);
        }
        words.assign(known.begin(), known.end());
    }

  private:
    void add(const std::string& text, std::set<std::string>& known) {
        whole.push_back(text);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find("\n\n", at), text.size());
            items.push_back(text.substr(at, end - at) + "\n");
            at = end + 2;
        }
        for (const auto& word : larder::dsl::format::words_of(text))
            if (word.text.size() < 40) known.insert(std::string(word.text));
    }
};

class Mutator {
  public:
    Mutator(const Corpus& corpus, std::uint64_t seed) : corpus_(corpus), random_(seed) {}

    std::string text() {
        if (random_.below(20) == 0) {
            text_ = any(corpus_.whole);
            // Half of them keep their form: a word where another was is often a policy still, whose
            // tests are played.
            if (random_.below(2) == 0) {
                for (std::size_t n = random_.below(3); n > 0; --n) swap_word();
                return std::move(text_);
            }
        } else {
            for (std::size_t n = 1 + random_.below(5); n > 0; --n) text_ += any(corpus_.items);
        }
        for (std::size_t n = random_.below(6); n > 0; --n) damage();
        return std::move(text_);
    }

  private:
    const std::string& any(const std::vector<std::string>& from) {
        return from[random_.below(from.size())];
    }
    std::size_t place() { return random_.below(text_.size() + 1); }
    // Most damage is small.
    std::size_t length(std::size_t at) {
        return std::min(text_.size() - at, 1 + random_.below(random_.below(8) == 0 ? 400 : 8));
    }
    std::size_t line_start() {
        const std::size_t newline = text_.rfind('\n', place());
        return newline == std::string::npos ? 0 : newline + 1;
    }
    std::size_t line_size(std::size_t at) {
        return std::min(text_.find('\n', at), text_.size() - 1) + 1 - at;
    }

    void damage() {
        const std::size_t at = place();
        switch (random_.below(13)) {
            case 0:
                text_.erase(at, length(at));
                break;
            case 1:
                text_.insert(place(), text_.substr(at, length(at)));
                break;
            case 2:
                text_.insert(at, 1, static_cast<char>(random_.below(256)));
                break;
            case 3:
                if (at < text_.size()) text_[at] = static_cast<char>(random_.below(256));
                break;
            case 4:
            case 5:
                text_.insert(at, " " + any(corpus_.words) + " ");
                break;
            case 6:
            case 7:
                swap_word();
                break;
            case 8:
                if (!text_.empty()) {
                    const std::size_t line = line_start();
                    if (line < text_.size()) text_.erase(line, line_size(line));
                }
                break;
            case 9:
                text_.insert(line_start(), any(corpus_.items));
                break;
            case 10:
                text_.resize(at);
                break;
            case 11: {
                const std::string part = text_.substr(at, length(at));
                for (std::size_t n = random_.below(30); n > 0; --n) text_.insert(at, part);
                break;
            }
            default:
                text_.insert(at, std::string(1 + random_.below(20), "{}(\"#\n;,"[random_.below(8)]));
        }
        if (text_.size() > 64 << 10) text_.resize(64 << 10);
    }

    void swap_word() {
        const auto words = larder::dsl::format::words_of(text_);
        if (words.empty()) return;
        const auto word = words[random_.below(words.size())].text;
        const auto at = static_cast<std::size_t>(word.data() - text_.data());
        text_.replace(at, word.size(), any(corpus_.words));
    }

    const Corpus& corpus_;
    Random random_;
    std::string text_;
};

struct Asked {
    Corpus corpus;
    std::uint64_t runs = 2000, seed = 1, only = 0, most_mib = 256;
};

bool read(int argc, char** argv, Asked& asked) {
    asked.corpus.words = {"99999999999999999999s", "1e308", "0", "100%", "\"\\{\"", "\"{a...}*\"", "\"**\"", "\"\"",
                          "when {end} before today - 7d", "env X seconds or 3m", "\xF0\x9F\x98\x80"};
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        std::uint64_t* number = word == "--runs"       ? &asked.runs
                                : word == "--seed"     ? &asked.seed
                                : word == "--only"     ? &asked.only
                                : word == "--most-mib" ? &asked.most_mib
                                                       : nullptr;
        if (number == nullptr)
            asked.corpus.read(word);
        else if (++i < argc)
            *number = std::strtoull(argv[i], nullptr, 10);
    }
    return !asked.corpus.items.empty();
}

std::uint64_t peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) / 1024;
    return 0;
}

}  // namespace

void larder::fuzz::broken(const char* promise) {
    std::fprintf(stderr, "broken promise: %s\n", promise);
    tell_where();
    std::abort();
}

int main(int argc, char** argv) {
    Asked asked;
    if (!read(argc, argv, asked)) {
        std::fputs("policy_mutants: name a folder with policies\n", stderr);
        return 2;
    }
#ifdef LARDER_SANITIZED
    __sanitizer_set_death_callback(tell_where);
#endif
    std::signal(SIGALRM, [](int) { larder::fuzz::broken("an input takes less than five seconds"); });
    std::uint64_t bytes = 0, tests = 0;
    const std::uint64_t first = asked.only == 0 ? 1 : asked.only;
    const std::uint64_t last = asked.only == 0 ? asked.runs : asked.only;
    for (now_at = first; now_at <= last; ++now_at) {
        const std::string text =
            Mutator(asked.corpus, asked.seed * 0x100000001 + now_at * 0x9E3779B97F4A7C15).text();
        if (asked.only != 0) std::fwrite(text.data(), 1, text.size(), stdout);
        ::alarm(5);
        larder::fuzz::policy_keeps_its_promises(text);
        tests += larder::fuzz::testing_keeps_its_promises(text);
        ::alarm(0);
        bytes += text.size();
        if (now_at % 10'000 == 0)
            std::fprintf(stderr, "%llu inputs, %llu MiB at most\n",
                         static_cast<unsigned long long>(now_at),
                         static_cast<unsigned long long>(peak_mib()));
    }
    const std::uint64_t peak = peak_mib();
    std::printf("%llu inputs, %llu KiB of text, %llu tests played, %llu MiB at most\n",
                static_cast<unsigned long long>(last - first + 1),
                static_cast<unsigned long long>(bytes >> 10), static_cast<unsigned long long>(tests),
                static_cast<unsigned long long>(peak));
    if (peak > asked.most_mib) {
        std::fprintf(stderr, "wanted: at most %llu MiB\n", static_cast<unsigned long long>(asked.most_mib));
        return 1;
    }
    return 0;
}
