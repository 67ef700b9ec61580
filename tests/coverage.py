#!/usr/bin/python3
# tests/coverage.py -- which lines and branches a run of the tests went through, folder by folder, from what gcov counted.
#
#     ./quickstart coverage                                 builds, runs every test, then this
#     tests/coverage.py [--build build/coverage] [--html]   the table of what has been counted so far
#
# Lines and branches of the product alone: dsl, kernel, plugins, sdk. Branches that only an exception takes are not counted:
# the compiler makes one behind nearly every call. The table stays in BUILD/coverage.txt, the pages of --html in BUILD/coverage.
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("dsl", "kernel", "plugins", "sdk")
CODE = (".c", ".cpp", ".h", ".hpp")


def counted(root, build, jobs, html):
    """gcovr's summary of each file."""
    out = build / "coverage.json"
    command = ["gcovr", "--root", root, "--object-directory", build, "--json-summary", out, "--exclude-throw-branches", "--exclude-unreachable-branches",
               "--gcov-ignore-parse-errors", "-j", str(jobs)]
    for folder in FOLDERS:
        command += ["--filter", f"{root}/{folder}/"]
    if html:
        (build / "coverage").mkdir(exist_ok=True)
        command += ["--html-details", build / "coverage/index.html"]
    subprocess.run([str(word) for word in [*command, build]], check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text(encoding="utf-8"))["files"]


def by_folder(files):
    """Folder -> [lines, of them covered, branches, of them covered]; the last one is all of them."""
    rows = {}
    for one in files:
        parts = one["filename"].split("/")
        folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
        numbers = [one["line_total"], one["line_covered"], one["branch_total"], one["branch_covered"]]
        rows[folder] = [a + b for a, b in zip(rows.get(folder, [0] * 4), numbers)]
    rows = dict(sorted(rows.items()))
    rows["all"] = [sum(column) for column in zip(*rows.values())] if rows else [0] * 4
    return rows


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(rows):
    out = [f"{'folder':32} {'lines':>8} {'covered':>8} {'branches':>9} {'covered':>8}"]
    for folder, (lines, lines_covered, branches, branches_covered) in rows.items():
        out.append(f"{folder:32} {lines:8} {percent(lines_covered, lines):>8} {branches:9} {percent(branches_covered, branches):>8}")
    return "\n".join(out) + "\n"


def written(root, folders, endings):
    """Lines that are not blank."""
    return sum(1 for folder in folders for path in (root / folder).rglob("*") if path.suffix in endings and "node_modules" not in path.parts
               for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip())


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/coverage")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--html", action="store_true", help="pages with every line, in BUILD/coverage")
    asked = parser.parse_args(words)
    root, build = asked.root.resolve(), asked.build.resolve()
    if not any(build.rglob("*.gcda")):
        sys.exit(f"coverage: nothing in {build} has been run with --coverage")
    rows = by_folder(counted(root, build, asked.jobs, asked.html))
    source, tests = written(root, FOLDERS, CODE), written(root, ["tests"], (*CODE, ".py"))
    text = table(rows) + f"\n{tests} lines of tests for {source} lines of source" + (f", {tests / source:.2f} to 1\n" if source else "\n")
    (build / "coverage.txt").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
