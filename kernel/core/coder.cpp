// kernel/core/coder.cpp -- see coder.hpp.
#include "kernel/core/coder.hpp"

#include <xxhash.h>

#include <algorithm>

namespace larder {
namespace {

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

// What stands in an envelope besides, in memory, because a value is compressed (headed.hpp).
constexpr std::size_t of_codec = 8, of_dictionary = 16;

}  // namespace

std::uint32_t Dictionary::id_of(std::string_view content) noexcept {
    const auto id = static_cast<std::uint32_t>(XXH3_64bits(content.data(), content.size()));
    return id == 0 ? 1 : id;
}

std::shared_ptr<const Coder> Coder::make(const CodecHandle& handle, const Wish& wish, std::shared_ptr<CoderCounts> counts) {
    const larder_compressor_v1& table = *handle.table;
    if (wish.dictionary != nullptr && wish.dictionary->codec != table.codec_id) return nullptr;
    void* opened = nullptr;
    if (wish.level || wish.dictionary != nullptr) {
        if ((handle.caps & LARDER_COMP_CAP_SETTINGS) == 0) return nullptr;
        larder_codec_setting setting{};
        setting.struct_size = sizeof setting;
        setting.level = wish.level.value_or(LARDER_LEVEL_OWN);
        setting.flags = wish.reads ? std::uint32_t{LARDER_SETTING_READS} : 0u;
        if (wish.dictionary != nullptr) setting.dictionary = bytes(wish.dictionary->bytes);
        if (table.open(handle.self, &setting, &opened) != LARDER_OK) return nullptr;
    }
    return std::shared_ptr<const Coder>(new Coder(handle, wish, opened, std::move(counts)));
}

Coder::~Coder() {
    if (opened_ != nullptr) handle_.table->close(handle_.self, opened_);
}

std::string Coder::shown() const {
    std::string out = handle_.name;
    if (wish_.level) out += "-" + std::to_string(*wish_.level);
    if (wish_.dictionary != nullptr) out += " with a dictionary";
    return out;
}

std::string_view Coder::compress(std::string_view value, std::string& room) const {
    use();
    const larder_compressor_v1& table = *handle_.table;
    const std::size_t most = table.bound(handle_.self, value.size());
    if (most == 0) return {};
    if (room.size() < most) room.resize(most);
    std::size_t size = room.size();
    const larder_status status = opened_ != nullptr ? table.compress_with(handle_.self, opened_, bytes(value), room.data(), &size)
                                                    : table.compress(handle_.self, bytes(value), room.data(), &size);
    const std::size_t besides = wish_.dictionary != nullptr ? of_codec + of_dictionary : of_codec;
    const bool pays = status == LARDER_OK && size + besides < value.size();
    return pays ? std::string_view(room.data(), size) : std::string_view{};
}

bool Coder::decompress(std::string_view payload, char* out, std::size_t size) const {
    use();
    const larder_compressor_v1& table = *handle_.table;
    std::size_t room = size;
    const larder_status status = opened_ != nullptr ? table.decompress_with(handle_.self, opened_, bytes(payload), out, &room)
                                                    : table.decompress(handle_.self, bytes(payload), out, &room);
    return status == LARDER_OK && room == size;
}

}  // namespace larder
