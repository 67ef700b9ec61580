# sdk/reference/cpp_header.py -- reads larder.hpp and asio.hpp: the public classes and functions of larder::host with their comments.
#
# As c_header.py, for the style of these headers: a comment above or behind what it is about, `detail` for what is nobody's,
# bodies that no page shows. A constructor or an operator that only copies, moves or ends needs no words.
import re

from c_header import Item, Member

SPECIAL = re.compile(r"(=\s*(default|delete);?$)|^~|operator=|^(\w+)\(\3&& \w+\)")


def parse(path, text):
    lines = text.split("\n")
    intro = []
    for line in lines:
        if not line.startswith("//"):
            break
        intro.append(line.removeprefix("//").removeprefix(" "))
    body = text[text.index("namespace larder::host {") + len("namespace larder::host {"):text.index("}  // namespace larder::host\n")]
    items = []
    for code, doc, inside in pieces(body):
        code = _one_line(code)
        if code.startswith("namespace detail"):
            continue
        found = re.match(r"(?:(template <.*?>) )?(?:(requires .*?) )?(class|struct) ([\w<>:]+)", code)
        if found and not (inside is None and doc == ""):
            name = found[4]
            members = [] if inside is None else _members(inside, found[3] == "struct")
            if name.endswith(">") and not doc:
                continue  # a specialisation does what the first one says
            items.append(Item("class", name, code, doc, path, members=members))
        elif not found:
            items.append(Item("function", re.match(r".*?(\w+)\(", code)[1], code, doc, path))
    return "\n".join(intro).strip(), items


def _members(inside, public):
    out = []
    for code, doc, _ in pieces(inside):
        if label := re.match(r"(public|private):\s*", code):
            public = label[1] == "public"
            code = code[label.end():]
        if not public or not code or re.match(r"(struct|class) ", code):
            continue
        out.append(Member(_name(code), _one_line(code), doc))
    return out


def _name(code):
    if "operator bool" in code:
        return "operator bool"
    if code.startswith("using "):
        return code.split()[1]
    if "(" in code:
        return re.findall(r"(~?\w+|operator=)\s*\(", re.sub(r"<[^<>]*>", "", code))[0]
    return re.findall(r"(\w+)(?:\{\})?\s*(?:=.*)?;?$", code)[0]


def _one_line(code):
    return re.sub(r"\s+", " ", code).strip().rstrip(";")


def needs_words(member):
    return not SPECIAL.search(member.code)


def pieces(text):
    """(declaration without its body, the comment above or behind it, the body of a class)"""
    at, doc = 0, []
    while True:
        blank = re.match(r"\s*", text[at:])[0]
        if blank.count("\n") > 1:
            doc = []
        at += len(blank)
        if at >= len(text):
            return
        if text.startswith("//", at):
            end = text.index("\n", at)
            doc.append(text[at + 2:end].strip())
            at = end
            continue
        if label := re.match(r"(public|private):", text[at:]):
            yield label[0], "", None
            at += label.end()
            continue
        code, inside, end = _declaration(text, at)
        behind = re.match(r"[ \t]*//[ \t]*(.*)", text[end:])
        yield code, "\n".join(doc) or (behind[1] if behind else ""), inside
        doc, at = [], end + (behind.end() if behind else 0)


def _declaration(text, at):
    """The declaration that begins at `at`, the body of a class, and where it ends."""
    start, parens, colon = at, 0, None
    while at < len(text):
        c = text[at]
        parens += {"(": 1, ")": -1}.get(c, 0)
        if parens == 0 and c == ":" and text[at + 1] != ":" and text[at - 1] != ":" and "(" in text[start:at]:
            colon = colon or at  # initialisers begin
        if parens == 0 and c == ";":
            return text[start:colon or at], None, at + 1
        if parens == 0 and c == "{":
            close = _closing(text, at)
            code = text[start:colon or at].strip()
            is_type = re.match(r"(template <.*?>\s*)?(requires .*?\s+)?(class|struct|namespace) ", code, re.S)
            if not is_type and "(" not in code:
                at = close  # a member's initialiser
                continue
            end = close + 1
            if text.startswith(";", end):
                end += 1
            return code, text[at + 1:close] if is_type else None, end
        at += 1
    raise ValueError(f"no end: {text[start:start + 80]}")


def _closing(text, at):
    depth = 0
    for match in re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|//[^\n]*|[{}]').finditer(text, at):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    raise ValueError("a brace that nothing closes")
