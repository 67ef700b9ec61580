// tests/unit/session_sealed/crypto_test.cpp -- published vectors: SHA-256, AES-256-GCM, Fernet, base64.
#include "catch.hpp"
#include "plugins/session_sealed/crypto.hpp"
#include "plugins/session_sealed/key_ring.hpp"

#include <cstring>
#include <set>

using namespace larder::session_sealed;

namespace {

Bytes32 key_of(std::string_view base64) {
    const std::string bytes = from_base64(base64).value();
    Bytes32 key{};
    REQUIRE(bytes.size() == key.size());
    std::memcpy(key.data(), bytes.data(), key.size());
    return key;
}

const char* const fernet_key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
constexpr std::uint64_t made_s = 499162800;  // 1985-10-26T01:20:00-07:00

}  // namespace

// generate.json of https://github.com/fernet/spec
TEST_CASE("Fernet's published vector is what is written for its time and initialisation vector") {
    std::string vector;
    for (int i = 0; i < 16; ++i) {
        vector += static_cast<char>(i);
    }
    CHECK(seal_fernet(key_of(fernet_key), made_s, vector, "hello") ==
          "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==");
}

// verify.json
TEST_CASE("Fernet's published token opens") {
    const auto plain = open_fernet(key_of(fernet_key), "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
                                   FernetAge{made_s + 1, 60});
    REQUIRE(plain);
    CHECK(*plain == "hello");
}

// invalid.json
TEST_CASE("Fernet's published invalid tokens do not open") {
    const Bytes32 key = key_of(fernet_key);
    const std::pair<const char*, const char*> bad[] = {
        {"incorrect mac", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ=="},
        {"too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=="},
        {"invalid base64", "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q=="},
        {"payload size not multiple of block size", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm"},
        {"payload padding error", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw=="},
        {"far-future time", "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw=="},
        {"expired", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q=="},
        {"incorrect initialisation vector", "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ=="},
    };
    for (const auto& [why, token] : bad) {
        INFO(why);
        // The specification judges all of them at this time, and "expired" 25 minutes later.
        const std::uint64_t now_s = std::string_view(why) == "expired" ? 499164301 : 499162801;
        CHECK_FALSE(open_fernet(key, token, FernetAge{now_s, 60}));
    }
}

// NIST GCM test vectors: 256-bit key, 96-bit nonce, gcmEncryptExtIV256 (McGrew and Viega's case 16).
TEST_CASE("a published AES-256-GCM text opens with what it is bound to, and with nothing else") {
    const std::string key_bytes = from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").value();
    Bytes32 key{};
    std::memcpy(key.data(), key_bytes.data(), 32);
    const std::string bound = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2").value();
    const std::string sealed = from_hex("cafebabefacedbaddecaf888"
                                        "76fc6ece0f4e1768cddf8853bb2d551b"
                                        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662").value();
    const std::string plain = from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                       "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39").value();
    CHECK(open_gcm(key, bound, sealed) == plain);
    CHECK_FALSE(open_gcm(key, bound + "x", sealed));
}

TEST_CASE("no sealed text opens when any one of its bytes is another") {
    const Bytes32 key = sha256({"key"});
    const std::string sealed = seal_gcm(key, "here", "what nobody may read");
    CHECK(open_gcm(key, "here", sealed) == "what nobody may read");
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string forged = sealed;
        forged[i] = static_cast<char>(forged[i] ^ 1);
        CHECK_FALSE(open_gcm(key, "here", forged));
        CHECK_FALSE(open_gcm(key, "here", sealed.substr(0, i)));
    }
    CHECK_FALSE(open_gcm(sha256({"another"}), "here", sealed));
}

TEST_CASE("the same text sealed twice is not the same bytes") {
    const Bytes32 key = sha256({"key"});
    CHECK(seal_gcm(key, "", "x") != seal_gcm(key, "", "x"));
    CHECK(seal_fernet(key, 1, "x") != seal_fernet(key, 1, "x"));
}

TEST_CASE("SHA-256 and HMAC-SHA256 are those of FIPS 180 and RFC 4231") {
    CHECK(text_of(sha256({"a", "bc"})) == from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").value());
    CHECK(text_of(hmac_sha256("Jefe", {"what do ya want ", "for nothing?"})) ==
          from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").value());
}

TEST_CASE("base64 is read in both alphabets, and not when it says more bits than bytes") {
    CHECK(base64url(std::string("\xff\xfe\xfd", 3)) == "__79");
    for (const char* text : {"aGk", "aGk="}) {
        CHECK(from_base64(text) == "hi");
    }
    CHECK(from_base64("__79") == from_base64("//79"));
    CHECK(from_base64("").value().empty());
    for (const char* bad : {"a", "aGl", "a===", "aG k", "aGk*"}) {
        INFO(bad);
        CHECK_FALSE(from_base64(bad));
    }
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string bytes = random_bytes(size);
        CHECK(from_base64(base64url(bytes)) == bytes);
    }
}

// ---- the ring

TEST_CASE("a key is read as base64 of either alphabet, as hex and as 32 characters") {
    const std::string plain = "0123456789012345678901234567890!";
    const std::string hex = "3031323334353637383930313233343536373839303132333435363738393021";
    const KeyRing ring(plain + " " + hex + "," + base64url(plain) + "\n" + base64url(plain) + "=");
    REQUIRE(ring.all().size() == 4);
    for (const KeyRing::Key& key : ring.all()) {
        CHECK(text_of(key.bytes) == plain);
        CHECK(key.number == ring.first().number);
    }
}

TEST_CASE("what is said of a bad key has nothing of it") {
    const std::string good(32, 'k');
    for (const std::string bad : {"your-32-byte-key", "c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0IQ", "deadbeef"}) {
        try {
            const KeyRing ring(good + " " + bad);
            FAIL("it was taken");
        } catch (const std::exception& problem) {
            CHECK(std::string(problem.what()) == "key 2 is not 32 bytes as base64, hex or plain text");
        }
    }
    CHECK_THROWS(KeyRing(" \n,"));
}
