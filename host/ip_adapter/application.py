"""IP-Adapter in ComfyUI: people and pictures into a MODEL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.adapters.identity_attention import EncodedPeople, people_residual
from ...models.errors import InvalidSettingError, require_range
from ...models.images.layout import arrays_from_images
from ...models.ip_adapter.application import STRENGTH, PictureResidual, WeightedByLayer
from ...models.ip_adapter.block_weights import Preset, block_factors
from ...models.ip_adapter.combination import Combination, Scaling, scale
from ...models.ip_adapter.encode import Looking
from ...models.people.person import People, Person
from ...models.placement.masks import read_mask
from ...models.port.attention import AttentionResidual
from ..people import AppliedPeople, acting_places, placed_lines
from ..placement import MASKS_ONLY, PlacedPeople
from ..sampling.runs import sigma_window
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.sites import find_sites, require_fit, unet_of
from .adapter import NAME, LoadedIPAdapter

logger = logging.getLogger(__name__)

MOST_STRENGTH = 3.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Pictures:
    """Pictures whose content and style are to be followed, or what CLIP or a prior said instead of them.

    Attributes:
        pictures: (N, H, W, C) float, 0–1; None where there are embeddings.
        embeddings: pooled and projected, not normalised, (N, E); None where there are pictures.
        strength: factor on the attention to them, 0–3.
        mask: (M, H, W) float, 0–1, or None for everywhere.
        start_percent, end_percent: part of the sampling in which they act, 0–1 each.
        combination: of several, before the projection.
        scaling: what the strength scales.

    Raises:
        InvalidSettingError: if there are both, or neither.
    """

    pictures: Tensor | None = None
    embeddings: Tensor | None = None
    strength: float = STRENGTH
    mask: Tensor | None = None
    start_percent: float = 0.0
    end_percent: float = 1.0
    combination: Combination = "concat"
    scaling: Scaling = "V only"

    def __post_init__(self) -> None:
        if (self.pictures is None) == (self.embeddings is None):
            there = "neither is" if self.pictures is None else "both are"
            raise InvalidSettingError(
                f"Either a picture or a picture_embedding is followed, and {there} connected; connect one."
            )


class Where(Protocol):
    """Places people, as `LoadedPlacement` does."""

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a MODEL that it cannot place people in."""
        ...

    def of(self, people: Sequence[Person], places: Sequence[int] | None = None) -> PlacedPeople:
        """The placement of some people, of these places in the chain."""
        ...


def apply(
    model: ModelPatcher,
    ip_adapter: LoadedIPAdapter,
    people: People,
    *,
    pictures: Pictures | None = None,
    where: Where | None = None,
    strength: float = STRENGTH,
    lora_strength: float = 1.0,
    blocks: Preset | Sequence[float] = "linear",
    looking: Looking | None = None,
    encode: Callable[[Sequence[Person]], EncodedPeople] | None = None,
) -> AppliedPeople:
    """Put people, pictures or both into a MODEL.

    Args:
        model: stays as it is.
        ip_adapter: the adapter.
        people: everybody; those who are off or have no face do not count. None of them is needed beside pictures.
        pictures: to be followed; the FaceID kinds take none.
        where: how people are placed; None is by their masks.
        strength: of a person whose own strength is 1, 0–2.
        lora_strength: 0–2, of the FaceID kinds' LoRA, which is on for the whole run.
        blocks: a factor for every block of the UNet, see `models.ip_adapter.block_weights`.
        looking: how pictures and photos are looked at.
        encode: gives the tokens of those who act, in place of the adapter's own way.

    Returns:
        A clone with what was given; where nothing acts it is a plain clone.

    Raises:
        IncompatibleBaseModelError: if the adapter was trained for another architecture.
        InvalidSettingError: if a number is out of range, nothing says where somebody is, or the adapter takes no pictures.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    adapter = ip_adapter.adapter
    require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
    looking = looking or Looking()
    places = acting_places(people)
    active = [people[place] for place in places]
    residuals: list[AttentionResidual] = []
    placed: PlacedPeople | None = None
    if active:
        where = where or MASKS_ONLY
        where.require_fit(model)
        placed = where.of(active, places)
        residuals.append(
            people_residual(
                adapter.attention,
                active,
                ip_adapter.encode_people(active, looking) if encode is None else encode(active),
                placed.placement,
                strength=strength,
                window=partial(sigma_window, model),
            )
        )
    if pictures is not None and pictures.strength > 0 and pictures.start_percent < pictures.end_percent:
        residuals.append(_picture_residual(model, ip_adapter, pictures, looking))
    lines = placed_lines(people, placed)
    if not residuals:
        logger.info("%s: nobody and nothing is active, the model is passed through", NAME)
        return AppliedPeople(model.clone(), False, lines)
    factors = block_factors(blocks, find_sites(unet_of(model)))
    weighted = [WeightedByLayer(residual, factors) for residual in residuals]
    weights = tuple(dict.fromkeys((ip_adapter.attention, *(placed.weights if placed else ()))))
    clone = inject(model, weighted, name=NAME, weights=weights)
    if placed is not None:
        placed.watch(clone)
    if adapter.lora is not None and lora_strength > 0 and active:
        add_lora(clone, adapter.lora, lora_strength)
    return AppliedPeople(clone, True, lines)


def _picture_residual(
    model: ModelPatcher, ip_adapter: LoadedIPAdapter, pictures: Pictures, looking: Looking
) -> PictureResidual:
    require_range("picture_strength", pictures.strength, MOST_STRENGTH)
    mask = None if pictures.mask is None else read_mask(pictures.mask, "The mask of the picture")
    tokens, null = _tokens(ip_adapter, pictures, looking)
    is_plain = pictures.scaling == "V only"
    return PictureResidual(
        attention=ip_adapter.adapter.attention,
        tokens=tokens,
        null_tokens=null,
        strength=pictures.strength if is_plain else 1.0,
        mask=mask,
        window=sigma_window(model, pictures.start_percent, pictures.end_percent),
        scaling=None if is_plain else partial(scale, strength=pictures.strength, how=pictures.scaling),
    )


def _tokens(ip_adapter: LoadedIPAdapter, pictures: Pictures, looking: Looking) -> tuple[Tensor, Tensor]:
    if pictures.embeddings is not None:
        return ip_adapter.encode_embeddings(pictures.embeddings, looking, pictures.combination)
    return ip_adapter.encode_pictures(arrays_from_images(pictures.pictures), looking, pictures.combination)
