// session_@NAME@.cpp -- sessions as they are, found by the hash of their identifier.
//
// The kernel gives records a store (larder.session_store/1); the plugin owns identifiers, their form and their end. These
// records are not sealed: who reads the store reads the data. Neither can they be listed by user.
#include <larder/plugin/cpp.hpp>
#include <larder/sha256.hpp>

#include <cstring>
#include <fstream>
#include <string>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = 0;

    @CLASS@(Host host, const Config& config)
        : host_(host), session_(config.instance_name()), store_(host.service<larder_session_store_api>(LARDER_SVC_SESSION_STORE)) {}

    larder_status create(const larder_session_spec& spec, const larder_call& call, larder_session_id& out) {
        char bytes[24];
        std::ifstream random("/dev/urandom", std::ios::binary);
        if (!random.read(bytes, sizeof bytes)) return LARDER_E_IO;
        static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        std::string id;
        for (const char c : bytes) id += letters[static_cast<unsigned char>(c) & 63u];
        const larder_status status = write(id, text_of(spec.data), call, LARDER_PUT_IF_ABSENT, now() + facts().absolute_ms);
        if (status == LARDER_OK) assign(out, id);
        return status;
    }
    larder_status load(std::string_view id, const larder_call& call, Reply out) {
        std::string data;
        std::uint64_t ends = 0;
        if (const larder_status status = read(id, data, ends, call); status != LARDER_OK) return status;
        // A use begins the idle time anew.
        if (const larder_status status = write(id, data, call, 0, ends); status != LARDER_OK) return status;
        return out.owned(std::move(data));
    }
    larder_status save(std::string_view id, std::string_view data, const larder_call& call) {
        std::string old;
        std::uint64_t ends = 0;
        const larder_status status = read(id, old, ends, call);
        return status == LARDER_OK ? write(id, data, call, 0, ends) : status;
    }
    larder_status touch(std::string_view id, const larder_call& call) {
        std::string data;
        std::uint64_t ends = 0;
        const larder_status status = read(id, data, ends, call);
        return status == LARDER_OK ? write(id, data, call, 0, ends) : status;
    }
    larder_status destroy(std::string_view id, const larder_call& call) {
        return store_.remove(host_.raw(), bytes_of(session_), bytes_of(place(id)), 0, &call);
    }

  private:
    // 16 bytes of ours (when it ends at the latest), 8 of its version, then the data.
    static constexpr std::size_t head = 24;

    static std::string place(std::string_view id) { return larder::sha256_hex(id); }
    std::uint64_t now() const { return store_.now_ms(host_.raw(), bytes_of(session_)); }
    larder_session_facts facts() const {
        larder_session_facts out{};
        out.struct_size = sizeof out;
        store_.facts(host_.raw(), bytes_of(session_), &out);
        return out;
    }
    larder_status read(std::string_view id, std::string& data, std::uint64_t& ends, const larder_call& call) {
        Value record;
        const std::string at = place(id);
        const larder_status status = store_.get(host_.raw(), bytes_of(session_), bytes_of(at), &call, record.out());
        if (status != LARDER_OK) return status;
        if (record.size() < head) return LARDER_MISS;
        std::memcpy(&ends, record.data(), sizeof ends);
        if (ends <= now()) return LARDER_MISS;
        data = record.text().substr(head);
        return LARDER_OK;
    }
    larder_status write(std::string_view id, std::string_view data, const larder_call& call, std::uint32_t flags, std::uint64_t ends) {
        const larder_session_facts known = facts();
        const std::uint64_t left = ends > now() ? ends - now() : 1, version = host_.wall_ms() + 1;
        std::string record(head, '\0');
        std::memcpy(record.data(), &ends, sizeof ends);
        std::memcpy(record.data() + 16, &version, sizeof version);
        record += data;
        larder_put put{};
        put.struct_size = sizeof put;
        put.flags = flags;
        put.value = bytes_of(record);
        put.ttl_ms = known.idle_ms == 0 || known.idle_ms > left ? left : known.idle_ms;
        put.version = version;
        const std::string at = place(id);
        return store_.put(host_.raw(), bytes_of(session_), bytes_of(at), &put, &call);
    }

    const Host host_;
    const std::string session_;
    const larder_session_store_api& store_;
};

LARDER_MODULE(&Session<@CLASS@>::value)
