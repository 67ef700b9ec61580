// tests/unit/api/kernel_test.cpp -- a whole kernel in this process, with the memory store that ships.
#include "catch.hpp"
#include "kernel/api/kernel.hpp"
#include "kernel/serve/verbs.hpp"
#include "support/temporary_folder.hpp"

#include <larder/plugin/services.h>

#include <boost/json.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <thread>

using namespace larder;
using test::contains;

namespace {

const std::string good =
    "larder 1\n"
    "namespace item { key \"{id}\"; ttl 5m }\n"
    "on write \"/items/{id}\" { drop item \"{id}\" }\n"
    "on event \"sold\" (id) { drop item \"{id}\" }\n";

// A folder with a policy and a larder.toml that tests may change.
class Files {
  public:
    Files() {
        policy(good);
        conf("[store.l1]\nplugin = \"memory\"\n");
    }
    void policy(const std::string& text) const { folder_.write("test.larder", text); }
    void conf(const std::string& text) const {
        folder_.write("larder.toml", "policy = [\"test.larder\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR
                                     "/plugins\"]\ntrust_path = true\n[log]\nfile = \"log\"\n" + text);
    }
    std::string conf_path() const { return folder_.file("larder.toml"); }

  private:
    test::TemporaryFolder folder_;
};

KernelOptions options(const Files& files) {
    auto loaded = config::load_host_config(files.conf_path());
    INFO(dsl::render_text(*loaded.config.sources, loaded.found, false));
    REQUIRE(loaded.ok());
    KernelOptions out;
    out.config = std::move(loaded.config);
    return out;
}

std::unique_ptr<Kernel> started(const Files& files) {
    std::string problem;
    auto kernel = Kernel::open(options(files), problem);
    INFO(problem);
    REQUIRE(kernel);
    REQUIRE(kernel->start(problem));
    return kernel;
}

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

larder_call as(std::uint32_t role) {
    larder_call call{};
    call.struct_size = sizeof call;
    call.role = role;
    return call;
}

// What a program's verb would print.
serve::Answer run(Kernel& kernel, serve::Message words) {
    words.insert(words.begin() + 1, "text");
    return serve::run_verb(kernel, words);
}

larder_value owned(const std::string& text) {
    auto* const keep = new std::string(text);
    return {keep->data(), keep->size(), [](larder_value* value) noexcept { delete static_cast<std::string*>(value->pin); }, keep};
}

bool is_cached(Kernel& kernel, const std::string& key) {
    return run(kernel, {"get", "item", key}).exit == 0;
}

}  // namespace

TEST_CASE("what runs by the clock finds no policy before the first, however long the start takes", "[api]") {
    const Files files;
    ManualClock clock;
    ManualExecutor executor(clock);
    auto with = options(files);
    with.clock = &clock;
    with.executor = &executor;
    with.config.limits.sweep = 100;
    std::string problem;
    auto kernel = Kernel::open(std::move(with), problem);
    INFO(problem);
    REQUIRE(kernel);
    executor.advance(Ms(5'000));
    std::uint32_t ns = 0;
    CHECK(kernel->cache_api().ns_find(kernel->host(), bytes("item"), &ns) == LARDER_E_CLOSED);
    REQUIRE(kernel->start(problem));
    CHECK(kernel->cache_api().ns_find(kernel->host(), bytes("item"), &ns) == LARDER_OK);
    kernel->stop(Ms(100));
    CHECK(kernel->cache_api().ns_find(kernel->host(), bytes("item"), &ns) == LARDER_E_CLOSED);
}

TEST_CASE("an opened kernel serves nothing until it is started, and nothing after it stopped") {
    const Files files;
    std::string problem;
    auto kernel = Kernel::open(options(files), problem);
    INFO(problem);
    REQUIRE(kernel);
    REQUIRE(kernel->start(problem));
    CHECK(run(*kernel, {"put", "item", "1", "x", "0"}).exit == 0);
    CHECK(is_cached(*kernel, "1"));
    kernel->stop();
    kernel->stop();
    CHECK_FALSE(kernel->start(problem));
}

TEST_CASE("what is wrong with policy and configuration is told together, and no kernel comes of it") {
    const Files files;
    files.policy("larder 1\nnamespace item { key \"{id}\"; ttl 5 }\n");
    files.conf("[store.l1]\nplugin = \"memory\"\ncapasity = \"1GiB\"\n");
    std::string problem;
    CHECK(Kernel::open(options(files), problem) == nullptr);
    CHECK_THAT(problem, contains("capasity"));
    CHECK_THAT(problem, contains("test.larder:2"));
}

TEST_CASE("a reload opens the log file anew, a refused one too") {
    const Files files;
    const auto kernel = started(files);
    const std::filesystem::path log = std::filesystem::path(files.conf_path()).parent_path() / "log";
    for (const char* const text : {good.c_str(), "no policy"}) {
        files.policy(text);
        std::filesystem::rename(log, log.string() + ".1");
        kernel->reload();
        CHECK(std::filesystem::exists(log));
    }
}

TEST_CASE("each role may do what services.h says, and no more") {
    const Files files;
    const auto kernel = started(files);
    const auto& api = kernel->cache_api();
    const auto* host = kernel->host();
    std::uint32_t ns = 0;
    REQUIRE(api.ns_find(host, bytes("item"), &ns) == LARDER_OK);

    const auto may_read = [&](const larder_call* call) {
        larder_cache_get item{};
        item.ns = ns;
        item.key = bytes("1");
        return api.get_many(host, &item, 1, call) != LARDER_E_DENIED;
    };
    const auto may_write = [&](const larder_call* call) {
        larder_cache_key item{ns, LARDER_OK, bytes("1")};
        return api.remove_many(host, &item, 1, call) != LARDER_E_DENIED;
    };
    const auto may_invalidate = [&](const larder_call* call) {
        const larder_target target{LARDER_TARGET_NAMESPACE, ns, {}};
        return api.change(host, LARDER_DROP, &target, 1, nullptr, call) != LARDER_E_DENIED;
    };
    const auto may_drop_all = [&](const larder_call* call) {
        const larder_target targets[] = {{LARDER_TARGET_NAMESPACE, ns, {}},
                                         {LARDER_TARGET_EVERYTHING, LARDER_NS_NONE, {}}};
        return api.change(host, LARDER_DROP, targets, 2, nullptr, call) != LARDER_E_DENIED;
    };
    const auto may_reload = [&](const larder_call* call) {
        larder_value out{};
        const bool allowed = api.reload(host, &out, call) != LARDER_E_DENIED;
        if (out.release != nullptr) out.release(&out);
        return allowed;
    };
    struct Expected {
        std::uint32_t role;
        bool write, invalidate, admin;
    };
    for (const auto& [role, write, invalidate, admin] :
         {Expected{LARDER_ROLE_READ, false, false, false},
          Expected{LARDER_ROLE_WRITE, true, false, false},
          Expected{LARDER_ROLE_INVALIDATE, true, true, false},
          Expected{LARDER_ROLE_ADMIN, true, true, true},
          Expected{LARDER_ROLE_TRUSTED, true, true, true}}) {
        INFO("role " << role);
        const auto call = as(role);
        CHECK(may_read(&call));
        CHECK(may_write(&call) == write);
        CHECK(may_invalidate(&call) == invalidate);
        CHECK(may_drop_all(&call) == admin);
        CHECK(may_reload(&call) == admin);
    }
    CHECK(may_drop_all(nullptr));
}

TEST_CASE("a reload asked for by somebody who does not wait is answered once, through done") {
    const Files files;
    const auto kernel = started(files);
    struct Waiting {
        std::promise<larder_status> answered;
        std::atomic<int> times{0};
    } waiting;
    auto call = as(LARDER_ROLE_ADMIN);
    call.done_ctx = &waiting;
    call.done = [](void* ctx, larder_status status, larder_value*) noexcept {
        auto& me = *static_cast<Waiting*>(ctx);
        if (me.times.fetch_add(1) == 0) me.answered.set_value(status);
    };
    larder_value out{};
    REQUIRE(kernel->cache_api().reload(kernel->host(), &out, &call) == LARDER_PENDING);
    CHECK(waiting.answered.get_future().get() == LARDER_OK);
    CHECK(std::string_view(static_cast<const char*>(out.data), out.size) == "nothing differs\n");
    out.release(&out);
    kernel->stop();
    CHECK(waiting.times.load() == 1);
}

TEST_CASE("an invalid reload changes no answer while others read") {
    const Files files;
    const auto kernel = started(files);
    for (int i = 0; i < 100; ++i)
        REQUIRE(run(*kernel, {"put", "item", std::to_string(i), "v" + std::to_string(i), "0"}).exit == 0);
    std::atomic<bool> over{false};
    std::atomic<int> wrong{0}, asked{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t)
        readers.emplace_back([&] {
            for (int i = 0; !over.load(); i = (i + 1) % 100) {
                const auto answer = run(*kernel, {"get", "item", std::to_string(i)});
                if (answer.exit != 0 || answer.out != "v" + std::to_string(i)) wrong.fetch_add(1);
                asked.fetch_add(1);
            }
        });
    for (int round = 0; round < 10; ++round) {
        files.policy(good + "namespace broken { ttl }\n");
        CHECK_FALSE(kernel->reload().ok);
        files.conf("[store.l1]\nplugin = \"memroy\"\n");
        files.policy(good);
        CHECK_FALSE(kernel->reload().ok);
        files.conf("[store.l1]\nplugin = \"memory\"\n");
        CHECK(kernel->reload().ok);
    }
    while (asked.load() < 1000) std::this_thread::yield();
    over = true;
    for (auto& reader : readers) reader.join();
    CHECK(wrong.load() == 0);
    CHECK(run(*kernel, {"route", "PUT", "/items/7", "200", ""}).exit == 0);
    CHECK_FALSE(is_cached(*kernel, "7"));
    CHECK(is_cached(*kernel, "8"));
}

TEST_CASE("a kernel that is stopped right after a reload took a store away ends") {
    const Files files;
    const std::string l1 = "[store.l1]\nplugin = \"memory\"\n";
    for (int round = 0; round < 20; ++round) {
        files.conf(l1 + "[store.l2]\nplugin = \"memory\"\n");
        const auto kernel = started(files);
        files.conf(l1);
        CHECK_THAT(kernel->reload().text, contains("store.l2: removed"));
    }
}

TEST_CASE("a store that is added, changed and removed by reloads ends cleanly") {
    const Files files;
    const auto kernel = started(files);
    const std::string l1 = "[store.l1]\nplugin = \"memory\"\n";
    files.conf(l1 + "[store.l2]\nplugin = \"memory\"\n");
    CHECK_THAT(kernel->reload().text, contains("store.l2: added"));
    files.conf(l1 + "[store.l2]\nplugin = \"memory\"\nshards = 2\n");
    CHECK_THAT(kernel->reload().text, contains("store.l2: made anew"));
    files.conf(l1 + "capacity = \"1MiB\"\n");
    const auto text = kernel->reload().text;
    CHECK_THAT(text, contains("store.l1: `capacity` changed"));
    CHECK_THAT(text, contains("store.l2: removed"));
    CHECK(run(*kernel, {"put", "item", "1", "x", "0"}).exit == 0);
    CHECK(is_cached(*kernel, "1"));
    const auto stats = boost::json::parse(kernel->stats(""));
    CHECK(stats.at("kernel").at("policy_generation").to_number<int>() == 4);
    CHECK(stats.at("plugins").as_object().contains("store.l1"));
    CHECK_FALSE(stats.at("plugins").as_object().contains("store.l2"));
}

TEST_CASE("the threshold of compression is moved by a reload, for what is put from then on") {
    const Files files;
    const auto threshold = [&files](const char* size) {
        files.policy(std::string("larder 1\nnamespace item { key \"{id}\"; ttl 5m; static; compress brotli above ") + size + " }\n");
    };
    threshold("1KiB");
    files.conf("[store.l1]\nplugin = \"memory\"\n[codec.brotli]\nplugin = \"brotli\"\n");
    const auto kernel = started(files);
    const auto bytes_with = [&kernel](const std::string& key, std::size_t size) {
        const auto bytes = [&kernel] {
            const auto all = boost::json::parse(kernel->stats("namespaces"));
            return all.at("namespaces").at("item").at("bytes").to_number<std::size_t>();
        };
        const std::size_t before = bytes();
        REQUIRE(run(*kernel, {"put", "item", key, std::string(size, 'x'), "0"}).exit == 0);
        return bytes() - before;
    };
    CHECK(bytes_with("1", 1023) > 1023);
    CHECK(bytes_with("2", 1024) < 512);
    threshold("512B");
    REQUIRE(kernel->reload().ok);
    CHECK(bytes_with("3", 511) > 511);
    CHECK(bytes_with("4", 512) < 512);
    CHECK(run(*kernel, {"get", "item", "1"}).out == std::string(1023, 'x'));
    CHECK(run(*kernel, {"get", "item", "4"}).out == std::string(512, 'x'));
}

TEST_CASE("what a reload may not change is named and stays") {
    const Files files;
    const auto kernel = started(files);
    files.conf("[store.l1]\nplugin = \"memory\"\n[limits]\nworkers = 3\n");
    const auto result = kernel->reload();
    CHECK(result.ok);
    CHECK_THAT(result.text, contains("[limits] changed; a restart takes it up"));
}

TEST_CASE("every verb answers nonsense with a reason and status 1 or 2") {
    const Files files;
    const auto kernel = started(files);
    CHECK(serve::run_verb(*kernel, {}).exit == 2);
    for (const serve::Message& words : std::vector<serve::Message>{
             {"frobnicate"}, {"get"}, {"get", "item"}, {"get", "itme", "1"}, {"put", "item", "1", "x"},
             {"put", "item", "1", "x", "soon"}, {"put", "item", "1", "x", "0", "lonely"}, {"drop"},
             {"drop", "key", "item"}, {"drop", "planet", "x"}, {"route", "PUT", "/x"},
             {"route", "PUT", "/x", "9", ""}, {"event"}, {"event", "e", "lonely"},
             {"explain", "what is love"}, {"events", "x"}, {"stats", "a", "b"}}) {
        INFO(words.front());
        const auto answer = run(*kernel, words);
        CHECK(answer.exit != 0);
        CHECK(answer.out == "");
        CHECK_FALSE(answer.err.empty());
    }
}

TEST_CASE("a plugin's trigger is the event PLUGIN:TOPIC, and what a topic or an event's name captures is a value") {
    const Files files;
    files.conf("[store.l1]\nplugin = \"memory\"\n[invalidator.bus]\nplugin = \"route\"\nsocket = \"sock\"\n");
    files.policy(
        "larder 1\nnamespace item { key \"{shop}:{id}\"; ttl 1h }\n"
        "on bus \"sold:{shop}\" (id) { drop item \"{shop}:{id}\" }\n"
        "on event \"gone:{shop}\" (id) { drop item \"{shop}:{id}\" }\n");
    const auto kernel = started(files);
    for (const char* key : {"a:1", "a:2", "b:1"}) run(*kernel, {"put", "item", key, "x", "0"});
    const auto there = [&](const char* key) { return run(*kernel, {"get", "item", key}).exit == 0; };
    CHECK_THAT(run(*kernel, {"event", "sold:a", "id", "1"}).out, contains("0 dropped"));
    CHECK(there("a:1"));
    CHECK_THAT(run(*kernel, {"event", "bus:sold:a", "id", "1"}).out, contains("1 dropped"));
    CHECK_FALSE(there("a:1"));
    CHECK(there("a:2"));
    CHECK_THAT(run(*kernel, {"event", "gone:a", "id", "2"}).out, contains("1 dropped"));
    CHECK_FALSE(there("a:2"));
    CHECK(there("b:1"));
}

TEST_CASE("events and routes go through the table that gateways use, and say which rule fired") {
    const Files files;
    const auto kernel = started(files);
    run(*kernel, {"put", "item", "1", "x", "0"});
    const auto answer = run(*kernel, {"event", "sold", "id", "1"});
    CHECK(answer.exit == 0);
    CHECK_THAT(answer.out, contains("test.larder:4"));
    CHECK_THAT(answer.out, contains("1 dropped"));
    CHECK_THAT(run(*kernel, {"get", "item", "1"}).err, contains("test.larder:4"));
}

TEST_CASE("explain answers requests, events, entries and codes, and says how to ask") {
    const Files files;
    const auto kernel = started(files);
    bool ok = false;
    CHECK_THAT(kernel->explain("PUT /items/7", ok), contains("test.larder:3"));
    CHECK(ok);
    CHECK_THAT(kernel->explain("request PUT /items/7 200", ok), contains("item \"7\""));
    CHECK_THAT(kernel->explain("event sold id=7", ok), contains("test.larder:4"));
    CHECK_THAT(kernel->explain("entry item 7", ok), contains("5m"));
    CHECK_THAT(kernel->explain("L0502", ok), contains("L0502"));
    CHECK(ok);
    CHECK_THAT(kernel->explain("entry itme 7", ok), contains("did you mean `item`?"));
    CHECK_FALSE(ok);
    CHECK_THAT(kernel->explain("", ok), contains("ask for one of"));
    CHECK_FALSE(ok);
}

TEST_CASE("a host's own function is a source: it is asked for what is missing and told what is written") {
    Files files;
    files.policy(
        "larder 1\n"
        "namespace item { key \"{id}\"; ttl 5m; source mine; write through remove }\n"
        "namespace slow { key \"{id}\"; ttl 5m; source mine \"slow\"; write behind 1h }\n");
    files.conf("[store.l1]\nplugin = \"memory\"\n[journal]\nfile = \"journal\"\n");
    std::map<std::string, std::string> rows{{"item/1", "one"}};
    std::mutex mutex;
    SourceHandle mine;
    mine.name = "mine";
    mine.load = [&](const SourceAsk& ask) -> Loaded {
        const std::lock_guard lock(mutex);
        const auto row = rows.find(std::string(ask.space) + "/" + std::string(ask.key));
        if (row == rows.end()) return {LARDER_MISS, {}, 0, {}};
        return {LARDER_OK, row->second, 0, {}};
    };
    mine.write = [&](const SourceAsk& ask, std::span<SourceChange> changes) {
        const std::lock_guard lock(mutex);
        for (SourceChange& change : changes) {
            const std::string key = std::string(ask.space) + "/" + std::string(change.key);
            if (change.remove) rows.erase(key);
            else rows[key] = change.value;
            change.status = LARDER_OK;
        }
    };
    {
        KernelOptions given = options(files);
        given.sources = {mine};
        std::string problem;
        auto kernel = Kernel::open(std::move(given), problem);
        INFO(problem);
        REQUIRE(kernel);
        REQUIRE(kernel->start(problem));
        larder_cache_get item{};
        kernel->cache().ns_find("item", &item.ns);
        item.key = {"1", 1};
        REQUIRE(kernel->cache_api().get_many(kernel->host(), &item, 1, nullptr) == LARDER_OK);
        REQUIRE(item.status == LARDER_OK);
        CHECK(std::string_view(static_cast<const char*>(item.value.data), item.value.size) == "one");
        item.value.release(&item.value);
        larder_cache_set set{};
        set.ns = item.ns;
        set.key = {"2", 1};
        set.value = {"two", 3};
        REQUIRE(kernel->cache_api().set_many(kernel->host(), &set, 1, nullptr) == LARDER_OK);
        CHECK(set.status == LARDER_OK);
        CHECK(rows.at("item/2") == "two");
        larder_cache_key gone{item.ns, LARDER_OK, {"2", 1}};
        REQUIRE(kernel->cache_api().remove_many(kernel->host(), &gone, 1, nullptr) == LARDER_OK);
        CHECK(rows.count("item/2") == 0);
        kernel->cache().ns_find("slow", &set.ns);
        REQUIRE(kernel->cache_api().set_many(kernel->host(), &set, 1, nullptr) == LARDER_OK);
        CHECK(rows.count("slow/2") == 0);
        kernel->stop();
    }
    CHECK(rows.at("slow/2") == "two");
    // Without it the policy is refused, and told what it lacks.
    std::string problem;
    CHECK(Kernel::open(options(files), problem) == nullptr);
    CHECK_THAT(problem, contains("`mine`"));
}

TEST_CASE("a plugin's function migrates values of an older version, until it is taken back") {
    Files files;
    auto kernel = started(files);
    REQUIRE(run(*kernel, {"put", "item", "1", "one", "0"}).exit == 0);
    REQUIRE(run(*kernel, {"put", "item", "2", "two", "0"}).exit == 0);
    files.policy("larder 1\nnamespace item { key \"{id}\"; ttl 5m; static; version 2 accepts 1 }\n");
    const ReloadResult reloaded = kernel->reload();
    REQUIRE(reloaded.ok);
    CHECK(reloaded.text.find("misses") == std::string::npos);

    const larder_cache_api& cache = kernel->cache_api();
    std::string seen;
    const auto migrate = [](void* ctx, larder_bytes key, larder_bytes old, larder_value* out) noexcept -> larder_status {
        static_cast<std::string*>(ctx)->assign(static_cast<const char*>(key.data), key.size);
        *out = owned("<" + std::string(static_cast<const char*>(old.data), old.size) + ">");
        return LARDER_OK;
    };
    CHECK(cache.migrate(kernel->host(), bytes("item"), 2, 2, migrate, &seen) == LARDER_E_INVALID);
    CHECK(cache.migrate(kernel->host(), bytes("item"), 0, 2, migrate, &seen) == LARDER_E_INVALID);
    CHECK(cache.migrate(kernel->host(), bytes("item"), 1, 65536, migrate, &seen) == LARDER_E_INVALID);
    REQUIRE(cache.migrate(kernel->host(), bytes("item"), 1, 2, migrate, &seen) == LARDER_OK);
    CHECK_THAT(run(*kernel, {"get", "item", "1"}).out, contains("<one>"));
    CHECK(seen == "1");
    REQUIRE(cache.migrate(kernel->host(), bytes("item"), 1, 2, nullptr, nullptr) == LARDER_OK);
    CHECK_THAT(run(*kernel, {"get", "item", "1"}).out, contains("<one>"));
    CHECK_FALSE(is_cached(*kernel, "2"));
    const auto stats = boost::json::parse(run(*kernel, {"stats", "versions"}).out);
    CHECK(stats.at("versions").at("item").at("migrated").at("1") == 1);
}
