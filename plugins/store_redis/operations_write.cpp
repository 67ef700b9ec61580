// plugins/store_redis/operations_write.cpp -- put, remove, touch and fill. What takes a value away or puts
// one takes its lease away first: whoever loads meanwhile must not fill.
#include "operations.hpp"
#include "record_bytes.hpp"

#include <larder/plugin/store.h>
#include <larder/plugin/value.hpp>

#include <charconv>
#include <string>
#include <vector>

namespace larder::store_redis {
namespace {

using plugin::text_of;

std::string id_bytes(std::uint64_t id) {
    std::string bytes;
    append_number(bytes, id);
    return bytes;
}

std::string token_text(std::uint64_t token) {
    char text[24];
    return {text, std::to_chars(text, text + sizeof text, token, 16).ptr};
}

// A value's key and its lease as KEYS of a script; what has no lease shares its own key.
class WithLease : public Operation {
  public:
    using Operation::Operation;

  protected:
    void keys_of_script(std::string_view value_key) {
        const std::string lease = lease_of(value_key);
        key(value_key);
        word(lease.empty() ? std::string_view(no_lease) : std::string_view(lease));
    }
    // DEL of the lease; false: there is none.
    bool take_lease_away(std::string_view value_key) {
        const std::string lease = lease_of(value_key);
        if (lease.empty()) {
            return false;
        }
        begin(2);
        word("DEL");
        key(lease);
        return true;
    }

  private:
    // A key that never is: KEYS has to have one.
    static constexpr const char* no_lease = "";
};

class Put final : public WithLease {
  public:
    Put(const Workshop& shop, const larder_key& key, const larder_put& put, const larder_call& call)
        : WithLease(shop, call, "SET"),
          scripted_((put.flags & (LARDER_PUT_IF_VERSION | LARDER_PUT_KEEP_TTL)) != 0),
          absent_((put.flags & LARDER_PUT_IF_ABSENT) != 0) {
        const std::string_view name = text_of(key), value = text_of(put.value);
        wire.reserve(name.size() * 2 + value.size() + 128);
        if (scripted_) {
            const bool versioned = (put.flags & LARDER_PUT_IF_VERSION) != 0;
            script(put_script(), 2, 4);
            keys_of_script(name);
            word(absent_ || (versioned && put.if_version == 0) ? "-"
                 : versioned                                   ? id_bytes(put.if_version)
                                                               : std::string());
            word(value);
            number(put.ttl_ms);
            word((put.flags & LARDER_PUT_KEEP_TTL) != 0 ? "1" : "0");
            return;
        }
        take_lease_away(name);
        begin(3u + (absent_ ? 1u : 0u) + (put.ttl_ms != 0 ? 2u : 0u));
        word("SET");
        Batch::key(name);
        word(value);
        if (absent_) {
            word("NX");
        }
        if (put.ttl_ms != 0) {
            word("PX");
            number(put.ttl_ms);
        }
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (reply.is_error()) {
            const larder_status status = error_of(reply);
            status_ = status != LARDER_OK ? status : status_;
            return true;
        }
        if (scripted_) {
            status_ = reply.integer() == 1 ? LARDER_OK
                      : absent_            ? LARDER_EXISTS
                                           : LARDER_E_CONFLICT;
            return reply.type() == Reply::Type::integer;
        }
        if (index + 1 < replies) {
            return reply.type() == Reply::Type::integer;
        }
        if (reply.type() == Reply::Type::nil && absent_) {
            status_ = LARDER_EXISTS;
            return true;
        }
        return reply.is_ok();
    }

  protected:
    larder_status result() override { return status_; }

  private:
    const bool scripted_, absent_;
    larder_status status_ = LARDER_OK;
};

class Remove final : public WithLease {
  public:
    Remove(const Workshop& shop, const larder_key& key, std::uint64_t if_version,
           const larder_call& call)
        : WithLease(shop, call, "DEL") {
        if (if_version != 0) {
            script(remove_script(), 2, 1);
            keys_of_script(text_of(key));
            word(id_bytes(if_version));
            return;
        }
        take_lease_away(text_of(key));
        begin(2);
        word("DEL");
        Batch::key(text_of(key));
    }

    bool on_reply(std::uint32_t, Reply& reply) override {
        if (reply.is_error()) {
            const larder_status status = error_of(reply);
            failed_ = status != LARDER_OK ? status : failed_;
            return true;
        }
        // The last reply is the value's.
        removed_ = reply.integer();
        return reply.type() == Reply::Type::integer;
    }

  protected:
    larder_status result() override {
        return failed_ != LARDER_OK ? failed_
               : removed_ == 0      ? LARDER_MISS
               : removed_ < 0       ? LARDER_E_CONFLICT
                                    : LARDER_OK;
    }

  private:
    larder_status failed_ = LARDER_OK;
    std::int64_t removed_ = 0;
};

// Leases, all of them, and then values.
class RemoveMany final : public WithLease {
  public:
    RemoveMany(const Workshop& shop, std::span<const larder_key> keys, const larder_call& call)
        : WithLease(shop, call, "DEL") {
        for (const larder_key& key : keys) {
            take_lease_away(text_of(key));
        }
        for (const larder_key& key : keys) {
            begin(2);
            word("DEL");
            Batch::key(text_of(key));
        }
    }

    bool on_reply(std::uint32_t, Reply& reply) override {
        const larder_status status = error_of(reply);
        status_ = status != LARDER_OK ? status : status_;
        return reply.is_error() || reply.type() == Reply::Type::integer;
    }

  protected:
    larder_status result() override { return status_; }

  private:
    larder_status status_ = LARDER_OK;
};

class Touch final : public WithLease {
  public:
    Touch(const Workshop& shop, const larder_key& key, const larder_touch& touch,
          const larder_call& call)
        : WithLease(shop, call, "PEXPIRE") {
        script(touch_script(), 2, 4);
        keys_of_script(text_of(key));
        number(touch.patch_offset);
        word(text_of(touch.patch));
        number(touch.ttl_ms);
        word(touch.if_version != 0 ? id_bytes(touch.if_version) : std::string());
    }

    bool on_reply(std::uint32_t, Reply& reply) override {
        if (reply.is_error()) {
            status_ = error_of(reply);
            return true;
        }
        constexpr larder_status answers[] = {LARDER_E_INVALID, LARDER_E_CONFLICT, LARDER_MISS,
                                             LARDER_OK};
        if (reply.type() != Reply::Type::integer || reply.integer() < -2 || reply.integer() > 1) {
            return false;
        }
        status_ = answers[reply.integer() + 2];
        return true;
    }

  protected:
    larder_status result() override { return status_; }

  private:
    larder_status status_ = LARDER_OK;
};

class Fill final : public WithLease {
  public:
    Fill(const Workshop& shop, const larder_key& key, std::uint64_t token, const larder_put& put,
         const larder_call& call)
        : WithLease(shop, call, "SET under a lease") {
        script(fill_script(), 2, 3);
        keys_of_script(text_of(key));
        word(token_text(token));
        word(text_of(put.value));
        number(put.ttl_ms);
    }

    bool on_reply(std::uint32_t, Reply& reply) override {
        if (reply.is_error()) {
            status_ = error_of(reply);
            return true;
        }
        status_ = reply.integer() == 1 ? LARDER_OK : LARDER_E_CONFLICT;
        return reply.type() == Reply::Type::integer;
    }

  protected:
    larder_status result() override { return status_; }

  private:
    larder_status status_ = LARDER_OK;
};

class Lease final : public WithLease {
  public:
    Lease(const Workshop& shop, const larder_key& key, std::uint64_t token, std::uint64_t ttl_ms,
          const larder_call& call)
        : WithLease(shop, call, "SET of a lease"), token_(token_text(token)) {
        const std::string lease = lease_of(text_of(key));
        begin(6);
        word("SET");
        Batch::key(lease);
        word(token_);
        word("NX");
        word("PX");
        number(ttl_ms);
        begin(2);
        word("GET");
        Batch::key(lease);
    }

    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (reply.is_error()) {
            status_ = error_of(reply);
            return true;
        }
        if (index == 0) {
            return reply.is_ok() || reply.type() == Reply::Type::nil;
        }
        if (status_ == LARDER_EXISTS && reply.type() == Reply::Type::string &&
            reply.text() == token_) {
            status_ = LARDER_OK;
        }
        return reply.type() == Reply::Type::string || reply.type() == Reply::Type::nil;
    }

  protected:
    larder_status result() override { return status_; }

  private:
    const std::string token_;
    larder_status status_ = LARDER_EXISTS;
};

// Another's lease stays.
class LeaseEnd final : public WithLease {
  public:
    LeaseEnd(const Workshop& shop, const larder_key& key, std::uint64_t token,
             const larder_call& call)
        : WithLease(shop, call, "DEL of a lease") {
        script(lease_end_script(), 1, 1);
        Batch::key(lease_of(text_of(key)));
        word(token_text(token));
    }

    bool on_reply(std::uint32_t, Reply& reply) override {
        status_ = error_of(reply);
        return reply.is_error() || reply.type() == Reply::Type::integer;
    }

  protected:
    larder_status result() override { return status_; }

  private:
    larder_status status_ = LARDER_OK;
};

}  // namespace

Made make_put(const Workshop& shop, const larder_key& key, const larder_put& put,
              const larder_call& call) {
    return std::make_unique<Put>(shop, key, put, call);
}
Made make_remove(const Workshop& shop, const larder_key& key, std::uint64_t if_version,
                 const larder_call& call) {
    return std::make_unique<Remove>(shop, key, if_version, call);
}
Made make_remove_many(const Workshop& shop, std::span<const larder_key> keys,
                      const larder_call& call) {
    return std::make_unique<RemoveMany>(shop, keys, call);
}
Made make_touch(const Workshop& shop, const larder_key& key, const larder_touch& touch,
                const larder_call& call) {
    return std::make_unique<Touch>(shop, key, touch, call);
}
Made make_fill(const Workshop& shop, const larder_key& key, std::uint64_t token,
               const larder_put& put, const larder_call& call) {
    return std::make_unique<Fill>(shop, key, token, put, call);
}
Made make_lease(const Workshop& shop, const larder_key& key, std::uint64_t token,
                std::uint64_t ttl_ms, const larder_call& call) {
    return std::make_unique<Lease>(shop, key, token, ttl_ms, call);
}

Made make_lease_end(const Workshop& shop, const larder_key& key, std::uint64_t token,
                    const larder_call& call) {
    return std::make_unique<LeaseEnd>(shop, key, token, call);
}

}  // namespace larder::store_redis
