# tests/tidy/acceptance.py -- that tests/acceptance.toml tells the truth about this very run.
#
# tests/run.py runs it last, when the results of every other test are on disk; it reads them and does
# not trust a name. After a partial run (--only) it judges by what the last whole run left.
import fnmatch
import os
import pathlib
import subprocess
import sys
import tomllib
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
RESULTS = pathlib.Path(os.environ.get("LARDER_RESULTS_DIR", BUILD / "results"))
sys.path.insert(0, str(ROOT / "tests"))
from runner import results  # noqa: E402

ITEMS = 156
FIELDS = {"test": {"name"}, "command": {"run"},
          "measured": {"bench", "seed", "ours", "ratio", "machine", "date"}}
OPTIONAL = {"command": {"prints"}}


def faults(items, outcomes, run):
    """What is untrue in `items`, given the `outcomes` of tests by full name. `run` runs a command."""
    found = []
    numbers = [item.get("number") for item in items]
    if numbers != list(range(1, ITEMS + 1)):
        found.append(f"the items are not numbered 1 to {ITEMS} in order")
    for item in items:
        shows, todo = item.get("shows", []), item.get("todo", False)
        if bool(shows) == bool(todo):
            found.append(f"item {item.get('number')}: either `todo = true` or `shows`, one of the two")
        for show in shows:
            found += [f"item {item['number']}: {what}" for what in _judge(show, outcomes, run)]
    return found


def _judge(show, outcomes, run):
    kind = show.get("kind")
    if kind not in FIELDS:
        return [f"kind {kind!r} is none of {', '.join(FIELDS)}"]
    missing = FIELDS[kind] - show.keys()
    unknown = show.keys() - FIELDS[kind] - OPTIONAL.get(kind, set()) - {"kind"}
    if missing or unknown:
        return [f"{kind}: missing {sorted(missing)}, unknown {sorted(unknown)}"]
    if kind == "command":
        return run(show["run"], show.get("prints"))
    if kind == "measured":
        return [f"measured: `{field}` is empty" for field in FIELDS[kind] if not show[field]]
    name = show["name"]
    fitting = {known: outcome for known, outcome in outcomes.items()
               if known == name or fnmatch.fnmatchcase(known, name)}
    if not fitting:
        return [f"there is no test {name!r}, or it did not run"]
    return [f"{known} was {outcome}" for known, outcome in fitting.items()
            if outcome != results.PASSED]


def run_command(command, prints):
    path = f"{BUILD / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, env={**os.environ, "PATH": path},
                         capture_output=True, text=True, timeout=60)
    if ran.returncode:
        return [f"`{command}` exited {ran.returncode}: {ran.stderr.strip()}"]
    if prints and prints not in ran.stdout:
        return [f"`{command}` did not print {prints!r} but {ran.stdout.strip()!r}"]
    return []


class Acceptance(unittest.TestCase):
    def test_what_the_acceptance_list_names_exists_ran_and_passed(self):
        with open(ROOT / "tests/acceptance.toml", "rb") as file:
            items = tomllib.load(file)["item"]
        todo = sum(item.get("todo", False) for item in items)
        # To the terminal of the run, not to what is kept for a failure.
        count = f"acceptance: {len(items) - todo} shown, {todo} todo"
        (BUILD / "acceptance.txt").write_text(f"{count}\n", encoding="utf-8")
        self.assertEqual("\n".join(faults(items, results.read_junit(RESULTS), run_command)), "")

    def test_a_name_that_is_wrong_missing_failed_or_skipped_is_found(self):
        outcomes = {"dsl/good": results.PASSED, "dsl/bad": results.FAILED,
                    "dsl/left out": results.SKIPPED}
        plain = [{"number": number, "todo": True} for number in range(1, ITEMS + 1)]
        wrong = [
            {"shows": [{"kind": "test", "name": "dsl/no such test"}]},
            {"shows": [{"kind": "test", "name": "dsl/bad"}]},
            {"shows": [{"kind": "test", "name": "dsl/left out"}]},
            {"shows": [{"kind": "test", "name": "dsl/*"}]},
            {"shows": [{"kind": "test"}]},
            {"shows": [{"kind": "rumour"}]},
            {"shows": [{"kind": "command", "run": "exit 3"}]},
            {"shows": [{"kind": "command", "run": "echo one", "prints": "two"}]},
            {"shows": [{"kind": "measured", "seed": "1 ms"}]},
            {"shows": [{"kind": "test", "name": "dsl/good"}], "todo": True},
            {},
        ]
        for entry in wrong:
            with self.subTest(entry=entry):
                items = [{"number": 1, **entry}, *plain[1:]]
                self.assertEqual([fault.partition(":")[0] for fault in
                                  faults(items, outcomes, run_command)[:1]], ["item 1"])
        good = [{"number": 1, "shows": [{"kind": "test", "name": "dsl/good"},
                                        {"kind": "command", "run": "true"}]}, *plain[1:]]
        self.assertEqual(faults(good, outcomes, run_command), [])
        self.assertEqual(len(faults(plain[1:], outcomes, run_command)), 1, "a number is missing")


if __name__ == "__main__":
    unittest.main()
