// kernel/core/ban_log.hpp -- patterns nobody declared: dropped by being remembered.
//
// A ban is "everything in this namespace whose key matches this glob and that was made before now".
// It gets the next number of the log; an entry carries the number the log had when it was made, and
// a read tests only the newer bans of its namespace. The log is bounded: over max_bans live ones
// the caller drops the namespace instead (one record), and a ban retires when no entry can be older
// than it. (The ban list of Varnish, with a bound instead of a lurker.) The log has a random epoch:
// an entry stamped under another one is a miss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

inline constexpr std::size_t max_bans = 256;

struct Ban {
    std::uint64_t number = 0;
    std::uint64_t epoch = 0;       // of the records, once the ban was settled; 0: not yet
    std::uint32_t ns = 0;          // namespace number (see Space)
    bool expire = false;           // expires instead of drops
    std::string glob;              // over canonical keys
    std::uint64_t at_ns = 0;       // boot-time
    std::uint64_t retires_ns = 0;  // 0: never
};

// Safe for any number of threads; readers take no lock. A ban is seen by every judge() that begins
// after its number() was seen.
class BanLog {
  public:
    explicit BanLog(std::uint64_t epoch);
    ~BanLog();
    std::uint64_t epoch() const noexcept;
    std::uint64_t number() const noexcept;  // of the newest ban there ever was; 0: none; [hot]
    BanLog(const BanLog&) = delete;
    BanLog& operator=(const BanLog&) = delete;
    // Sets the ban's number, which is returned, and time. 0: full; drop the namespace instead.
    std::uint64_t add(Ban ban, std::uint64_t now_ns);
    // Says at which epoch of the records the ban was made: entries verified at it or later are newer
    // than the ban. Until then it meets every entry. The epoch has to have risen after add().
    void settle(std::uint64_t number, std::uint64_t epoch);
    enum class Verdict { clear, expired, dropped };
    // Judges an entry of `ns` made at log position `since`; *at_ns: when it first expired. [hot]
    Verdict judge(std::uint32_t ns, std::string_view key, std::uint64_t since,
                  std::uint64_t* at_ns) const;
    // The same for an entry that was last verified at this epoch.
    Verdict judge_after(std::uint32_t ns, std::string_view key, std::uint64_t epoch, std::uint64_t* at_ns) const;
    std::size_t live(std::uint64_t now_ns);  // retires what may
    std::vector<Ban> list() const;           // oldest first

  private:
    struct Log;
    std::unique_ptr<Log> log_;
};

}  // namespace larder
