#!/usr/bin/python3
# tests/bench/promises/promises.py -- what the seeds promise of a cache, measured: the hotel's API without and with larder.
#
#     tests/bench/promises/promises.py [--seconds S]
#
# One row for each figure of acceptance item 148. Both sides get the same requests (examples/hotel/load.py)
# in the same run: once straight to the application, once through larder with the whole policy of the
# story. The application's limit is its database; how slow that is stands in examples/hotel/app.py.
import argparse
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "examples/hotel"))
import load  # noqa: E402
import story  # noqa: E402

CALM = 40         # requests a second that the application alone can bear
BUSY = 110        # and that it cannot
LIMIT = 0.2       # seconds of p99 that both sides have to keep for "users at equal p99"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1048576


class Side:
    """The application alone, or larder in front of it."""

    def __init__(self, hotel, larder, address):
        self.hotel, self.larder, self.guests = hotel, larder, load.Guests(*address)
        self.pids = [hotel.process.pid] + ([larder.process.pid] if address == larder.http else [])

    def run(self, rate, seconds, at=(), cold=True):
        if cold:
            self.larder.ask("drop", "--all")
        queries, calls = self.hotel.figures()
        cpu = sum(map(cpu_seconds, self.pids))
        tally = self.guests.run(rate, seconds, at=at)
        self.hotel.database_returns()
        after_queries, after_calls = self.hotel.figures()
        tally.queries, tally.calls = after_queries - queries, after_calls - calls
        tally.cpu = sum(map(cpu_seconds, self.pids)) - cpu
        return tally

    def most(self, seconds, begin):
        """The highest of the rates begin, 1.25 begin, ... whose p99 stays under LIMIT, none failing; the
        cache is warm from the rate before."""
        best, rate = 0, begin
        while rate < 3_000:
            tally = self.run(rate, seconds, cold=False)
            if tally.failed or tally.percentile(0.99) > LIMIT:
                return best
            best, rate = rate, rate * 1.25
        return best


def rows(alone, cached, seconds):
    away = [(seconds * 0.5, alone.hotel.database_leaves)]
    for name, rate in (("calm", CALM), ("busy", BUSY)):
        a, b = alone.run(rate, seconds), cached.run(rate, seconds)
        said = f"{name}, {rate}/s"
        yield f"p50 ({said})", a.percentile(0.5) * 1000, b.percentile(0.5) * 1000, "ms"
        yield f"p99 ({said})", a.percentile(0.99) * 1000, b.percentile(0.99) * 1000, "ms"
        yield f"database queries ({said})", a.queries, b.queries, ""
        yield f"calls of the application ({said})", a.calls, b.calls, ""
        yield f"CPU a request ({said})", a.cpu / a.requests * 1000, b.cpu / b.requests * 1000, "ms"
        yield f"failed or too late ({said})", a.failed, b.failed, ""
        yield f"good answers a second ({said})", (a.requests - a.failed) / seconds, (b.requests - b.failed) / seconds, ""
    a, b = alone.run(CALM, seconds, away), cached.run(CALM, seconds, away)
    yield "failed, the database away half the time", a.failed, b.failed, ""
    yield "requests a second at p99 of 200 ms", alone.most(seconds / 2, 20), cached.most(seconds / 2, 40), ""
    yield ("memory: the application, and larder with it", resident_mib(alone.pids[0]),
           sum(map(resident_mib, cached.pids)), "MiB")


def main():
    parser = argparse.ArgumentParser(description="what the seeds promise of a cache, measured")
    parser.add_argument("--seconds", type=float, default=12, help="of each measurement")
    arguments = parser.parse_args()
    started = []
    with tempfile.TemporaryDirectory(prefix="larder-promises-") as name:
        try:
            folder = pathlib.Path(name)
            hotel = story.Hotel(folder)
            started.append(hotel.process)
            larder = story.Larder(folder, hotel.port)
            started.append(larder.process)
            larder.take("".join(lines for _, lines in story.STEPS))
            alone = Side(hotel, larder, ("127.0.0.1", hotel.port))
            cached = Side(hotel, larder, larder.http)
            print(f"{'':<48}{'without':>12}{'with larder':>14}{'change':>9}")
            for what, a, b, unit in rows(alone, cached, arguments.seconds):
                change = f"{(b / a - 1) * 100:+.0f} %" if a else ""
                print(f"{what:<48}{a:>9.1f} {unit:<3}{b:>10.1f} {unit:<3}{change:>9}", flush=True)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
