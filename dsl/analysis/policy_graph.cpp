// dsl/analysis/policy_graph.cpp -- a policy's rules and namespaces as nodes and edges.
#include "dsl/analysis/policy_graph.hpp"

#include "dsl/analysis/reach.hpp"
#include "dsl/check_draft.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace larder::dsl {
namespace {

std::string quoted(std::string_view text) {
    std::string out(1, '"');
    return out.append(text).append(1, '"');
}

GraphEdge::Does does_of(Action action) {
    switch (action) {
        case Action::drop:
            return GraphEdge::Does::drops;
        case Action::refresh:
            return GraphEdge::Does::refreshes;
        case Action::expire:
            return GraphEdge::Does::expires;
    }
    return GraphEdge::Does::drops;
}

class Builder {
  public:
    explicit Builder(const Policy& policy) : policy_(policy) {
        for (const std::string& file : policy.files) {
            const std::string name = file.substr(file.rfind('/') + 1);
            out_.title += (out_.title.empty() ? "" : ", ") + name;
        }
    }

    PolicyGraph run() {
        spaces_.assign(policy_.namespaces.size(), none);
        for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i)
            if (policy_.namespaces[i].key) space(i);
        for (const Rule& rule : policy_.rules) add(rule);
        for (const auto& [text, node] : tags_) carriers(text, node);
        for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) depends(i);
        return std::move(out_);
    }

  private:
    std::uint32_t node(GraphNode made) {
        if (out_.nodes.size() >= max_graph_nodes) {
            out_.cut = true;
            return none;
        }
        out_.nodes.push_back(std::move(made));
        return static_cast<std::uint32_t>(out_.nodes.size() - 1);
    }

    void edge(GraphEdge made) {
        if (made.from == none || made.to == none) return;
        for (const GraphEdge& e : out_.edges)
            if (e.from == made.from && e.to == made.to && e.does == made.does &&
                e.label == made.label)
                return;
        if (out_.edges.size() >= max_graph_edges) {
            out_.cut = true;
            return;
        }
        out_.edges.push_back(std::move(made));
    }

    void space(NamespaceIndex i) {
        const Namespace& n = policy_.namespaces[i];
        std::string detail = quoted(n.key->pattern().source);
        detail += n.ttl ? ", lives " + spoken(n.ttl->ttl) : ", lives until it is dropped";
        spaces_[i] = node({GraphNode::Is::space, n.name, std::move(detail), 2});
    }

    std::uint32_t trigger(const Rule& rule) {
        GraphNode made{GraphNode::Is::route, {}, rule.where.text(), 0};
        switch (rule.kind) {
            case TriggerKind::route:
                made.label = method_names(rule.methods) + " " + rule.route;
                break;
            case TriggerKind::event:
                made = {GraphNode::Is::event, "event " + rule.route, rule.where.text(), 0};
                break;
            case TriggerKind::plugin:
                made = {GraphNode::Is::event, rule.plugin + " " + rule.route, rule.where.text(), 0};
                break;
            case TriggerKind::drop_of:
                made = {GraphNode::Is::drop_of, "drop of " + policy_.namespaces[rule.of].name,
                        rule.where.text(), 0};
                break;
        }
        const auto [it, fresh] = triggers_.try_emplace(made.label, none);
        if (fresh) it->second = node(std::move(made));
        return it->second;
    }

    void add(const Rule& rule) {
        const std::uint32_t from = trigger(rule);
        for (const Change& c : rule.changes) change(rule, from, c);
        for (const NamespaceIndex w : rule.warm)
            for (const NamespaceIndex i : policy_.under(w))
                edge({GraphEdge::Does::warms, from, spaces_[i], "", rule.where.text()});
        if (rule.serve)
            edge({GraphEdge::Does::serves, from, spaces_[rule.serve->ns],
                  rule.serve->key ? rule.serve->key->source : "", rule.where.text()});
    }

    void change(const Rule& rule, std::uint32_t from, const Change& c) {
        GraphEdge made{does_of(c.action), from, none, c.text.source, rule.where.text()};
        if (c.kind == TargetKind::tag) {
            const auto [it, fresh] = tags_.try_emplace(c.text.source, none);
            if (fresh)
                it->second =
                    node({GraphNode::Is::tag, "tag " + c.text.source, rule.where.text(), 1});
            made.to = it->second;
            made.label.clear();
            return edge(std::move(made));
        }
        std::vector<NamespaceIndex> all;
        if (c.kind == TargetKind::everything)
            for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) all.push_back(i);
        else
            all =
                c.kind == TargetKind::key ? std::vector<NamespaceIndex>{c.ns} : policy_.under(c.ns);
        for (const NamespaceIndex i : all) {
            made.to = spaces_[i];
            edge(made);
        }
    }

    void carriers(const std::string& text, std::uint32_t tag) {
        for (const Rule& rule : policy_.rules)
            for (const Change& c : rule.changes) {
                if (c.kind != TargetKind::tag || c.text.source != text) continue;
                for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i)
                    if (reaches(policy_, c, i))
                        edge({GraphEdge::Does::carries, tag, spaces_[i], "", ""});
                return;
            }
    }

    void depends(NamespaceIndex i) {
        for (const Dependency& d : policy_.namespaces[i].depends)
            edge({GraphEdge::Does::depends, spaces_[i], spaces_[d.on], d.key ? d.key->source : "",
                  ""});
    }

    const Policy& policy_;
    std::vector<std::uint32_t> spaces_;
    std::map<std::string, std::uint32_t> triggers_, tags_;
    PolicyGraph out_;
};

}  // namespace

PolicyGraph graph_of(const Policy& policy) { return Builder(policy).run(); }

}  // namespace larder::dsl
