// warmer_@NAME@.cpp -- the value of a key is the file of its name.
//
// The kernel decides when, how many at once and what is fresh; fetch makes one value, or says why not, by the call's deadline.
#include <larder/plugin/cpp.hpp>

#include <fstream>
#include <iterator>
#include <string>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = 0;

    @CLASS@(Host, const Config& config) : folder_(config.text("folder")) {}

    larder_status fetch(const larder_warm_item& item, const larder_call&, larder_cache_set&, Reply out) {
        const std::string_view key = text_of(item.key);
        // A key is whatever a client wrote: never a path.
        if (key.empty() || key.size() > 200 || key[0] == '.' || key.find_first_of(std::string_view("/\0", 2)) != key.npos) return LARDER_MISS;
        std::ifstream file(folder_ + "/" + std::string(key), std::ios::binary);
        if (!file) return LARDER_MISS;
        std::string bytes(std::istreambuf_iterator<char>(file), {});
        return file.bad() ? LARDER_E_IO : out.owned(std::move(bytes));
    }

  private:
    const std::string folder_;
};

LARDER_MODULE(&Warmer<@CLASS@>::value)
