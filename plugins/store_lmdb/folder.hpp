// plugins/store_lmdb/folder.hpp -- the folder of one store: whose it is, and whether its file can be believed.
//
// One process at a time has it, by a lock that the kernel of the machine takes back when the process ends, however
// it ends. Another one waits for it (lmdb_store.hpp): so a new process may start while the old one still runs.
//
// A file that is not synced at each commit survives the process but perhaps not the machine: pages reach the disk in
// any order. Such a file is *marked* while it is open, with the machine's boot. A mark of another boot says that
// the machine went down without the file having been closed: nothing in it is believed any more.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace larder::store_lmdb {

class Folder {
  public:
    explicit Folder(std::string path) : path_(std::move(path)) {}
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { release(); }

    const std::string& path() const noexcept { return path_; }
    std::string data_file() const { return path_ + "/data.mdb"; }

    std::uint64_t data_bytes() const noexcept;  // of the file; 0 where there is none

    // Whether a write that came short did so for want of room: LMDB calls both an error of the device.
    bool crammed() const noexcept;

    // Makes it, for this user only, with those above it. Throws plugin::Error.
    void make() const;
    // False: another process has it, which `holder` names. Throws plugin::Error.
    bool claim(std::string& holder);
    bool claimed() const noexcept { return lock_ >= 0; }
    void release() noexcept;

    bool marked() const noexcept;
    // Whether the machine went down with the file open and not synced.
    bool torn() const;
    // Before the file is opened without syncing; throws plugin::Error where it cannot be written.
    void mark() const;
    // After it was synced and closed.
    void unmark() const noexcept;

    // The file is gone, and whatever was noted of it. REQUIRES: claimed, and nobody has it open.
    void empty() const noexcept;

    // The file out of the way; an earlier one that was set aside goes. The name it has then; empty: it could not be.
    std::string set_aside() const;

  private:
    const std::string path_;
    int lock_ = -1;
};

// What is the same until the machine starts again; empty where nobody says.
std::string this_boot();

// Where a store keeps its file whose configuration does not say: systemd's StateDirectory, else that of the user, else
// /var/lib/larder; in it a folder of the instance's name.
std::string default_folder(const std::string& instance);

}  // namespace larder::store_lmdb
