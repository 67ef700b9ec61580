#!/usr/bin/python3
# tests/clients/play_redis_py.py -- plays script.json with redis-py against a server; prints the answers.
#
#   play_redis_py.py SCRIPT PORT
#
# What a step is stands in README.md. Raw requests go out on a connection whose client interprets
# nothing, so that the answer's words can be compared; calls, scans and pipelines use redis-py as it is.
import json
import sys
import time

import redis

NAME = "redis-py"
SERVER_ERRORS = (redis.ResponseError, redis.AuthenticationError)


class Player:
    def __init__(self, port):
        self._port = port
        self._raw = {}
        self._client = self._connect()

    def _connect(self):
        return redis.Redis(port=self._port, decode_responses=True, encoding_errors="replace",
                           single_connection_client=True, socket_timeout=20)

    def connection(self, name):
        if name not in self._raw:
            self._raw[name] = self._connect()
            self._raw[name].response_callbacks.clear()
        return self._raw[name]

    def play(self, step):
        if "args" in step:
            return self.connection(step.get("on", "main")).execute_command(*step["args"])
        if "until" in step:
            return self._until(step["until"], step["gives"])
        if "call" in step:
            method, *rest = step["call"][NAME]
            keywords = rest[1] if len(rest) > 1 else {}
            return getattr(self._client, method)(*(rest[0] if rest else []), **keywords)
        if "scan" in step:
            return list(self._client.scan_iter(step["scan"]["match"], step["scan"]["count"]))
        if "pipeline" in step:
            pipe = self._client.pipeline(transaction=step["transaction"])
            for request in step["pipeline"]:
                pipe.execute_command(*request)
            return pipe.execute(raise_on_error=False)
        if "listen" in step:
            return self._listen(step["listen"])
        return self._monitor(step["monitor"])

    def _until(self, request, wanted):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            answer = self.connection("main").execute_command(*request)
            if answer == wanted:
                break
        return answer

    def _listen(self, what):
        heard = []
        with self._connect().pubsub() as listener:
            listener.subscribe(*what["channels"])
            listener.psubscribe(*what["patterns"])
            for _ in what["channels"] + what["patterns"]:
                listener.get_message(timeout=10)
            counts = [self._client.publish(*message) for message in what["publish"]]
            for _ in range(sum(counts)):
                message = listener.get_message(timeout=10)
                heard.append(message and [message["pattern"], message["channel"], message["data"]])
        return {"receivers": counts, "heard": heard}

    def _monitor(self, requests):
        with self._connect().monitor() as monitor:
            for request in requests:
                self.connection("main").execute_command(*request)
            return [monitor.next_command()["command"] for _ in requests]


def plain(value):
    if isinstance(value, SERVER_ERRORS):
        return {"error": f"{type(value).__name__} {value}"}
    if isinstance(value, Exception):  # not an answer: two servers must not agree because of it
        return {"failed": repr(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        groups = json.load(file)["groups"]
    player = Player(int(sys.argv[2]))
    answers = []
    for step in (step for group in groups for step in group["steps"]):
        step = {"args": step} if isinstance(step, list) else step
        try:
            answers.append(plain(player.play(step)))
        except Exception as error:
            answers.append(plain(error))
    json.dump({"client": f"{NAME} {redis.__version__}", "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
