// dsl/analysis/render_difference.cpp -- a difference for people, and for programs.
#include "dsl/analysis/policy_difference.hpp"
#include "dsl/analysis/report_text.hpp"
#include "dsl/rendering.hpp"

namespace larder::dsl {
namespace {

std::string clause_text(const ClauseDifference& c) {
    return c.clause + " " + (c.before.empty() ? "none" : c.before) + " -> " +
           (c.after.empty() ? "none" : c.after);
}

class Text {
  public:
    Text(const Policy& before, const Policy& after) : before_(before), after_(after) {}

    std::string run(const PolicyDifference& d) {
        for (const RequestDifference& r : d.requests) {
            line(request_head(r.requests));
            effects(r.lost, r.won);
        }
        for (const EventDifference& e : d.events) {
            line("event \"" + shown(e.event) + "\"");
            effects(e.lost, e.won);
        }
        for (const DropDifference& x : d.drops) {
            line("on drop of " + x.ns + (x.key.empty() ? "" : " \"" + shown(x.key) + "\""));
            effects(x.lost, x.won);
        }
        for (const ItemDifference& i : d.items) item(i);
        if (!d.empty()) {
            const std::size_t changed = d.requests.size() + d.events.size();
            line(counted(d.classes, "class", "classes") + " of requests and events, " +
                 std::to_string(changed) + (changed == 1 ? " changes" : " change"));
        }
        if (!d.complete) line(std::string(not_complete));
        return std::move(out_);
    }

  private:
    void line(std::string_view text) { out_.append(text).append("\n"); }

    void effects(const std::vector<Effect>& lost, const std::vector<Effect>& won) {
        for (const Effect& e : lost) line("  - " + effect_line(before_, e));
        for (const Effect& e : won) line("  + " + effect_line(after_, e));
    }

    void item(const ItemDifference& i) {
        const char sign = i.fate == Fate::added ? '+' : i.fate == Fate::removed ? '-' : '~';
        std::string head(1, sign);
        head += " " + i.kind + (i.name.empty() ? "" : " " + i.name);
        for (std::size_t k = 0; k < i.clauses.size(); ++k)
            head += (k == 0 ? ": " : "; ") + clause_text(i.clauses[k]);
        line(shown(head));
        for (const std::string& c : i.consequences) line("    " + shown(c));
    }

    const Policy &before_, &after_;
    std::string out_;
};

class Json {
  public:
    Json(const Policy& before, const Policy& after) : before_(before), after_(after) {}

    std::string run(const PolicyDifference& d) {
        out_ = "{\"different\":";
        out_ += d.empty() ? "false" : "true";
        out_ += ",\"complete\":";
        out_ += d.complete ? "true" : "false";
        out_ += ",\"classes\":" + std::to_string(d.classes) + ",\"requests\":";
        array(d.requests, [this](const RequestDifference& r) {
            out_ += request_json(r.requests);
            both(r.lost, r.won);
        });
        out_ += ",\"events\":";
        array(d.events, [this](const EventDifference& e) {
            out_ += "{\"event\":" + json_string(e.event);
            both(e.lost, e.won);
        });
        out_ += ",\"drops\":";
        array(d.drops, [this](const DropDifference& x) {
            out_ += "{\"namespace\":" + json_string(x.ns) + ",\"key\":" + json_string(x.key);
            both(x.lost, x.won);
        });
        out_ += ",\"items\":";
        array(d.items, [this](const ItemDifference& i) { item(i); });
        return std::move(out_) + "}\n";
    }

  private:
    template <class Items, class Each>
    void array(const Items& items, Each each) {
        out_ += "[";
        bool first = true;
        for (const auto& item : items) {
            if (!first) out_ += ",\n";
            first = false;
            each(item);
        }
        out_ += "]";
    }

    void both(const std::vector<Effect>& lost, const std::vector<Effect>& won) {
        out_ += ",\"before\":";
        array(lost, [this](const Effect& e) { out_ += effect_json(before_, e); });
        out_ += ",\"after\":";
        array(won, [this](const Effect& e) { out_ += effect_json(after_, e); });
        out_ += "}";
    }

    void item(const ItemDifference& i) {
        static constexpr const char* fates[] = {"added", "removed", "changed"};
        out_ += "{\"kind\":" + json_string(i.kind) + ",\"name\":" + json_string(i.name) +
                ",\"fate\":\"" + fates[static_cast<std::size_t>(i.fate)] +
                "\",\"cold\":" + (i.cold ? "true" : "false") + ",\"clauses\":";
        array(i.clauses, [this](const ClauseDifference& c) {
            out_ += "{\"clause\":" + json_string(c.clause) +
                    ",\"before\":" + json_string(c.before) + ",\"after\":" + json_string(c.after) +
                    "}";
        });
        out_ += ",\"consequences\":";
        array(i.consequences, [this](const std::string& c) { out_ += json_string(c); });
        out_ += ",\"where\":" + json_string(i.where.file.empty() ? "" : i.where.text()) + "}";
    }

    const Policy &before_, &after_;
    std::string out_;
};

}  // namespace

std::string render_difference_text(const PolicyDifference& d, const Policy& before,
                                   const Policy& after) {
    return Text(before, after).run(d);
}

std::string render_difference_json(const PolicyDifference& d, const Policy& before,
                                   const Policy& after) {
    return Json(before, after).run(d);
}

}  // namespace larder::dsl
