"""The CLIP models that look at style pictures while FaceStudio is trained, and what its file has to say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ...diffusers_host.image_embedder import image_embeddings, load_image_embedder
from ...models.clip.towers import PUBLISHED, VISUAL, Towers, from_state_dicts, sizes_of, tower_weights
from ...models.errors import IncompatibleBaseModelError, UnknownCheckpointError
from ...models.facestudio.description import NETWORKS, WIDTHS, Description
from ...models.weights.fingerprint import of_file
from ...models.weights.reading import read_flat
from .pictures import StyleSquare

Kind = Literal["vitl", "paper3"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyleNetwork:
    """What gives a picture its style embedding.

    Attributes:
        embed: normalised pictures (R, 3, S, S), on the device, to embeddings (R, E) float32, without gradients.
        width: E.
        square: what it sees of a picture.
        description: what a FaceStudio file says of it.
        device: where it runs.
    """

    embed: Callable[[Tensor], Tensor]
    width: int
    square: StyleSquare
    description: Description
    device: torch.device

    @property
    def key(self) -> str:
        """Names its weights and how pictures are normalised, 16 hexadecimal digits."""
        said = replace(self.description, recogniser="", face_width=1)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    def embeddings(self, pictures: np.ndarray) -> Tensor:
        """Embeddings (R, E) of squares (R, S, S, 3) uint8 RGB."""
        mean, std = (
            torch.tensor(values, device=self.device).view(3, 1, 1)
            for values in (self.description.mean, self.description.std)
        )
        pixels = rearrange(torch.from_numpy(pictures).to(self.device), "r h w c -> r c h w").float() / 255
        return self.embed((pixels - mean) / std)


def load_style_network(kind: Kind, files: Sequence[Path], device: torch.device) -> StyleNetwork:
    """Read OpenAI's CLIP models, whose activation is the quick GELU and whose colours are CLIP's own.

    Args:
        kind: see `Description`.
        files: one, or for "paper3" three in the order of `NETWORKS`; of open_clip's layout, a single one also of transformers'.
        device: where they run.

    Raises:
        UnknownCheckpointError: if a file is something else, or not the one that belongs at its place.
        IncompatibleBaseModelError: if they look at pictures of several sizes.
        LikenessError: if a file cannot be read.
    """
    description = Description(encoder=kind, sha256=tuple(map(of_file, files)))
    if kind == "vitl":
        weights, _ = read_flat(files[0])
        if not any(key.startswith(VISUAL) for key in weights):
            return _transformers(files[0], description, device)
    towers = _towers(kind, files, description)
    [size, *others] = {each.image for each in towers.sizes}
    if others:
        raise IncompatibleBaseModelError(
            f"The CLIP models in [base] style look at pictures of {', '.join(str(each.image) for each in towers.sizes)} pixels; "
            "name three of one size."
        )
    placed = towers.to(device)

    @torch.no_grad()
    def embed(pixels: Tensor) -> Tensor:
        return placed(pixels).float()

    return StyleNetwork(
        embed=embed, width=towers.width, square=StyleSquare(size=size), description=description, device=device
    )


def _transformers(path: Path, description: Description, device: torch.device) -> StyleNetwork:
    network = load_image_embedder(path, activation=description.activation).to(device)
    size, width = (int(getattr(network.config, name)) for name in ("image_size", "projection_dim"))
    _require_width(path, width, WIDTHS["vitl"])
    return StyleNetwork(
        embed=lambda pixels: image_embeddings(network, pixels),
        width=width,
        square=StyleSquare(size=size),
        description=description,
        device=device,
    )


def _towers(kind: Kind, files: Sequence[Path], description: Description) -> Towers:
    parts = []
    for path, name in zip(files, NETWORKS[kind], strict=True):
        weights, wanted = tower_weights(read_flat(path)[0]), PUBLISHED[name]
        sizes = sizes_of(weights, f'"{path.name}"')
        if (type(sizes), sizes.outputs) != (type(wanted), wanted.outputs):
            raise UnknownCheckpointError(
                f'"{path.name}" in [base] style is not {name} of OpenAI; name {", ".join(NETWORKS[kind])} in this order.'
            )
        parts.append(weights)
    return from_state_dicts(parts, activation=description.activation, names=[f'"{path.name}"' for path in files])


def _require_width(path: Path, width: int, wanted: int) -> None:
    if width != wanted:
        raise UnknownCheckpointError(
            f'"{path.name}" in [base] style gives embeddings {width} wide and ViT-L/14 gives {wanted}; name OpenAI\'s CLIP '
            "ViT-L/14."
        )
