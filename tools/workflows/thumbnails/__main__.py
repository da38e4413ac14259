"""Write the thumbnails `workflows/NAME.jpg`, which ComfyUI's template browser shows.

    python -m likeness.tools.workflows.thumbnails --server http://127.0.0.1:8188

Those of the miniature's workflows show what the workflows draw, so they need a running ComfyUI that has this pack; without
`--server` only the drawn ones are written.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ..miniature import PORTRAIT
from ..workflow import Collage, Scheme
from ..write import FOLDER, WORKFLOWS
from .schemes import draw_scheme
from .sheet import compose, encode_jpeg

PICTURES = 2  # of those that a run draws
POLL_SECONDS = 0.5
MOST_SECONDS = 600.0


def run(server: str, prompt: Mapping[str, Any], seconds: float = MOST_SECONDS) -> list[Image.Image]:
    """Run a prompt on a ComfyUI; gives the pictures that it saved.

    Args:
        server: its address.
        prompt: in API format.
        seconds: how long to wait.

    Raises:
        RuntimeError: if it fails or takes longer.
    """
    request = urllib.request.Request(
        f"{server}/prompt", json.dumps({"prompt": prompt}).encode(), {"Content-Type": "application/json"}
    )
    number = json.loads(_read(request))["prompt_id"]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        entry = json.loads(_read(f"{server}/history/{number}")).get(number)
        if entry and entry["status"]["status_str"] == "error":
            raise RuntimeError(f"A workflow failed on {server}: {entry['status']['messages'][-1]}")
        if entry and entry["status"]["completed"]:
            saved = [key for key, node in prompt.items() if node["class_type"] == "SaveImage"]
            shown = [image for key in saved for image in entry["outputs"][key]["images"]]
            return [Image.open(BytesIO(_read(f"{server}/view?{urllib.parse.urlencode(each)}"))) for each in shown]
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"A workflow did not finish on {server} within {seconds:.0f} s; look at its log.")


def write_schemes(folder: Path) -> Iterator[Path]:
    """Write every drawn thumbnail; gives the files one by one."""
    for name, workflow in WORKFLOWS.items():
        if isinstance(workflow.thumbnail, Scheme):
            file = folder / f"{name}.jpg"
            file.write_bytes(encode_jpeg(draw_scheme(workflow.thumbnail)))
            yield file


def write_collages(folder: Path, server: str) -> Iterator[Path]:
    """Run every workflow whose thumbnail shows what it draws; gives the files one by one.

    Args:
        folder: where the workflows, their API format and the portraits lie.
        server: address of a ComfyUI.

    Raises:
        RuntimeError: if a workflow fails.
    """
    for name, workflow in WORKFLOWS.items():
        if isinstance(workflow.thumbnail, Collage):
            numbers = range(1, workflow.thumbnail.portraits + 1)
            portraits = [Image.open(folder / "portraits" / PORTRAIT.format(number=number)) for number in numbers]
            pictures = run(server, json.loads((folder / "api" / f"{name}.json").read_text("utf-8")))
            file = folder / f"{name}.jpg"
            file.write_bytes(encode_jpeg(compose(portraits, pictures[:PICTURES])))
            yield file


def main() -> int:
    """Write the thumbnails and name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="address of a running ComfyUI; without it only drawn thumbnails are written")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the workflows")
    options = parser.parse_args()
    for file in write_schemes(options.out):
        print(file)
    if options.server:
        for file in write_collages(options.out, options.server):
            print(file)
    return 0


def _read(request: str | urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=120) as response:
        return response.read()


if __name__ == "__main__":
    sys.exit(main())
