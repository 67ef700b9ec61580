// kernel/kit/subject.cpp -- the plugin under test, in this process.
#include "kernel/kit/subject.hpp"

#include "kernel/loader/reason.hpp"

#include <algorithm>
#include <filesystem>

namespace larder::kit {

using loader::PluginInstance;

std::string status_text(larder_status status) { return std::string(loader::name_of_status(status)); }

Standing standing() {
    const auto count = [](const char* folder) {
        std::error_code error;
        std::size_t n = 0;
        for (auto at = std::filesystem::directory_iterator(folder, error); !error && at != std::filesystem::directory_iterator();
             at.increment(error))
            ++n;
        return n;
    };
    Standing out{count("/proc/self/task"), count("/proc/self/fd"), 0};
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator("/proc/self/fd", error); !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
        std::error_code gone;
        if (std::filesystem::read_symlink(at->path(), gone).string().starts_with("socket:")) ++out.sockets;
    }
    return out;
}

Subject::Subject(std::string path, loader::Manifest manifest, std::string component, std::vector<loader::GivenOption> given,
                 std::uint64_t seed)
    : path_(std::move(path)),
      manifest_(std::move(manifest)),
      component_(std::move(component)),
      given_(std::move(given)),
      host_(std::make_unique<KitHost>()),
      dice_(seed) {}

const loader::ComponentManifest& Subject::component() const {
    for (const loader::ComponentManifest& one : manifest_.components)
        if (one.name == component_) return one;
    violate("the manifest has no component " + component_);
}

std::string Subject::random_bytes(std::size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(dice_());
    return out;
}

std::shared_ptr<loader::PluginModule> Subject::module() {
    if (module_ == nullptr) {
        std::string problem;
        module_ = loader::PluginModule::load(std::make_shared<const loader::PluginFile>(loader::PluginFile{path_, manifest_}),
                                             *host_, problem);
        require(module_ != nullptr, "it does not load: " + problem);
    }
    return module_;
}

loader::OptionValues Subject::options() const {
    auto given = given_;
    const auto& mine = component();
    const bool listens = std::any_of(given.begin(), given.end(), [](const auto& one) { return one.name == "listen"; });
    if (mine.kind == loader::Kind::gateway && mine.option("listen") != nullptr && !listens) {
        loader::GivenOption any;
        any.name = "listen";
        any.value = {std::string("127.0.0.1:0"), true};
        given.push_back(std::move(any));
    }
    auto checked = loader::check_options(mine, "kit", given);
    if (!checked.ok()) {
        std::string why;
        for (const auto& finding : checked.found)
            if (finding.error) why += (why.empty() ? "" : "; ") + finding.message;
        skip("it needs other options than these (--option NAME=VALUE): " + why);
    }
    return std::move(checked.values);
}

std::shared_ptr<PluginInstance> Subject::make() {
    std::string problem;
    auto made = PluginInstance::create(module(), component(), options(), std::string(loader::name_of(component().kind)) + ".kit", problem);
    require(made != nullptr, "create refuses: " + problem);
    return made;
}

bool Subject::try_start(PluginInstance& instance, std::string& why) { return instance.start(why); }

std::shared_ptr<PluginInstance> Subject::started() {
    auto made = make();
    std::string why;
    require(made->start(why), "start refuses: " + why);
    return made;
}

void Subject::no_sins(const PluginInstance& instance) {
    if (instance.sins() == 0) return;
    std::string told;
    for (const std::string& line : host_->log_lines()) told = line;
    violate("it broke a promise that the kernel guards: " + told);
}

larder_call Subject::call(Ms deadline) const {
    larder_call out{};
    out.struct_size = sizeof out;
    out.deadline_ns = host_->mono_ns() + static_cast<std::uint64_t>(deadline.count()) * 1'000'000;
    return out;
}

}  // namespace larder::kit
