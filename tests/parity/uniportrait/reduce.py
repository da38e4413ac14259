"""Cut the stored UniPortrait cases down to what the repository carries.

Usage: python reduce.py FOLDER_WITH_THE_FULL_CASES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case
from safetensors.torch import save_file

HERE = Path(__file__).parent
LATER = "self_attn_small"  # its variants of style sharing belong to a later release
STEPS = (8, 4, 2, 1)  # every n-th row and column of the backbone's four maps
ABOUT = ("case", "title", "constructor", "variants", "suggested_tolerance", "weights", "clip_config", "steps")


def reduce(folder: Folder, name: str) -> None:
    """Write one case beside this file."""
    case = Case.read(folder, name)
    about, tensors = dict(case.about), dict(case.tensors)
    if name == LATER:
        about["variants"] = {key: value for key, value in about["variants"].items() if "share" not in key}
        tensors = {key: t for key, t in tensors.items() if "share" not in key and "_b6" not in key}
    for dropped in ("onehot", "aggregated"):  # both follow from the logits
        tensors = {key: tensor for key, tensor in tensors.items() if not key.endswith(dropped)}
    if name == "backbone_ir101":
        del tensors["out.embedding"], about["weights"]  # the shapes are those of our own network
        for place, step in enumerate(STEPS):
            tensors[f"out.feat{place}"] = tensors[f"out.feat{place}"][..., ::step, ::step].contiguous()
        about["steps"] = STEPS
    kept = {key: about[key] for key in ABOUT if key in about}
    (HERE / f"{name}.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")
    save_file(tensors, HERE / f"{name}.safetensors")


if __name__ == "__main__":
    for case_name in ("resampler_small", "backbone_ir101", "cross_attn_small", "self_attn_small", "generate_context"):
        reduce(Folder(Path(sys.argv[1])), case_name)
