// dsl/analysis/render_routes.cpp -- the table, for people and for programs.
#include "dsl/analysis/render_routes.hpp"

#include "dsl/analysis/effect.hpp"
#include "dsl/analysis/reach.hpp"
#include "dsl/analysis/report_text.hpp"
#include "dsl/rendering.hpp"

#include <algorithm>
#include <set>

namespace larder::dsl {
namespace {

// What happens because rules fired: their effects, and those of the rules that drops set off.
class Course {
  public:
    explicit Course(const Policy& policy) : policy_(policy), effects_(policy) {}

    std::vector<Effect> first(const std::vector<std::uint32_t>& rules,
                              std::uint32_t serving) const {
        return effects_.of(rules, serving);
    }

    // Rules `on drop of`, transitively, each once.
    std::vector<Effect> then(const std::vector<std::uint32_t>& rules) const {
        std::vector<std::uint32_t> ahead = rules, more;
        std::set<std::uint32_t> seen;
        for (std::size_t k = 0; k < ahead.size(); ++k)
            for (const Change& c : policy_.rules[ahead[k]].changes)
                for (const std::uint32_t r : set_off(policy_, c))
                    if (seen.insert(r).second) {
                        ahead.push_back(r);
                        more.push_back(r);
                    }
        return effects_.of(more, none);
    }

  private:
    const Policy& policy_;
    Effects effects_;
};

class Text {
  public:
    explicit Text(const Policy& policy) : policy_(policy), course_(policy) {}

    std::string run(const RequestClasses& classes) {
        std::size_t idle = 0;
        for (const RequestClass& c : classes.requests) {
            if (c.idle()) {
                ++idle;
                continue;
            }
            line(request_head(c));
            effects(c.rules[0], c.serving[0]);
        }
        for (const EventClass& c : classes.events) {
            if (c.idle()) continue;
            line("event \"" + shown(c.name) + "\"");
            effects(c.rules[0], none);
        }
        std::string last = counted(classes.requests.size(), "class", "classes") + " of requests";
        if (idle != 0)
            last += "; in " + std::to_string(idle) + " of them nothing happens, for example for " +
                    quiet(classes);
        line(last);
        if (!classes.complete) line(std::string(not_complete));
        return std::move(out_);
    }

  private:
    void line(std::string_view text) { out_.append(text).append("\n"); }

    void effects(const std::vector<std::uint32_t>& rules, std::uint32_t serving) {
        for (const Effect& e : course_.first(rules, serving)) line("  " + effect_line(policy_, e));
        for (const Effect& e : course_.then(rules)) line("  then " + effect_line(policy_, e));
    }

    static std::string quiet(const RequestClasses& classes) {
        const auto it = std::find_if(classes.requests.begin(), classes.requests.end(),
                                     [](const RequestClass& c) { return c.idle(); });
        return it->method() + " " + it->path + " answered with " + std::to_string(it->status());
    }

    const Policy& policy_;
    Course course_;
    std::string out_;
};

class Json {
  public:
    explicit Json(const Policy& policy) : policy_(policy), course_(policy) {}

    std::string run(const RequestClasses& classes) {
        out_ = "{\"complete\":";
        out_ += classes.complete ? "true" : "false";
        out_ += ",\"requests\":[";
        bool first = true;
        for (const RequestClass& c : classes.requests) {
            out_ += first ? "\n" : ",\n";
            first = false;
            out_ += request_json(c);
            body(c.rules[0], c.serving[0]);
        }
        out_ += "],\"events\":[";
        first = true;
        for (const EventClass& c : classes.events) {
            out_ += (first ? "\n" : ",\n") + std::string("{\"event\":") + json_string(c.name);
            first = false;
            body(c.rules[0], none);
        }
        return std::move(out_) + "]}\n";
    }

  private:
    void body(const std::vector<std::uint32_t>& rules, std::uint32_t serving) {
        out_ += ",\"rules\":[";
        for (std::size_t k = 0; k < rules.size(); ++k)
            out_ += (k == 0 ? "" : ",") + json_string(policy_.rules[rules[k]].where.text());
        out_ += "],\"effects\":";
        list(course_.first(rules, serving));
        out_ += ",\"then\":";
        list(course_.then(rules));
        out_ += "}";
    }

    void list(const std::vector<Effect>& effects) {
        out_ += "[";
        for (std::size_t k = 0; k < effects.size(); ++k)
            out_ += (k == 0 ? "" : ",") + effect_json(policy_, effects[k]);
        out_ += "]";
    }

    const Policy& policy_;
    Course course_;
    std::string out_;
};

}  // namespace

std::string render_routes_text(const Policy& policy, const RequestClasses& classes) {
    return Text(policy).run(classes);
}

std::string render_routes_json(const Policy& policy, const RequestClasses& classes) {
    return Json(policy).run(classes);
}

}  // namespace larder::dsl
