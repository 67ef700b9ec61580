// examples/own_host/warmer_card.cpp -- values from a card of dishes: a file of lines `KEY VALUE`, read anew for each load.
#include <larder/plugin/cpp.hpp>

#include <fstream>
#include <string>

using namespace larder::plugin;

class Card {
  public:
    static constexpr const char* name = "card";
    static constexpr std::uint64_t caps = 0;

    Card(Host, const Config& config) : file_(config.text("file")) {}

    larder_status fetch(const larder_warm_item& item, const larder_call&, larder_cache_set&, Reply out) {
        std::ifstream card(file_);
        if (!card) return LARDER_E_IO;
        const std::string begin = std::string(text_of(item.key)) + ' ';
        for (std::string line; std::getline(card, line);)
            if (line.starts_with(begin)) return out.owned(line.substr(begin.size()));
        return LARDER_MISS;
    }

  private:
    const std::string file_;
};

LARDER_MODULE(&Warmer<Card>::value)
