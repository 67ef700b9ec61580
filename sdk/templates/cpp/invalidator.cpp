// invalidator_@NAME@.cpp -- a write below a path drops the tag of what it names.
//
// on_request is asked about every request that the kernel hears of, on the thread that tells it: it does not wait.
#include <larder/plugin/cpp.hpp>

#include <string>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = LARDER_INV_CAP_RULES;

    @CLASS@(Host, const Config& config) : below_(config.text("below")) {}

    larder_status on_request(const larder_request& request, InvalidationSink sink) {
        const std::string_view method = text_of(request.method), path = text_of(request.path);
        const bool writes = method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
        if (!writes || request.status >= 400 || !path.starts_with(below_)) return LARDER_OK;
        const std::string_view rest = path.substr(below_.size());
        const std::string part(rest.substr(0, rest.find('/')));
        if (!part.empty()) sink.tag(LARDER_DROP, "item:" + part);
        return LARDER_OK;
    }

  private:
    const std::string below_;
};

LARDER_MODULE(&Invalidator<@CLASS@>::value)
