#!/usr/bin/env python3
# tests/bench/check_bench.py -- what `larder check` takes with fifty plugins in the configuration.
#
#   tests/bench/check_bench.py [--rounds 21]
#
# The whole process, from fork to its end, for a configuration of fifty plugins (16 KiB each, tests/abuse/many.c, which would
# end the process if one were loaded), the same with a lock file, and a configuration of one plugin; rounds take turns.
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "support")]

from larder_server import find  # noqa: E402
from many_plugins import many_plugins  # noqa: E402


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--rounds", type=int, default=21)
    rounds = words.parse_args().rounds
    program = find("larder").resolve()
    library = program.parent / "abuse/many.so"
    took = {"fifty plugins": [], "fifty, locked": [], "one plugin": []}
    with tempfile.TemporaryDirectory(prefix="larder-check-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        confs = {}
        for name in took:
            (folder / name).mkdir(mode=0o755)
            confs[name] = many_plugins(folder / name, library, 1 if name == "one plugin" else 50)
        locked = confs["fifty, locked"]
        locked.write_text(locked.read_text().replace("[plugins]\n", '[plugins]\nlock = "plugins.lock"\n'))
        subprocess.run([program, "plugin", "lock", "--write", "--conf", locked], check=True, stdout=subprocess.DEVNULL)
        for _ in range(rounds):
            for name, conf in confs.items():
                began = time.perf_counter()
                subprocess.run([program, "check", "--conf", conf], check=True, stdout=subprocess.DEVNULL)
                took[name].append((time.perf_counter() - began) * 1e3)
    for name, all_of_it in took.items():
        print(f"{name}: median {statistics.median(all_of_it):.1f} ms, best {min(all_of_it):.1f} ms ({os.path.getsize(library)} bytes each)")


if __name__ == "__main__":
    main()
