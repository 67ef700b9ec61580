# examples/hotel/app.py -- a hotel's API as it is before larder: FastAPI over SQLite, and no line about caching.
#
#     HOTEL_DATABASE=/tmp/hotel.sqlite uvicorn app:app --port 8000
#
# The database is SQLite behind HOTEL_CONNECTIONS connections (4), and every query takes HOTEL_QUERY_MS
# (20) longer than SQLite does: a database that is across a network and has work to do. So the
# application's limit is its database, as it is elsewhere. `GET /debug/database` counts queries and requests.
import contextlib
import os
import sqlite3
import threading
import time

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

USERS = 400
PAGE = 20


class Unavailable(Exception):
    """The database cannot be reached."""


class Database:
    def __init__(self, path, connections, query_ms):
        self.path, self.seconds = path, query_ms / 1000
        self.pool = threading.BoundedSemaphore(connections)
        self.lock = threading.Lock()
        self.queries = self.calls = 0

    def ask(self, sql, *values):
        with self.pool:
            with self.lock:
                self.queries += 1
            time.sleep(self.seconds)
            try:
                # A connection each, so that a database that goes away is noticed, and one that is back too.
                with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=rw", uri=True)) as database:
                    database.row_factory = sqlite3.Row
                    with database:
                        return [dict(row) for row in database.execute(sql, values)]
            except sqlite3.OperationalError as error:
                raise Unavailable(str(error)) from error

    def create(self):
        with contextlib.closing(sqlite3.connect(self.path)) as database, database:
            database.executescript(
                "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT, active INTEGER);"
                "CREATE TABLE IF NOT EXISTS points (user_id INTEGER PRIMARY KEY, points INTEGER);"
                "CREATE TABLE IF NOT EXISTS permissions (user_id INTEGER, permission TEXT);")
            if database.execute("SELECT count(*) FROM users").fetchone()[0]:
                return
            for user in range(1, USERS + 1):
                database.execute("INSERT INTO users VALUES (?, ?, ?)", (user, f"Guest {user}", user % 5 != 0))
                database.execute("INSERT INTO points VALUES (?, 0)", (user,))
                database.execute("INSERT INTO permissions VALUES (?, 'book'), (?, 'cancel')", (user, user))


database = Database(os.environ.get("HOTEL_DATABASE", "hotel.sqlite"),
                    int(os.environ.get("HOTEL_CONNECTIONS", "4")), float(os.environ.get("HOTEL_QUERY_MS", "20")))
database.create()
app = FastAPI(title="hotel")


@app.middleware("http")
async def count(request: Request, answer):
    database.calls += request.url.path.startswith("/v1.0/")
    return await answer(request)


@app.exception_handler(Unavailable)
def unavailable(_: Request, error: Unavailable):
    return JSONResponse({"detail": str(error)}, status_code=503)


@app.get("/v1.0/user/{user_id}")
def user(user_id: int):
    found = database.ask("SELECT id, name, active FROM users WHERE id = ?", user_id)
    if not found:
        raise HTTPException(404, "no such user")
    points = database.ask("SELECT points FROM points WHERE user_id = ?", user_id)
    permissions = database.ask("SELECT permission FROM permissions WHERE user_id = ?", user_id)
    return {**found[0], **points[0], "permissions": [row["permission"] for row in permissions]}


@app.get("/v1.0/users")
def users(page: int = 1):
    rows = database.ask("SELECT id, name FROM users WHERE active ORDER BY id LIMIT ? OFFSET ?", PAGE, (page - 1) * PAGE)
    total = database.ask("SELECT count(*) AS total FROM users WHERE active")
    return {"users": rows, **total[0]}


@app.get("/v1.0/dashboard/stats")
def stats():
    return {**database.ask("SELECT count(*) AS users FROM users")[0],
            **database.ask("SELECT count(*) AS active FROM users WHERE active")[0],
            **database.ask("SELECT sum(points) AS points, max(points) AS most FROM points")[0],
            **database.ask("SELECT count(DISTINCT permission) AS permissions FROM permissions")[0]}


@app.post("/v1.0/user/update/{user_id}")
def update(user_id: int, change: dict):
    database.ask("UPDATE points SET points = ? WHERE user_id = ?", int(change["points"]), user_id)
    return {"updated": user_id}


@app.get("/debug/database")
def debug():
    return {"queries": database.queries, "calls": database.calls}
