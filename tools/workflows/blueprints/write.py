"""Write `subgraphs/*.json`, which the page of newer ComfyUI offers among its nodes.

python -m likeness.tools.workflows.blueprints.write --server http://127.0.0.1:8188
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...comfyui.folders import REPOSITORY
from .formats import to_blueprint
from .inside import Inside
from .shelf import BLUEPRINTS

FOLDER = REPOSITORY / "subgraphs"


def build(name: str, definitions: Mapping[str, Any]) -> Inside:
    """Build one blueprint from the node definitions of a running ComfyUI (`/object_info`)."""
    inside = Inside(name, definitions)
    BLUEPRINTS[name].build(inside)
    return inside


def write_text(name: str, definitions: Mapping[str, Any]) -> str:
    """Give the file of a blueprint."""
    blueprint = BLUEPRINTS[name]
    written = to_blueprint(build(name, definitions), blueprint.description, blueprint.aliases)
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write all files and name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="address of a running ComfyUI")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    with urllib.request.urlopen(f"{options.server}/object_info", timeout=120) as response:
        definitions = json.load(response)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in BLUEPRINTS:
        target = options.out / f"{name}.json"
        target.write_text(write_text(name, definitions), encoding="utf-8")
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
