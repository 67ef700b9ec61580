// kernel/api/policy_book.hpp -- which policy runs and since when, and those that ran before it.
//
// The last few are kept with their texts, newest first, so that a change can be taken back whatever has
// become of the files. With a StateFolder they are kept over a restart too: `policies.json` has the order,
// and one file for each policy its texts. A kernel begins with the policy its files name all the same;
// what ran before, if it was another, is then the newest of the kept ones, and the book says so.
#pragma once

#include "kernel/api/policy_texts.hpp"
#include "kernel/api/state_folder.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace larder::api {


// Safe for any number of threads. What changes is in memory at once, and on the disk after save().
class PolicyBook {
  public:
    // `folder` null: nothing outlives this book. `complain` is told what cannot be read or written.
    PolicyBook(std::unique_ptr<StateFolder> folder, std::size_t keep, std::function<void(const std::string&)> complain);

    // The first policy of this kernel; saves. Returns what is to be said of the last kernel's; empty: nothing.
    std::string begin(PolicyRecord first);
    // Another one runs; the one before is kept. `watched`: it may be taken back soon.
    void replace(PolicyRecord next, bool watched);
    void settle();  // nobody watches it any more
    // The kept one with this id (empty: the newest) runs again, as `as` says but with its own texts, and
    // those newer than it are forgotten. False: there is none.
    bool go_back(const std::string& id, PolicyRecord as);

    void save();  // blocks for the disk; nothing to do, nothing done

    PolicyRecord running() const;
    std::vector<PolicyRecord> kept() const;  // newest first
    std::optional<PolicyRecord> find(const std::string& id) const;  // of the kept ones; empty: the newest

  private:
    void read(std::string& said, const PolicyRecord& first);
    void write(const PolicyRecord& running, const std::vector<PolicyRecord>& kept, bool watched);

    const std::unique_ptr<StateFolder> folder_;
    const std::size_t keep_;
    const std::function<void(const std::string&)> complain_;
    std::mutex saving_;        // taken before mutex_
    mutable std::mutex mutex_;
    PolicyRecord running_;             // guarded by mutex_, as what follows
    bool watched_ = false, unsaved_ = false;
    std::vector<PolicyRecord> kept_;   // newest first
};

}  // namespace larder::api
