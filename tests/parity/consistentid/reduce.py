"""Cut the stored ConsistentID cases down to what the repository carries; face cases have their own program.

Usage: python reduce.py FOLDER_WITH_THE_FULL_CASES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from likeness.tests.parity.consistentid.stored import HERE, Stored
from likeness.tests.parity.folder import Folder
from safetensors.torch import save_file

CASES = (
    "proj/tiny",
    "facial_encoder/tiny_all5",
    "facial_encoder/tiny_missing2",
    "facial_encoder/tiny_none",
    "prompt/sd15",
    "attn/self_tiny",
    "attn/self_sd15_320_r128",
    "attn/ip_tiny",
    "loss/localization",
    "unet/tiny_sd15",
    "pipeline/sd15_merge1_all",
)
STEPS = {"attn/self_sd15_320_r128": 4}  # every n-th row of the output
LEFT_OUT = ("step0.context", "step3.context")  # equal to those of steps 1 and 2
NOT_READ = ("caption_with_markers", "processor_order")  # part of another entry, or follows from the UNet


def reduce(folder: Folder, name: str) -> dict[str, object]:
    """Write one case beside this file; returns what is noted about it."""
    case = Stored.read(folder, name)
    about = {key: value for key, value in case.about.items() if key not in NOT_READ}
    tensors = {key: tensor for key, tensor in case.tensors.items() if key not in LEFT_OUT}
    if name == "prompt/sd15":
        about = {
            key: {part: value for part, value in entry.items() if part not in NOT_READ} for key, entry in about.items()
        }
    if name in STEPS:
        about["step"] = STEPS[name]
        tensors["out.hidden_states"] = tensors["out.hidden_states"][:, :: STEPS[name]].contiguous()
    save_file(tensors, HERE / f"{name.replace('/', '_')}.safetensors")
    return {"meta": about}


if __name__ == "__main__":
    index = HERE / "INDEX.json"
    kept = json.loads(index.read_text(encoding="utf-8"))["cases"] if index.exists() else {}
    kept |= {name: reduce(Folder(Path(sys.argv[1])), name) for name in CASES}
    index.write_text(json.dumps({"cases": dict(sorted(kept.items()))}, indent=1) + "\n", encoding="utf-8")
