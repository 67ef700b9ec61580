// kernel/kit/checks_store_life.cpp -- LPR-120 to 139: a store in use: threads, answers that come later, bounds, restarts, and
// any order of operations against a model.
#include "kernel/kit/kit_run.hpp"
#include "kernel/kit/store_rig.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

// One operation that may answer later.
struct Later {
    std::mutex mutex;
    std::condition_variable called;
    int times = 0;
    bool returned = false, early = false;
    std::thread::id asker = std::this_thread::get_id();
    larder_status status = LARDER_PENDING;
    std::string text;

    static void LARDER_CALL done(void* ctx, larder_status status, larder_value* value) noexcept {
        auto& me = *static_cast<Later*>(ctx);
        plugin::Value taken(value);
        const std::lock_guard lock(me.mutex);
        ++me.times;
        if (!me.returned && std::this_thread::get_id() == me.asker) me.early = true;
        me.status = status;
        me.text = taken.text();
        me.called.notify_all();
    }
    void finish(larder_status answered) {
        std::unique_lock lock(mutex);
        returned = true;
        if (answered != LARDER_PENDING) {
            status = answered;
            return;
        }
        require(called.wait_for(lock, std::chrono::seconds(20), [&] { return times > 0; }), "PENDING was answered and done never called");
    }
};

void answers_later(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "value");
    const bool sync = store.can(LARDER_STORE_CAP_SYNC);
    std::vector<std::unique_ptr<Later>> asked;
    for (int n = 0; n < 200; ++n) {
        auto later = std::make_unique<Later>();
        Edge key(store.physical(n % 2 == 0 ? "key" : "absent"));
        const larder_key where = StoreRig::key_of(key);
        larder_call call = subject.call();
        call.done = &Later::done;
        call.done_ctx = later.get();
        plugin::Value value;
        const larder_status status = store.table().get(store.self(), &where, &call, value.out());
        require(!sync || status != LARDER_PENDING, "a store with `sync` answers PENDING");
        if (status == LARDER_OK) later->text = value.text();
        key.spoil();
        later->finish(status);
        asked.push_back(std::move(later));
    }
    std::this_thread::sleep_for(Ms(20));
    for (std::size_t n = 0; n < asked.size(); ++n) {
        Later& one = *asked[n];
        const std::lock_guard lock(one.mutex);
        require(one.times <= 1, "done is called twice for one operation");
        require(!one.early, "done is called from inside the function that answered PENDING");
        require(one.status == (n % 2 == 0 ? LARDER_OK : LARDER_MISS), "an answer that came later is " + status_text(one.status));
        require(n % 2 != 0 || one.text == "value", "an answer that came later has another value");
    }
    store.no_sins();
}

void many_threads(Subject& subject) {
    StoreRig store(subject);
    constexpr int threads = 8, rounds = 400, keys = 16;
    std::atomic<bool> bad{false};
    std::mutex mutex;
    std::string what;
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&, t] {
            try {
                // Values tell their key and repeat themselves: a mixture of two is found out.
                for (int n = 0; n < rounds && !bad; ++n) {
                    const std::string key = "k" + std::to_string((n * 7 + t) % keys);
                    if ((n + t) % 3 == 0) {
                        const std::string unit = key + "|" + std::to_string(t) + "|" + std::to_string(n) + ";";
                        std::string value;
                        for (int i = 0; i < 20; ++i) value += unit;
                        const larder_status status = store.put(key, value);
                        require(status == LARDER_OK || status == LARDER_E_BUSY, "a put answers " + status_text(status));
                    } else if ((n + t) % 17 == 0) {
                        static_cast<void>(store.remove(key));
                    } else if (const auto found = store.text(key)) {
                        const std::string unit = found->substr(0, found->find(';') + 1);
                        require(unit.rfind(key + "|", 0) == 0, "a key leads to another key's value");
                        require(unit.size() * 20 == found->size() && found->find(unit, found->size() - unit.size()) != found->npos, "a value is a mixture of two");
                    }
                }
            } catch (const Violation& violation) {
                const std::lock_guard lock(mutex);
                bad = true;
                what = violation.text;
            }
        });
    for (std::thread& thread : running) thread.join();
    require(!bad, "by eight threads at once: " + what);
    store.no_sins();
}

// A key has one writer, who counts; no reader sees the count go back.
void newest_wins(Subject& subject) {
    StoreRig store(subject);
    std::atomic<bool> over{false};
    std::atomic<bool> back{false};
    std::atomic<std::uint64_t> finished{0};
    const auto number = [](const std::optional<std::string>& text) { return text ? std::stoull(*text) : 0; };
    std::thread writer([&] {
        for (std::uint64_t n = 1; n <= 1500; ++n) {
            if (store.put("counter", std::to_string(n)) == LARDER_OK) finished = n;
        }
        over = true;
    });
    std::vector<std::thread> readers;
    for (int t = 0; t < 3; ++t)
        readers.emplace_back([&] {
            std::uint64_t seen = 0;
            while (!over) {
                const std::uint64_t least = finished;
                const std::uint64_t now = number(store.text("counter"));
                if (now != 0 && (now < seen || now < least)) back = true;
                seen = std::max(seen, now);
            }
        });
    writer.join();
    for (std::thread& reader : readers) reader.join();
    require(!back, "a get that began after a put ended has the value from before");
    store.no_sins();
}

void bounded(Subject& subject) {
    StoreRig store(subject);
    if (!store.can(LARDER_STORE_CAP_BOUNDED)) skip("it is not `bounded`");
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    StoreRig::optional(store.table().stats(store.self(), UINT32_MAX, &stats), "stats");
    if (stats.capacity_bytes == 0 || stats.capacity_bytes > (64u << 20)) skip("its capacity is more than 64 MiB; give it a small one");
    const std::string value = subject.random_bytes(4000);
    const auto puts = static_cast<int>(stats.capacity_bytes / 4000 * 3 + 10);
    for (int n = 0; n < puts; ++n) {
        const larder_status status = store.put("k" + std::to_string(n), value);
        require(status == LARDER_OK || status == LARDER_E_BUSY || status == LARDER_E_TOO_LARGE, "a put into a full store answers " + status_text(status));
        if (n % 64 != 0) continue;
        require(store.table().stats(store.self(), UINT32_MAX, &stats) == LARDER_OK, "stats fails");
        require(stats.bytes <= stats.capacity_bytes, "it holds " + std::to_string(stats.bytes) + " of " + std::to_string(stats.capacity_bytes) + " bytes");
    }
    store.no_sins();
}

void survives(Subject& subject) {
    std::string salt;
    const auto survivor = [&](bool stop) {
        StoreRig store(subject);
        if (stop)
            salt = store.salt();
        else
            store.use_salt(salt);
        if (!store.can(LARDER_STORE_CAP_PERSISTENT)) skip("it is not `persistent`");
        if (stop) {
            store.must_put("kept", "across a restart");
            require(store.instance().stop(subject.call().deadline_ns) == LARDER_OK, "stop fails");
            return;
        }
        require(store.text("kept") == "across a restart", "what was put before a stop is not there after the next start");
        store.no_sins();
    };
    survivor(true);
    survivor(false);
}

void shared(Subject& subject) {
    StoreRig one(subject);
    if (!one.can(LARDER_STORE_CAP_SHARED)) skip("it is not `shared`");
    StoreRig two(subject, one);
    one.must_put("between", "two instances");
    require(two.text("between") == "two instances", "another instance does not see what was put");
    require(two.remove("between") == LARDER_OK && !one.text("between"), "another instance's remove is not seen");
    one.no_sins();
}

// This process and another: what a second instance in one process shows may be the process's own memory.
void other_process(Subject& subject) {
    StoreRig store(subject);
    if (!store.can(LARDER_STORE_CAP_SHARED)) skip("it is not `shared`");
    if (const std::string& salt = subject.run().peer; !salt.empty()) {
        store.use_salt(salt);
        require(store.text("first") == "from the first process", "does not see what was put");
        require(store.remove("gone") == LARDER_OK, "does not find what it is to remove");
        store.must_put("first", "replaced by the second");
        store.must_put("second", "from the second process");
        store.no_sins();
        return;
    }
    store.must_put("first", "from the first process");
    store.must_put("gone", "x");
    ask_peer(subject, "LPR-128", store.salt());
    require(store.text("second") == "from the second process", "what another process put is not seen");
    require(store.text("first") == "replaced by the second", "what another process replaced is not seen");
    require(!store.text("gone"), "what another process removed is still there");
    store.no_sins();
}

// Any order of operations, against a map.
void model(Subject& subject) {
    StoreRig store(subject);
    std::map<std::string, std::string> entries;
    const bool forgets = store.can(LARDER_STORE_CAP_BOUNDED);
    std::string history;
    for (int n = 0; n < 3000; ++n) {
        const std::string key = "k" + std::to_string(subject.roll(12));
        const auto seen = [&](const std::string& what) { return what + " (operation " + std::to_string(n) + " on " + key + ")"; };
        switch (subject.roll(6)) {
            case 0:
            case 1: {
                const std::string value = subject.random_bytes(subject.roll(300));
                require(store.put(key, value) == LARDER_OK, seen("a put fails"));
                entries[key] = value;
                break;
            }
            case 2: {
                const larder_status status = store.remove(key);
                const bool was = entries.erase(key) != 0;
                require(status == (was ? LARDER_OK : LARDER_MISS) || (was && forgets && status == LARDER_MISS), seen("a remove answers " + status_text(status)));
                break;
            }
            case 3: {
                const std::string value = subject.random_bytes(subject.roll(50));
                const larder_status status = store.put(key, value, {.flags = LARDER_PUT_IF_ABSENT});
                const bool was = entries.contains(key);
                require(status == (was ? LARDER_EXISTS : LARDER_OK) || (forgets && status == LARDER_OK), seen("IF_ABSENT answers " + status_text(status)));
                if (status == LARDER_OK) entries[key] = value;
                break;
            }
            default: {
                const auto found = store.text(key);
                const auto known = entries.find(key);
                if (!found) {
                    require(known == entries.end() || forgets, seen("an entry is lost"));
                    entries.erase(key);
                } else {
                    require(known != entries.end(), seen("an entry is there that nobody put"));
                    require(*found == known->second, seen("a get has another value"));
                }
            }
        }
    }
    store.no_sins();
}

void over_deadline(Subject& subject) {
    StoreRig store(subject);
    store.must_put("key", "value");
    Edge key(store.physical("key"));
    const larder_key where = StoreRig::key_of(key);
    larder_call call = subject.call();
    call.deadline_ns = subject.host().mono_ns() - 1;
    plugin::Value value;
    const larder_status status = store.table().get(store.self(), &where, &call, value.out());
    require(status == LARDER_OK || status == LARDER_E_TIMEOUT || status == LARDER_E_CANCELLED || status == LARDER_E_BUSY, "a get whose deadline is over answers " + status_text(status));
    require(store.text("key") == "value", "after a get whose deadline was over the next one fails");
    store.no_sins();
}

constexpr Requirement all[] = {
    {"LPR-120", Kind::store, "PENDING is followed by done, once, and not from inside the call; `sync` never answers it.", "requests hang, or crash", answers_later},
    {"LPR-121", Kind::store, "Eight threads at once see whole values of their keys.", "wrong values", many_threads},
    {"LPR-122", Kind::store, "A get that begins after a put has ended sees it, or a newer one.", "old values", newest_wins},
    {"LPR-123", Kind::store, "With `bounded`, it never holds more than its capacity.", "the machine's memory is used up", bounded},
    {"LPR-124", Kind::store, "With `persistent`, entries are there after a stop and a start.", "a restart begins cold", survives},
    {"LPR-125", Kind::store, "With `shared`, other instances see the same entries.", "nodes disagree", shared},
    {"LPR-126", Kind::store, "Any order of operations does what it does to a map.", "wrong values", model, true},
    {"LPR-127", Kind::store, "A call whose deadline is over ends, and harms none after it.", "requests hang", over_deadline},
    {"LPR-128", Kind::store, "With `shared`, other processes see the same entries.", "nodes disagree", other_process},
};

}  // namespace

std::span<const Requirement> store_life_requirements() { return all; }

}  // namespace larder::kit
