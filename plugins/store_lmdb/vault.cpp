// plugins/store_lmdb/vault.cpp -- see vault.hpp.
#include "vault.hpp"

#include "failure.hpp"
#include "page_walk.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_lmdb {

Vault::Vault(plugin::Host host, Options options)
    : host_(host), options_(std::move(options)), folder_(options_.folder) {}

void Vault::say(std::string text) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(text);
}

std::string Vault::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

bool Vault::open() {
    if (is_open()) {
        return true;
    }
    folder_.make();
    std::string holder;
    if (!folder_.claim(holder)) {
        const std::string text = folder_.path() + " is in use by " + (holder.empty() ? "another process" : holder);
        if (trouble() != text) {
            host_.log(LARDER_LOG_WARN, {"lmdb ", options_.name, ": ", text, "; it is taken over when that ends"});
        }
        say(text);
        return false;
    }
    if (options_.begins_empty) {
        folder_.empty();
    } else {
        judge_file();
    }
    for (int tries = 0;; ++tries) {
        try {
            if (!options_.sync) {
                folder_.mark();
            }
            // Of a file that is longer already, room to write beside what it has.
            const std::size_t map = map_for(std::max(options_.capacity, folder_.data_bytes()));
            database_ = std::make_unique<Database>(folder_.path(), Database::Options{map, options_.sync});
            // What an earlier process left unsynced is the disk's first.
            if (options_.sync && folder_.marked() && database_->sync()) {
                folder_.unmark();
            }
            database_->clear_dead_readers();
            readers_.open(database_->env());
            break;
        } catch (const Failure& failure) {
            database_.reset();
            const std::string why = text_of_failure(failure.code);
            if (no_disk(failure.code)) {
                say(folder_.path() + ": " + why);
                return false;
            }
            if (tries == 0 && damaged(failure.code)) {
                put_aside(why);
                continue;
            }
            throw plugin::Error(status_of(failure.code), folder_.data_file() + " cannot be opened: " + why);
        }
    }
    say({});
    open_.store(true, std::memory_order_release);
    return true;
}

void Vault::judge_file() {
    if (folder_.torn()) {
        put_aside("the machine went down while it was open, and it was not synced at each commit (durability = \"process\")");
    } else if (const auto damage = damage_in(folder_.data_file())) {
        put_aside(*damage);
    }
}

void Vault::put_aside(const std::string& why) {
    const std::string aside = folder_.set_aside();
    if (aside.empty()) {
        return;
    }
    set_aside_.fetch_add(1);
    host_.log(LARDER_LOG_ERROR, {"lmdb ", options_.name, ": ", folder_.data_file(), " cannot be used: ", why,
                                 "; it is set aside as ", aside, ", and the store begins empty"});
}

void Vault::close() noexcept {
    const bool was = open_.exchange(false);
    readers_.close();
    const bool synced = was && database_ != nullptr && database_->sync();
    database_.reset();
    if (synced) {
        folder_.unmark();
    }
    if (was && options_.begins_empty) {
        folder_.empty();
    }
    folder_.release();
}

bool Vault::replace(const std::string& why) {
    open_.store(false);
    readers_.close();
    database_.reset();
    put_aside(why);
    return open();
}

void Vault::resize(std::uint64_t capacity) {
    options_.capacity = capacity;
    if (!is_open()) {
        return;
    }
    readers_.between_looks([&] {
        // What the file has already is kept, whatever it was lowered to.
        database_->resize(map_for(std::max(capacity, database_->file_bytes())));
    });
}

}  // namespace larder::store_lmdb
