"""A real headless Chromium, driven over its own debugging pipe: no driver, no library, no port.

The pipe carries JSON messages, each ended by a NUL: ours go in at the browser's descriptor 3, its answers
and events come out at 4 (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PATIENCE = 30.0  # seconds for one answer
MISSING = "needs a Chromium: apt-get install chromium-headless-shell"
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # the sandbox refuses root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever a page tries, it reaches nobody
    "--remote-debugging-pipe",
)
# The descriptors must be 3 and 4 there, whatever their numbers are here.
_LAUNCH = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for there, here in enumerate(ours, 3):
    os.dup2(here, there)
os.execv(sys.argv[3], sys.argv[3:])
"""


def program() -> str | None:
    """The browser on this machine, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One process; *page* opens any number of pages in it."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._log = Path(self._profile.name, "log")
        self._number, self._unread = 0, b""
        self._listeners: dict[str, Callable[[str, dict[str, Any]], None]] = {}

    def __enter__(self) -> Self:
        found = program()
        assert found is not None, MISSING
        theirs_in, self._write = os.pipe()
        self._read, theirs_out = os.pipe()
        data = f"--user-data-dir={self._profile.name}/data"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-ISc", _LAUNCH, f"{theirs_in}", f"{theirs_out}", found, *_OPTIONS, data),
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def page(self, *, width: int = 1280, height: int = 900, is_dark: bool = False) -> Page:
        """Open an empty page of this size: a phone's, with touch, when it is narrow."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self._listeners[session] = page.hear
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.ask(f"{domain}.enable")
        device = {"deviceScaleFactor": 2 if width < 600 else 1, "mobile": width < 600}
        page.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, **device)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        page.ask("Emulation.setEmulatedMedia", features=[scheme])
        page.ask("Page.bringToFront")
        return page

    def ask(self, method: str, *, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol; return its result, and hand on what happens meanwhile."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _PATIENCE
        while (answer := self._message(deadline)).get("id") != number:
            self._hand_on(answer)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def listen(self, deadline: float) -> None:
        """Wait for the next thing that happens, and hand it on."""
        self._hand_on(self._message(deadline))

    def _hand_on(self, message: dict[str, Any]) -> None:
        listener = self._listeners.get(message.get("sessionId", ""))
        if listener is not None and "method" in message:
            listener(message["method"], message["params"])

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))
            read = os.read(self._read, 1 << 20) if ready else b""
            said = "ended" if ready else "said nothing"
            assert read, f"Chromium {said}: {self._log.read_text(errors='replace')[-2000:]}"
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


class Page:
    """One page; *requests* and *complaints* are what it asked for, and what went wrong in it."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._browser, self._session = browser, session
        self._is_loaded = False

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol to this page; return its result."""
        return self._browser.ask(method, session=self._session, **parameters)

    def open(self, path: Path) -> None:
        """Open a file, and wait until it has loaded."""
        self._is_loaded = False
        self.ask("Page.navigate", url=path.resolve().as_uri())
        deadline = time.monotonic() + _PATIENCE
        while not self._is_loaded:
            self._browser.listen(deadline)

    def run(self, script: str) -> Any:
        """Return what an expression, or a promise of it, comes to in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """Return what an expression comes to, once that is true."""
        deadline = time.monotonic() + _PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"never true: {script}"
            self.run("new Promise(requestAnimationFrame)")
        return value

    def click(self, selector: str) -> None:
        """Press the mouse where the element is."""
        place = self.run(f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{block: "center"}});
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, *place)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """One event of the mouse, its left button held down until it is released."""
        button = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def press(self, key: str, code: int, text: str = "") -> None:
        """One key, down and up; *text* is what it types."""
        named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.ask("Input.dispatchKeyEvent", **named, **down)
        self.ask("Input.dispatchKeyEvent", **named, type="keyUp")

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(taken["data"]))

    def pdf(self, path: Path) -> None:
        """Print the page."""
        path.write_bytes(base64.b64decode(self.ask("Page.printToPDF")["data"]))

    def hear(self, method: str, said: dict[str, Any]) -> None:
        """What the browser tells of this page."""
        if method == "Page.loadEventFired":
            self._is_loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and said["type"] in {"error", "warning", "assert"}:
            self.complaints.append(str(said["args"]))
        elif method == "Log.entryAdded":  # refusals of the Content-Security-Policy among them
            self.complaints.append(str(said["entry"]))
