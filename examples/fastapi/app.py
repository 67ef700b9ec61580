# examples/fastapi/app.py -- larder in a FastAPI application: a decorated function, and a middleware before whole routes.
#
#     PYTHONPATH=build/release/bin/python python3 examples/fastapi/app.py    prints "listening on 127.0.0.1:PORT",
#                                                                            serves until standard input ends
#
# GET /menu/7 goes to a function that is cached; GET /pages/7 is answered before FastAPI sees it, once it is cached; PUT
# /menu/7 drops both, by the policy's rule and not by code.
import asyncio
import pathlib
import socket
import sys
import threading

import fastapi
import uvicorn

import larder
import larder.asgi

kernel = larder.use(larder.Kernel(pathlib.Path(__file__).with_name("menu.larder")))
app = fastapi.FastAPI()
app.add_middleware(larder.asgi.Middleware, kernel=kernel)
loads = 0


@larder.cached("menu", key=lambda dish: str(dish))
async def load(dish: int):
    global loads
    await asyncio.sleep(0.02)  # the database
    loads += 1
    return {"dish": dish, "load": loads}


@app.get("/menu/{dish}")
async def menu(dish: int):
    return await load(dish)


@app.get("/pages/{dish}")
async def page(dish: int):
    return {"page": await load.__wrapped__(dish)}


@app.put("/menu/{dish}")
async def change(dish: int):
    return {"changed": dish}


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

    def end_with_input():
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end_with_input, daemon=True).start()
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server.run(sockets=[listener])
    kernel.close()


if __name__ == "__main__":
    main()
