// plugins/store_lmdb/vault.hpp -- the store's file: claimed, judged, opened, set aside, closed.
//
//   waiting   another process has the folder; asked for again until it is free
//   open      readers and the writer use it
//   closed    before start, after stop, and while a damaged file makes room for a new one
#pragma once

#include "folder.hpp"
#include "readers.hpp"

#include <larder/plugin/host.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace larder::store_lmdb {

class Vault {
  public:
    struct Options {
        std::string folder, name;  // name: of the instance, for the log
        std::uint64_t capacity = 0;
        bool sync = false;
        bool begins_empty = false;  // and is gone when it is closed
    };
    Vault(plugin::Host host, Options options);
    ~Vault() { close(); }

    // True: it is open. False: another process has it, or the disk has no room for it. Throws plugin::Error for
    // what waiting does not mend. [control] or the store's thread
    bool open();
    // What is in it reaches the disk first. REQUIRES: nobody writes.
    void close() noexcept;
    // A file that can no longer be used, and a new one in its place. REQUIRES: nobody writes.
    bool replace(const std::string& why);
    // REQUIRES: nobody writes.
    void resize(std::uint64_t capacity);

    bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
    // Of who writes, or looks. REQUIRES: is_open, and that it stays so.
    const Database& database() const noexcept { return *database_; }
    Readers& readers() noexcept { return readers_; }
    const Folder& folder() const noexcept { return folder_; }
    // Why it is not open, for people.
    std::string trouble() const;
    std::uint64_t set_aside() const noexcept { return set_aside_.load(); }
    const Options& options() const noexcept { return options_; }

  private:
    void judge_file();
    void put_aside(const std::string& why);
    void say(std::string text);

    plugin::Host host_;
    Options options_;
    Folder folder_;
    std::unique_ptr<Database> database_;
    Readers readers_;
    std::atomic<bool> open_{false};
    std::atomic<std::uint64_t> set_aside_{0};
    mutable std::mutex mutex_;
    std::string trouble_;  // guarded by mutex_
};

}  // namespace larder::store_lmdb
