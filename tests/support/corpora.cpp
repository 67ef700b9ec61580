// tests/support/corpora.cpp -- see corpora.hpp.
#include "tests/support/corpora.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <utility>

namespace larder::test {
namespace {

// SplitMix64: the same numbers everywhere, unlike the distributions of <random>.
class Dice {
  public:
    // Scrambled first: neighbouring seeds would else give the same numbers, one step apart.
    explicit Dice(std::uint64_t seed) : state_(seed ^ 0x5bf0'3635'dcf9'8a21ULL) { state_ = next() ^ seed << 32; }
    std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
    double share() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    template <std::size_t N>
    std::string_view one_of(const std::array<std::string_view, N>& of) noexcept {
        return of[below(N)];
    }

  private:
    std::uint64_t state_;
};

// The vocabulary does not depend on the seed of a corpus: two corpora speak one language.
const std::vector<std::string>& words() {
    static const std::vector<std::string> all = [] {
        static constexpr std::array<std::string_view, 24> starts{"b", "br", "c", "cr", "d", "f", "fl", "g", "gr", "h", "k", "l",
                                                                 "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w", ""};
        static constexpr std::array<std::string_view, 10> middles{"a", "e", "i", "o", "u", "ea", "ou", "ai", "ie", "oo"};
        static constexpr std::array<std::string_view, 12> ends{"", "n", "r", "s", "t", "l", "nd", "ck", "ng", "st", "m", "x"};
        Dice dice(7);
        std::vector<std::string> out;
        for (int i = 0; i < 3000; ++i) {
            std::string word;
            for (std::uint64_t syllables = 1 + dice.below(3); syllables > 0; --syllables)
                word.append(dice.one_of(starts)).append(dice.one_of(middles)).append(dice.one_of(ends));
            out.push_back(std::move(word));
        }
        return out;
    }();
    return all;
}

// Rank r with a frequency of about 1/r.
const std::string& word(Dice& dice) {
    const auto n = static_cast<double>(words().size());
    const auto rank = static_cast<std::size_t>(std::exp(dice.share() * std::log(n))) - 1;
    return words()[std::min(rank, words().size() - 1)];
}

std::string sentence(Dice& dice, std::uint64_t count) {
    std::string out;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (i > 0) out += ' ';
        out += word(dice);
    }
    if (!out.empty() && out.front() >= 'a' && out.front() <= 'z') out.front() = static_cast<char>(out.front() - 'a' + 'A');
    return out;
}

std::string digits(std::uint64_t number, int width) {
    std::string out = std::to_string(number);
    while (out.size() < static_cast<std::size_t>(width)) out.insert(out.begin(), '0');
    return out;
}

std::string hex(Dice& dice, int length) {
    static constexpr char all[] = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < length; ++i) out += all[dice.below(16)];
    return out;
}

std::string day(Dice& dice) { return "2024-" + digits(1 + dice.below(12), 2) + "-" + digits(1 + dice.below(28), 2); }
std::string moment(Dice& dice) {
    return day(dice) + "T" + digits(dice.below(24), 2) + ":" + digits(dice.below(60), 2) + ":" + digits(dice.below(60), 2) + "Z";
}
std::string price(Dice& dice, std::uint64_t most) { return std::to_string(dice.below(most)) + "." + digits(dice.below(100), 2); }

constexpr std::array<std::string_view, 8> categories{"starters", "mains", "desserts", "drinks", "salads", "soups", "sides", "specials"};
constexpr std::array<std::string_view, 9> allergens{"gluten", "milk", "eggs", "nuts", "soy", "fish", "celery", "mustard", "sesame"};
constexpr std::array<std::string_view, 5> states{"active", "draft", "archived", "sold_out", "scheduled"};
constexpr std::array<std::string_view, 6> regions{"north", "south", "east", "west", "central", "online"};
constexpr std::array<std::string_view, 8> countries{"DE", "FR", "IT", "ES", "PL", "NL", "AT", "SE"};

// The schema's fixed part: about 470 bytes.
std::string object_head(Dice& dice) {
    std::string out = R"({"id":)" + std::to_string(100'000 + dice.below(900'000)) + R"(,"restaurant_id":)" + std::to_string(1 + dice.below(500)) +
                      R"(,"sku":"MI-)" + digits(dice.below(1'000'000), 6) + R"(","name":")" + sentence(dice, 2 + dice.below(3)) + R"(","category":")";
    out += dice.one_of(categories);
    out += R"(","status":")";
    out += dice.one_of(states);
    out += R"(","price":{"amount":)" + price(dice, 60) + R"(,"currency":"EUR","tax_rate":)" + (dice.below(2) != 0 ? "0.19" : "0.07") +
           R"(},"available":)" + (dice.below(4) != 0 ? "true" : "false") + R"(,"allergens":[)";
    for (std::uint64_t i = 0, n = dice.below(4); i < n; ++i) (out += i > 0 ? ",\"" : "\"").append(dice.one_of(allergens)) += '"';
    return out + R"(],"rating":)" + std::to_string(dice.below(5)) + "." + std::to_string(dice.below(10)) + R"(,"preparation_minutes":)" +
           std::to_string(5 + dice.below(40)) + R"(,"image_url":"https://cdn.example.com/menu/items/)" + std::to_string(dice.below(1'000'000)) +
           R"(.jpg","created_at":")" + moment(dice) + R"(","updated_at":")" + moment(dice) + R"(","description":")" + sentence(dice, 7 + dice.below(6)) + '"';
}

std::string option(Dice& dice) {
    std::string out = R"({"option_id":)" + std::to_string(dice.below(100'000)) + R"(,"label":")" + sentence(dice, 2) + R"(","price_delta":)" + price(dice, 5) +
                      R"(,"default":)" + (dice.below(5) == 0 ? "true" : "false") + R"(,"max_quantity":)" + std::to_string(1 + dice.below(5)) + R"(,"group":")";
    return out.append(dice.one_of(categories)) + "\"}";
}

std::string review(Dice& dice) {
    return R"({"user_id":)" + std::to_string(dice.below(1'000'000)) + R"(,"stars":)" + std::to_string(1 + dice.below(5)) + R"(,"at":")" + moment(dice) +
           R"(","text":")" + sentence(dice, 10 + dice.below(20)) + "\"}";
}

std::string object(Dice& dice, std::size_t size) {
    std::string out = object_head(dice);
    const auto list = [&](std::string_view name, std::size_t until, const std::function<std::string()>& one) {
        out.append(",\"").append(name).append("\":[");
        for (bool first = true; out.size() < until; first = false) {
            if (!first) out += ',';
            out += one();
        }
        out += ']';
    };
    if (size > 1000) list("options", size > 5000 ? size / 3 : size - 60, [&] { return option(dice); });
    if (size > 5000) list("reviews", size - 100, [&] { return review(dice); });
    return out + "}";
}

Corpus made(std::string name, std::size_t count, std::uint64_t seed, const std::function<std::string(Dice&)>& one) {
    Corpus out;
    out.name = std::move(name);
    for (std::size_t i = 0; i < count; ++i) {
        Dice dice(seed * 1'000'003 + i);
        out.values.push_back(one(dice));
    }
    return out;
}

}  // namespace

Corpus json_objects(std::size_t size, std::size_t count, std::uint64_t seed) {
    char name[48];
    std::snprintf(name, sizeof name, "JSON objects %.1f KB", static_cast<double>(size) / 1000);
    return made(name, count, seed, [size](Dice& dice) { return object(dice, size); });
}

Corpus json_reports(std::size_t size, std::size_t count, std::uint64_t seed) {
    return made("JSON reports", count, seed, [size](Dice& dice) {
        std::string out = R"({"report":"sales_by_region","generated_at":")" + moment(dice) + R"(","rows":[)";
        for (bool first = true; out.size() < size; first = false) {
            if (!first) out += ',';
            out += R"({"date":")" + day(dice) + R"(","region":")";
            out += dice.one_of(regions);
            out += R"(","country":")";
            out += dice.one_of(countries);
            out += R"(","category":")";
            out += dice.one_of(categories);
            out += R"(","product_id":)" + std::to_string(dice.below(5'000)) + R"(,"units_sold":)" + std::to_string(dice.below(200)) +
                   R"(,"revenue":)" + price(dice, 2'000) + R"(,"refunds":)" + (dice.below(10) == 0 ? price(dice, 50) : "0.00") +
                   R"(,"margin_percent":)" + std::to_string(dice.below(60)) + R"(,"comment":)" + (dice.below(8) == 0 ? '"' + sentence(dice, 4) + '"' : "null") + "}";
        }
        return out + "]}";
    });
}

Corpus logs(std::size_t size, std::size_t count, std::uint64_t seed) {
    static constexpr std::array<std::string_view, 8> levels{"INFO", "INFO", "INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"};
    static constexpr std::array<std::string_view, 6> loggers{"c.e.orders.OrderService", "c.e.http.AccessLog", "c.e.menu.MenuRepository",
                                                             "c.e.users.SessionFilter", "c.e.stock.StockSync", "c.e.cache.CacheClient"};
    static constexpr std::array<std::string_view, 6> paths{"/v1.0/user/details/", "/v1.0/orders/", "/v1.0/menu/items/",
                                                           "/v1.0/points/balance/", "/v1.0/stock/levels/", "/v1.0/dashboard/stats/"};
    return made("logs", count, seed, [size](Dice& dice) {
        std::string out;
        std::uint64_t ms = dice.below(1'000'000);
        while (out.size() < size) {
            ms += dice.below(40);
            out += "2024-01-15T" + digits(ms / 3'600'000 % 24, 2) + ":" + digits(ms / 60'000 % 60, 2) + ":" + digits(ms / 1000 % 60, 2) + "." +
                   digits(ms % 1000, 3) + "Z ";
            out += dice.one_of(levels);
            out += " [http-worker-" + std::to_string(1 + dice.below(16)) + "] ";
            out += dice.one_of(loggers);
            switch (dice.below(4)) {
                case 0:
                    out += " - GET ";
                    out += dice.one_of(paths);
                    out += std::to_string(dice.below(20'000)) + " 200 " + std::to_string(dice.below(90)) + "ms trace=" + hex(dice, 16);
                    break;
                case 1: out += " - cache hit namespace=menu key=" + std::to_string(dice.below(20'000)) + " took " + std::to_string(dice.below(900)) + "us"; break;
                case 2: out += " - order " + std::to_string(100'000 + dice.below(50'000)) + " moved from state PLACED to ACCEPTED by user " + std::to_string(dice.below(500)); break;
                default: out += " - " + sentence(dice, 6 + dice.below(5)); break;
            }
            out += '\n';
        }
        return out;
    });
}

Corpus analytics_csv(std::size_t size, std::size_t count, std::uint64_t seed) {
    static constexpr std::array<std::string_view, 5> pages{"/menu", "/orders", "/account/points", "/checkout/payment", "/dashboard/overview"};
    static constexpr std::array<std::string_view, 4> devices{"mobile", "desktop", "tablet", "tv"};
    return made("analytics CSV", count, seed, [size](Dice& dice) {
        std::string out = "date,tenant,session,page,country,device,visits,conversions,revenue\n";
        std::uint64_t at = 0;
        while (out.size() < size) {
            at += dice.below(3);
            out += "2024-" + digits(1 + at / 5000 % 12, 2) + "-" + digits(1 + at / 170 % 28, 2) + ",t" + std::to_string(1 + dice.below(12)) + "," + hex(dice, 8) + ",";
            out += dice.one_of(pages);
            out += ',';
            out += dice.one_of(countries);
            out += ',';
            out += dice.one_of(devices);
            out += "," + std::to_string(dice.below(30)) + "," + std::to_string(dice.below(4)) + "," + (dice.below(3) == 0 ? price(dice, 150) : "0.00") + "\n";
        }
        return out;
    });
}

Corpus noise(std::size_t size, std::size_t count, std::uint64_t seed) {
    return made("noise", count, seed, [size](Dice& dice) {
        std::string out(size, '\0');
        for (char& c : out) c = static_cast<char>(dice.next());
        return out;
    });
}

}  // namespace larder::test
