"""Full-size random weight files in the published layouts, made once and kept in the cache folder.

They let every workflow run where nothing can be downloaded. What they paint is noise: only the plumbing is real.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ...models.facestudio.description import Description
from ...models.omniportrait.checkpoint import adapter_metadata
from ...models.omniportrait.image_encoder import VIT_L_14, ImageEncoderConfig
from ..caches import cache_folder
from . import layouts

RECIPE = 1  # raise when the rule in `fill` changes
LORA_GAIN = 0.1  # a LoRA should bend the model, not drown it
RELU_GAIN = math.sqrt(2)  # keeps the size of activations through ReLU; only centred kernels need it
EMBEDDING_SPREAD = 0.02  # as transformers initialises embeddings
ZERO_CONV_SPREAD = 0.002  # a fresh ControlNet starts at zero; a trained one is small

NestedLayout = dict[str, layouts.Layout]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file to make.

    Attributes:
        folder: folder below ComfyUI's `models/`.
        name: the published file's name.
        layout: gives key names and shapes; nested one level for the `.bin` files that are.
        dtype: how floating point values are stored.
        centred: every convolution kernel sums to zero. A random network then answers to the picture's structure; with
            plain kernels, which see its brightness most, a parser gives nearly all of it one label.
        metadata: what a safetensors file says beside its tensors.
    """

    folder: str
    name: str
    layout: Callable[[], NestedLayout]
    dtype: torch.dtype = torch.float16
    centred: bool = False
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        """Folder and name, as they stand below `models/`."""
        return f"{self.folder}/{self.name}"


def _flat(make: Callable[[], layouts.Layout]) -> Callable[[], NestedLayout]:
    return lambda: {"": make()}


CHECKPOINT = WeightFile(
    folder="checkpoints", name="v1-5-pruned-emaonly-fp16.safetensors", layout=_flat(layouts.stable_diffusion)
)
FACEID = WeightFile(
    folder="uniportrait",
    name="uniportrait-faceid_sd15.bin",
    layout=lambda: {
        "faceid_proj": layouts.uniportrait_projection(),
        "faceid_adapter": layouts.uniportrait_adapter(router=False),
    },
)
ROUTER = WeightFile(
    folder="uniportrait",
    name="uniportrait-router_sd15.bin",
    layout=lambda: {"faceid_adapter": layouts.uniportrait_adapter(router=True)},
)
BACKBONE = WeightFile(
    folder="uniportrait",
    name="glint360k_curricular_face_r101_backbone.bin",
    layout=_flat(layouts.iresnet),
    dtype=torch.float32,
)
CLIP_VISION = WeightFile(
    folder="clip_vision", name="CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors", layout=_flat(layouts.clip_vision)
)
CLIP_VISION_BIGG = WeightFile(
    folder="clip_vision",
    name="CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors",
    layout=_flat(layouts.clip_vision_bigg),
)
CLIP_VISION_L = WeightFile(
    folder="clip_vision",
    name="CLIP-ViT-L-14-openai.safetensors",
    layout=_flat(lambda: layouts.prefixed("visual", layouts.openclip_vision())),
)
IP_ADAPTER = WeightFile(folder="ipadapter", name="ip-adapter_sd15.safetensors", layout=_flat(layouts.ip_adapter))
IP_ADAPTER_PLUS = WeightFile(
    folder="ipadapter", name="ip-adapter-plus_sd15.safetensors", layout=_flat(layouts.ip_adapter_plus)
)
FACEID_PLUS = WeightFile(
    folder="ipadapter",
    name="ip-adapter-faceid-plusv2_sd15.bin",
    layout=partial(layouts.ip_adapter_faceid_plus, layouts.SD15),
)
NARROW_IP_ADAPTER_SDXL = WeightFile(
    folder="ipadapter",
    name="ip-adapter_sdxl.safetensors",
    layout=_flat(partial(layouts.ip_adapter, layouts.NARROW_SDXL, layouts.BIGG)),
)
NARROW_FACEID_PLUS_SDXL = WeightFile(
    folder="ipadapter",
    name="ip-adapter-faceid-plusv2_sdxl.bin",
    layout=partial(layouts.ip_adapter_faceid_plus, layouts.NARROW_SDXL),
)
CONTROL_NET = WeightFile(
    folder="controlnet", name="control_v11p_sd15_openpose_fp16.safetensors", layout=_flat(layouts.control_net)
)
LORA = WeightFile(folder="loras", name="your-lora.safetensors", layout=_flat(layouts.user_lora))
SDXL_CHECKPOINT = WeightFile(
    folder="checkpoints", name="sd_xl_base_1.0.safetensors", layout=_flat(partial(layouts.sdxl, layouts.SDXL))
)
# The narrow files stand in for the full ones under their names: 320 channels at each of the 70 sites.
NARROW_SDXL_CHECKPOINT = replace(SDXL_CHECKPOINT, layout=_flat(partial(layouts.sdxl, layouts.NARROW_SDXL)))
CONSISTENTID = WeightFile(
    folder="consistentid", name="ConsistentID-v1.bin", layout=partial(layouts.consistentid, layouts.SD15)
)
CONSISTENTID_SDXL = WeightFile(
    folder="consistentid", name="ConsistentID_SDXL-v1.bin", layout=partial(layouts.consistentid, layouts.SDXL)
)
NARROW_CONSISTENTID_SDXL = replace(CONSISTENTID_SDXL, layout=partial(layouts.consistentid, layouts.NARROW_SDXL))
FACE_PARSING = WeightFile(
    folder="face_parsing",
    name="face_parsing.pth",
    layout=_flat(layouts.face_parsing),
    dtype=torch.float32,
    centred=True,
)
DINO = WeightFile(folder="dino", name="dino_deitsmall16_pretrain.pth", layout=_flat(layouts.dino), dtype=torch.float32)
# LAION's ViT-L/14 (laion2b_s32b_b82k) has the exact GELU and normalises with one half, as open_clip lists it.
_LAION = ImageEncoderConfig(**VIT_L_14, activation="gelu", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
OMNIPORTRAIT = WeightFile(
    folder="omniportrait",
    name="omniportrait_sd15.safetensors",
    layout=_flat(partial(layouts.omniportrait, layouts.SD15.context)),
    metadata=tuple(adapter_metadata(_LAION).items()),
)
OMNIPORTRAIT_SDXL = replace(
    OMNIPORTRAIT,
    name="omniportrait_sdxl.safetensors",
    layout=_flat(partial(layouts.omniportrait, layouts.SDXL.context)),
)
FACESTUDIO = WeightFile(
    folder="facestudio",
    name="facestudio_sd15.safetensors",
    layout=_flat(partial(layouts.facestudio, layouts.SD15)),
    metadata=tuple(Description().metadata().items()),
)
# As wide as the published priors, and a tenth of their depth.
PRIOR_BIGG = WeightFile(
    folder="prior", name="kandinsky-2-2-prior.safetensors", layout=_flat(partial(layouts.prior, 1280, depth=2))
)
PRIOR_VITL = replace(
    PRIOR_BIGG, name="kandinsky-2-1-prior.safetensors", layout=_flat(partial(layouts.prior, 768, depth=2))
)
CLIP_TEXT = WeightFile(
    folder="text_encoders", name="clip-vit-large-patch14-text.safetensors", layout=_flat(layouts.projected_clip_text)
)
ALL = (
    *(CHECKPOINT, FACEID, ROUTER, BACKBONE, CLIP_VISION, IP_ADAPTER, CONTROL_NET, LORA),
    *(NARROW_SDXL_CHECKPOINT, CONSISTENTID, NARROW_CONSISTENTID_SDXL, FACE_PARSING, DINO),
    *(OMNIPORTRAIT, OMNIPORTRAIT_SDXL, IP_ADAPTER_PLUS, FACEID_PLUS, NARROW_FACEID_PLUS_SDXL),
    *(PRIOR_BIGG, PRIOR_VITL, CLIP_TEXT),
    *(FACESTUDIO, NARROW_IP_ADAPTER_SDXL, CLIP_VISION_BIGG, CLIP_VISION_L),
)


def make_all(wanted: Iterable[WeightFile] = ALL) -> dict[str, Path]:
    """Make what is missing of the wanted files.

    Returns:
        From "folder/name" below `models/` to the file in the cache; what `ComfyServer(models=...)` takes.
    """
    return {weights.path: make(weights) for weights in wanted}


def make(weights: WeightFile) -> Path:
    """Make one file, unless the cache has it already; gives its place in the cache."""
    layout = weights.layout()
    folder = cache_folder() / "weights" / recipe_hash(weights, layout)
    target = folder / weights.name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    print(f"making {weights.path} with random weights ...", end=" ", flush=True)
    _write(fill(layout, weights.dtype, centred=weights.centred), target, dict(weights.metadata))
    print(f"{target.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s", flush=True)
    return target


def recipe_hash(weights: WeightFile, layout: NestedLayout) -> str:
    """Name what a file is made of: its keys and shapes, its dtype, the rules that fill it and its metadata."""
    rules: list[object] = ["centred"] if weights.centred else []
    rules += weights.metadata
    recipe = json.dumps([RECIPE, str(weights.dtype), layout, *rules], sort_keys=True)
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def fill(
    layout: NestedLayout, dtype: torch.dtype, *, seed: int = 0, centred: bool = False
) -> dict[str, dict[str, Tensor]]:
    """Fill a layout with seeded random values at scales that keep activations finite in half precision."""
    generator = torch.Generator().manual_seed(seed)
    return {
        part: {key: _tensor(key, shape, dtype, generator, centred) for key, shape in shapes.items()}
        for part, shapes in layout.items()
    }


def _tensor(key: str, shape: layouts.Shape, dtype: torch.dtype, generator: torch.Generator, centred: bool) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if key.endswith("running_var"):
        return torch.ones(shape, dtype=dtype)
    if key.endswith("weight") and len(shape) == 1:  # norms and PReLU
        return torch.full(shape, 0.25 if _is_prelu(key) else 1.0, dtype=dtype)
    values = torch.randn(shape, generator=generator).mul_(_spread(key, shape))
    if centred and len(shape) == 4:
        values = (values - values.mean(dim=(1, 2, 3), keepdim=True)).mul_(RELU_GAIN)
    return values.to(dtype)


def _is_prelu(key: str) -> bool:
    return key.endswith(("res_layer.3.weight", "input_layer.2.weight"))


def _spread(key: str, shape: layouts.Shape) -> float:
    if len(shape) < 2 or "embedding" in key:
        return EMBEDDING_SPREAD
    if "zero_conv" in key or "middle_block_out" in key:
        return ZERO_CONV_SPREAD
    gain = LORA_GAIN if "lora" in key and "up" in key.rsplit(".", 2)[-2] else 1.0
    return gain / math.sqrt(math.prod(shape[1:]))


def _write(parts: Mapping[str, dict[str, Tensor]], target: Path, metadata: dict[str, str]) -> None:
    """Write beside the target and rename, so that a broken-off run leaves no half file under the final name."""
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    os.close(handle)
    try:
        if target.suffix == ".safetensors":
            save_file(parts[""], name, metadata or None)
        else:
            torch.save(parts.get("", parts), name)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


if __name__ == "__main__":
    make_all()
