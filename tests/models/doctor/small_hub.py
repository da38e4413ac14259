"""A server that speaks as much of huggingface.co's protocol as a download needs, with the faults of real ones."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY, PATH = "owner/repository", "folder/small.bin"


class SmallHub(ThreadingHTTPServer):
    """One file of one repository.

    Attributes:
        content: what the file holds.
        etag: what the server states as its hash; the file's own at first.
        size: bytes that the server states; the file's own at first.
        cut_after: bytes after which a connection is dropped; None for none.
        fails: whether the file itself is refused.
        ignores_range: whether every answer begins at the file's first byte.
        surplus: bytes sent beyond those that were announced.
        ranges: what was asked for, request by request.
        tokens: authorisations that came.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()
        self.size = len(content)
        self.cut_after: int | None = None
        self.fails = self.ignores_range = False
        self.surplus = 0
        self.ranges: list[str] = []
        self.tokens: list[str] = []

    @property
    def url(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    @property
    def hub(self) -> SmallHub:
        """The server."""
        assert isinstance(self.server, SmallHub)
        return self.server

    def do_HEAD(self) -> None:
        self._answer(200, 0)

    def do_GET(self) -> None:
        hub = self.hub
        asked = self.headers.get("Range", "")
        hub.ranges.append(asked)
        found = None if hub.ignores_range else re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(found.group(1)) if found else 0
        if hub.fails:
            self.send_error(503)
            return
        self._answer(206 if found else 200, start)
        content = (hub.content + bytes(hub.surplus))[start:]
        cut = None if hub.cut_after is None else max(hub.cut_after - start, 0)
        self.wfile.write(content[:cut])
        if cut is not None:
            hub.fails = True  # whoever tries again at once
            self.close_connection = True

    def _answer(self, status: int, start: int) -> None:
        hub = self.hub
        hub.tokens += [self.headers["Authorization"]] if "Authorization" in self.headers else []
        if f"/{REPOSITORY}/resolve/main/{PATH}" != self.path.split("?")[0]:
            self.send_error(404)
            return
        self.send_response(status)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{hub.etag}"')
        if self.command == "HEAD":
            self.send_header("X-Linked-Size", str(hub.size))
        self.send_header("Content-Length", str(len(hub.content) + hub.surplus - start))
        if status == 206:
            end = len(hub.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{end + 1}")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def small_hub(content: bytes) -> Iterator[SmallHub]:
    """A server that runs for the length of a block."""
    hub = SmallHub(content)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
