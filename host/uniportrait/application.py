"""UniPortrait in ComfyUI: people into a MODEL."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.adapters.identity_attention import people_residual
from ...models.errors import InvalidSettingError
from ...models.ip_adapter.application import PictureResidual
from ...models.ip_adapter.combination import join
from ...models.ip_adapter.encode import Looking, null_tokens
from ...models.ip_adapter.encoders import IPAdapterEncoders
from ...models.people.person import People
from ...models.placement.masks import read_mask
from ...models.port.attention import AttentionResidual
from ...models.uniportrait.application import STRENGTH, lora_for, structure_for
from ..memory import loaded
from ..people import AppliedPeople, acting_places, placed_lines
from ..placement import LoadedPlacement, PlacedPeople
from ..sampling.runs import sigma_window
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.sites import require_fit
from .adapter import NAME, LoadedUniPortrait, UniPortraitRouter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class ImagePromptInput:
    """A picture whose content is to be followed.

    Attributes:
        embedding: pooled, projected CLIP vision embedding, (M, E); several pictures are several prompts.
        tokens: the penultimate tokens, class token first, (M, 257, W), which Plus and Full Face read; None where not known.
        strength: factor on the branch, 0–2.
        mask: (M, H, W) float 0–1, or None.
    """

    embedding: Tensor
    strength: float
    mask: Tensor | None = None
    tokens: Tensor | None = None


def apply(
    model: ModelPatcher,
    uniportrait: LoadedUniPortrait,
    people: People,
    *,
    where: LoadedPlacement | None = None,
    strength: float = STRENGTH,
    structure_scale: float = -1.0,
    lora_strength: float = 1.0,
    image_prompt: ImagePromptInput | None = None,
) -> AppliedPeople:
    """Put people into a MODEL.

    Args:
        model: stays as it is.
        uniportrait: the adapter.
        people: everybody; those who are off or have no face do not count.
        where: how they are placed; None is by masks, and by the adapter's router where no mask is.
        strength: of a person whose own strength is 1, 0–2.
        structure_scale: 0–1, one value for all, so that all null identities are equal; below 0 it is 0.1 for one person and
            0.3 for several.
        lora_strength: 0–2; the LoRA is on for the whole run.
        image_prompt: the optional image prompt branch.

    Returns:
        A clone with the people; without active people and image prompt it is a plain clone.

    Raises:
        IncompatibleBaseModelError: if the adapter was trained for another architecture.
        InvalidSettingError: if the router file is needed and was not loaded, or nothing says where somebody is.
    """
    adapter = uniportrait.adapter
    require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
    places = acting_places(people)
    active = [people[place] for place in places]
    lora = lora_for(adapter, len(active))
    residuals: list[AttentionResidual] = []
    placed: PlacedPeople | None = None
    if active:
        if where is None:
            where = LoadedPlacement("router", UniPortraitRouter(uniportrait, structure_scale))
        where.require_fit(model)
        encoded = uniportrait.encode(active, structure_for(len(active), structure_scale))
        placed = where.of(active, places)
        residuals.append(
            people_residual(
                adapter.face_attention,
                active,
                encoded,
                placed.placement,
                strength=strength,
                window=partial(sigma_window, model),
            )
        )
    if image_prompt is not None and image_prompt.strength > 0:
        residuals.append(_image_prompt_residual(uniportrait, image_prompt))
    lines = placed_lines(people, placed)
    if not residuals:
        logger.info("%s: nobody is active, the model is passed through", NAME)
        return AppliedPeople(model.clone(), False, lines)
    weights = tuple(dict.fromkeys((uniportrait.attention, *(placed.weights if placed else ()))))
    clone = inject(model, residuals, name=NAME, weights=weights)
    if placed is not None:
        placed.watch(clone)
    if lora is not None and lora_strength > 0:
        add_lora(clone, lora, lora_strength)
    return AppliedPeople(clone, True, lines)


def _image_prompt_residual(uniportrait: LoadedUniPortrait, prompt: ImagePromptInput) -> PictureResidual:
    branch = uniportrait.adapter.image_prompt
    if branch is None:
        raise InvalidSettingError(
            'An image prompt is connected, and "image_prompt" of Load UniPortrait is "none": choose an IP-Adapter file '
            "there (ip-adapter_sd15), or disconnect the image prompt."
        )
    seen = prompt.embedding if branch.reads_pooled else prompt.tokens
    if seen is None:
        raise InvalidSettingError(
            f"The image prompt has no tokens of CLIP, which {branch.recognised.version} reads; connect CLIP Vision Encode."
        )
    encoders = IPAdapterEncoders(clip=None if branch.reads_pooled else uniportrait.encoders.clip)
    with loaded(uniportrait.encoder):
        tokens = branch.projection(seen.to(next(branch.projection.parameters()))).cpu()
        null = null_tokens(encoders, branch, Looking()).cpu()
    return PictureResidual(
        attention=branch.attention,
        tokens=join(tokens),
        null_tokens=null,
        strength=prompt.strength,
        mask=None if prompt.mask is None else read_mask(prompt.mask, "The mask of the image prompt"),
        resize="nearest",  # as published
    )
