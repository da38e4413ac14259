"""A headless Chromium driven over its own debugging pipe: nothing but the standard library and the browser."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
COMMAND_FD, ANSWER_FD = 3, 4  # where Chromium expects the pipe


def find_chromium() -> str | None:
    """The browser's path, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserError(RuntimeError):
    """The browser refused a command, a script raised, or nothing came in time."""


class Page:
    """One page of one browser; use as a context manager.

    Attributes:
        messages: everything the page logged so far, as (level, text, address of the script).
    """

    def __init__(self, browser: str, size: tuple[int, int] = (2400, 1300)) -> None:
        self.messages: list[tuple[str, str, str]] = []
        self._browser = browser
        self._size = size
        self._number = 0
        self._session: str | None = None
        self._buffer = b""

    def __enter__(self) -> Page:
        self._profile = tempfile.TemporaryDirectory(prefix="likeness-browser-", ignore_cleanup_errors=True)
        command_read, self._write_end = os.pipe()
        self._read_end, answer_write = os.pipe()
        command = [self._browser, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        # The shell moves the two ends to the numbers that Chromium wants.
        moved = f'exec "$@" {COMMAND_FD}<&{command_read} {ANSWER_FD}>&{answer_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", moved, "browser", *command],
            pass_fds=(command_read, answer_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(answer_write)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        width, height = self._size
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write_end)
        os.close(self._read_end)
        self._profile.cleanup()

    def open(self, url: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=url)

    def evaluate(self, script: str, seconds: float = 60) -> Any:
        """The value of a JavaScript expression; a promise is waited for.

        Raises:
            BrowserError: if it raises.
        """
        answer = self.send(
            "Runtime.evaluate", seconds, expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if problem := answer.get("exceptionDetails"):
            raise BrowserError(problem.get("exception", {}).get("description") or problem["text"])
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 90) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.evaluate(f"Boolean({script})"):
                return
            time.sleep(0.25)
        raise BrowserError(f"Never true in {seconds:.0f} s: {script}")

    def press(self, key: str) -> None:
        """Press and release a key, for example `Escape`."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def press_with(self, key: str, modifiers: int = 0, text: str = "") -> None:
        """Press and release a key; `modifiers` is a sum of 1 Alt, 2 Control, 4 Meta, 8 Shift; `text` is what it types."""
        code = f"Key{key.upper()}" if len(key) == 1 and key.isalpha() else {" ": "Space"}.get(key, key)
        number = {"Tab": 9, "Enter": 13, " ": 32}.get(key, ord(key.upper()) if len(key) == 1 else 0)
        shared: dict[str, Any] = {"key": key, "code": code, "modifiers": modifiers, "windowsVirtualKeyCode": number}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.send("Input.dispatchKeyEvent", type="keyUp", **shared)

    def type_text(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def click(self, x: float, y: float) -> None:
        """Click with the left button, in pixels of the window."""
        self.drag((x, y), (x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
        """Press the left button at a place, move and release it at another."""
        shared: dict[str, Any] = {"button": "left", "clickCount": 1}
        self._mouse("mouseMoved", start)
        self._mouse("mousePressed", start, **shared)
        for step in range(1, steps + 1) if start != end else ():
            share = step / steps
            place = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            self._mouse("mouseMoved", place, buttons=1, **shared)
        self._mouse("mouseReleased", end, **shared)

    def _mouse(self, kind: str, place: tuple[float, float], **settings: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **settings)

    def photograph(self, file: Path) -> None:
        """Save what the page shows as PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def send(self, method: str, seconds: float = 60, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write_end, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            answer = self._receive(deadline, lambda: f"{method} was not answered in {seconds:.0f} s")
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _receive(self, deadline: float, complaint: Callable[[], str]) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read_end], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._read_end, 1 << 20) if ready else b""
            if not chunk:
                raise BrowserError(complaint())
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.consoleAPICalled":
            text = " ".join(str(part.get("value", part.get("description", ""))) for part in parameters["args"])
            frames = parameters.get("stackTrace", {}).get("callFrames", [])
            self.messages.append((parameters["type"], text, frames[0]["url"] if frames else ""))
        elif event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            self.messages.append(("error", text, details.get("url", "")))
        elif event.get("method") == "Log.entryAdded":
            entry = parameters["entry"]
            self.messages.append((entry["level"], entry["text"], entry.get("url", "")))
