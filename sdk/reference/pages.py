#!/usr/bin/python3
# sdk/reference/pages.py -- the reference of the embedding headers, made from them: manual pages of section 3, and a document.
#
#     pages.py man FOLDER VERSION     larder_kernel_get.3.gz and the rest, one for each function, struct and class
#     pages.py markdown               docs/embedding.md on standard output
#
# What a symbol promises is written once, in its header. A public symbol without a comment is an error: no page of it would
# say anything. Stale pages are found by tests/tidy/embedding.py.
import gzip
import pathlib
import re
import sys

import c_header
import cpp_header

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include/larder"
TITLES = {"general": "Everywhere", "a kernel": "A kernel", "entries": "Entries", "invalidation": "Invalidation", "sessions": "Sessions",
          "reports": "Reports", "values": "Values", "loops": "Loops"}


def read(include=INCLUDE):
    """(the C header, [(name, introduction, items) of the C++ ones])"""
    c = c_header.parse("larder/larder.h", (include / "larder.h").read_text(encoding="utf-8"))
    cpp = []
    for name in ("larder.hpp", "asio.hpp"):
        intro, items = cpp_header.parse(f"larder/{name}", (include / name).read_text(encoding="utf-8"))
        cpp.append((f"larder/{name}", intro, items))
    return c, cpp


def without_words(include=INCLUDE):
    """Public symbols that no comment speaks of."""
    c, cpp = read(include)
    out = [item.name for item in c.items if not item.doc]
    out += [f"{item.name}.{member.name}" for item in c.items for member in item.members if not member.doc]
    for _, _, items in cpp:
        out += [item.name for item in items if not item.doc]
        out += [f"{item.name}::{member.name}" for item in items for member in item.members
                if not member.doc and cpp_header.needs_words(member)]
    return out


def sentence(doc):
    """The first sentence of a comment, as the line of a list."""
    flat = re.sub(r"\s+", " ", doc)
    found = re.match(r"(.*?[.:])(?= [A-Z*(]|$)", flat)
    return (found[1] if found else flat).rstrip(".:")


def paragraphs(text):
    """The parts of a header's introduction: ("text", lines), ("code", lines) or ("list", lines)."""
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            yield "code", [line[4:] for line in lines]
        elif re.match(r"\d+\. |.*:$", lines[0]) and any(re.match(r"\d+\. ", line) for line in lines):
            yield "list", lines
        else:
            yield "text", lines


# ---- Markdown ------------------------------------------------------------------------------------

def markdown():
    c, cpp = read()
    out = ["# The embedding headers", "",
           "For who writes a host: every function, struct and class of `<larder/larder.h>`, `<larder/larder.hpp>` and `<larder/asio.hpp>`. Made by",
           "[pages.py](../sdk/reference/pages.py) from the comments of the headers, and not edited; the same is installed as manual pages",
           "(`man larder_kernel_get`, `man larder::host::Space`). [hosting.md](hosting.md) begins with an example.", "",
           "## C: larder/larder.h", "", *_introduction(c.intro)]
    for section, items in _by_section(c.items):
        out += [f"### {TITLES[section]}", ""]
        if c.sections.get(section):
            out += [_said(c.sections[section]), ""]
        for item in items:
            out += [f"#### {_title(item)}", "", *_c_code(item), _said(item.doc), ""]
            if item.members:
                out += ["| | |", "|---|---|", *[f"| `{_cell(member.code)}` | {_cell(_said(member.doc))} |" for member in item.members], ""]
    for name, intro, items in cpp:
        out += [f"## C++: {name}", "", *_introduction(intro)]
        for item in items:
            out += [f"### larder::host::{item.name}", "", "```cpp", item.code, "```", "", _said(item.doc), ""]
            told = [member for member in item.members if member.doc]
            if told:
                out += ["| | |", "|---|---|", *[f"| `{_cell(member.code)}` | {_cell(_said(member.doc))} |" for member in told], ""]
    return "\n".join(out).rstrip() + "\n"


def _by_section(items):
    sections = {}
    for item in items:
        sections.setdefault(item.section, []).append(item)
    return sections.items()


def _introduction(text):
    out = []
    for kind, lines in paragraphs(text.split(" -- ", 1)[1]):
        if kind == "code":
            out += ["```cpp", *lines, "```", ""]
        elif kind == "list":
            for line in lines:
                out += ["", line] if re.match(r"1\. ", line) and out and out[-1] else [line]
            out += [""]
        else:
            out += [*map(_said, lines), ""]
    return out


def _title(item):
    return f"{_prefix(item)}*" if item.kind == "enum" else item.name


def _prefix(item):
    names = [member.name for member in item.members]
    shared = names[0]
    while not all(name.startswith(shared) for name in names):
        shared = shared[:-1]
    return shared


def _c_code(item):
    if item.kind in ("enum", "struct"):
        return []
    return ["```c", item.code, "```", ""]


def _said(text):
    """Prose, in which Markdown sees no HTML."""
    return re.sub(r"<(?=\w)(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)", r"\\<", _flat(text))


def _flat(text):
    return re.sub(r"\s+", " ", text)


def _cell(text):
    return text.replace("|", "\\|")


# ---- Manual pages --------------------------------------------------------------------------------

def manual(version):
    """File name -> text of each page."""
    c, cpp = read()
    pages = {"larder.h": _overview("larder.h", c.intro, [(TITLES[name], [item for item in items if item.kind != "enum"])
                                                         for name, items in _by_section(c.items)], version)}
    constants = [item for item in c.items if item.kind == "enum"]
    for name, items in _by_section(c.items):
        for item in items:
            if item.kind in ("function", "struct"):
                near = [other.name for other in items if other.kind in ("function", "struct") and other is not item]
                pages[item.name] = _c_page(item, near, constants, c, version)
    results = next(item for item in constants if item.name == "LARDER_R_HIT")
    pages["larder_result"] = _constants_page("larder_result", results, version)
    pages["larder::host"] = _overview("larder::host", "\n\n".join(intro for _, intro, _ in cpp), [("Classes and functions", [item for _, _, items in cpp for item in items])],
                                      version, "larder::host::")
    for header, _, items in cpp:
        for item in items:
            pages[f"larder::host::{item.name}"] = _cpp_page(header, item, [other.name for other in items if other is not item], version)
    return {f"{name}.3": text for name, text in pages.items()}


def _roff(text):
    """As roff takes it: nothing of it is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"(?m)^(['.])", r"\\&\1", text)


def _prose(text):
    """Lines of at most 78 bytes, names in bold."""
    bold = re.sub(r"(?<![\w`])(\*?larder_\w+(?:\(\))?|LARDER_\w+\*?)|`([^`]+)`", lambda m: f"\\fB{m[1] or m[2]}\\fR", _roff(_flat(text)))
    lines, line = [], ""
    for word in bold.split(" "):
        if line and len(line) + len(word) + 1 > 78:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    return "\n".join(re.sub(r"^(['.])", r"\\&\1", one) for one in [*lines, line]) + "\n"


def _head(name, version, what, header):
    return (f'.TH "{name}" 3 "" "larder {version}" "larder for hosts"\n.nh\n.ad l\n.SH NAME\n{_roff(name)} \\- {_roff(_flat(what))}\n'
            f".SH SYNOPSIS\n.nf\n.B #include <{header}>\n")


def _code(lines):
    return ".nf\n" + "\n".join(_roff(line) for line in lines) + "\n.fi\n"


def _overview(name, intro, groups, version, prefix=""):
    header = "larder/larder.h" if name.endswith(".h") else "larder/larder.hpp"
    what, _, rest = intro.partition("\n\n")
    out = _head(name, version, what.split(" -- ", 1)[1].rstrip("."), header) + ".fi\n.PP\nLink with \\-llarder.\n.SH DESCRIPTION\n"
    first = True
    for kind, lines in paragraphs(re.sub(r"(?m)^larder/asio.hpp -- ", "larder/asio.hpp: ", rest)):
        out += "" if first else ".PP\n"
        first = False
        if kind == "code":
            out += _code(lines)
        elif kind == "list":
            numbered = re.split(r"\n(?=\d+\. )", "\n".join(lines))
            for one in numbered:
                found = re.match(r"(\d+\.) (.*)", one, re.S)
                out += f".TP 4\n{found[1]}\n{_prose(found[2])}" if found else _prose(one)
        else:
            out += _prose("\n".join(lines))
    for title, items in groups:
        out += f".SH {title.upper()}\n"
        for item in items:
            out += f".TP\n.BR {_roff(prefix + item.name)}{' (3)' if item.kind in ('function', 'struct', 'class') else ''}\n{_prose(sentence(item.doc))}"
    return out


def _signature(item):
    kind = item.code[:item.code.index(item.name)].strip()
    if not item.parameters:
        return [f'.B "{kind} {item.name}(void);"']
    before = [f"{kind} {item.name}("] + ["    "] * (len(item.parameters) - 1)
    after = [","] * (len(item.parameters) - 1) + [");"]
    return [f'.BI "{begins}{_roff(type_)}" {name} "{ends}"' for begins, (type_, name), ends in zip(before, item.parameters, after)]


def _c_page(item, near, constants, header, version):
    out = _head(item.name, version, sentence(item.doc), header.path)
    if item.kind == "function":
        out += ".PP\n" + "\n".join(_signature(item)) + "\n.fi\n.PP\nLink with \\-llarder.\n.SH DESCRIPTION\n" + _prose(item.doc)
    else:
        out += ".fi\n.SH DESCRIPTION\n" + _prose(item.doc) + "".join(f".TP\n.B {_roff(member.code)}\n{_prose(member.doc)}" for member in item.members)
    below = header.sections.get(item.section)
    if below:
        out += ".PP\n" + _prose(below)
    told = item.doc + " ".join(member.doc for member in item.members) + " ".join(type_ for type_, _ in item.parameters)
    for group in constants:
        prefix = _prefix(group)
        if group.name != "LARDER_R_HIT" and (f"{prefix}*" in told or prefix.removesuffix("_").lower() + "_args" in told or
                                             (prefix == "LARDER_DO_" and item.name == "larder_kernel_invalidate")):
            out += f".SH {prefix}*\n" + "".join(f".TP\n.B {_roff(member.name)}\n{_prose(member.doc)}" for member in group.members)
    if item.code.startswith("larder_result "):
        out += ".SH RETURN VALUE\n" + _prose("What the description names, without its prefix LARDER_R_; all of them stand in larder_result(3). Less than 0: it "
                                             "failed, and larder_problem(3) has a sentence about it.")
    structs = [found[1] for type_, _ in item.parameters if (found := re.search(r"(larder_(?:\w+_args|diag|completion|field))\b", type_))]
    return out + _see("larder.h", *dict.fromkeys(structs), *near)


def _constants_page(name, group, version):
    out = _head(name, version, "what a call answers", "larder/larder.h") + f".PP\n.B typedef int32_t {name};\n.fi\n.SH DESCRIPTION\n"
    out += "Less than 0 is a failure; 0 and more are answers.\n"
    for member in group.members:
        out += f".TP\n.B {_roff(member.code)}\n{_prose(member.doc)}"
    return out + _see("larder.h", "larder_problem", "larder_result_name")


def _cpp_page(header, item, near, version):
    name = f"larder::host::{item.name}"
    out = _head(name, version, sentence(item.doc), header) + ".PP\n" + "\n".join(f".B {_roff(line)}" for line in _folded(item.code)) + "\n.fi\n.PP\nLink with \\-llarder.\n"
    out += ".SH DESCRIPTION\n" + _prose(item.doc)
    told = [member for member in item.members if member.doc]
    if told:
        out += ".SH MEMBERS\n"
    for number, member in enumerate(told):
        out += ("" if number == 0 else ".PP\n") + ".nf\n" + "\n".join(f".B {_roff(line)}" for line in _folded(member.code)) + "\n.fi\n.RS 4\n" + _prose(member.doc) + ".RE\n"
    return out + _see("larder::host", *[f"larder::host::{other}" for other in near])


def _folded(code):
    """A declaration in lines of about 76 columns, broken behind commas."""
    out = [""]
    for piece in re.split(r"(?<=,) |(?<=>) (?=[a-z]+ [\w]+\()", code):
        if out[-1] and len(out[-1]) + len(piece) > 74:
            out.append("    " + piece)
        else:
            out[-1] = f"{out[-1]} {piece}" if out[-1] else piece
    return out


def _see(*names):
    return ".SH SEE ALSO\n" + ",\n".join(f".BR {_roff(name)} (3)" for name in names) + "\n"


def main(words):
    if words[:1] == ["markdown"]:
        sys.stdout.write(markdown())
    elif words[:1] == ["man"] and len(words) == 3:
        missing = without_words()
        if missing:
            sys.exit(f"no comment says what these are: {', '.join(missing)}")
        folder = pathlib.Path(words[1])
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.3.gz"):
            old.unlink()
        for name, text in manual(words[2]).items():
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    else:
        sys.exit("pages.py man FOLDER VERSION | pages.py markdown")


if __name__ == "__main__":
    main(sys.argv[1:])
