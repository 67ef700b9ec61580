// kernel/kit/checks_module.cpp -- LPR-001 to 099: what every module and every instance holds, whatever its kind.
#include "kernel/kit/exports.hpp"
#include "kernel/kit/subject.hpp"
#include "kernel/loader/plugin_registry.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <array>
#include <csignal>
#include <cstring>
#include <thread>

namespace larder::kit {
namespace {

using loader::PluginInstance;

// What libraries themselves need in every process: not the plugin's doing.
bool is_toolchains(const std::string& symbol) {
    for (const char* mine : {"_init", "_fini", "_edata", "_end", "__bss_start"})
        if (symbol == mine) return true;
    return symbol.rfind("__asan", 0) == 0 || symbol.rfind("__ubsan", 0) == 0 || symbol.rfind("__odr_asan", 0) == 0 ||
           symbol.rfind("__tsan", 0) == 0;
}

void manifest(Subject& subject) {
    const std::string why = loader::incompatibility(subject.manifest());
    require(why.empty(), "this kernel cannot run it: " + why);
    for (const auto& component : subject.manifest().components)
        for (const auto& option : component.options)
            require(!option.doc.empty(), "option " + option.name + " of " + component.name + " has no doc");
}

void one_symbol(Subject& subject) {
    std::string others;
    bool there = false;
    for (const std::string& symbol : exported_symbols(subject.path())) {
        if (symbol == LARDER_PLUGIN_SYMBOL)
            there = true;
        else if (!is_toolchains(symbol))
            others += (others.empty() ? "" : ", ") + symbol;
        if (others.size() > 200) break;
    }
    require(there, "it does not export " LARDER_PLUGIN_SYMBOL);
    require(others.empty(), "it also exports " + others + "; build it with larder_add_plugin() or the version script larder-plugin.map");
}

std::array<struct sigaction, 32> handlers() {
    std::array<struct sigaction, 32> out{};
    for (int n = 1; n < 32; ++n) sigaction(n, nullptr, &out[static_cast<std::size_t>(n)]);
    return out;
}

void quiet_load(Subject& subject) {
    const Standing before = standing();
    const auto signals = handlers();
    void* library = dlopen(subject.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) violate(std::string("it does not load: ") + dlerror());
    const Standing after = standing();
    require(after.threads <= before.threads, "loading it starts a thread");
    require(after.descriptors <= before.descriptors, "loading it opens a file or a socket");
    const auto now = handlers();
    for (int n = 1; n < 32; ++n) {
        const auto at = static_cast<std::size_t>(n);
        require(now[at].sa_handler == signals[at].sa_handler, "loading it takes signal " + std::to_string(n));
    }
}

void agrees(Subject& subject) { static_cast<void>(subject.module()); }

void made_and_destroyed(Subject& subject) {
    static_cast<void>(subject.make());
    const Standing before = standing();
    for (int n = 0; n < 50; ++n) static_cast<void>(subject.make());
    const auto heap = [] { return mallinfo2().uordblks; };
    const std::size_t then = heap();
    constexpr int rounds = 100;
    for (int n = 0; n < rounds; ++n) static_cast<void>(subject.make());
    const std::size_t grown = heap() > then ? heap() - then : 0;
    const Standing after = standing();
    require(after.threads <= before.threads, "instances that were created and destroyed leave threads behind");
    require(after.descriptors <= before.descriptors, "instances that were created and destroyed leave descriptors open");
    // The kit's own books (metrics by name) are full after the first rounds.
    require(grown < std::size_t{rounds} * 64, "each instance leaves about " + std::to_string(grown / rounds) + " bytes behind");
}

void idle_create(Subject& subject) {
    static_cast<void>(subject.module());
    const Standing before = standing();
    const auto made = subject.make();
    const Standing after = standing();
    require(after.threads <= before.threads, "create starts a thread; start is the place for it");
    require(after.sockets <= before.sockets, "create opens a socket; start is the place for it");
    subject.no_sins(*made);
}

void refuses_nonsense(Subject& subject) {
    const auto& component = subject.component();
    for (const auto& option : component.options) {
        if (option.type != loader::OptionType::string && option.type != loader::OptionType::url) continue;
        // Well typed, and nonsense: an error with a reason or an instance, never a crash.
        auto given = subject.given();
        std::erase_if(given, [&](const auto& one) { return one.name == option.name; });
        loader::GivenOption odd;
        odd.name = option.name;
        odd.value = {std::string("\x01%s%n\xff nonsense "), true};
        given.push_back(std::move(odd));
        auto checked = loader::check_options(component, "kit", given);
        if (!checked.ok()) continue;
        std::string problem;
        const auto made = PluginInstance::create(subject.module(), component, std::move(checked.values), "kit", problem);
        require(made != nullptr || problem.size() > 5, "create refuses option " + option.name + " without a word");
    }
}

void stops_twice(Subject& subject) {
    {
        const auto made = subject.make();
        require(made->stop(subject.call().deadline_ns) == LARDER_OK, "stop of an instance that never started fails");
    }
    const auto made = subject.make();
    std::string why;
    if (!subject.try_start(*made, why)) skip("start refuses here: " + why);
    require(made->stop(subject.call().deadline_ns) == LARDER_OK, "stop fails");
    // The kernel's own instance asks once only; a plugin may be asked again.
    const auto component = made->module().component(made->kind(), made->component());
    if (component.stop != nullptr) require(component.stop(made->theirs(), subject.call().deadline_ns) == LARDER_OK, "the second stop fails");
    subject.no_sins(*made);
}

void silent_after_stop(Subject& subject) {
    static_cast<void>(subject.module());
    const Standing before = standing();
    auto made = subject.make();
    std::string why;
    if (!subject.try_start(*made, why)) skip("start refuses here: " + why);
    require(made->stop(subject.call().deadline_ns) == LARDER_OK, "stop fails");
    Standing after = standing();
    require(after.threads <= before.threads, std::to_string(after.threads - before.threads) + " of its threads run after stop returned");
    const std::uint64_t calls = subject.host().calls();
    std::this_thread::sleep_for(Ms(100));
    require(subject.host().calls() == calls, "it calls the kernel after stop returned");
    made.reset();
    after = standing();
    require(after.descriptors <= before.descriptors, "it leaves descriptors open after destroy");
}

void pairs_of_init(Subject& subject) {
    const auto first = subject.module();
    KitHost other;
    std::string problem;
    const auto second =
        loader::PluginModule::load(std::make_shared<const loader::PluginFile>(loader::PluginFile{subject.path(), subject.manifest()}), other, problem);
    require(second != nullptr, "a second kernel in the process cannot load it: " + problem);
    std::string why;
    auto checked = subject.options();
    const auto made = PluginInstance::create(second, subject.component(), std::move(checked), "second", why);
    require(made != nullptr, "an instance for a second kernel is refused: " + why);
    static_cast<void>(subject.make());
}

void asked_from_outside(Subject& subject) {
    const auto made = subject.make();
    require(made->extension("com.example.nobody.has-this/9") == nullptr, "it says it has an extension that it cannot know");
    const auto health = made->health();
    require(health.state >= LARDER_HEALTH_OK && health.state <= LARDER_HEALTH_DOWN, "health has a state that nobody knows");
    const auto component = made->module().component(made->kind(), made->component());
    if (component.health != nullptr) {
        // A caller built with an older header.
        larder_health shorter{};
        std::memset(shorter.message, 'x', sizeof shorter.message);
        shorter.struct_size = offsetof(larder_health, message);
        static_cast<void>(component.health(made->theirs(), &shorter));
        for (const char c : shorter.message) require(c == 'x', "health writes past the struct_size it was given");
    }
    subject.no_sins(*made);
}

constexpr Requirement all[] = {
    {"LPR-001", {}, "The manifest is embedded, is right, and documents every option.", "refused by check and at the start", manifest},
    {"LPR-002", {}, "It exports larder_plugin_abi1 and nothing else.", "symbols may meet another plugin's", one_symbol},
    {"LPR-003", {}, "Loading it does nothing: no thread, no file, no signal handler.", "work nobody asked for", quiet_load},
    {"LPR-004", {}, "Its descriptor says what its manifest says.", "refused at the start", agrees},
    {"LPR-005", {}, "Instances that are created and destroyed leave nothing behind.", "reloads leak", made_and_destroyed},
    {"LPR-006", {}, "create starts no thread and opens no socket.", "a check with --deep would connect", idle_create},
    {"LPR-007", {}, "create answers nonsense with a reason, not with a crash.", "a typing mistake ends the process", refuses_nonsense},
    {"LPR-008", {}, "stop may come twice, and before start.", "a failed reload ends the process", stops_twice},
    {"LPR-009", {}, "After stop nothing of it runs, and destroy closes what it opened.", "crashes after a reload", silent_after_stop},
    {"LPR-010", {}, "Two kernels in one process may use it.", "a host with two kernels crashes", pairs_of_init},
    {"LPR-011", {}, "health and extension answer for any caller, and write no further than they may.", "memory is overwritten", asked_from_outside},
};

}  // namespace

std::span<const Requirement> module_requirements() { return all; }

}  // namespace larder::kit
