// plugins/store_lmdb/operations.cpp -- see operations.hpp.
#include "operations.hpp"

#include <larder/plugin/value.hpp>

#include <algorithm>
#include <utility>

namespace larder::store_lmdb {
namespace {

constexpr std::uint64_t records_weight = 128;  // of one

// What a caller may see: an entry whose time is over is none.
bool seen(const std::optional<Found>& found, std::uint64_t now_ms) noexcept {
    return found && !lapsed(found->row.deadline_ms, now_ms);
}

bool remove_entry(Work& work, const std::string& key) {
    work.leases.end(key);
    const auto old = work.txn.find(key);
    if (!old) {
        return false;
    }
    const bool there = seen(old, work.now_ms);
    work.txn.erase(key, old->row.number);
    return there;
}

class Put final : public Operation {
  public:
    Put(const larder_key& key, const larder_put& put, std::uint64_t lease)
        : key_(plugin::text_of(key)),
          value_(plugin::text_of(put.value)),
          flags_(put.flags),
          ttl_ms_(put.ttl_ms),
          version_(put.version),
          if_version_(put.if_version),
          lease_(lease) {}
    std::uint64_t weight() const noexcept override { return weight_of(key_.size(), value_.size()); }
    larder_status apply(Work& work) override {
        if (lease_ == 0) {
            work.leases.end(key_);
        } else if (!leased_ && !(leased_ = work.leases.end_of(key_, lease_, work.now_ns))) {
            return LARDER_E_CONFLICT;
        }
        const auto old = work.txn.find(key_);
        const bool there = seen(old, work.now_ms);
        if ((flags_ & LARDER_PUT_IF_ABSENT) != 0 && there) {
            return LARDER_EXISTS;
        }
        if ((flags_ & LARDER_PUT_IF_VERSION) != 0 && (there ? old->row.version : 0) != if_version_) {
            return LARDER_E_CONFLICT;
        }
        const bool keeps = there && (flags_ & LARDER_PUT_KEEP_TTL) != 0;
        const std::uint64_t deadline = keeps ? old->row.deadline_ms : deadline_in(ttl_ms_, work.now_ms);
        if (old) {
            work.sieve.use(old->row.number);
        }
        work.txn.put(key_, old, plugin::bytes_of(value_), version_, deadline);
        return LARDER_OK;
    }

  private:
    const std::string key_, value_;
    const std::uint32_t flags_;
    const std::uint64_t ttl_ms_, version_, if_version_, lease_;
    bool leased_ = false;
};

class Remove final : public Operation {
  public:
    Remove(const larder_key& key, std::uint64_t if_version) : key_(plugin::text_of(key)), if_version_(if_version) {}
    larder_status apply(Work& work) override {
        if (if_version_ != 0) {
            const auto old = work.txn.find(key_);
            if (seen(old, work.now_ms) && old->row.version != if_version_) {
                return LARDER_E_CONFLICT;
            }
        }
        return remove_entry(work, key_) ? LARDER_OK : LARDER_MISS;
    }

  private:
    const std::string key_;
    const std::uint64_t if_version_;
};

class RemoveMany final : public Operation {
  public:
    explicit RemoveMany(std::span<const larder_key> keys) {
        for (const larder_key& key : keys) {
            keys_.emplace_back(plugin::text_of(key));
        }
    }
    larder_status apply(Work& work) override {
        for (const std::string& key : keys_) {
            remove_entry(work, key);
        }
        return LARDER_OK;
    }

  private:
    std::vector<std::string> keys_;
};

class Touch final : public Operation {
  public:
    Touch(const larder_key& key, const larder_touch& touch)
        : key_(plugin::text_of(key)),
          patch_(plugin::text_of(touch.patch)),
          offset_(touch.patch_offset),
          ttl_ms_(touch.ttl_ms),
          if_version_(touch.if_version) {}
    larder_status apply(Work& work) override {
        work.leases.end(key_);
        const auto old = work.txn.find(key_);
        if (!seen(old, work.now_ms)) {
            return LARDER_MISS;
        }
        if (if_version_ != 0 && old->row.version != if_version_) {
            return LARDER_E_CONFLICT;
        }
        std::string value(plugin::text_of(old->value));
        if (!patch_.empty()) {
            if (offset_ > value.size() || patch_.size() > value.size() - offset_) {
                return LARDER_E_INVALID;
            }
            value.replace(offset_, patch_.size(), patch_);
        }
        ValueRow row = old->row;
        row.deadline_ms = deadline_in(ttl_ms_, work.now_ms);
        work.sieve.use(row.number);
        work.txn.rewrite(key_, row, plugin::bytes_of(value));
        return LARDER_OK;
    }

  private:
    const std::string key_, patch_;
    const std::size_t offset_;
    const std::uint64_t ttl_ms_, if_version_;
};

class Clear final : public Operation {
  public:
    Clear(std::string prefix, std::size_t most, std::shared_ptr<bool> again)
        : prefix_(std::move(prefix)), most_(most), again_(std::move(again)) {}
    larder_status apply(Work& work) override {
        *again_ = false;
        if (prefix_.empty()) {
            work.txn.clear();
            return LARDER_OK;
        }
        std::vector<std::string> keys;
        work.txn.each_key(prefix_, [&](std::string_view key) {
            keys.emplace_back(key);
            return keys.size() < most_;
        });
        for (const std::string& key : keys) {
            remove_entry(work, key);
        }
        *again_ = keys.size() == most_;
        return LARDER_OK;
    }

  private:
    const std::string prefix_;
    const std::size_t most_;
    const std::shared_ptr<bool> again_;
};

// ---- records

class OfRecords : public Operation {
  public:
    OfRecords(std::span<larder_record> records, std::uint64_t ttl_ms) : theirs_(records), ttl_ms_(ttl_ms) {
        for (const larder_record& r : records) {
            ours_.push_back({std::string(plugin::text_of(r.key)), r.drop, r.expire, r.expired_at_ms, LARDER_MISS});
        }
    }

  protected:
    struct Record {
        std::string key;
        std::uint64_t drop, expire, expired_at_ms;
        larder_status status;
    };
    void hand_over(bool numbers) noexcept {
        for (std::size_t i = 0; i < ours_.size(); ++i) {
            theirs_[i].status = ours_[i].status;
            if (numbers) {
                theirs_[i].drop = ours_[i].drop;
                theirs_[i].expire = ours_[i].expire;
                theirs_[i].expired_at_ms = ours_[i].expired_at_ms;
            }
        }
    }
    const std::span<larder_record> theirs_;
    const std::uint64_t ttl_ms_;
    std::vector<Record> ours_;
};

class Make final : public OfRecords {
  public:
    using OfRecords::OfRecords;
    std::uint64_t weight() const noexcept override { return ours_.size() * records_weight; }
    larder_status apply(Work& work) override {
        const std::uint64_t least = deadline_in(ttl_ms_, work.now_ms);
        for (Record& record : ours_) {
            record.status = LARDER_OK;
            auto row = work.txn.find_record(record.key);
            if (row) {
                record.drop = row->drop;
                record.expire = row->expire;
                record.expired_at_ms = row->expired_at_ms;
                if (row->deadline_ms >= least) {
                    continue;
                }
            } else {
                row = RecordRow{record.drop, record.expire, record.expired_at_ms, 0, 0};
            }
            // Longer than asked for, so that it is not written again at the next load.
            row->deadline_ms = deadline_in(ttl_ms_ + ttl_ms_ / 2, work.now_ms);
            row->life_ms = ttl_ms_;
            work.txn.put_record(record.key, *row);
        }
        return LARDER_OK;
    }
    void answer() noexcept override { hand_over(true); }
};

class ChangeRecords final : public OfRecords {
  public:
    ChangeRecords(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys, std::uint32_t replicas)
        : OfRecords(records, ttl_ms), replicas_(replicas) {
        for (const larder_key& key : keys) {
            keys_.emplace_back(plugin::text_of(key));
        }
    }
    larder_status apply(Work& work) override {
        for (Record& record : ours_) {
            auto row = work.txn.find_record(record.key);
            record.status = row ? LARDER_OK : LARDER_MISS;
            if (!row) {
                continue;
            }
            if (record.drop != 0) {
                row->drop = record.drop;
            }
            row->expire = record.expire;
            row->expired_at_ms = record.expired_at_ms;
            row->deadline_ms = std::max(row->deadline_ms, deadline_in(ttl_ms_, work.now_ms));
            row->life_ms = ttl_ms_;
            work.txn.put_record(record.key, *row);
        }
        for (const std::string& key : keys_) {
            work.leases.end(key);
        }
        for (const std::string& key : keys_) {
            remove_entry(work, key);
        }
        return replicas_ == 0 ? LARDER_OK : LARDER_E_TIMEOUT;  // nobody else has it
    }
    void answer() noexcept override { hand_over(false); }

  private:
    const std::uint32_t replicas_;
    std::vector<std::string> keys_;
};

class Prolong final : public Operation {
  public:
    explicit Prolong(std::vector<std::string> records) : records_(std::move(records)) {}
    larder_status apply(Work& work) override {
        for (const std::string& key : records_) {
            if (auto row = work.txn.find_record(key); row && lapsed(row->deadline_ms, work.now_ms)) {
                row->deadline_ms = deadline_in(std::max<std::uint64_t>(row->life_ms, 1), work.now_ms);
                work.txn.put_record(key, *row);
            }
        }
        return LARDER_OK;
    }

  private:
    const std::vector<std::string> records_;
};

// ---- what is over

class SweepStep final : public Operation {
  public:
    explicit SweepStep(std::shared_ptr<Sweep> sweep) : sweep_(std::move(sweep)) {}
    larder_status apply(Work& work) override {
        entries(work);
        records(work);
        return LARDER_OK;
    }

  private:
    static constexpr std::size_t places_a_step = 4096, records_a_step = 512, most_told = 65'536;

    void entries(Work& work) {
        std::vector<std::pair<std::string, std::uint64_t>> over;
        std::size_t looked = 0;
        std::uint64_t next = 0;
        work.txn.each_place(sweep_->place, [&](const Place& place) {
            if (looked == places_a_step) {
                next = place.number;
                return false;
            }
            ++looked;
            if (lapsed(place.row.deadline_ms, work.now_ms)) {
                over.emplace_back(place.key, place.number);
            }
            return true;
        });
        for (const auto& [key, number] : over) {
            work.txn.erase(key, number);
            ++work.effects.expired;
        }
        sweep_->place = next;
        sweep_->crowded = over.size() > looked / 4;
    }

    // One that is over may still be in force in the kernel's memory: it is told, and when nobody has asked for it
    // for a while after that, it goes.
    void records(Work& work) {
        constexpr std::uint64_t a_while_ms = 3'600'000;
        std::vector<std::string> gone;
        std::size_t looked = 0;
        std::string next;
        work.txn.each_record(sweep_->record, [&](std::string_view key, const RecordRow& row) {
            if (looked == records_a_step) {
                next = key;
                return false;
            }
            ++looked;
            const auto told = sweep_->told.find(std::string(key));
            if (!lapsed(row.deadline_ms, work.now_ms)) {
                if (told != sweep_->told.end()) {
                    sweep_->told.erase(told);
                }
            } else if (told == sweep_->told.end()) {
                if (sweep_->told.size() < most_told) {
                    work.effects.lapsed.emplace_back(key);
                    sweep_->told.emplace(key, work.now_ms);
                }
            } else if (work.now_ms - std::min(work.now_ms, told->second) >= a_while_ms) {
                gone.emplace_back(key);
                sweep_->told.erase(told);
            }
            return true;
        });
        for (const std::string& key : gone) {
            work.txn.erase_record(key);
        }
        sweep_->record = next;
    }

    const std::shared_ptr<Sweep> sweep_;
};

}  // namespace

Change make_put(const larder_key& key, const larder_put& put, std::uint64_t lease) {
    return std::make_shared<Put>(key, put, lease);
}
Change make_remove(const larder_key& key, std::uint64_t if_version) {
    return std::make_shared<Remove>(key, if_version);
}
Change make_remove_many(std::span<const larder_key> keys) { return std::make_shared<RemoveMany>(keys); }
Change make_touch(const larder_key& key, const larder_touch& touch) { return std::make_shared<Touch>(key, touch); }
Change make_clear(std::string prefix, std::size_t most, std::shared_ptr<bool> again) {
    return std::make_shared<Clear>(std::move(prefix), most, std::move(again));
}
Change make_records(std::span<larder_record> records, std::uint64_t ttl_ms) {
    return std::make_shared<Make>(records, ttl_ms);
}
Change make_change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys, std::uint32_t replicas) {
    return std::make_shared<ChangeRecords>(records, ttl_ms, keys, replicas);
}
Change make_prolong(std::vector<std::string> records) { return std::make_shared<Prolong>(std::move(records)); }
Change make_sweep(std::shared_ptr<Sweep> sweep) { return std::make_shared<SweepStep>(std::move(sweep)); }

}  // namespace larder::store_lmdb
