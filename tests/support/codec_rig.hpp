// tests/support/codec_rig.hpp -- a compressor's component behind its C table, and memory that ends where it ends.
#pragma once

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/compressor.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::test {

// One instance, called as the kernel calls it.
class CodecRig {
  public:
    explicit CodecRig(const larder_component& component, FakeConfig config = {}) : instance_(host_, component, std::move(config)) {
        REQUIRE(instance_.created() == LARDER_OK);
    }
    const larder_compressor_v1& table() const { return instance_.table<larder_compressor_v1>(); }
    void* self() const { return instance_.self(); }

    std::string compressed(std::string_view value, void* opened = nullptr) const {
        std::string out(table().bound(self(), value.size()), '\0');
        std::size_t size = out.size();
        const larder_bytes in{value.data(), value.size()};
        REQUIRE((opened != nullptr ? table().compress_with(self(), opened, in, out.data(), &size)
                                   : table().compress(self(), in, out.data(), &size)) == LARDER_OK);
        REQUIRE(size <= out.size());
        out.resize(size);
        return out;
    }
    // Fills all of `out`.
    larder_status expand(std::string_view in, std::string& out, void* opened = nullptr) const {
        std::size_t size = out.size();
        const larder_bytes bytes{in.data(), in.size()};
        const larder_status status = opened != nullptr ? table().decompress_with(self(), opened, bytes, out.data(), &size)
                                                       : table().decompress(self(), bytes, out.data(), &size);
        REQUIRE(size == out.size());
        return status;
    }
    // Null: it was refused, with `status`.
    void* open(std::int32_t level, std::string_view dictionary = {}, std::uint32_t flags = 0, larder_status* status = nullptr) const {
        larder_codec_setting setting{};
        setting.struct_size = sizeof setting;
        setting.level = level;
        setting.flags = flags;
        setting.dictionary = {dictionary.data(), dictionary.size()};
        void* opened = nullptr;
        const larder_status said = table().open(self(), &setting, &opened);
        if (status != nullptr) *status = said;
        return said == LARDER_OK ? opened : nullptr;
    }
    std::string trained(const std::vector<std::string>& values, std::size_t most) const {
        std::vector<larder_bytes> samples;
        for (const std::string& value : values) samples.push_back({value.data(), value.size()});
        std::string out(most, '\0');
        std::size_t size = out.size();
        REQUIRE(table().train(self(), samples.data(), samples.size(), out.data(), &size) == LARDER_OK);
        out.resize(size);
        return out;
    }

  private:
    FakeHost host_;
    FakeInstance instance_;
};

// A copy that ends where the next page may not be touched: one byte too far is a fault.
class AgainstWall {
  public:
    explicit AgainstWall(std::string_view bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        room_ = (bytes.size() + page - 1) / page * page;
        base_ = static_cast<char*>(mmap(nullptr, room_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(base_ != MAP_FAILED);
        REQUIRE(mprotect(base_ + room_, page, PROT_NONE) == 0);
        whole_ = room_ + page;
        size_ = bytes.size();
        if (size_ != 0) std::memcpy(data(), bytes.data(), size_);
    }
    AgainstWall(const AgainstWall&) = delete;
    AgainstWall& operator=(const AgainstWall&) = delete;
    ~AgainstWall() { munmap(base_, whole_); }
    char* data() const { return base_ + room_ - size_; }
    std::string_view view() const { return {data(), size_}; }

  private:
    char* base_ = nullptr;
    std::size_t room_ = 0, whole_ = 0, size_ = 0;
};

}  // namespace larder::test
