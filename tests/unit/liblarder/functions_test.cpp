// tests/unit/liblarder/functions_test.cpp -- every other function of larder.h, and what it answers to nonsense.
#include "host.hpp"

#include "c_host.h"
#include "support/temporary_folder.hpp"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace larder::test;

namespace {

const std::string policy =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 5m; tag \"dishes\"; with tag; tag \"{tag}\" }\n"
    "namespace sales { key \"{day}\"; ttl 5m }\n"
    "on GET \"/menu/{id}\" { serve menu \"{id}\" }\n"
    "on write \"/menu/{id}\" { drop menu \"{id}\" }\n"
    "on event \"sold_out\" (id) { drop menu \"{id}\" }\n";

larder_put_args put_args() {
    larder_put_args out{};
    out.size = sizeof out;
    return out;
}

}  // namespace

TEST_CASE("a host in C11 opens, loads, hits, invalidates, waits on a descriptor and closes") { CHECK(c_host_runs(plugins) == 0); }

TEST_CASE("the library is of use to who knows nothing of it but its file and its names") {
    void* const library = ::dlopen(LARDER_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    const auto version = reinterpret_cast<const char* (*)()>(::dlsym(library, "larder_version"));
    const auto open = reinterpret_cast<larder_kernel* (*)(const larder_open_args*, larder_diag*)>(::dlsym(library, "larder_kernel_open"));
    const auto close = reinterpret_cast<void (*)(larder_kernel*)>(::dlsym(library, "larder_kernel_close"));
    REQUIRE(version != nullptr);
    REQUIRE(open != nullptr);
    REQUIRE(close != nullptr);
    CHECK(std::strlen(version()) > 0);
    larder_open_args args{};
    args.size = sizeof args;
    args.policy_text = policy.c_str();
    larder_kernel* const k = open(&args, nullptr);  // plugins are found beside the library
    INFO(larder_problem());
    CHECK(k != nullptr);
    close(k);
    ::dlclose(library);
}

TEST_CASE("a check says what an open would say, and begins no thread") {
    const auto threads = [] {
        std::ifstream status("/proc/self/status");
        std::string line;
        while (std::getline(status, line) && line.rfind("Threads:", 0) != 0) {}
        return line;
    };
    const std::string before = threads();
    larder_open_args args{};
    args.size = sizeof args;
    args.policy_text = policy.c_str();
    args.plugin_path = plugins;
    larder_diag diag{};
    diag.size = sizeof diag;
    CHECK(larder_kernel_check(&args, &diag) == LARDER_R_DONE);
    args.policy_text = "larder 1\nnamespace menu { key \"{id}\"; ttl 5 }\n";
    CHECK(larder_kernel_check(&args, &diag) == LARDER_R_POLICY);
    CHECK((diag.code == LARDER_R_POLICY && diag.line == 2 && diag.column == 34));
    const std::string said = larder_problem();
    CHECK(larder_kernel_open(&args, nullptr) == nullptr);
    CHECK(said == larder_problem());
    args.config_text = "[store.l1]\nplugin = \"memory\"\nno_such_option = 1\n";
    CHECK(larder_kernel_check(&args, nullptr) == LARDER_R_POLICY);
    CHECK(std::string(larder_problem()).find("larder.toml:3") != std::string::npos);
    CHECK(larder_kernel_check(nullptr, &diag) == LARDER_R_ABI);
    CHECK(threads() == before);
}

TEST_CASE("no thread of a kernel takes a signal of its host") {
    const auto host_s = [] {  // threads that were there, and whatever a sanitizer runs
        std::set<std::string> out;
        for (const auto& one : std::filesystem::directory_iterator("/proc/self/task")) out.insert(one.path().filename());
        return out;
    };
    const std::set<std::string> before = host_s();
    const Host host(policy, 0);
    const auto quit = std::uint64_t{1} << (SIGQUIT - 1);
    std::size_t seen = 0;
    for (const std::string& task : host_s()) {
        if (before.contains(task)) continue;
        std::ifstream status("/proc/self/task/" + task + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.rfind("SigBlk:", 0) == 0) {
                INFO(task << " " << line);
                CHECK((std::stoull(line.substr(7), nullptr, 16) & quit) != 0);
                ++seen;
            }
    }
    CHECK(seen > 0);
}

TEST_CASE("a policy that is wrong opens no kernel, and says the line and the column") {
    larder_open_args args{};
    args.size = sizeof args;
    args.policy_text = "larder 1\nnamespace menu { key \"{id}\"; ttl 5 }\n";
    args.plugin_path = plugins;
    larder_diag diag{};
    diag.size = sizeof diag;
    CHECK(larder_kernel_open(&args, &diag) == nullptr);
    CHECK(diag.code == LARDER_R_POLICY);
    CHECK(diag.line == 2);
    CHECK(diag.column == 34);
    CHECK_THAT(diag.text, contains("policy.larder:2"));
    CHECK_THAT(larder_problem(), contains("ttl 5"));
}

TEST_CASE("a struct without its size is refused, and so is a NULL that may not be") {
    larder_open_args args{};
    larder_diag diag{};
    diag.size = sizeof diag;
    CHECK(larder_kernel_open(&args, &diag) == nullptr);
    CHECK(diag.code == LARDER_R_ABI);
    CHECK(larder_kernel_open(nullptr, nullptr) == nullptr);
    const Host host(policy);
    larder_put_args put{};
    CHECK(host.put("menu", "7", "x", &put) == LARDER_R_ABI);
    larder_route_args route{};
    CHECK(larder_kernel_route(host.k, &route, nullptr, 0, nullptr) == LARDER_R_ABI);
    CHECK(larder_kernel_get(host.k, 0, "7", 1, nullptr, 0, nullptr, nullptr) == LARDER_R_INVALID);
    CHECK(larder_kernel_advance(nullptr, 1) == LARDER_R_INVALID);
    larder_kernel_close(nullptr);
    larder_loop_free(nullptr);
    larder_ref_release(nullptr);
}

TEST_CASE("a namespace that is not there and a key that does not fit are told with a sentence") {
    const Host host(policy);
    CHECK(host.space("menue") == LARDER_R_INVALID);
    CHECK_THAT(larder_problem(), contains("menue"));
    CHECK(host.get("menue", "7").result == LARDER_R_INVALID);
    CHECK(host.put("menue", "7", "x") == LARDER_R_INVALID);
    CHECK(host.get("menu", "").result == LARDER_R_INVALID);
    CHECK(std::strlen(larder_problem()) > 0);
    CHECK(larder_kernel_check_key(host.k, host.space("menu"), "", 0) == LARDER_R_INVALID);
    CHECK(larder_kernel_check_key(host.k, host.space("menu"), "7", 1) == LARDER_R_DONE);
}

TEST_CASE("a full key names its namespace, and where the key begins in it") {
    const Host host(policy);
    std::size_t at = 0;
    CHECK(larder_kernel_resolve(host.k, "menu:7", 6, &at) == host.space("menu"));
    CHECK(at == 5);
    CHECK(larder_kernel_resolve(host.k, "nothing:7", 9, &at) == LARDER_R_INVALID);
}

TEST_CASE("put only new, only over, and keep life do what they say") {
    const Host host(policy);
    larder_put_args args = put_args();
    args.flags = LARDER_PUT_ONLY_OVER;
    CHECK(host.put("menu", "7", "a", &args) == LARDER_R_NONE);
    args.flags = LARDER_PUT_ONLY_NEW;
    args.ttl_ms = 60'000;
    CHECK(host.put("menu", "7", "a", &args) == LARDER_R_DONE);
    CHECK(host.put("menu", "7", "b", &args) == LARDER_R_NONE);
    args.flags = LARDER_PUT_KEEP_LIFE;
    args.ttl_ms = 0;
    CHECK(host.put("menu", "7", "c", &args) == LARDER_R_DONE);
    std::int64_t left = 0;
    CHECK(larder_kernel_ttl(host.k, host.space("menu"), "7", 1, &left) == LARDER_R_DONE);
    CHECK(left == 60'000);
    CHECK(host.get("menu", "7").value == "c");
    args.flags = 1u << 20;
    CHECK(host.put("menu", "7", "d", &args) == LARDER_R_INVALID);
}

TEST_CASE("an empty value and values with zero bytes are values") {
    const Host host(policy);
    const std::string zeros("\0a\0", 3);
    CHECK(host.put("menu", "7", "") == LARDER_R_DONE);
    CHECK(host.get("menu", "7") == Got{LARDER_R_HIT, "", 0});
    CHECK(host.put("menu", "7", zeros) == LARDER_R_DONE);
    CHECK(host.get("menu", "7").value == zeros);
}

TEST_CASE("expire changes when an entry ends, and an entry that is none has no time left") {
    const Host host(policy);
    CHECK(host.put("menu", "7", "a") == LARDER_R_DONE);
    CHECK(larder_kernel_expire(host.k, host.space("menu"), "7", 1, 1'000) == LARDER_R_DONE);
    host.advance(1'001);
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);
    std::int64_t left = 0;
    CHECK(larder_kernel_ttl(host.k, host.space("menu"), "7", 1, &left) == LARDER_R_NONE);
    CHECK(larder_kernel_expire(host.k, host.space("menu"), "7", 1, 1'000) == LARDER_R_NONE);
}

TEST_CASE("tag, prefix, glob, key, namespace and all drop what they name and no more") {
    const Host host(policy);
    const auto fill = [&] {
        larder_put_args with = put_args();
        const larder_field tags[] = {{{"tag", 3}, {"hot", 3}}, {{"tag", 3}, {"vegan", 5}}};
        with.with = tags;
        with.nwith = 2;
        CHECK(host.put("menu", "7", "a", &with) == LARDER_R_DONE);
        const larder_field cold[] = {{{"tag", 3}, {"cold", 4}}};
        with.with = cold;
        with.nwith = 1;
        CHECK(host.put("menu", "8", "b", &with) == LARDER_R_DONE);
        CHECK(host.put("sales", "2024-01-01", "c") == LARDER_R_DONE);
        CHECK(host.put("sales", "2024-02-01", "d") == LARDER_R_DONE);
    };
    const auto there = [&] {
        std::string out;
        for (const char* const key : {"7", "8"}) out += host.get("menu", key).result == LARDER_R_HIT ? "+" : "-";
        for (const char* const key : {"2024-01-01", "2024-02-01"}) out += host.get("sales", key).result == LARDER_R_HIT ? "+" : "-";
        return out;
    };
    const auto after = [&](std::string_view space, std::string_view rule) {
        fill();
        CHECK(host.drop(space, rule) == LARDER_R_DONE);
        return there();
    };
    CHECK(after("", "tag:vegan") == "-+++");
    CHECK(after("", "tag:dishes") == "--++");
    CHECK(after("menu", "key:8") == "+-++");
    CHECK(after("sales", "prefix:2024-01-") == "++-+");
    CHECK(after("sales", "glob:*-02-*") == "+++-");
    CHECK(after("sales", "namespace") == "++--");
    CHECK(after("", "all") == "----");
    CHECK(host.drop("menu", "7") == LARDER_R_INVALID);
    CHECK(host.drop("", "key:7") == LARDER_R_INVALID);
}

TEST_CASE("a tag with a colon is dropped by the text it was put with") {
    const Host host(policy);
    larder_put_args with = put_args();
    const larder_field tenant[] = {{{"tag", 3}, {"tenant:1", 8}}};
    with.with = tenant;
    with.nwith = 1;
    CHECK(host.put("menu", "7", "a", &with) == LARDER_R_DONE);
    CHECK(host.drop("", "tag:tenant:2") == LARDER_R_DONE);
    CHECK(host.get("menu", "7").result == LARDER_R_HIT);
    CHECK(host.drop("", "tag:tenant:1") == LARDER_R_DONE);
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);
}

TEST_CASE("a route and an event fire the policy's rules, and the receipt names them") {
    const Host host(policy);
    CHECK(host.put("menu", "7", "a") == LARDER_R_DONE);
    larder_route_args route{};
    route.size = sizeof route;
    route.method = {"PUT", 3};
    route.path = {"/menu/7?x=1", 11};
    route.status = 500;
    CHECK(larder_kernel_route(host.k, &route, nullptr, 0, nullptr) == LARDER_R_DONE);
    CHECK(host.get("menu", "7").result == LARDER_R_HIT);
    route.status = 0;
    larder_ref* receipt = nullptr;
    CHECK(larder_kernel_route(host.k, &route, nullptr, 0, &receipt) == LARDER_R_DONE);
    CHECK_THAT(taken(receipt), contains("policy.larder:5"));
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);

    CHECK(host.put("menu", "8", "a") == LARDER_R_DONE);
    const larder_field values[] = {{{"id", 2}, {"8", 1}}};
    CHECK(larder_kernel_event(host.k, "sold_out", 8, values, 1, nullptr, 0, nullptr) == LARDER_R_DONE);
    CHECK(host.get("menu", "8").result == LARDER_R_LEASE);
}

TEST_CASE("serve rules say which entry answers a request") {
    const Host host(policy);
    larder_route_args route{};
    route.size = sizeof route;
    route.method = {"GET", 3};
    route.path = {"/menu/7", 7};
    std::int32_t space = -1;
    larder_ref* key = nullptr;
    REQUIRE(larder_kernel_serve(host.k, &route, &space, &key) == LARDER_R_HIT);
    CHECK(space == host.space("menu"));
    CHECK(taken(key) == "7");
    route.path = {"/other", 6};
    CHECK(larder_kernel_serve(host.k, &route, &space, &key) == LARDER_R_NONE);
}

TEST_CASE("a dependency that was added at run time drops one entry with another") {
    const Host host(policy);
    CHECK(larder_kernel_depend(host.k, host.space("sales"), "1", 1, host.space("menu"), "7", 1) == LARDER_R_NONE);
    CHECK(host.put("sales", "1", "a") == LARDER_R_DONE);
    CHECK(host.put("menu", "7", "a") == LARDER_R_DONE);
    CHECK(larder_kernel_depend(host.k, host.space("sales"), "1", 1, host.space("menu"), "7", 1) == LARDER_R_DONE);
    CHECK(host.drop("menu", "key:7") == LARDER_R_DONE);
    CHECK(host.get("sales", "1").result == LARDER_R_LEASE);
}

TEST_CASE("keys lists every key of a namespace that fits a glob") {
    const Host host(policy);
    for (int i = 0; i < 250; ++i) CHECK(host.put("menu", "k" + std::to_string(i), "x") == LARDER_R_DONE);
    CHECK(host.put("menu", "other", "x") == LARDER_R_DONE);
    std::uint64_t cursor = 0;
    std::vector<std::string> keys;
    do {
        larder_ref* ref = nullptr;
        REQUIRE(larder_kernel_keys(host.k, host.space("menu"), "k*", 2, &cursor, 50, &ref) == LARDER_R_DONE);
        const std::string packed = taken(ref);
        for (std::size_t at = 0; at < packed.size();) {
            std::uint32_t size = 0;
            std::memcpy(&size, packed.data() + at, sizeof size);
            keys.push_back(packed.substr(at + sizeof size, size));
            at += sizeof size + size;
        }
    } while (cursor != 0);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    CHECK(keys.size() == 250);
}

TEST_CASE("a value too large for its namespace is refused, and nobody waits for it for ever") {
    const Host host("larder 1\nnamespace small { key \"{id}\"; ttl 1m; refuse above 10B }\n");
    const Loop loop(host);
    const Got got = host.get("small", "7", loop.loop, 1);
    CHECK(host.get("small", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.fill(got.lease, "more than ten bytes") == LARDER_R_TOO_LARGE);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_PASS);
}

TEST_CASE("reports answer as the program's verbs do, and an unknown one says which there are") {
    const Host host(policy);
    CHECK(host.put("menu", "7", "a") == LARDER_R_DONE);
    host.get("menu", "7");
    CHECK_THAT(host.report("json stats"), contains("\"menu\""));
    CHECK_THAT(host.report("explain PUT /menu/7"), contains("drop"));
    CHECK_THAT(host.report("why menu 7"), contains("l1"));
    CHECK_THAT(host.report("events 0"), contains("start"));
    CHECK_THAT(host.report("json alerts"), contains("alerts"));
    CHECK(host.report("warnings").find("problem") == std::string::npos);
    CHECK(host.report("addresses").empty());
    CHECK_THAT(host.report("weather"), contains("expected stats"));
}

TEST_CASE("warming says clearly that nothing here warms") {
    const Host host(policy);
    std::uint32_t queued = 7;
    CHECK(larder_kernel_warm(host.k, host.space("menu"), &queued) == LARDER_R_UNSUPPORTED);
    CHECK_THAT(larder_problem(), contains("warm"));
}

TEST_CASE("warm begins the policy's items of a namespace or all, and reports tell of them and begin nothing") {
    const Host host("larder 1\nnamespace menu { key \"{id}\"; ttl 5m; source api \"/menu/{id}\" }\nwarm menu \"{id}\" { for id in \"1\", \"2\" }\n", 0,
                    "[store.l1]\nplugin = \"memory\"\n[source.api]\nplugin = \"http\"\nurl = \"http://127.0.0.1:9\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n");
    CHECK_THAT(host.report("warm items"), contains("menu \"{id}\""));
    CHECK_THAT(host.report("warm start"), contains("expected stats"));
    CHECK(host.report("json warm runs").find("demand") == std::string::npos);
    std::uint32_t queued = 7;
    CHECK(larder_kernel_warm(host.k, host.space("menu"), &queued) == LARDER_R_DONE);
    CHECK(queued == 1);
    CHECK(larder_kernel_warm(host.k, LARDER_SPACE_NONE, &queued) == LARDER_R_DONE);
    CHECK(queued == 1);
    CHECK_THAT(host.report("json warm runs"), contains("demand"));
}

TEST_CASE("a reload takes up the policy's file, and a wrong one changes nothing") {
    const TemporaryFolder folder;
    folder.write("p.larder", policy);
    const std::string path = folder.file("p.larder");
    larder_open_args args{};
    args.size = sizeof args;
    args.flags = LARDER_OPEN_VIRTUAL_TIME;
    args.policy_path = path.c_str();
    args.plugin_path = plugins;
    larder_kernel* const k = larder_kernel_open(&args, nullptr);
    INFO(larder_problem());
    REQUIRE(k != nullptr);
    const std::int32_t menu = larder_kernel_space(k, "menu", 4);
    folder.write("p.larder", "larder 1\nnamespace menu {");
    larder_diag diag{};
    diag.size = sizeof diag;
    CHECK(larder_kernel_reload(k, &diag) == LARDER_R_POLICY);
    CHECK(diag.line == 2);
    folder.write("p.larder", "larder 1\nnamespace first { key \"{id}\"; ttl 1m }\nnamespace menu { key \"{id}\"; ttl 5m }\n");
    CHECK(larder_kernel_reload(k, nullptr) == LARDER_R_DONE);
    CHECK(larder_kernel_space(k, "menu", 4) == menu);
    CHECK(larder_kernel_space(k, "first", 5) >= 0);
    larder_kernel_close(k);
}

TEST_CASE("sessions are created, read, patched, rotated and ended") {
    const char* const config = "[store.l1]\nplugin = \"memory\"\n[admin]\nenabled = false\n[log]\nlevel = \"error\"\n"
                               "[session.login]\nplugin = \"sealed\"\nkeys = { env = \"SEAL\" }\n";
    const char* const env[] = {"SEAL=0123456789abcdef0123456789abcdef", nullptr};
    const Host host("larder 1\nsession login { ttl 30m sliding; encrypt }\n", 0, config, env);
    larder_ref* id_ref = nullptr;
    const auto created = larder_session_create(host.k, "login", "ada", 3, "{\"a\":1}", 7, nullptr, 0, &id_ref);
    INFO(larder_problem());
    REQUIRE(created == LARDER_R_HIT);
    const std::string id = taken(id_ref);
    larder_ref* data = nullptr;
    CHECK(larder_session_update(host.k, "login", id.data(), id.size(), "{\"b\":2}", 7, nullptr, 0, &data) == LARDER_R_HIT);
    CHECK_THAT(taken(data), contains("\"b\":2"));
    larder_ref* fresh_ref = nullptr;
    REQUIRE(larder_session_rotate(host.k, "login", id.data(), id.size(), nullptr, 0, &fresh_ref) == LARDER_R_HIT);
    const std::string fresh = taken(fresh_ref);
    CHECK(fresh != id);
    REQUIRE(larder_session_get(host.k, "login", fresh.data(), fresh.size(), nullptr, 0, &data) == LARDER_R_HIT);
    CHECK_THAT(taken(data), contains("\"a\":1"));
    std::uint64_t ended = 0;
    CHECK(larder_session_end_user(host.k, "login", "ada", 3, nullptr, 0, &ended) == LARDER_R_DONE);
    CHECK(ended == 1);
    CHECK(larder_session_get(host.k, "login", fresh.data(), fresh.size(), nullptr, 0, &data) == LARDER_R_NONE);
    CHECK(larder_session_end(host.k, "nobody", "x", 1, nullptr, 0) == LARDER_R_UNSUPPORTED);
}

TEST_CASE("the child of a fork is refused with a sentence, may close, and can open its own") {
    const Host host(policy, 0);
    CHECK(host.put("menu", "7", "a") == LARDER_R_DONE);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int failed = 0;
        larder_ref* ref = nullptr;
        std::uint64_t lease = 0;
        if (larder_kernel_get(host.k, 0, "7", 1, nullptr, 0, &ref, &lease) != LARDER_R_FORKED) failed |= 1;
        if (std::strstr(larder_problem(), "fork") == nullptr) failed |= 2;
        larder_kernel_close(host.k);
#if defined(__SANITIZE_THREAD__)
        ::_exit(failed);  // the thread sanitizer starts no threads in such a child
#endif
        larder_open_args args{};
        args.size = sizeof args;
        args.policy_text = policy.c_str();
        args.plugin_path = plugins;
        larder_kernel* const own = larder_kernel_open(&args, nullptr);
        if (own == nullptr || larder_kernel_put(own, larder_kernel_space(own, "menu", 4), "7", 1, "b", 1, nullptr, nullptr, 0) != LARDER_R_DONE) failed |= 4;
        larder_kernel_close(own);
        ::_exit(failed);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(host.get("menu", "7").value == "a");
}

TEST_CASE("results have names") {
    CHECK(std::string(larder_result_name(LARDER_R_LEASE)) == "LEASE");
    CHECK(std::string(larder_result_name(LARDER_R_NO_MEMORY)) == "NO_MEMORY");
    CHECK(std::string(larder_result_name(-99)) == "?");
}
