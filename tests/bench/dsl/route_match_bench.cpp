// tests/bench/dsl/route_match_bench.cpp -- what it costs to find the rules of one request.
//
// Routes of realistic shape: forty resources, each with versions, ids, sub-resources and a few
// globs. Paths are half hits and half near misses. Wanted: at most 150 ns at 1000 rules.
#include "dsl/route_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

using namespace larder::dsl;

namespace {

Template route(const std::vector<std::string>& segments) {
    Template out;
    std::uint16_t slot = 0;
    const auto literal = [&out](const std::string& text) {
        if (out.pieces.empty() || out.pieces.back().kind != Piece::Kind::literal)
            out.pieces.push_back({Piece::Kind::literal, 0, {}});
        out.pieces.back().text += text;
    };
    for (const std::string& s : segments) {
        literal("/");
        if (s == "{}")
            out.pieces.push_back({Piece::Kind::variable, slot++, "id"});
        else if (s == "**")
            out.pieces.push_back({Piece::Kind::deep, 0, {}});
        else if (s == "create*")
            literal("create"), out.pieces.push_back({Piece::Kind::star, 0, {}});
        else
            literal(s);
    }
    return out;
}

std::vector<std::vector<std::string>> shapes(std::size_t rules) {
    const std::vector<std::vector<std::string>> tails{{},
                                                      {"{}"},
                                                      {"create*"},
                                                      {"{}", "activate"},
                                                      {"update", "{}"},
                                                      {"{}", "items", "{}"},
                                                      {"{}", "items", "**"},
                                                      {"**"},
                                                      {"search"},
                                                      {"delete", "{}"}};
    std::vector<std::vector<std::string>> out;
    for (std::size_t k = 0; out.size() < rules; ++k) {
        for (const auto& tail : tails) {
            if (out.size() == rules) break;
            std::vector<std::string> r{"api", "v" + std::to_string(k % 3),
                                       "resource" + std::to_string(k)};
            r.insert(r.end(), tail.begin(), tail.end());
            out.push_back(std::move(r));
        }
    }
    return out;
}

std::vector<std::string> paths(const std::vector<std::vector<std::string>>& routes,
                               std::mt19937& random) {
    std::vector<std::string> out;
    for (int k = 0; k < 1000; ++k) {
        std::string path;
        for (const std::string& s : routes[random() % routes.size()]) {
            path += '/';
            if (s == "{}")
                path += std::to_string(random() % 1000000);
            else if (s == "**")
                path += "deep/er";
            else if (s == "create*")
                path += "created";
            else
                path += s;
        }
        if (k % 2 == 1) path += "x";
        out.push_back(std::move(path));
    }
    return out;
}

}  // namespace

int main() {
    const unsigned seed = 12;
    std::printf("route match, seed %u\n%8s %12s %12s\n", seed, "rules", "ns/request", "matches");
    for (const std::size_t rules : {std::size_t{10}, std::size_t{100}, std::size_t{1000}}) {
        std::mt19937 random(seed);
        const auto routes = shapes(rules);
        RouteTable table;
        for (std::uint32_t r = 0; r < routes.size(); ++r)
            table.add(r, method_write, route(routes[r]));
        table.finish();
        const auto requests = paths(routes, random);
        RouteMatches out;
        std::size_t matches = 0, rounds = 0;
        double best = 1e9;
        // Short passes: the best of them is one that nobody interrupted.
        for (int pass = 0; pass < 1000; ++pass) {
            matches = rounds = 0;
            const auto begin = std::chrono::steady_clock::now();
            for (const std::string& path : requests) {
                table.match(method_put, path, out);
                matches += out.size();
                ++rounds;
            }
            const std::chrono::duration<double, std::nano> took =
                std::chrono::steady_clock::now() - begin;
            best = std::min(best, took.count() / static_cast<double>(rounds));
        }
        std::printf("%8zu %12.1f %12.2f\n", rules, best,
                    static_cast<double>(matches) / static_cast<double>(rounds));
    }
}
