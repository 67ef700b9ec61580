# tests/support/browser.py -- a headless Chromium for a test, spoken to over a pipe.
#
#     with Browser() as browser:
#         page = browser.page(width=1280, height=900)
#         page.open(url)
#         page.until("document.querySelector('h1')?.textContent === 'Overview'")
#
# The DevTools protocol over --remote-debugging-pipe: JSON with a zero byte behind it, no port, no library. A page
# keeps what it asked for over the network, what it wrote to the console and what its Content-Security-Policy
# forbade, so that a test can say there was nothing.
import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--hide-scrollbars",
         "--force-color-profile=srgb", "--remote-debugging-pipe")
SECONDS = 30


def program():
    """The path of a Chromium, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class BrowserError(AssertionError):
    """The page or the browser did not do what was asked."""


class Browser:
    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="larder-browser-")
        # Descriptors that cannot be the 3 and 4 of the child.
        into, self._out = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in os.pipe())
        self._in, out = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in os.pipe())
        self._log = open(pathlib.Path(self._folder) / "log", "w+b")
        self._process = subprocess.Popen(
            [program(), *FLAGS, f"--user-data-dir={self._folder}/data", "about:blank"], stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, pass_fds=(3, 4), preexec_fn=lambda: (os.dup2(into, 3), os.dup2(out, 4)),
            env={**os.environ, "HOME": self._folder})
        os.close(into)
        os.close(out)
        self._buffer, self._number, self.pages = b"", 0, {}
        return self

    def __exit__(self, *_):
        try:
            self.ask("Browser.close")
        except (BrowserError, OSError):
            pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def page(self, width=1280, height=900, **media):
        """A new tab in a profile of its own. media: prefers_color_scheme="dark", prefers_reduced_motion="no-preference"."""
        media = {"prefers_reduced_motion": "reduce", **media}
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, width, height, media)

    def ask(self, method, session=None, **parameters):
        """The result of a command; what happens meanwhile goes to the pages."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._read(deadline, method)
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if page := self.pages.get(answer.get("sessionId")):
                page.happened(answer.get("method"), answer.get("params", {}))

    def _read(self, deadline, method):
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0, deadline - time.monotonic()))[0]:
                raise BrowserError(f"the browser did not answer {method} within {SECONDS} s")
            more = os.read(self._in, 1 << 20)
            if not more:
                self._log.seek(0)
                raise BrowserError("the browser ended:\n" + self._log.read().decode(errors="replace")[-2000:])
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)


class Page:
    """One tab. `requests`: addresses asked for; `complaints`: what the console and the policy of the page said."""

    def __init__(self, browser, session, width, height, media):
        self._browser, self._session = browser, session
        browser.pages[session] = self
        self.requests, self.complaints, self.answers = [], [], {}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.size(width, height)
        self.media(**media)
        # A CSP report reaches the console; this one also names what was forbidden.
        self.ask("Page.addScriptToEvaluateOnNewDocument", source="""
            globalThis.forbidden = [];
            addEventListener("securitypolicyviolation", (event) =>
                forbidden.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));""")

    def ask(self, method, **parameters):
        return self._browser.ask(method, self._session, **parameters)

    def happened(self, method, what):
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Network.responseReceived":
            self.answers[what["response"]["url"]] = what["response"]
        elif method == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value", one.get("description"))) for one in what["args"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{what['entry']['text']} ({what['entry'].get('url', '')})")

    def size(self, width, height):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def open(self, url):
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def eval(self, expression):
        """What a JavaScript expression gives, an element as True; promises are waited for."""
        script = f"(async () => {{ const found = await ({expression}); return found instanceof Node ? true : found; }})()"
        result = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(f"{expression}\n{details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def until(self, expression, seconds=SECONDS):
        """Waits until an expression gives something true, and gives it; a page that is being left counts as false."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := self.eval(expression):
                    return found
            except BrowserError as error:
                if time.monotonic() > deadline or "ended" in str(error):
                    raise
            if time.monotonic() > deadline:
                raise BrowserError(f"not within {seconds} s: {expression}\nthe page says:\n{self.text()[:3000]}\n"
                                   f"complaints: {self.complaints}")
            time.sleep(0.05)

    def text(self):
        return self.eval("document.body?.innerText ?? ''")

    def press(self, key, shift=False):
        """One key: "Tab", "Enter", " ", or a letter."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "ArrowLeft": 37}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "code": key if len(key) > 1 else "", "windowsVirtualKeyCode": codes.get(key, ord(key[0])),
                  "modifiers": 8 if shift else 0}
        self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def focused(self):
        """What has the focus, in words: its tag and its name."""
        return self.eval("""(() => { const at = document.activeElement;
            return `${at.tagName.toLowerCase()} ${(at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent).trim().slice(0, 60)}`; })()""")

    def screenshot(self, path, whole=False):
        parameters = {"format": "png"}
        if whole:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            parameters |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        pathlib.Path(path).write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", **parameters)["data"]))
