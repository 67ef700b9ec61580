# tests/integration/hotel_app.py -- a hotel's user API as such applications are: FastAPI over SQLite, and not a line
# about caching. The HTTP gateway's tests put larder in front of it.
#
#   HOTEL_DB=/tmp/hotel.db python3 -m uvicorn hotel_app:app --port 8000
import os
import sqlite3

from fastapi import Body, FastAPI, HTTPException

app = FastAPI()
database = sqlite3.connect(os.environ["HOTEL_DB"], check_same_thread=False)
database.execute("create table if not exists users (id text primary key, name text, points integer)")
database.executemany("insert or ignore into users values (?, ?, ?)",
                     [(str(i), f"guest {i}", i * 10) for i in range(1, 101)])
database.commit()
queries = {"count": 0}


def row(user_id):
    queries["count"] += 1
    found = database.execute("select id, name, points from users where id = ?", (user_id,)).fetchone()
    if found is None:
        raise HTTPException(404, "no such user")
    return dict(zip(("id", "name", "points"), found))


@app.get("/v1.0/user/{user_id}")
def get_user(user_id: str):
    return row(user_id)


@app.post("/v1.0/user/update/{user_id}")
def update_user(user_id: str, change: dict = Body(...)):
    if change.get("name") == "":
        raise RuntimeError("the database said no")  # FastAPI answers 500
    database.execute("update users set name = ? where id = ?", (change["name"], user_id))
    database.commit()
    return row(user_id)


@app.get("/queries")
def count():
    return queries
