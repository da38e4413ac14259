"""Write `locales/en/nodeDefs.json` and `locales/zh/nodeDefs.json`, which ComfyUI's page reads.

Both come from the tables beside this file and the node definitions of a running ComfyUI that has this pack:

    python -m likeness.tools.locales.write --server http://127.0.0.1:8188

`labels.json` calls identifiers by names for people; `sentences.json` has Chinese for names of nodes, descriptions and
tooltips. What a table lacks is named, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..comfyui.folders import REPOSITORY
from .labels import LANGUAGES, Words, translate

FOLDER = REPOSITORY / "locales"


def write_text(definitions: Mapping[str, Any], words: Words) -> dict[Path, str]:
    """Give the files, by their path below `locales/`; `definitions` as `/object_info` gives them, other packs' too.

    Raises:
        KeyError: if a table lacks a word; all are named, one a line.
    """
    ours = {name: each for name, each in definitions.items() if name.startswith("Likeness")}
    files = {
        Path(language, "nodeDefs.json"): json.dumps(translate(ours, language, words), indent=2, ensure_ascii=False)
        + "\n"
        for language in LANGUAGES
    }
    if words.missing:
        raise KeyError("labels.json or sentences.json lacks:\n" + "\n".join(sorted(words.missing)))
    return files


def main() -> int:
    """Write both files and name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="address of a running ComfyUI")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    with urllib.request.urlopen(f"{options.server}/object_info", timeout=120) as response:
        definitions = json.load(response)
    for path, text in write_text(definitions, Words.read()).items():
        target = options.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
