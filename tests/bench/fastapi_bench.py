#!/usr/bin/python3
# tests/bench/fastapi_bench.py -- a FastAPI route answered from the cache, beside the same route of the same application alone.
#
#   tests/bench/fastapi_bench.py [--rounds 5] [--seconds 3] [--connections 16]
#
# Two uvicorn of one process each: one with larder's middleware, one without it. The routes do nothing but answer: no database,
# so that what is compared is what FastAPI itself costs. `/dish/7` is one small object, `/menu/7` twenty objects that pydantic
# checks. Rounds take turns; the median of their ratios counts. Debian's fastapi, uvicorn, wrk.
import argparse
import os
import pathlib
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
from http_bench import Process, free_port, wrk  # noqa: E402

APP = """
import fastapi, pydantic, sys
class Dish(pydantic.BaseModel):
    id: int
    name: str
    price: float
    tags: list[str]
app = fastapi.FastAPI()
if {cached}:
    import larder, larder.asgi
    app.add_middleware(larder.asgi.Middleware, kernel=larder.use(larder.Kernel(policy_text='''larder 1
namespace page {{ key "{{path...}}"; ttl 1h; static }}
on GET "/{{path...}}" {{ serve page "{{path...}}" }}
''')))
@app.get("/dish/{{dish}}", response_model=Dish)
async def one(dish: int):
    return Dish(id=dish, name="soup of the day", price=7.5, tags=["hot", "vegan"])
@app.get("/menu/{{menu}}", response_model=list[Dish])
async def all(menu: int):
    return [Dish(id=i, name="soup of the day", price=7.5 + i, tags=["hot", "vegan"]) for i in range(20)]
"""


def serve(folder, name, cached):
    port = free_port()
    (folder / f"{name}.py").write_text(APP.format(cached=cached))
    os.environ["PYTHONPATH"] = f"{folder}:{ROOT / 'build/release/bin/python'}"
    return Process([sys.executable, "-m", "uvicorn", f"{name}:app", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--no-access-log"], port)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=3)
    p.add_argument("--connections", type=int, default=16)
    o = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as folder:
        servers = [serve(pathlib.Path(folder), "cached", True), serve(pathlib.Path(folder), "alone", False)]
        try:
            for path in ("/dish/7", "/menu/7"):
                rates, costs = ([], []), ([], [])
                for server in servers:
                    wrk(server.port, path, 1, o.connections)
                for _ in range(o.rounds):
                    for i, server in enumerate(servers):
                        before = server.spent()
                        rate, _ = wrk(server.port, path, o.seconds, o.connections)
                        rates[i].append(rate)
                        costs[i].append((server.spent() - before) / (rate * o.seconds) * 1e6)
                with_it, alone = (statistics.median(one) for one in rates)
                print(f"{path}: from the cache {with_it:.0f} req/s, {statistics.median(costs[0]):.0f} us of processor each; alone {alone:.0f} req/s, "
                      f"{statistics.median(costs[1]):.0f} us; ratio {statistics.median(a / b for a, b in zip(*rates)):.2f} of the rate, "
                      f"{statistics.median(b / a for a, b in zip(*costs)):.2f} of requests a second of processor")
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
