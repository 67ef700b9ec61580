#!/usr/bin/python3
# sdk/abi/freeze.py -- what the plugin ABI is, in two forms that a machine compares: static assertions and a dump of its types.
#
#   sdk/abi/freeze.py HEADERS FOLDER      writes FOLDER/frozen_1_0.h and FOLDER/larder-abi1.xml from the headers in HEADERS
#
# The assertions see sizes, offsets and the values of enumerators, with any compiler; libabigail's dump sees the types of
# members and parameters. Each is blind for what the other sees. A struct that begins with struct_size may grow at its end, so
# its size is a least one; the others are as they are. Run it when something was added, and say so in abi.h.
import pathlib
import re
import subprocess
import sys
import tempfile

STRUCT = re.compile(r"(?:typedef struct (\w+)|^struct (\w+)) \{(.*?)\n\}", re.S | re.M)


def plain(text):
    return re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def members(body):
    """The names of a struct's members, in their order."""
    found, depth, one = [], 0, ""
    for c in body:
        depth += (c in "({") - (c in ")}")
        if c == ";" and depth == 0:
            if pointer := re.search(r"\(LARDER_CALL \*(\w+)\)", one):
                found.append(pointer[1])
            else:
                for part in one.split(","):
                    found.append(re.search(r"(\w+)(?:\[[^\]]*\])?\s*$", part.strip())[1])
            one = ""
        else:
            one += c
    return found


def read(headers):
    """{struct: members}, [enumerators] of all headers."""
    structs, values = {}, []
    for path in sorted(pathlib.Path(headers, "larder/plugin").glob("*.h")):
        text = plain(path.read_text(encoding="utf-8"))
        for named, again, body in STRUCT.findall(text):
            structs[named or again] = members(body)
        for body in re.findall(r"\benum \{(.*?)\}", text, re.S):
            values += re.findall(r"\b(LARDER_\w+)\s*(?:=|,|$)", re.sub(r"=[^,]*", "=", body), re.M)
    return structs, values


def includes():
    return "#include <larder/plugin/plugin.h>\n#include <larder/plugin/info.h>\n#include <larder/plugin/shared.h>\n"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **more).stdout


def assertions(headers):
    structs, values = read(headers)
    with tempfile.TemporaryDirectory() as folder:
        lines = [includes(), "#include <stdio.h>\nint main(void) {\n"]
        for name, fields in structs.items():
            lines.append(f'printf("size {name} %zu\\n", sizeof({name}));\n')
            lines += [f'printf("offset {name} {field} %zu\\n", offsetof({name}, {field}));\n' for field in fields]
        lines += [f'printf("value {value} %lld\\n", (long long){value});\n' for value in values]
        source = pathlib.Path(folder, "print.c")
        source.write_text("".join(lines) + "return 0;\n}\n")
        run("cc", "-std=c11", "-I", headers, source, "-o", source.with_suffix(""))
        told = run(source.with_suffix(""))
    out = ["/* sdk/abi/frozen_1_0.h -- plugin ABI 1.0 on 64-bit machines: made by freeze.py, never edited. */\n", includes(), "#if UINTPTR_MAX == UINT64_MAX\n"]
    for line in told.splitlines():
        kind, *words = line.split()
        if kind == "size":
            relation = ">=" if structs[words[0]][:1] == ["struct_size"] else "=="
            out.append(f'_Static_assert(sizeof({words[0]}) {relation} {words[1]}, "size of {words[0]}");\n')
        elif kind == "offset":
            out.append(f'_Static_assert(offsetof({words[0]}, {words[1]}) == {words[2]}, "{words[0]}.{words[1]}");\n')
        else:
            out.append(f'_Static_assert({words[0]} == {words[1]}, "{words[0]}");\n')
    return "".join(out) + "#endif\n"


def dump(headers, to):
    """libabigail's description of every struct, reached from one function."""
    structs, _ = read(headers)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "probe.c")
        parameters = ", ".join(f"{name} *a{n}" for n, name in enumerate(sorted(structs)))
        source.write_text(f"{includes()}void larder_abi_probe({parameters});\nvoid larder_abi_probe({parameters}) "
                          + "{ " + "".join(f"(void)a{n};" for n in range(len(structs))) + " }\n")
        run("cc", "-std=c11", "-g", "-fPIC", "-shared", "-I", headers, source, "-o", source.with_suffix(".so"))
        run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--out-file", to, source.with_suffix(".so"))


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2])
    target.joinpath("frozen_1_0.h").write_text(assertions(sys.argv[1]), encoding="utf-8")
    dump(sys.argv[1], target / "larder-abi1.xml")
