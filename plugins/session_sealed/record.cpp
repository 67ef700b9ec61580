// plugins/session_sealed/record.cpp -- see record.hpp.
#include "record.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace larder::session_sealed {
namespace {

constexpr std::string_view magic = "LSES\1";

void append_word(std::string& to, std::uint64_t n) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        to += static_cast<char>(n >> shift & 0xff);
    }
}
std::uint64_t word_at(std::string_view bytes, std::size_t at) noexcept {
    std::uint64_t n = 0;
    for (unsigned i = 0; i < 8; ++i) {
        n |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return n;
}

// The text up to the next `end`, which is taken away, too.
std::string_view next(std::string_view& from, char end) {
    const std::size_t at = from.find(end);
    const std::string_view word = from.substr(0, at);
    from.remove_prefix(at == std::string_view::npos ? from.size() : at + 1);
    return word;
}

bool number(std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

std::string plain_of(std::string_view session, std::string_view key, const Record& r) {
    std::string out = "larder1 ";
    out += r.kind;
    out.append(" ").append(session).append(" ").append(key);
    for (const std::uint64_t n : {r.created_ms, r.ends_ms, r.until_ms, r.idle_ms}) {
        out.append(" ").append(std::to_string(n));
    }
    out.append(" ").append(r.user.empty() ? "-" : base64url(r.user)).append("\n");
    return out += r.data;
}

std::optional<Record> record_of(std::string_view plain, std::string_view session, std::string_view key) {
    std::string_view line = next(plain, '\n');
    Record out;
    const bool ours = next(line, ' ') == "larder1";
    const std::string_view kind = next(line, ' ');
    const bool here = next(line, ' ') == session && same(next(line, ' '), key);
    if (!ours || !here || kind.size() != 1) {
        return std::nullopt;
    }
    out.kind = kind[0];
    for (std::uint64_t* n : {&out.created_ms, &out.ends_ms, &out.until_ms, &out.idle_ms}) {
        if (!number(next(line, ' '), *n)) {
            return std::nullopt;
        }
    }
    if (line != "-") {
        auto user = from_base64(line);
        if (!user) {
            return std::nullopt;
        }
        out.user = std::move(*user);
    }
    out.data = plain;
    return out;
}

Bytes32 key_for(const KeyRing::Key& key, std::string_view session, std::string_view where) {
    return hmac_sha256(text_of(key.bytes), {"larder session_sealed aes-256-gcm 1 ", session, " ", where});
}

std::string bound(std::string_view head, std::string_view session, std::string_view key) {
    std::string out(head);
    return out.append(session).append(1, '\0').append(key);
}

}  // namespace

std::string key_of_id(std::string_view id) { return "i:" + base64url(text_of(sha256({id}))); }

std::string key_of_user(std::string_view session, std::string_view user) {
    return "u:" + base64url(text_of(sha256({"larder user ", session, " ", user})));
}

std::string fresh_id() { return base64url(random_bytes(24)); }

Sealed seal(const KeyRing& ring, Format format, std::string_view session, std::string_view key, const Record& record) {
    const KeyRing::Key& with = ring.first();
    Sealed out;
    const std::string random = random_bytes(8);
    out.version = word_at(random, 0) | 1;
    out.bytes = magic;
    out.bytes += static_cast<char>(format);
    out.bytes.append(2, '\0');
    append_word(out.bytes, with.number);
    append_word(out.bytes, out.version);
    std::string plain = plain_of(session, key, record);
    out.bytes += format == Format::fernet ? seal_fernet(with.bytes, record.created_ms / 1000, plain)
                                          : seal_gcm(key_for(with, session, key), bound(out.bytes, session, key), plain);
    wipe(plain.data(), plain.size());
    return out;
}

std::uint64_t version_of(std::string_view bytes) noexcept {
    return bytes.size() < record_head || !bytes.starts_with(magic) ? 0 : word_at(bytes, 16);
}

std::optional<Opened> open(const KeyRing& ring, std::string_view session, std::string_view key, std::string_view bytes) {
    if (version_of(bytes) == 0) {
        return std::nullopt;
    }
    const bool fernet = bytes[5] == static_cast<char>(Format::fernet);
    const std::string_view head = bytes.substr(0, record_head), sealed = bytes.substr(record_head);
    const std::uint64_t number = word_at(bytes, 8);
    for (const KeyRing::Key& one : ring.all()) {
        // Nobody vouches for a Fernet record's head, as applications write none.
        if (!fernet && one.number != number) {
            continue;
        }
        auto plain = fernet ? open_fernet(one.bytes, sealed)
                            : open_gcm(key_for(one, session, key), bound(head, session, key), sealed);
        if (!plain) {
            continue;
        }
        auto record = record_of(*plain, session, key);
        wipe(plain->data(), plain->size());
        if (!record) {
            return std::nullopt;
        }
        return Opened{std::move(*record), version_of(bytes), &one == &ring.first()};
    }
    return std::nullopt;
}

std::string written(const Members& members) {
    std::string out;
    for (const Member& m : members) {
        out.append(m.key).append(" ").append(std::to_string(m.created_ms)).append(" ").append(std::to_string(m.ends_ms));
        out.append(m.leaving ? " g\n" : " s\n");
    }
    return out;
}

Members members_of(std::string_view data) {
    Members out;
    while (!data.empty()) {
        std::string_view line = next(data, '\n');
        Member m;
        m.key = next(line, ' ');
        if (!number(next(line, ' '), m.created_ms) || !number(next(line, ' '), m.ends_ms)) {
            continue;
        }
        m.leaving = line == "g";
        out.push_back(std::move(m));
    }
    return out;
}

}  // namespace larder::session_sealed
