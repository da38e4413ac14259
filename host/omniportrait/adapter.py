"""OmniPortrait's pivot in ComfyUI: reading the file, and people's photos as embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.omniportrait.checkpoint import OmniPortraitAdapter, load
from ...models.omniportrait.references import References
from ..memory import loaded, manage

NAME = "OmniPortrait"
AT_ONCE = 8  # crops that the image encoder sees together


@dataclass(frozen=True, eq=False)
class LoadedOmniPortrait:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        networks: patcher of the image encoder and the fusion, which run before sampling.
    """

    adapter: OmniPortraitAdapter
    networks: ModelPatcher


def load_omniportrait(path: PathLike[str], base: PathLike[str] | None = None) -> LoadedOmniPortrait:
    """Read an adapter and put its networks under ComfyUI's memory management.

    Args:
        path: the file.
        base: open_clip's weights, for adapters that hold only what training changed.
    """
    return new_omniportrait(load(path, base))


def new_omniportrait(adapter: OmniPortraitAdapter) -> LoadedOmniPortrait:
    """Put an adapter under ComfyUI's memory management."""
    networks = nn.ModuleDict({"pivot": adapter.pivot, "image_encoder": adapter.image_encoder})
    return LoadedOmniPortrait(adapter, manage(networks))


def embed(omniportrait: LoadedOmniPortrait, references: References) -> Tensor:
    """One embedding per person, (N, E) on the adapter's device."""
    encoder = omniportrait.adapter.image_encoder
    crops = torch.cat([person.crops for person in references.people])
    with loaded(omniportrait.networks):
        like = next(encoder.parameters())
        return references.embeddings(torch.cat([encoder(part.to(like.device)) for part in crops.split(AT_ONCE)]))
