// tests/support/corpora.hpp -- values like those that applications cache, made from a seed.
//
// What compression saves depends on the data alone, so the data is made here and is the same on every
// machine: JSON objects of one schema (the rows of a table, as an API answers with them), and the large
// values that the seeds speak of: JSON reports, logs, analytics as CSV. Texts are made of 3,000 words of
// which some are much more frequent than others (Zipf, exponent 1), numbers and identifiers are random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

struct Corpus {
    std::string name;
    std::vector<std::string> values;
    std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const std::string& value : values) sum += value.size();
        return sum;
    }
};

// `count` objects of one schema, each of about `size` bytes: 500, 2'000, 10'000.
Corpus json_objects(std::size_t size, std::size_t count, std::uint64_t seed);
// Values of about `size` bytes each.
Corpus json_reports(std::size_t size, std::size_t count, std::uint64_t seed);
Corpus logs(std::size_t size, std::size_t count, std::uint64_t seed);
Corpus analytics_csv(std::size_t size, std::size_t count, std::uint64_t seed);
// What has no structure at all.
Corpus noise(std::size_t size, std::size_t count, std::uint64_t seed);

}  // namespace larder::test
