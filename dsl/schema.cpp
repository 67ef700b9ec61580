// dsl/schema.cpp -- hashing what entries are made of.
#include "dsl/schema.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

class Hash {
  public:
    void add(std::string_view text) {
        for (const char c : text) add_byte(static_cast<unsigned char>(c));
        add_byte(0xFF);
    }
    void add_sorted(std::vector<std::string> texts) {
        std::sort(texts.begin(), texts.end());
        for (const std::string& text : texts) add(text);
        add_byte(0xFE);
    }
    std::uint64_t value() const { return value_; }

  private:
    void add_byte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001B3ULL; }
    std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

std::vector<std::string> meanings(const std::vector<Template>& texts, const Namespace& owner) {
    std::vector<std::string> out;
    for (const Template& text : texts) out.push_back(meaning_of(text, owner));
    return out;
}

void append(std::vector<std::string>& to, std::vector<std::string> more) {
    to.insert(to.end(), more.begin(), more.end());
}

std::vector<std::string> shapes(const std::vector<Pattern>& patterns) {
    std::vector<std::string> out;
    for (const Pattern& p : patterns) out.push_back(p.shape());
    return out;
}

// One text for one dependency. Bytes below 32 cannot be mistaken for those of names.
std::string dependency_text(const Policy& policy, const Dependency& d, const Namespace& owner) {
    const Namespace& on = policy.namespaces[d.on];
    std::string out = on.name + '\x06';
    if (d.key) out += meaning_of(*d.key, owner);
    std::vector<std::string> parts = meanings(d.tags, owner);
    append(parts, meanings(d.late_tags, owner));
    append(parts, shapes(on.patterns));
    std::sort(parts.begin(), parts.end());
    for (const std::string& part : parts) out += '\x07' + part;
    return out;
}

std::uint64_t schema_of(const Policy& policy, const Namespace& n) {
    Hash hash;
    hash.add(meaning_of(n.key->pattern(), n));
    hash.add_sorted({n.parameters.begin() + n.fields, n.parameters.end()});
    std::vector<std::string> tags = meanings(n.tags, n);
    append(tags, meanings(n.late_tags, n));
    hash.add_sorted(std::move(tags));
    hash.add_sorted(shapes(n.patterns));
    std::vector<std::string> depends;
    for (const Dependency& d : n.depends) depends.push_back(dependency_text(policy, d, n));
    hash.add_sorted(std::move(depends));
    // What was stored before such a rule came may hold what it names.
    std::vector<std::string> withheld;
    for (const NeverStore& rule : n.never_store)
        for (const std::string& name : rule.names) withheld.push_back(std::to_string(static_cast<int>(rule.what)) + '\x06' + name);
    if (!withheld.empty()) hash.add_sorted(std::move(withheld));
    return hash.value();
}

}  // namespace

std::string meaning_of(const Template& text, const Namespace& owner) {
    std::string out;
    for (const Piece& p : text.pieces) {
        switch (p.kind) {
            case Piece::Kind::literal:
                out += p.text;
                break;
            case Piece::Kind::variable:
            case Piece::Kind::rest:
                out += p.kind == Piece::Kind::rest ? '\x03' : '\x01';
                out += p.slot < owner.fields ? std::to_string(p.slot + 1) : p.text;
                out += '\x02';
                break;
            case Piece::Kind::star:
                out += '\x04';
                break;
            case Piece::Kind::deep:
                out += '\x05';
                break;
        }
    }
    return out;
}

void number_schemas(Policy& policy) {
    for (Namespace& n : policy.namespaces)
        if (n.key) n.schema = schema_of(policy, n);
}

}  // namespace larder::dsl
