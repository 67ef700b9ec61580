#!/usr/bin/python3
# tests/integration/page_picture.py -- makes docs/page.png: the page over a larder with two tiers and some traffic.
#
#   tests/integration/page_picture.py [--seconds 70] [--view overview] [--dark] [--width 1280] [FILE]
#
# The hotel's policy, a Redis of its own below memory, and readers that GET, load and SET: popular users are read
# more than others, now and then one is changed. Seeded; what it shows still depends on the machine.
import argparse
import pathlib
import random
import sys
import threading
import time

import redis

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from browser import Browser  # noqa: E402
from larder_server import SOURCE, LarderServer  # noqa: E402
from redis_server import RedisServer  # noqa: E402

SPACES = {"user_details": (6000, 60), "user_list": (300, 12), "user_stats": (12, 20), "dashboard_stats": (6, 4)}


def reader(port, seed, stop):
    chance = random.Random(seed)
    client = redis.Redis(port=port)
    names, weights = list(SPACES), [weight for _, weight in SPACES.values()]
    while not stop.wait(0.004):
        for _ in range(12):
            name = chance.choices(names, weights)[0]
            key = min(int(chance.paretovariate(0.7)), SPACES[name][0])
            full = f"{name}:{key}:all" if name == "user_list" else f"{name}:{key}"
            if client.get(full) is None:
                client.set(full, chance.choice("abc") * chance.randint(200, 2000))
        if chance.random() < 0.004:
            client.delete(f"user_details:{chance.randint(1, 400)}")
        if chance.random() < 0.0006:
            client.execute_command("LARDER", "ROUTE", "PUT", f"/v1.0/user/update/{chance.randint(1, 40)}", "200")
        if chance.random() < 0.0001:
            client.execute_command("LARDER", "ROUTE", "POST", "/v1.0/permissions/grant", "201")


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=70)
    asked.add_argument("--view", default="overview")
    asked.add_argument("--dark", action="store_true")
    asked.add_argument("--width", type=int, default=1280)
    asked.add_argument("--height", type=int, default=900)
    asked.add_argument("file", nargs="?", default=str(SOURCE / "docs" / "page.png"))
    args = asked.parse_args()
    token, stop = "the token of a picture", threading.Event()
    policy = (SOURCE / "policies" / "hotel.larder").read_text(encoding="utf-8")
    with RedisServer() as below, LarderServer(
            policy, store=f'[store.l2]\nplugin = "redis"\nhost = "127.0.0.1"\nport = {below.port}\n[codec.brotli]\nplugin = "brotli"',
            admin='listen = ["127.0.0.1:0"]\n[admin.tokens]\nlook = { role = "admin", secret = { env = "LOOK" } }\n',
            environment={"LOOK": token}) as server, Browser() as browser:
        readers = [threading.Thread(target=reader, args=(server.port, seed, stop), daemon=True) for seed in range(3)]
        for one in readers:
            one.start()
        page = browser.page(args.width, args.height, prefers_color_scheme="dark" if args.dark else "light")
        page.open(f"http://{server.addresses['admin_http']}/ui/#/{args.view}")
        page.until("document.querySelector('#token')")
        page.type(token)
        page.press("Enter")
        page.until("document.querySelector('.state').textContent === 'Live'")
        until = time.monotonic() + args.seconds
        while time.monotonic() < until:
            page.eval("new Promise((done) => setTimeout(done, 500))")
        page.screenshot(args.file)
        stop.set()
        for one in readers:
            one.join(10)


if __name__ == "__main__":
    main()
