# sdk/reference/c_header.py -- reads larder.h: sections of functions, structs and constants, each with the comment it stands under.
#
# It reads the one style that the header is written in, and no other: a comment directly above what it is about, or behind it
# on its line. What it cannot read is an error, so nothing is left out of the pages in silence.
import dataclasses
import re

SECTION = re.compile(r"/\* -{20,} ([a-z ]+) \*/")
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)


@dataclasses.dataclass
class Member:
    name: str
    code: str
    doc: str


@dataclasses.dataclass
class Item:
    kind: str  # function, struct, enum, type, define
    name: str
    code: str
    doc: str
    section: str
    members: list = dataclasses.field(default_factory=list)
    parameters: list = dataclasses.field(default_factory=list)  # (type, name)


@dataclasses.dataclass
class Header:
    path: str
    intro: str
    items: list
    sections: dict  # name -> what stands below its title, or ""


def words(comment):
    """The text of a comment without what makes it one."""
    lines = [re.sub(r"^\s*\* ?", "", line) if number else line.strip() for number, line in enumerate(comment.strip().split("\n"))]
    return "\n".join(line.rstrip() for line in lines).strip()


def parse(path, text):
    intro = words(COMMENT.match(text)[1])
    at = text.index('extern "C" {')
    at = text.index("#endif", at) + len("#endif")
    header = Header(path, intro, [], {})
    section, doc, doc_end = "general", "", -1
    while True:
        at += len(re.match(r"\s*", text[at:])[0])
        rest = text[at:]
        if rest.startswith("#ifdef __cplusplus"):
            return header
        if found := SECTION.match(rest):
            section = found[1]
            header.sections[section] = ""
            doc, at = "", at + found.end()
        elif found := COMMENT.match(rest):
            doc, doc_end = words(found[1]), at + found.end()
            after = re.match(r"\n\s*\n", text[doc_end:])
            if after and section in header.sections and not header.sections[section]:
                header.sections[section], doc = doc, ""
            at = doc_end
        elif rest.startswith("#"):
            at += _preprocessor(header, rest, section, doc)
            doc = ""
        else:
            end = _end_of_declaration(rest)
            trailing = re.match(r"[ \t]*/\*(.*?)\*/", rest[end:], re.S)
            header.items.append(_item(rest[:end], doc or (words(trailing[1]) if trailing else ""), section))
            doc, at = "", at + end + (trailing.end() if trailing and not doc_follows(rest[end:]) else 0)


def doc_follows(text):
    """Whether the next comment is on a line of its own, and so about what comes after it."""
    return re.match(r"[ \t]*\n", text) is not None


def _preprocessor(header, rest, section, doc):
    line = rest[:rest.index("\n")]
    found = re.match(r"#define (LARDER_\w+) (\S+)(?:\s*/\*(.*)\*/)?$", line)
    if found and found[1] != "LARDER_EMBED_API":
        header.items.append(Item("define", found[1], f"#define {found[1]} {found[2]}", doc or (found[3] or "").strip(), section))
    return len(line)


def _end_of_declaration(text):
    depth = 0
    for match in re.finditer(r"/\*.*?\*/|[{};]", text, re.S):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if match[0] == ";" and depth == 0:
            return match.end()
    raise ValueError(f"no end: {text[:80]}")


def _item(code, doc, section):
    code = code.strip()
    if code.startswith("LARDER_EMBED_API"):
        flat = re.sub(r"\s+", " ", code.removeprefix("LARDER_EMBED_API").strip())
        name = re.match(r".*?(\w+)\(", flat)[1]
        inside = flat[flat.index("(") + 1:flat.rindex(")")]
        parameters = [] if inside == "void" else [re.match(r"(.*?)(\w+)$", one.strip()).groups() for one in inside.split(",")]
        return Item("function", name, flat, doc, section, parameters=parameters)
    if found := re.match(r"typedef struct \w+ (\w+);$", code):
        return Item("type", found[1], code, doc, section)
    if found := re.match(r"typedef \w+ (\w+);$", code):
        return Item("type", found[1], code, doc, section)
    if found := re.match(r"typedef struct (\w+) \{(.*)\} \1;$", code, re.S):
        return Item("struct", found[1], code, doc, section, members=_fields(found[2]))
    if found := re.match(r"enum \{(.*)\};$", code, re.S):
        members = _constants(found[1])
        return Item("enum", members[0].name, code, doc, section, members=members)
    raise ValueError(f"neither a function nor a type: {code[:80]}")


def _fields(body):
    out = []
    for code, doc in _documented(body, ";"):
        names = re.sub(r"\s+", " ", code)
        out.append(Member(re.findall(r"(\w+)(?:\[\d+\])?(?:,|$)", names)[-1], names, doc))
    return out


def _constants(body):
    return [Member(re.match(r"\w+", code)[0], re.sub(r"\s+", " ", code), doc) for code, doc in _documented(body, ",")]


def _documented(body, end):
    """Pieces that end with `end`, each with the comment above it or behind it."""
    out, above, at = [], "", 0
    while at < len(body):
        at += len(re.match(r"\s*", body[at:])[0])
        if not body[at:]:
            break
        if found := COMMENT.match(body[at:]):
            above, at = words(found[1]), at + found.end()
            continue
        code = re.match(rf"[^{end}/]+", body[at:])[0]
        at += len(code)
        if body[at:at + 1] == end:
            at += 1
        behind = re.match(r"[ \t]*/\*(.*?)\*/", body[at:], re.S)
        out.append((code.strip(), above or (words(behind[1]) if behind else "")))
        at += behind.end() if behind and not above else 0
        above = ""
    return out
