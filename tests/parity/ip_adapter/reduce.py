"""Copy the stored IP-Adapter cases that our code is compared with, without what is noted for readers only.

Usage: python reduce.py FOLDER_WITH_THE_FULL_CASES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from likeness.tests.parity.folder import Folder
from likeness.tests.parity.ip_adapter.cases import HERE, LAYERS, PIXELS, PROJECTIONS, RUNS, TABLES, UNETS, WITH_LORA
from likeness.tests.parity.ip_adapter.mask_cases import DIFFUSERS, IPADAPTER_PLUS
from likeness.tests.parity.recipe import Case
from safetensors.torch import save_file

ABOUT = (
    "case", "title", "constructor", "variants", "suggested_tolerance", "weights", "weight_type_factors_sd15",
    "unet_config", "timestep", "file_form", "tolerance_by_tensor", "guidance_scale", "timesteps", "image",
)  # fmt: skip
ROW = ("index", "ldm", "comfy_block", "block_index", "comfy_transformer_index")
# A picture of 225 kB; what `out.context` holds too; the steps before the last.
LARGE = ("portrait_small", "in.text_", "out.steps")
HOSTS = ("unet", "clip")  # networks whose names and shapes a host knows itself


def reduce(folder: Folder, name: str) -> None:
    """Write one case beside this file."""
    case = Case.read(folder, name)
    about = {key: case.about[key] for key in ABOUT if key in case.about}
    if "variants" in about:
        about["variants"] = {key: value for key, value in about["variants"].items() if key not in LARGE}
    if "weights" in about:
        about["weights"] = {group: shapes for group, shapes in about["weights"].items() if group not in HOSTS}
    tensors = {key: tensor for key, tensor in case.tensors.items() if not any(large in key for large in LARGE)}
    (HERE / f"{name}.json").write_text(json.dumps(about, separators=(",", ":")) + "\n", encoding="utf-8")
    save_file(tensors, HERE / f"{name}.safetensors")


def reduce_table(folder: Folder, name: str) -> None:
    """Write a table of layers beside this file, those of cross-attention alone."""
    rows = json.loads((folder.path / f"{name}.json").read_text(encoding="utf-8"))
    kept = [{key: row[key] for key in ROW} for row in rows if row["kind"] == "attn2"]
    (HERE / f"{name}.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    full = Folder(Path(sys.argv[1]))
    for case_name in (*PROJECTIONS, *LAYERS, *WITH_LORA, PIXELS, DIFFUSERS, IPADAPTER_PLUS, *UNETS, RUNS[0]):
        reduce(full, case_name)
    for table in TABLES:
        reduce_table(full, table)
