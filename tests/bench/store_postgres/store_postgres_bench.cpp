// tests/bench/store_postgres/store_postgres_bench.cpp -- the store in a Postgres beside plain libpq.
//
//     bench_store_postgres URL        # a database of its own: tables are made in it
//
// A thousand entries of 25 + 200 bytes. Plain libpq says the shortest statement there is, prepared, one after the other on one
// connection: SELECT of a value by its key, INSERT ... ON CONFLICT DO UPDATE. The store says what it has to say: a put also ends
// the key's lease and tells other nodes, in one transaction. In turns of both; what is printed is the median of a call, and the
// ratio. A batch is sixteen keys in one call.
#include "plugins/store_postgres/postgres_store.hpp"
#include "tests/support/fake_host.hpp"

#include <libpq-fe.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace larder;
using namespace larder::test;

namespace {

constexpr std::size_t keys = 1000, value_size = 200, batch = 16, turns = 2000;

std::uint64_t real_ns() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

void must(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s failed\n", what);
        std::exit(1);
    }
}

std::string name_of(std::size_t i) {
    char text[40];
    std::snprintf(text, sizeof text, "larder:v:{bench:%08zu}", i % keys);
    return text;
}

larder_key key_of(const std::string& name) { return {name.data(), static_cast<std::uint32_t>(name.size()), 0, 0}; }

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

double us_of(const std::function<void()>& work) {
    const std::uint64_t began = real_ns();
    work();
    return static_cast<double>(real_ns() - began) / 1e3;
}

class Plain {
  public:
    explicit Plain(const char* url) : connection_(PQconnectdb(url)) {
        must(PQstatus(connection_) == CONNECTION_OK, "connecting");
        say("CREATE TABLE IF NOT EXISTS plain (key bytea PRIMARY KEY, value bytea NOT NULL)");
        PQclear(PQprepare(connection_, "get", "SELECT value FROM plain WHERE key = $1", 0, nullptr));
        PQclear(PQprepare(connection_, "put",
                          "INSERT INTO plain VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", 0, nullptr));
    }
    ~Plain() { PQfinish(connection_); }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    std::size_t get(const std::string& name) {
        PGresult* const result = run("get", {name});
        const auto size = static_cast<std::size_t>(PQntuples(result) == 1 ? PQgetlength(result, 0, 0) : 0);
        PQclear(result);
        return size;
    }
    void put(const std::string& name, const std::string& value) {
        PGresult* const result = run("put", {name, value});
        must(PQresultStatus(result) == PGRES_COMMAND_OK, "a plain put");
        PQclear(result);
    }

  private:
    void say(const char* sql) { PQclear(PQexec(connection_, sql)); }
    PGresult* run(const char* name, const std::vector<std::string>& given) {
        std::array<const char*, 2> values{};
        std::array<int, 2> sizes{};
        const std::array<int, 2> formats{1, 1};
        for (std::size_t i = 0; i < given.size(); ++i) {
            values[i] = given[i].data();
            sizes[i] = static_cast<int>(given[i].size());
        }
        return PQexecPrepared(connection_, name, static_cast<int>(given.size()), values.data(), sizes.data(), formats.data(), 1);
    }
    PGconn* connection_;
};

void row(const char* what, const std::vector<double>& ours, const std::vector<double>& theirs) {
    std::printf("%-24s %8.1f us   plain libpq %8.1f us   ratio %.2f\n", what, median(ours), median(theirs), median(ours) / median(theirs));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "bench_store_postgres URL\n");
        return 2;
    }
    FakeHost fake;
    const_cast<larder_host*>(fake.get())->mono_ns = [](const larder_host*) noexcept -> std::uint64_t { return real_ns(); };
    FakeConfig config;
    config.set("url", argv[1]).name_instance("bench");
    const larder_component& component = plugin::Store<store_postgres::PostgresStore>::value;
    std::array<char, 400> text{};
    larder_errbuf err{text.data(), static_cast<std::uint32_t>(text.size()), 0};
    larder_instance instance{};
    instance.struct_size = sizeof instance;
    must(component.create(fake.get(), config.get(), &instance, &err) == LARDER_OK, text.data());
    must(component.start(instance.self, &err) == LARDER_OK, text.data());
    const auto& store = *static_cast<const larder_store_v1*>(instance.vtable);
    const auto* const shared = static_cast<const larder_shared_v1*>(component.extension(instance.self, LARDER_EXT_SHARED));
    while (shared->now_ms(instance.self) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }

    larder_call call{};
    call.struct_size = sizeof call;
    Plain plain(argv[1]);
    const std::string value(value_size, 'v');
    larder_put put{};
    put.struct_size = sizeof put;
    put.value = {value.data(), value.size()};
    put.version = 1;
    for (std::size_t i = 0; i < keys; ++i) {
        const std::string name = name_of(i);
        const larder_key key = key_of(name);
        must(store.put(instance.self, &key, &put, &call) == LARDER_OK, "a put");
        plain.put(name, value);
    }
    std::vector<double> gets, plain_gets, puts, plain_puts, batches, plain_batches;
    for (std::size_t i = 0; i < turns; ++i) {
        const std::string name = name_of(i * 7919);
        const larder_key key = key_of(name);
        gets.push_back(us_of([&] {
            larder_value out{};
            must(store.get(instance.self, &key, &call, &out) == LARDER_OK, "a get");
            out.release(&out);
        }));
        plain_gets.push_back(us_of([&] { must(plain.get(name) == value_size, "a plain get"); }));
        puts.push_back(us_of([&] { must(store.put(instance.self, &key, &put, &call) == LARDER_OK, "a put"); }));
        plain_puts.push_back(us_of([&] { plain.put(name, value); }));
        if (i % batch != 0) {
            continue;
        }
        std::vector<std::string> names;
        std::vector<larder_get_item> items(batch);
        for (std::size_t k = 0; k < batch; ++k) {
            names.push_back(name_of(i * 7919 + k * 31));
        }
        for (std::size_t k = 0; k < batch; ++k) {
            items[k].key = key_of(names[k]);
        }
        batches.push_back(us_of([&] { store.get_many(instance.self, items.data(), batch, &call); }));
        for (larder_get_item& item : items) {
            must(item.status == LARDER_OK, "one of many");
            item.value.release(&item.value);
        }
        plain_batches.push_back(us_of([&] {
            for (const std::string& one : names) {
                plain.get(one);
            }
        }));
    }
    row("get", gets, plain_gets);
    row("put", puts, plain_puts);
    row("get_many of 16", batches, plain_batches);
    component.stop(instance.self, 0);
    component.destroy(instance.self);
}
