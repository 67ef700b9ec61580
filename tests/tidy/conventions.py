# tests/tidy/conventions.py -- of docs/contributing.md, what a machine can judge. Taste is not here.
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)

CODE = (".h", ".hpp", ".c", ".cpp")

# A path that exists on one machine only. In pieces, or this file would be its own finding.
MACHINE_PATH = re.compile(r"(?<![\w./])/(" + "|".join(("work", "root", "home/" + r"[a-z]\w*", "Users")) + r")/\w")
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"))
                        + r")\b")
# Thread sanitizer does not follow fences; an ordered operation says the same and it does.
FENCE = re.compile(r"\batomic_(thread|signal)" + r"_fence\b")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(")


def tree(root):
    """Every text file of the project under `root`: what git knows, or all of it without git."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True)
    if listed.returncode == 0:
        paths = [root / name.decode() for name in listed.stdout.split(b"\0") if name]
    else:
        paths = [path for path in root.rglob("*")
                 if path.relative_to(root).parts[0] not in (".git", "build", "out")]
    for path in sorted(paths):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            yield path.relative_to(root).as_posix(), data.decode("utf-8", "replace")


def findings(root):
    found = []
    for path, text in tree(root):
        def tell(position, what):
            found.append(f"{path}:{text.count(chr(10), 0, position) + 1}: {what}")

        for match in MACHINE_PATH.finditer(text):
            tell(match.start(), f"a path of one machine: {match[0]}...")
        # Templates are the beginnings of other people's files, and open with their names.
        if path.endswith(CODE) and not path.startswith("sdk/templates/"):
            opening = _opening(path)
            if not text.startswith(opening):
                tell(0, f"a file opens with what it is: {opening[0]}...")
            for match in UNFINISHED.finditer(text):
                tell(match.start(), f"{match[0]}: finish it, or write down what would make it due")
            for match in FENCE.finditer(text):
                tell(match.start(), "a fence: use an ordered operation")
            if path.startswith("tests/unit/"):
                for match in SLEEP.finditer(text):
                    tell(match.start(), "a test that sleeps: move a clock instead")
    return found


def _opening(path):
    """How the first line of the file at `path` may begin. Installed headers name what users write."""
    name = path.removeprefix("sdk/include/").removeprefix("sdk/abi/1.0/")
    return tuple(f"{mark} {known} -- " for mark in ("//", "/*") for known in dict.fromkeys((path, name)))


class Conventions(unittest.TestCase):
    def test_the_tree_keeps_what_a_machine_can_judge(self):
        found = findings(ROOT)
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_what_is_planted_is_found(self):
        opening = "// {} -- a planted file.\n"
        planted = {
            "kernel/core/a.cpp": "// kernel/core/b.cpp -- the name of another file.\n",
            "kernel/core/b.cpp": opening + "std::" + "atomic_thread" + "_fence(order);\n",
            "kernel/core/c.cpp": opening + "// TO" + "DO: the rest\n",
            "tests/unit/core/d_test.cpp": opening + "std::this_thread::sleep_for(1s);\n",
            "docs/e.md": "see /" + "home/somebody/file\n",
            "sdk/include/larder/plugin/f.h": "/* plugin/f.h -- not what users write. */\n",
        }
        clean = {
            "kernel/core/z.cpp": opening,
            "sdk/include/larder/plugin/z.h": "/* larder/plugin/z.h -- what users write. */\n",
            "docs/z.md": "GET /" + "rooms/home is a route\n",
        }
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in (planted | clean).items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text.replace("{}", path))
            reported = {entry.partition(":")[0] for entry in findings(root)}
        self.assertEqual(reported, set(planted))


if __name__ == "__main__":
    unittest.main()
