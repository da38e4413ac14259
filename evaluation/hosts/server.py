"""A ComfyUI server over HTTP: photos go up, a graph is run, its picture comes down."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ...models.errors import LikenessError

PAUSE = 0.2  # seconds between two looks at a run
ANSWER = 60.0  # seconds that one answer may take
SUBFOLDER = "likeness_evaluation"  # of the server's input folder


class ServerError(LikenessError):
    """A ComfyUI server does not answer, or refuses or fails what it was asked."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running ComfyUI.

    Attributes:
        url: its address, "http://127.0.0.1:8188".
        limit: seconds that one picture may take.
    """

    url: str
    limit: float

    def upload(self, photo: Path, name: str) -> str:
        """Put a photo into the input folder under a name; what a *Load Image* calls it there.

        Raises:
            ServerError: if the server does not take it.
        """
        boundary = uuid.uuid4().hex
        fields = {"subfolder": SUBFOLDER, "overwrite": "true"}
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        parts += [f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(), photo.read_bytes(), b"\r\n"]
        body = b"".join((*parts, f"--{boundary}--\r\n".encode()))
        said = json.loads(self._ask("/upload/image", body, f"multipart/form-data; boundary={boundary}"))
        return f"{said['subfolder']}/{said['name']}" if said.get("subfolder") else said["name"]

    def run(self, graph: Mapping[str, Any], output: str) -> bytes:
        """Run a graph and wait for it.

        Args:
            graph: in API format.
            output: number of the node whose picture is wanted.

        Returns:
            The file of its first picture.

        Raises:
            ServerError: if the graph is refused or fails, takes too long, or shows no picture.
        """
        told = json.dumps({"prompt": graph, "client_id": uuid.uuid4().hex}).encode()
        number = json.loads(self._ask("/prompt", told, "application/json"))["prompt_id"]
        end = time.monotonic() + self.limit
        while True:
            entry = json.loads(self._ask(f"/history/{number}")).get(number)
            if entry is not None:
                break
            if time.monotonic() > end:
                raise ServerError(
                    f"ComfyUI at {self.url} did not finish a picture in {self.limit:g} s; look at its console, or raise "
                    "[drawing] limit."
                )
            time.sleep(PAUSE)
        if entry.get("status", {}).get("status_str") == "error":
            raise ServerError(f"ComfyUI at {self.url} failed: {_failure(entry)}; mend the workflow and start again.")
        pictures = entry.get("outputs", {}).get(output, {}).get("images", [])
        if not pictures:
            raise ServerError(
                f"Node {output} showed no picture; name a Save Image or Preview Image node as [drawing] output, and change "
                "something in the graph with every picture, such as the seed."
            )
        asked = {key: pictures[0].get(key, "") for key in ("filename", "subfolder", "type")}
        return self._ask("/view?" + urllib.parse.urlencode(asked))

    def _ask(self, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        request = urllib.request.Request(
            self.url.rstrip("/") + path, data=body, headers={"Content-Type": kind} if body is not None else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise ServerError(
                f"ComfyUI at {self.url} refused ({error.code}): {_refusal(error.read())}; mend the workflow and start again."
            ) from error
        except (OSError, HTTPException) as error:
            raise ServerError(
                f"ComfyUI at {self.url} does not answer ({getattr(error, 'reason', error)}); start it, or set [drawing] url."
            ) from error


def _failure(entry: Mapping[str, Any]) -> str:
    for kind, told in entry["status"].get("messages", []):
        if kind == "execution_error":
            return f"{told.get('node_type')} (node {told.get('node_id')}): {str(told.get('exception_message')).strip()}"
    return "it does not say why"


def _refusal(body: bytes) -> str:
    try:
        said = json.loads(body)
        reasons = [said["error"]["message"]]
        for number, node in (said.get("node_errors") or {}).items():
            reasons += [f"node {number}: {each['message']} ({each.get('details', '')})" for each in node["errors"]]
        return "; ".join(reasons)
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace").strip()
