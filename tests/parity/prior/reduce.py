"""Copy the small stored cases of the prior, and of each published layout the keys outside the blocks and of the first one.

Usage: python reduce.py FOLDER_WITH_THE_FULL_CASES
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from likeness.tests.parity.folder import Folder
from likeness.tests.parity.prior.cases import HERE, MANIFEST, NETWORKS, PIPELINE, SCHEDULE
from likeness.tests.parity.recipe import Case
from safetensors.torch import save_file

ABOUT = (
    "case", "title", "config", "variants", "suggested_tolerance", "weights", "stored_weights", "denormalised", "steps",
    "guidance_scale", "scheduler",
)  # fmt: skip
LATER_BLOCK = re.compile(r"transformer_blocks\.[1-9]")


def reduce(folder: Folder, name: str) -> None:
    """Write one case beside this file."""
    case = Case.read(folder, name)
    about = {key: case.about[key] for key in ABOUT if key in case.about}
    (HERE / f"{name}.json").write_text(json.dumps(about, separators=(",", ":")) + "\n", encoding="utf-8")
    save_file(dict(case.tensors), HERE / f"{name}.safetensors")


def reduce_manifest(folder: Folder) -> None:
    """Write the keys and shapes of published files beside this file."""
    layouts = json.loads((folder.path / f"{MANIFEST}.json").read_text(encoding="utf-8"))["layouts"]
    kept = {
        name: {
            "config": layout["config"],
            "parameters": layout["parameters"],
            "keys": {key: shape for key, shape in layout["keys"].items() if not LATER_BLOCK.match(key)},
        }
        for name, layout in layouts.items()
    }
    (HERE / f"{MANIFEST}.json").write_text(
        json.dumps({"layouts": kept}, separators=(",", ":")) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    full = Folder(Path(sys.argv[1]))
    for case_name in (*NETWORKS, SCHEDULE, PIPELINE):
        reduce(full, case_name)
    reduce_manifest(full)
