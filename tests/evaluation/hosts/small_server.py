"""A server that answers as ComfyUI does, and draws the colour that a graph names."""

from __future__ import annotations

import io
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse

from PIL import Image


class Handler(BaseHTTPRequestHandler):
    @property
    def kept(self) -> SmallServer:
        assert isinstance(self.server, SmallServer)
        return self.server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/upload/image":
            name = re.search(rb'filename="([^"]+)"', body)[1].decode()
            subfolder = re.search(rb'name="subfolder"\r\n\r\n([^\r]*)\r\n', body)[1].decode()
            part = body[body.index(b'name="image"') :]
            self.kept.photos[f"{subfolder}/{name}"] = part[part.index(b"\r\n\r\n") + 4 : part.rindex(b"\r\n--")]
            return self._say({"name": name, "subfolder": subfolder, "type": "input"})
        graph = json.loads(body)["prompt"]
        if "refuse" in json.dumps(graph):
            told = {"message": "Prompt outputs failed validation"}
            errors = {"6": {"errors": [{"message": "Value not in list", "details": "ckpt_name"}]}}
            return self._say({"error": told, "node_errors": errors}, 400)
        self.kept.graphs.append(graph)
        return self._say({"prompt_id": str(len(self.kept.graphs))})

    def do_GET(self) -> None:
        address = urlparse(self.path)
        if address.path == "/view":
            name = parse_qs(address.query)["filename"][0]
            told = io.BytesIO()
            Image.new("RGB", (64, 64), (int(name), 20, 30)).save(told, "PNG")
            return self._say(told.getvalue())
        number = address.path.split("/")[-1]
        self.kept.looks += 1
        if self.kept.looks % 2 or self.kept.never:
            return self._say({})
        graph = self.kept.graphs[int(number) - 1]
        if graph["6"]["inputs"]["text"] == "fail":
            messages = [
                ["execution_error", {"node_type": "KSampler", "node_id": "3", "exception_message": "out of memory\n"}]
            ]
            return self._say({number: {"status": {"status_str": "error", "messages": messages}, "outputs": {}}})
        image = {"filename": str(graph["3"]["inputs"]["seed"]), "subfolder": "", "type": "output"}
        outputs = {} if graph["6"]["inputs"]["text"] == "nothing" else {"9": {"images": [image]}}
        return self._say({number: {"status": {"status_str": "success"}, "outputs": outputs}})

    def _say(self, said: Any, code: int = 200) -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class SmallServer(ThreadingHTTPServer):
    """Remembers what it was sent.

    Attributes:
        photos: by name below the input folder.
        graphs: in order.
        looks: at runs; a run is finished at every second.
        never: no run is ever finished.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.photos: dict[str, bytes] = {}
        self.graphs: list[Any] = []
        self.looks = 0
        self.never = False
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
