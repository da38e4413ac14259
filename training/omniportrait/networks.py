"""The networks of OmniPortrait's pivot: new ones around open_clip's weights, or those of an adapter to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...models.errors import IncompatibleBaseModelError
from ...models.omniportrait.checkpoint import VISUAL, BaseFile, load, load_image_encoder
from ...models.omniportrait.image_encoder import HEAD_WIDTH, Geometry, ImageEncoderConfig, PivotImageEncoder
from ...models.omniportrait.pivot_id_encoder import PivotIDEncoder
from ...models.weights.reading import read_flat, read_state_dict
from ...models.weights.state_dict import require_keys, subset
from .config import PivotMethodConfig
from .method import trained_part

HEAD_WIDTHS = {1280: 80, 1408: 88, 1664: 104}  # of open_clip's ViT-H, g and bigG, by their widths; no tensor tells them


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PivotNetworks:
    """OmniPortrait's parts.

    Attributes:
        pivot: fuses faces with text rows, float32.
        image_encoder: describes faces, float32.
        stored: keys of the image encoder's tower that a file has to hold; None for all.
        base_file: that has the others; None where a file holds all.
    """

    pivot: PivotIDEncoder
    image_encoder: PivotImageEncoder
    stored: frozenset[str] | None = None
    base_file: BaseFile | None = None


def read_networks(asked: PivotMethodConfig, base: Base, *, seed: int) -> PivotNetworks:
    """The networks that a configuration asks for, on the CPU.

    Args:
        asked: which files, and what of the image encoder is trained.
        base: whose text is fused.
        seed: of new weights.

    Raises:
        IncompatibleBaseModelError: if the adapter was made for text of another width.
        LikenessError: if a file cannot be read or does not fit.
    """
    width = int(base.unet.config["cross_attention_dim"])
    if asked.init_from is not None:
        adapter = load(asked.init_from, asked.pivot)
        if adapter.context_dim != width:
            raise IncompatibleBaseModelError(
                f'"{asked.init_from.name}" fuses text {adapter.context_dim} wide, this base reads text {width} wide; choose an '
                "adapter of the same architecture."
            )
        held = subset(read_state_dict(asked.init_from), f"{VISUAL}.")
        return _described(asked, adapter.pivot, adapter.image_encoder, held)
    config = ImageEncoderConfig(
        **_geometry(cast(Path, asked.pivot)),
        activation=cast(Any, asked.pivot_activation),
        mean=cast(Any, asked.pivot_mean),
        std=cast(Any, asked.pivot_std),
    )
    image_encoder = load_image_encoder(cast(Path, asked.pivot), config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pivot = PivotIDEncoder(config.embed_dim, width)
    return _described(asked, pivot, image_encoder, {})


def _described(
    asked: PivotMethodConfig, pivot: PivotIDEncoder, image_encoder: PivotImageEncoder, held: dict[str, Tensor]
) -> PivotNetworks:
    """With what a file has to hold: what another one held and what is trained, all of it if nothing else has the rest."""
    stored = {*held, *trained_part(image_encoder, asked.visual)}
    if asked.pivot is None or stored >= image_encoder.visual.state_dict().keys():
        return PivotNetworks(pivot=pivot, image_encoder=image_encoder)
    return PivotNetworks(
        pivot=pivot, image_encoder=image_encoder, stored=frozenset(stored), base_file=BaseFile.at(asked.pivot)
    )


def _geometry(path: Path) -> Geometry:
    """The sizes of a tower, read from its tensors' shapes; raises as `load_image_encoder`."""
    weights, name = read_flat(path)
    visual = subset(weights, f"{VISUAL}.") or weights
    feed = "transformer.resblocks.0.mlp.c_fc.weight"
    axes = {"conv1.weight": 4, "positional_embedding": 2, "proj": 2, feed: 2}
    require_keys(visual, axes, f"{name}, image encoder,")
    width, _, patch, _ = visual["conv1.weight"].shape
    side = round((visual["positional_embedding"].shape[0] - 1) ** 0.5)
    blocks = {key.split(".")[2] for key in visual if key.startswith("transformer.resblocks.")}
    vision = {
        "layers": len(blocks),
        "width": width,
        "patch_size": patch,
        "image_size": side * patch,
        "head_width": HEAD_WIDTHS.get(width, HEAD_WIDTH),
        "mlp_ratio": visual[feed].shape[0] / width,
    }
    return {"vision": vision, "embed_dim": visual["proj"].shape[1]}
