"""Write `workflows/*.json` (as ComfyUI's page saves them), `workflows/api/*.json` (as `/prompt` takes them) and portraits.

Both formats come from the descriptions of every method and the node definitions of a running ComfyUI that has this pack:

    python -m likeness.tools.workflows.write --server http://127.0.0.1:8188
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ...models.methods import wings
from ..comfyui.folders import REPOSITORY
from ..demo.scene import drawn_people, drawn_styles
from . import miniature, placed, together
from .apps import shelf as apps
from .formats import to_api, to_ui
from .graph import Graph
from .miniature import PORTRAIT, STYLE_PICTURE
from .workflow import Workflow

FOLDER = REPOSITORY / "workflows"
SHELVES = (miniature, *wings(__package__), together, placed, apps)
WORKFLOWS: Mapping[str, Workflow] = {name: each for shelf in SHELVES for name, each in shelf.WORKFLOWS.items()}


def build(name: str, definitions: Mapping[str, Any]) -> Graph:
    """Build one workflow from the node definitions of a running ComfyUI (`/object_info`)."""
    graph = Graph(name, definitions)
    WORKFLOWS[name].build(graph)
    return graph


def write_text(graph: Graph) -> dict[Path, str]:
    """Give the files of a workflow, by their path below `workflows/`."""
    return {
        Path(f"{graph.name}.json"): json.dumps(to_ui(graph), indent=2, ensure_ascii=False) + "\n",
        Path("api", f"{graph.name}.json"): json.dumps(to_api(graph), indent=2, ensure_ascii=False) + "\n",
    }


def write_portraits(folder: Path) -> list[Path]:
    """Draw the two people of the miniature's workflows, and of the demo, and the pictures of style; gives the files."""
    references, _ = drawn_people()
    drawn = [
        (pattern.format(number=number), picture)
        for pattern, pictures in ((PORTRAIT, references), (STYLE_PICTURE, drawn_styles()))
        for number, picture in enumerate(pictures, 1)
    ]
    files = [folder / "portraits" / name for name, _ in drawn]
    for file, (_, reference) in zip(files, drawn, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(reference).save(file)
    return files


def main() -> int:
    """Write all files and name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="address of a running ComfyUI")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    with urllib.request.urlopen(f"{options.server}/object_info", timeout=120) as response:
        definitions = json.load(response)
    for name in WORKFLOWS:
        for path, text in write_text(build(name, definitions)).items():
            target = options.out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(target)
    for file in write_portraits(options.out):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
