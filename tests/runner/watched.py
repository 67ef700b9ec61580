# tests/runner/watched.py -- a test program that reports as it goes, and is ended when it hangs.
#
# The program writes its report to a pipe of its own, so that whatever it or the code under test
# prints cannot be taken for a result; what it prints goes to a file and is shown for a failed case.
# It runs in a process group of its own: the end of the group is the end of every server it started.
import os
import select
import signal
import subprocess
import tempfile
import time


class Overdue(Exception):
    """Nothing was reported in time."""


class Watched:
    def __init__(self, command, env, prefix=()):
        """Starts `command`, in which "{report}" stands for the path of the pipe to report to."""
        reader, writer = os.pipe()
        self._reader = reader
        self._printed = tempfile.TemporaryFile()
        path = f"/dev/fd/{writer}"
        self._process = subprocess.Popen(
            [*prefix, *(part.replace("{report}", path) for part in command)],
            stdin=subprocess.DEVNULL, stdout=self._printed, stderr=subprocess.STDOUT,
            env=env, pass_fds=[writer], start_new_session=True)
        os.close(writer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._reader)
        self._printed.close()

    def read(self, seconds):
        """The next piece of the report, b"" at its end. Raises Overdue after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self._process.poll() is not None
            ready, _, _ = select.select([self._reader], [], [], 0.1)
            if ready:
                return os.read(self._reader, 1 << 16)
            # A child that outlives the program holds the pipe open: do not wait for it.
            if ended:
                return b""
            if time.monotonic() > deadline:
                raise Overdue

    def printed(self, start=0, end=None, limit=8000):
        """What was printed, between two positions if they are known; its end if it is long."""
        # pread, because the program writes through the same file position.
        if end is None:
            end = os.fstat(self._printed.fileno()).st_size
        cut = max(0, end - start - limit)
        text = os.pread(self._printed.fileno(), end - start - cut, start + cut)
        return (f"[{cut} bytes left out]\n" if cut else "") + text.decode("utf-8", "replace")

    def ending(self):
        """How the program ended, in words."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed its report and went on running"
        if status < 0:
            return f"it was ended by {signal.Signals(-status).name}"
        return f"it exited with status {status}"
