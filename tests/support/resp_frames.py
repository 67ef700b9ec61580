# tests/support/resp_frames.py -- cuts a stream of replies where one ends and the next begins.
#
#     frames = Frames()
#     frames.feed(b"+OK\r\n$3\r\nfo")     # [b"+OK\r\n"]; the rest waits for more
#
# What is no RESP (TLS, garbage) is passed on as it comes, from there to the end of the stream.
_LINES = b"+-:_#,("
_BULKS = b"$!="
_GROUPS = b"*~>"
PUSHES = (b"message", b"pmessage", b"smessage", b"invalidate")


class NotResp(Exception):
    pass


def frame_end(data, start):
    """Where the frame that begins at `start` ends, or None while it is not whole."""
    open_frames = 1
    while open_frames:
        line_end = data.find(b"\r\n", start)
        if line_end < 0:
            if len(data) > start and data[start:start + 1] not in _LINES + _BULKS + _GROUPS + b"%":
                raise NotResp
            return None
        kind, digits = data[start:start + 1], data[start + 1:line_end]
        start, open_frames = line_end + 2, open_frames - 1
        if kind in (b"", b"\r") or kind not in _LINES + _BULKS + _GROUPS + b"%":
            raise NotResp
        if kind in _LINES:
            continue
        try:
            count = int(digits)
        except ValueError as error:
            raise NotResp from error
        if kind in _BULKS:
            start += count + 2 if count >= 0 else 0
            if start > len(data):
                return None
        else:
            open_frames += max(count, 0) * (2 if kind == b"%" else 1)
    return start


def is_push(frame):
    """Whether a frame is a message that nobody asked for."""
    if frame[:1] == b">":
        return True
    words = frame.split(b"\r\n", 3)
    return frame[:1] == b"*" and len(words) > 2 and words[2] in PUSHES


class Frames:
    def __init__(self):
        self._data = b""
        self._raw = False

    def feed(self, piece):
        """The frames that are whole now; what is no RESP comes back as one."""
        self._data += piece
        found, start = [], 0
        try:
            while not self._raw and start < len(self._data):
                end = frame_end(self._data, start)
                if end is None:
                    break
                found.append(self._data[start:end])
                start = end
        except NotResp:
            self._raw = True
        self._data = self._data[start:]
        if self._raw and self._data:
            found.append(self._data)
            self._data = b""
        return found

    def rest(self):
        """What waits for its end."""
        rest, self._data = self._data, b""
        return rest
