"""The command that writes thumbnails."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.formats import to_api
from likeness.tools.workflows.thumbnails.__main__ import run, write_collages
from likeness.tools.workflows.workflow import Collage
from likeness.tools.workflows.write import WORKFLOWS, build, write_portraits
from PIL import Image

GREEN, RED = (0, 200, 0), (200, 0, 0)
COLLAGES = [name for name, workflow in WORKFLOWS.items() if isinstance(workflow.thumbnail, Collage)]
PROMPT = {"4": {"class_type": "SaveImage", "inputs": {}}, "5": {"class_type": "PreviewImage", "inputs": {}}}


class Answers(BaseHTTPRequestHandler):
    """The three answers of a ComfyUI; a prompt is ready when it is asked about for the second time."""

    asked: list[int]
    status: str

    def do_POST(self) -> None:
        self.server.prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        self.server.asked = 0
        self._give(json.dumps({"prompt_id": "p"}).encode())

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/view":
            target = BytesIO()
            Image.new("RGB", (128, 128), GREEN if parse_qs(address.query)["filename"] == ["saved.png"] else RED).save(
                target, "PNG"
            )
            return self._give(target.getvalue())
        self.server.asked += 1
        if self.server.asked == 1:
            return self._give(b"{}")
        outputs = {
            key: {"images": [{"filename": "saved.png" if node["class_type"] == "SaveImage" else "shown.png"}] * 4}
            for key, node in self.server.prompt.items()
        }
        failed = self.server.fails
        status = {"status_str": "error" if failed else "success", "completed": not failed, "messages": ["no memory"]}
        return self._give(json.dumps({"p": {"outputs": outputs, "status": status}}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _give(self, data: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("likeness.tools.workflows.thumbnails.__main__.POLL_SECONDS", 0.01)
    with HTTPServer(("127.0.0.1", 0), Answers) as listening:
        listening.fails = False
        listening.url = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def test_a_run_gives_the_saved_pictures_and_no_previews(server):
    pictures = run(server.url, PROMPT)
    assert len(pictures) == 4
    assert {picture.getpixel((5, 5)) for picture in pictures} == {GREEN}


def test_a_workflow_that_fails_is_an_error_with_comfyui_s_words(server):
    server.fails = True
    with pytest.raises(RuntimeError, match=r"failed on http://127.* no memory"):
        run(server.url, PROMPT)


def test_a_run_that_takes_too_long_is_an_error(server):
    with pytest.raises(RuntimeError, match="did not finish"):
        run(server.url, PROMPT, seconds=0)


def test_every_workflow_of_the_miniature_gets_a_picture_of_what_it_draws(server, tmp_path):
    write_portraits(tmp_path)
    (tmp_path / "api").mkdir()
    for name in COLLAGES:
        (tmp_path / "api" / f"{name}.json").write_text(json.dumps(to_api(build(name, definitions()))))
    files = list(write_collages(tmp_path, server.url))
    assert {file.name for file in files} == {f"{name}.jpg" for name in COLLAGES}
    for file in files:
        red, green, blue = Image.open(file).resize((8, 8)).tobytes()[3 * 42 : 3 * 43]  # of an eighth, below on the left
        assert green > 150 > max(red, blue)
