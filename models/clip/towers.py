"""CLIP's picture towers from files in open_clip's layout: vision transformers and the ResNets with attention pooling.

Sizes are read from the tensors. The activation is not in any tensor: OpenAI's weights mean the quick GELU, most others the exact
one, and weights run with the wrong one give plausible, wrong embeddings; so whoever builds a tower names it.

Sources: CLIP (arXiv:2103.00020), section 2.4; configurations of open_clip.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..errors import UnknownCheckpointError
from ..packages import import_package
from ..weights.state_dict import load_strictly, require_keys, subset

Activation = Literal["quick_gelu", "gelu"]
VISUAL = "visual."  # before a tower's keys in a file that may hold a text tower too
HEAD_WIDTH = 64  # channels of an attention head in all of them
EXPANSION = 32  # how much wider than its stem a ResNet ends, and how much smaller than the picture

BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.ln_1\.weight$")
BOTTLENECK = re.compile(r"layer([1-4])\.(\d+)\.conv1\.weight$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerSizes:
    """A vision transformer.

    Attributes:
        image: side of the pictures, pixels.
        patch: side of a patch, pixels.
        width: channels of its tokens.
        layers: how many.
        feed: channels inside the feed-forward layers.
        outputs: length of an embedding.
    """

    image: int
    patch: int
    width: int
    layers: int
    feed: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetSizes:
    """A ResNet with attention pooling.

    Attributes:
        image: side of the pictures, pixels.
        width: channels of its stem.
        blocks: of its four stages.
        outputs: length of an embedding.
    """

    image: int
    width: int
    blocks: tuple[int, ...]
    outputs: int


Sizes = TransformerSizes | ResNetSizes

PUBLISHED: dict[str, Sizes] = {  # by open_clip's names
    "ViT-L-14": TransformerSizes(image=224, patch=14, width=1024, layers=24, feed=4096, outputs=768),
    "RN101": ResNetSizes(image=224, width=64, blocks=(3, 4, 23, 3), outputs=512),
    "ViT-B-32": TransformerSizes(image=224, patch=32, width=768, layers=12, feed=3072, outputs=512),
}


class Towers(nn.Module):
    """Several picture towers that look at the same picture.

    Args:
        towers: pixels (B, 3, S, S) to embeddings (B, E) each.
        sizes: of each.
        activation: of all.
    """

    def __init__(self, towers: Sequence[nn.Module], sizes: Sequence[Sizes], activation: Activation) -> None:
        super().__init__()
        self.towers = nn.ModuleList(towers)
        self.sizes = tuple(sizes)
        self.activation: Activation = activation

    @property
    def width(self) -> int:
        """Length of the embeddings of all together."""
        return sum(each.outputs for each in self.sizes)

    def forward(self, pixels: Tensor) -> Tensor:
        """The embeddings of pictures, joined in the towers' order.

        Args:
            pixels: normalised, (B, 3, S, S).

        Returns:
            (B, width): projected, not normalised.
        """
        return torch.cat([tower(pixels) for tower in self.towers], dim=-1)


def from_state_dicts(
    weights: Sequence[Mapping[str, Tensor]], *, activation: Activation, names: Sequence[str] = ()
) -> Towers:
    """Build towers, strictly.

    Args:
        weights: of each tower, under open_clip's names without "visual.", see `tower_weights`.
        activation: of all of them.
        names: what messages call the files.

    Returns:
        The towers in float32, frozen.

    Raises:
        UnknownCheckpointError: if weights are no such tower, naming all keys that do not fit.
        MissingPackageError: if open_clip_torch is not there.
    """
    called = list(names) or ["The CLIP model"] * len(weights)
    sizes = [_required(each, name) for each, name in zip(weights, called, strict=True)]
    with torch.device("meta"):
        empty = [new_tower(each, activation) for each in sizes]
    towers = [load_strictly(tower, each, name) for tower, each, name in zip(empty, weights, called, strict=True)]
    return Towers(towers, sizes, activation).eval().requires_grad_(False)


def new_tower(sizes: Sizes, activation: Activation) -> nn.Module:
    """A tower of some sizes, with whatever weights its layers begin with.

    Raises:
        MissingPackageError: if open_clip_torch is not there.
    """
    purpose = "Looking at style pictures with CLIP"
    if isinstance(sizes, ResNetSizes):
        resnet: Any = import_package("open_clip.modified_resnet", "ModifiedResNet", purpose=purpose)
        return resnet.ModifiedResNet(  # its activation is ReLU, whatever the text tower's
            layers=list(sizes.blocks),
            output_dim=sizes.outputs,
            heads=sizes.width * EXPANSION // HEAD_WIDTH,
            image_size=sizes.image,
            width=sizes.width,
        )
    names = ("QuickGELU", "VisionTransformer")
    transformer: Any = import_package("open_clip.transformer", *names, purpose=purpose)
    return transformer.VisionTransformer(
        image_size=sizes.image,
        patch_size=sizes.patch,
        width=sizes.width,
        layers=sizes.layers,
        heads=sizes.width // HEAD_WIDTH,
        mlp_ratio=sizes.feed / sizes.width,
        output_dim=sizes.outputs,
        act_layer=transformer.QuickGELU if activation == "quick_gelu" else nn.GELU,
    )


def tower_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The picture tower of a CLIP file in open_clip's layout; a text tower is passed over, and nothing is left of other files."""
    return subset(weights, VISUAL)


def recognise(weights: Mapping[str, Tensor]) -> str | None:
    """Which of the published towers these are, by keys and shapes alone; None for all else.

    Args:
        weights: under open_clip's names without "visual."; may be on the meta device.
    """
    try:
        found = sizes_of(weights)
    except UnknownCheckpointError:
        return None
    return next((name for name, sizes in PUBLISHED.items() if sizes == found), None)


def sizes_of(weights: Mapping[str, Tensor], name: str = "The CLIP model") -> Sizes:
    """The sizes of a tower.

    Args:
        weights: under open_clip's names without "visual."; may be on the meta device.
        name: what a message calls them.

    Raises:
        UnknownCheckpointError: if tensors that tell are missing or have other axes.
    """
    if "attnpool.positional_embedding" in weights:
        return _resnet_sizes(weights, name)
    keys = {"conv1.weight": 4, "positional_embedding": 2, "proj": 2, "transformer.resblocks.0.mlp.c_fc.weight": 2}
    require_keys(weights, keys, name)
    width, _, patch, _ = weights["conv1.weight"].shape
    return TransformerSizes(
        image=_grid(weights["positional_embedding"], name) * patch,
        patch=patch,
        width=width,
        layers=len({found[1] for found in map(BLOCK.match, weights) if found}),
        feed=weights["transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
        outputs=weights["proj"].shape[1],
    )


def _resnet_sizes(weights: Mapping[str, Tensor], name: str) -> ResNetSizes:
    require_keys(weights, {"conv1.weight": 4, "attnpool.c_proj.weight": 2, "attnpool.positional_embedding": 2}, name)
    blocks = [{found[2] for found in map(BOTTLENECK.match, weights) if found and found[1] == stage} for stage in "1234"]
    return ResNetSizes(
        image=_grid(weights["attnpool.positional_embedding"], name) * EXPANSION,
        width=2 * weights["conv1.weight"].shape[0],
        blocks=tuple(map(len, blocks)),
        outputs=weights["attnpool.c_proj.weight"].shape[0],
    )


def _grid(positions: Tensor, name: str) -> int:
    """Patches in a row, of the embeddings of all positions and of the class."""
    side = math.isqrt(max(positions.shape[0] - 1, 0))
    if side < 1 or side**2 + 1 != positions.shape[0]:
        raise UnknownCheckpointError(
            f"{name} has {positions.shape[0]} positions, which is no square of patches and the class; choose another file."
        )
    return side


def _required(weights: Mapping[str, Tensor], name: str) -> Sizes:
    found = sizes_of(weights, name)
    width = found.width if isinstance(found, TransformerSizes) else found.width * EXPANSION
    layers = found.layers if isinstance(found, TransformerSizes) else min(found.blocks)
    if width % HEAD_WIDTH or not layers:
        raise UnknownCheckpointError(
            f"{name} is no CLIP model that is known here: {width} channels do not make heads of {HEAD_WIDTH}, or layers are "
            "missing; choose another file."
        )
    return found
