// kernel/kit/exports.cpp -- the dynamic symbols and needs of an ELF file, every offset doubted.
#include "kernel/kit/exports.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace larder::kit {
namespace {

class Image {
  public:
    explicit Image(std::string bytes) : bytes_(std::move(bytes)) {}

    template <class T>
    std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size()) return std::nullopt;
        std::array<char, sizeof(T)> out{};
        if (bytes_.copy(out.data(), out.size(), offset) != out.size()) return std::nullopt;
        return std::bit_cast<T>(out);
    }
    std::string text_at(std::uint64_t offset) const {
        if (offset >= bytes_.size()) return {};
        const auto end = bytes_.find('\0', offset);
        return end == bytes_.npos ? std::string() : bytes_.substr(offset, end - offset);
    }

  private:
    std::string bytes_;
};

// Calls fn(image, entry, where the names stand) for each Entry of each section of that type.
template <class Entry, class F>
void each_entry(const std::string& path, std::uint32_t type, F&& fn) {
    std::ifstream file(path, std::ios::binary);
    const Image image(std::string(std::istreambuf_iterator<char>(file), {}));
    const auto head = image.at<Elf64_Ehdr>(0);
    if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64) return;
    const auto section = [&](std::uint64_t n) { return image.at<Elf64_Shdr>(head->e_shoff + n * sizeof(Elf64_Shdr)); };
    for (std::uint64_t n = 0; n < head->e_shnum; ++n) {
        const auto table = section(n);
        if (!table || table->sh_type != type) continue;
        const auto names = section(table->sh_link);
        if (!names) continue;
        for (std::uint64_t at = 0; at + sizeof(Entry) <= table->sh_size; at += sizeof(Entry)) {
            const auto entry = image.at<Entry>(table->sh_offset + at);
            if (!entry) break;
            fn(image, *entry, names->sh_offset);
        }
    }
}

}  // namespace

std::vector<std::string> needed_libraries(const std::string& path) {
    std::vector<std::string> out;
    each_entry<Elf64_Dyn>(path, SHT_DYNAMIC, [&](const Image& image, const Elf64_Dyn& entry, std::uint64_t names) {
        if (entry.d_tag != DT_NEEDED) return;
        if (auto name = image.text_at(names + entry.d_un.d_val); !name.empty()) out.push_back(std::move(name));
    });
    return out;
}

std::vector<std::string> exported_symbols(const std::string& path) {
    std::vector<std::string> out;
    each_entry<Elf64_Sym>(path, SHT_DYNSYM, [&](const Image& image, const Elf64_Sym& symbol, std::uint64_t names) {
        const unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || type == STT_SECTION || type == STT_FILE) return;
        if (auto name = image.text_at(names + symbol.st_name); !name.empty()) out.push_back(std::move(name));
    });
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace larder::kit
