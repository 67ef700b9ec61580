# tests/integration/npm_clients.py -- installs what a folder's package-lock.json names, once for a build folder.
#
# npm takes them from the registry it is configured with: the lock names versions and hashes, and no address. They
# live beside the presets' folders, under build/clients and build/axe; nothing of them runs while they are installed.
import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess

from larder_server import SOURCE

CLIENTS = SOURCE / "tests" / "clients"
AXE = SOURCE / "tests" / "axe"
FILES = ("package.json", "package-lock.json", ".npmrc")
SECONDS = 100


class Unavailable(Exception):
    """The packages cannot be had here; the text says why."""


def folder(source):
    build = os.environ.get("LARDER_BUILD_DIR")
    return (pathlib.Path(build).parent if build else SOURCE / "build") / source.name


@functools.cache
def attempt(source=CLIENTS):
    """What install() gives, or why it cannot; asked of npm once, however many tests want to know."""
    try:
        return install(source), None
    except Unavailable as why:
        return None, str(why)


def install(source):
    """The folder node_modules; installed once, whoever asks at the same time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not here; ./quickstart test installs it (Debian: nodejs, npm)")
    place = folder(source)
    place.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(b"".join((source / name).read_bytes() for name in FILES)).hexdigest()
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = place / "installed"
        if not stamp.is_file() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            for name in FILES:
                shutil.copy(source / name, place)
            _npm_ci(place)
            stamp.write_text(wanted)
    return place / "node_modules"


def _npm_ci(place):
    registry = subprocess.run(["npm", "config", "get", "registry"], cwd=place, timeout=30,
                              capture_output=True, text=True).stdout.strip()
    try:
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
             "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--fetch-timeout=20000"],
            cwd=place, timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"npm could not get {place.name} from its registry {registry} "
                          f"within {SECONDS} s; can it be reached?") from None
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-12:])
        raise Unavailable(f"npm could not get {place.name} from its registry {registry}; "
                          f"can it be reached? npm said:\n{said}")
