"""What `/object_info` of a ComfyUI with this pack says, made of docs/nodes.md and the core's nodes as of 0.3.64."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NODES_PAGE = Path(__file__).resolve().parents[3] / "docs" / "nodes.md"
# Types that the page states once and leaves out afterwards.
TYPES = {
    name: f"LIKENESS_{name.upper()}"
    for name in ("people", "placement", "uniportrait", "consistentid", "omniportrait", "facestudio")
}
TEXT_BOXES = {"positive", "negative", "text"}
MANY = {"Detect, Pick": ("Detect Faces", "Pick Faces")}
INT, FLOAT, FILES = ("INT", {"default": 0}), ("FLOAT", {"default": 1.0}), ([], {})
TEXT = ("STRING", {"default": "", "multiline": True})
SEED = ("INT", {"default": 0, "control_after_generate": True})
CORE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "CheckpointLoaderSimple": ({"ckpt_name": FILES}, ["MODEL", "CLIP", "VAE"]),
    "LoraLoader": (
        {"model": "MODEL", "clip": "CLIP", "lora_name": FILES, "strength_model": FLOAT, "strength_clip": FLOAT},
        ["MODEL", "CLIP"],
    ),
    "ControlNetLoader": ({"control_net_name": FILES}, ["CONTROL_NET"]),
    "ControlNetApplyAdvanced": (
        {
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "control_net": "CONTROL_NET",
            "image": "IMAGE",
            "strength": FLOAT,
            "start_percent": ("FLOAT", {"default": 0.0}),
            "end_percent": FLOAT,
        },
        ["CONDITIONING positive", "CONDITIONING negative"],
    ),
    "CLIPTextEncode": ({"text": TEXT, "clip": "CLIP"}, ["CONDITIONING"]),
    "LoadImage": ({"image": ([], {"image_upload": True})}, ["IMAGE", "MASK"]),
    "EmptyLatentImage": ({"width": INT, "height": INT, "batch_size": ("INT", {"default": 1})}, ["LATENT"]),
    "KSampler": (
        {
            "model": "MODEL",
            "seed": SEED,
            "steps": INT,
            "cfg": FLOAT,
            "sampler_name": (["euler", "ddim"], {}),
            "scheduler": (["simple", "normal", "ddim_uniform"], {}),
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "latent_image": "LATENT",
            "denoise": FLOAT,
        },
        ["LATENT"],
    ),
    "LatentUpscaleBy": (
        {"samples": "LATENT", "upscale_method": (["nearest-exact", "bislerp"], {}), "scale_by": FLOAT},
        ["LATENT"],
    ),
    "SetLatentNoiseMask": ({"samples": "LATENT", "mask": "MASK"}, ["LATENT"]),
    "VAEDecode": ({"samples": "LATENT", "vae": "VAE"}, ["IMAGE"]),
    "VAEEncode": ({"pixels": "IMAGE", "vae": "VAE"}, ["LATENT"]),
    "VAEEncodeForInpaint": (
        {"pixels": "IMAGE", "vae": "VAE", "mask": "MASK", "grow_mask_by": ("INT", {"default": 6})},
        ["LATENT"],
    ),
    "SolidMask": ({"value": FLOAT, "width": INT, "height": INT}, ["MASK"]),
    "MaskComposite": (
        {
            "destination": "MASK",
            "source": "MASK",
            "x": INT,
            "y": INT,
            "operation": (["multiply", "add", "subtract"], {}),
        },
        ["MASK"],
    ),
    "ImageToMask": ({"image": "IMAGE", "channel": (["red", "green", "blue", "alpha"], {})}, ["MASK"]),
    "ImageBatch": ({"image1": "IMAGE", "image2": "IMAGE"}, ["IMAGE"]),
    "ImageStitch": (
        {
            "image1": "IMAGE",
            "direction": (["right", "down", "left", "up"], {"default": "right"}),
            "match_image_size": ("BOOLEAN", {"default": True}),
            "spacing_width": INT,
            "spacing_color": (["white", "black"], {"default": "white"}),
            "image2": "IMAGE",
        },
        ["IMAGE"],
    ),
    "PrimitiveInt": ({"value": SEED}, ["INT"]),
    "SaveImage": ({"images": "IMAGE", "filename_prefix": ("STRING", {"default": "ComfyUI"})}, []),
    "PreviewAny": ({"source": "*"}, []),
}


@functools.cache
def definitions() -> dict[str, Any]:
    """Give the definition of every node, ours and the core's."""
    return {**{kind: _core(*entry) for kind, entry in CORE.items()}, **_ours()}


def _core(inputs: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    required = {name: (entry, {}) if isinstance(entry, str) else entry for name, entry in inputs.items()}
    named = [(output.split()[0], output.split()[-1]) for output in outputs]
    return _definition("", {"required": required}, named, is_output=not outputs)


def _ours() -> dict[str, Any]:
    page = NODES_PAGE.read_text("utf-8")
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in re.findall(r"^\| .* \|$", page, re.M)]
    nodes: dict[str, Any] = {}
    widgets: dict[str, dict[str, Any]] = {}
    for row in rows:
        if len(row) == 4 and row[0].startswith("`Likeness"):
            kind, shown, inputs, outputs = row
            nodes[kind.strip("`")] = (
                shown,
                list(_sockets(inputs)),
                [(kind, name) for name, kind, _ in _sockets(outputs)],
            )
        elif len(row) == 5 and row[2] in ("INT", "FLOAT", "STRING", "COMBO", "BOOLEAN"):
            for node in MANY.get(row[0], (row[0],)):
                widgets.setdefault(node, {}).update(_widgets(*row[1:]))
    return {
        kind: _definition(
            shown,
            {
                "required": {name: (of, {}) for name, of, optional in sockets if not optional} | widgets.get(shown, {}),
                "optional": {name: (of, {}) for name, of, optional in sockets if optional},
            },
            outputs,
            is_output=True,
        )
        for kind, (shown, sockets, outputs) in nodes.items()
    }


def _sockets(cell: str) -> Iterator[tuple[str, str, bool]]:
    """Name, type and whether it is optional."""
    cell = re.sub(r"\((optional)?[^)]*\)", r"(\1)", cell)
    found = re.findall(r"`(\w+)` ?([A-Z][A-Z_]+(?: or [A-Z_]+)*)? ?(\(optional\))?", cell)
    each = re.match(r"a (\w+) each", cell)
    for place, (name, kind, optional) in enumerate(found):
        later = next((other for _, other, _ in found[place:] if other), "")
        known = TYPES.get(name) or (each[1] if each else later)
        yield name, (kind or known).replace(" or ", ","), bool(optional)


def _widgets(names: str, kind: str, default: str, choices: str) -> dict[str, Any]:
    found = re.findall(r"`(\w+)`", names)
    values = default.split(", ") if len(found) == len(default.split(", ")) else [default] * len(found)
    return {name: _widget(name, kind, value, choices) for name, value in zip(found, values, strict=True)}


def _widget(name: str, kind: str, default: str, choices: str) -> tuple[Any, dict[str, Any]]:
    match kind:
        case "COMBO":
            return re.findall(r"`([^`]+)`", choices), {} if default == "first file" else {"default": default.strip("`")}
        case "STRING":
            return kind, {"default": "", "multiline": name in TEXT_BOXES}
        case "BOOLEAN":
            return kind, {"default": default == "true"}
        case _:
            low, high = re.match(r"(-?[\d.]+)–([\d.]+)", choices).groups()
            return kind, {
                "default": float(default) if kind == "FLOAT" else int(default),
                "min": float(low),
                "max": float(high),
            }


def _definition(shown: str, inputs: dict[str, dict[str, Any]], outputs: Any, *, is_output: bool) -> dict[str, Any]:
    return {
        "display_name": shown,
        "input": inputs,
        "input_order": {section: list(each) for section, each in inputs.items()},
        "output": [kind for kind, _ in outputs],
        "output_name": [name for _, name in outputs],
        "output_node": is_output,
    }
