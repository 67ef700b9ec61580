# examples/hotel/load.py -- the guests of the hotel: the same requests at the same pace, whatever answers them.
#
# The load is open: a request has a moment at which it is due, and its latency counts from there, so a
# slow server does not slow the load down and hide its own queue ("coordinated omission", G. Tene).
# Every read of a user is checked against what was written before the read began: an older answer is
# counted as wrong.
import bisect
import dataclasses
import http.client
import itertools
import json
import queue
import random
import threading
import time

READ_USER, READ_LIST, READ_STATS, WRITE = 0.72, 0.14, 0.10, 0.04
USERS = 100
THREADS = 64
PATIENCE = 2.0  # seconds after which a guest is gone


@dataclasses.dataclass
class Tally:
    requests: int = 0
    failed: int = 0
    wrong: int = 0
    seconds: list = dataclasses.field(default_factory=list)

    def percentile(self, share):
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def requests(count, seed):
    """(kind, user or page) of each request. Guests differ in how often they come: user n as 1/n."""
    draw = random.Random(seed)
    weights = list(itertools.accumulate(1 / n for n in range(1, USERS + 1)))
    for _ in range(count):
        kind = draw.random()
        someone = bisect.bisect(weights, draw.random() * weights[-1]) + 1
        if kind < READ_USER:
            yield "user", someone
        elif kind < READ_USER + READ_LIST:
            yield "list", draw.randint(1, 4)
        elif kind < READ_USER + READ_LIST + READ_STATS:
            yield "stats", 0
        else:
            yield "write", someone


class Guests:
    """Sends requests to host:port. `points` of users only rise, so an answer tells how old it is."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.points = itertools.count(1)
        self.acknowledged = {}  # by user: the points of the last write that was answered
        self.writing = [threading.Lock() for _ in range(USERS + 1)]
        self.lock = threading.Lock()

    def run(self, rate, seconds, seed=1, at=()):
        """`rate` requests a second. `at`: (second, function) pairs, called while the load goes on."""
        tally, due = Tally(), queue.SimpleQueue()
        threads = [threading.Thread(target=self._work, args=(due, tally), daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        began, calls = time.monotonic(), sorted(at, key=lambda pair: pair[0])
        for number, what in enumerate(requests(int(rate * seconds), seed)):
            moment = began + number / rate
            while calls and began + calls[0][0] <= moment:
                calls.pop(0)[1]()
            time.sleep(max(0.0, moment - time.monotonic()))
            due.put((moment, *what))
        for _ in threads:
            due.put(None)
        for thread in threads:
            thread.join()
        for _, function in calls:
            function()
        return tally

    def _work(self, due, tally):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        while (task := due.get()) is not None:
            moment, kind, number = task
            wrong = ok = False
            if time.monotonic() - moment < PATIENCE:  # else the guest is gone before anybody had time
                try:
                    ok, wrong = self._ask(connection, kind, number)
                except (OSError, http.client.HTTPException, ValueError):
                    connection.close()
            took = time.monotonic() - moment
            with self.lock:
                tally.requests += 1
                tally.failed += not ok
                tally.wrong += wrong
                tally.seconds.append(min(took, PATIENCE))
        connection.close()

    def _ask(self, connection, kind, number):
        if kind == "write":
            with self.writing[number]:
                points = next(self.points)
                status, _ = self._send(connection, "POST", f"/v1.0/user/update/{number}", {"points": points})
                if status == 200:
                    self.acknowledged[number] = points
                return status == 200, False
        path = {"user": f"/v1.0/user/{number}", "list": f"/v1.0/users?page={number}",
                "stats": "/v1.0/dashboard/stats"}[kind]
        known = self.acknowledged.get(number, 0) if kind == "user" else 0
        status, answer = self._send(connection, "GET", path)
        return status == 200, kind == "user" and status == 200 and answer["points"] < known

    @staticmethod
    def _send(connection, method, path, body=None):
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if answer.status == 200 else None
