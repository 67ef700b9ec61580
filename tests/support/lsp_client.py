# tests/support/lsp_client.py -- an editor's side of the Language Server Protocol, for a test to drive `larder lsp`.
import json
import os
import pathlib
import queue
import subprocess
import threading


class Closed(Exception):
    """The server ended its output."""


class LspClient:
    """Starts the program and talks to it. Every wait ends after `patience` seconds."""

    def __init__(self, program, *words, cwd=None, patience=60, **environment):
        env = {key: value for key, value in os.environ.items() if not key.startswith("LARDER_")}
        env.update({"LARDER_SOCKET": "/nowhere/larder.sock", **environment})
        self.process = subprocess.Popen([program, "lsp", *words], cwd=cwd, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.patience = patience
        self.diagnostics = {}  # by URI, what was published last
        self.notices = []
        self._messages = queue.Queue()
        self._next_id = 0
        self.log = ""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()

    # ---- the wire

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def _read(self):
        out = self.process.stdout
        while True:
            size = None
            while (line := out.readline()) not in (b"", b"\r\n"):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    size = int(value)
            if size is None:
                self._messages.put(None)
                return
            self._messages.put(json.loads(out.read(size)))

    def _read_log(self):
        for line in self.process.stderr:
            self.log += line.decode(errors="replace")

    def next(self):
        message = self._messages.get(timeout=self.patience)
        if message is None:
            raise Closed(self.log)
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message:
            self.notices.append(message)
        return message

    # ---- what an editor does

    def request(self, method, params=None):
        """The whole answer: `result` or `error`."""
        self._next_id += 1
        self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        while (message := self.next()).get("id") != self._next_id or "method" in message:
            pass
        return message

    def ask(self, method, params=None):
        answer = self.request(method, params)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def notify(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def initialize(self, root=None, **options):
        folder = None if root is None else [{"uri": pathlib.Path(root).as_uri(), "name": "root"}]
        result = self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {},
                                         "workspaceFolders": folder, "initializationOptions": options})
        self.notify("initialized", {})
        return result

    def open(self, uri, text):
        self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "larder",
                                                              "version": 1, "text": text}})
        return self.findings(uri)

    def change(self, uri, version, *changes):
        self.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version},
                                               "contentChanges": list(changes)})
        return self.findings(uri)

    def findings(self, uri):
        """Waits until this document has been judged."""
        self.diagnostics.pop(uri, None)
        while uri not in self.diagnostics:
            self.next()
        return self.diagnostics[uri]

    def at(self, method, uri, line, character, **more):
        return self.ask(f"textDocument/{method}",
                        {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, **more})

    def labels(self, uri, line, character):
        return [item["label"] for item in self.at("completion", uri, line, character)]

    def close(self):
        """The exit status."""
        self.ask("shutdown")
        self.notify("exit", None)
        self.process.stdin.close()
        return self.process.wait(self.patience)

    def end(self):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def applied(text, edits):
    """The text with `TextEdit[]` in it; positions are UTF-16."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(position):
        line = lines[position["line"]]
        units = line.encode("utf-16-le")[:position["character"] * 2]
        return starts[position["line"]] + len(units.decode("utf-16-le"))

    spans = sorted(((offset(edit["range"]["start"]), offset(edit["range"]["end"]), edit["newText"]) for edit in edits),
                   reverse=True)
    for begin, end, new in spans:
        text = text[:begin] + new + text[end:]
    return text
