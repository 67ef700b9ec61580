// tests/unit/dsl/tree_text.hpp -- a syntax tree as text without its places: what a policy says,
// however it is laid out.
#pragma once

#include "dsl/parser.hpp"

#include <boost/pfr.hpp>

#include <string>
#include <type_traits>
#include <vector>

namespace larder::test {

class TreeText {
  public:
    explicit TreeText(const dsl::SourceMap& sources) : sources_(sources) {}

    std::string of(const dsl::ast::Policy& tree) && {
        (*this)(tree);
        return std::move(out_);
    }

    void operator()(dsl::Span) {}
    void operator()(std::string_view text) { (out_ += text) += ' '; }
    template <class T>
    void operator()(const std::vector<T>& list) {
        out_ += '[';
        for (const T& element : list) (*this)(element);
        out_ += ']';
    }
    template <class T>
    void operator()(const boost::optional<T>& maybe) {
        out_ += '?';
        if (maybe) (*this)(*maybe);
    }
    template <class T>
    void operator()(const boost::spirit::x3::forward_ast<T>& node) {
        (*this)(node.get());
    }
    template <class Node>
    void operator()(const Node& node) {
        if constexpr (requires { typename Node::base_type; }) {
            out_ += std::to_string(node.get().which()) + ':';
            boost::apply_visitor([this](const auto& held) { (*this)(held); }, node.get());
        } else if constexpr (std::is_same_v<Node, dsl::ast::Keyword>) {
            if (!node.doc.empty()) (*this)(std::string_view(documentation(sources_, node.doc)));
        } else if constexpr (std::is_enum_v<Node>) {
            out_ += std::to_string(static_cast<int>(node)) + ' ';
        } else if constexpr (std::is_arithmetic_v<Node>) {
            out_ += std::to_string(node) + ' ';
        } else {
            out_ += '(';
            boost::pfr::for_each_field(node, [this](const auto& field) { (*this)(field); });
            out_ += ')';
        }
    }

  private:
    const dsl::SourceMap& sources_;
    std::string out_;
};

inline std::string tree_text(const dsl::SourceMap& sources, const dsl::ast::Policy& tree) {
    return TreeText(sources).of(tree);
}

}  // namespace larder::test
