"""UniPortrait in ComfyUI: reading the files and applying people to a MODEL."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from os import PathLike

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.errors import InvalidSettingError
from ...models.face.iresnet import IResNet
from ...models.port.attention import AttentionResidual
from ...models.uniportrait.adapter import ImagePromptResidual
from ...models.uniportrait.application import identity_residual, lora_for, placement_of
from ...models.uniportrait.checkpoint import ImagePrompt, UniPortraitAdapter, load, load_backbone
from ...models.uniportrait.identity import Identities, embed
from ..memory import attention_dtype, loaded, manage
from ..placement import LoadedPlacement
from ..sampling.runs import sigma_window
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.sites import require_fit

logger = logging.getLogger(__name__)

NAME = "UniPortrait"


@dataclass(frozen=True, eq=False)
class LoadedUniPortrait:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        backbone: the face backbone.
        encoder: patcher of the networks that run before sampling.
        attention: patcher of keys, values and routers, loaded together with the MODEL.
        clip_width: width of the CLIP vision model that the adapter was trained with.
    """

    adapter: UniPortraitAdapter
    backbone: IResNet
    encoder: ModelPatcher
    attention: ModelPatcher
    clip_width: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ImagePromptInput:
    """A picture whose content is to be followed.

    Attributes:
        embedding: pooled, projected CLIP vision embedding, (M, E); several pictures are several prompts.
        strength: factor on the branch, 0–2.
        mask: (M, H, W) float 0–1, or None.
    """

    embedding: Tensor
    strength: float
    mask: Tensor | None = None


def load_uniportrait(
    faceid: PathLike[str], backbone: PathLike[str], router: PathLike[str] | None, image_prompt: PathLike[str] | None
) -> LoadedUniPortrait:
    """Read the adapter's files and put their networks under ComfyUI's memory management."""
    adapter = load(faceid, router, image_prompt=image_prompt, dtype=attention_dtype())
    return new_uniportrait(adapter, load_backbone(backbone))


def new_uniportrait(adapter: UniPortraitAdapter, face_backbone: IResNet) -> LoadedUniPortrait:
    """Put an adapter and its backbone under ComfyUI's memory management."""
    encoder = nn.ModuleDict({"id_embedding": adapter.id_embedding, "backbone": face_backbone})
    attention = nn.ModuleDict({"face": adapter.face_attention, "routers": adapter.routers})
    if adapter.image_prompt is not None:
        encoder["image_prompt"] = adapter.image_prompt.projection
        attention["image_prompt"] = adapter.image_prompt.attention
    clip_width = adapter.id_embedding.structure_width - sum(face_backbone.tap_channels[:-1])
    return LoadedUniPortrait(adapter, face_backbone, manage(encoder), manage(attention), clip_width)


def apply(
    model: ModelPatcher,
    uniportrait: LoadedUniPortrait,
    identities: Identities,
    *,
    structure_scale: float,
    lora_strength: float,
    image_prompt: ImagePromptInput | None = None,
) -> tuple[ModelPatcher, bool]:
    """Put people into a MODEL.

    Args:
        model: stays as it is.
        uniportrait: the adapter.
        identities: everybody; those with strength 0 or an empty window do not count.
        structure_scale: 0–1, one value for all, so that all null identities are equal.
        lora_strength: 0–2; the LoRA is on for the whole run.
        image_prompt: the optional image prompt branch.

    Returns:
        A clone, and whether anything was applied: without active people and image prompt it is a plain clone.

    Raises:
        IncompatibleBaseModelError: if the adapter was trained for another architecture.
        InvalidSettingError: if the router file is needed and was not loaded.
    """
    adapter = uniportrait.adapter
    require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
    lora = lora_for(adapter, len(identities.active))
    residuals: list[AttentionResidual] = []
    with loaded(uniportrait.encoder):
        if identities.active:
            residuals.append(identity_residual(adapter, identities, structure_scale, partial(sigma_window, model)))
        if image_prompt is not None and image_prompt.strength > 0:
            residuals.append(_image_prompt_residual(adapter.image_prompt, image_prompt))
    if not residuals:
        logger.info("%s: nobody is active, the model is passed through", NAME)
        return model.clone(), False
    clone = inject(model, residuals, name=NAME, weights=(uniportrait.attention,))
    if lora is not None and lora_strength > 0:
        add_lora(clone, lora, lora_strength)
    return clone, True


def place(uniportrait: LoadedUniPortrait, identities: Identities, *, structure_scale: float) -> LoadedPlacement:
    """The router's placement alone, for people whose faces another method brings.

    Args:
        uniportrait: the adapter, with its router file.
        identities: the people to tell apart; those with a mask stay inside it.
        structure_scale: see `apply`.

    Raises:
        InvalidSettingError: if there is nobody, or several people without a mask have no router.
    """
    people = identities.people
    if not people:
        raise InvalidSettingError('There is nobody to place; put "Add UniPortrait Identity" before it.')
    if sum(person.mask is None for person in people) > 1:
        lora_for(uniportrait.adapter, len(people))  # its file holds the routers too
    with loaded(uniportrait.encoder):
        tokens = torch.cat([embed(uniportrait.adapter.id_embedding, person, structure_scale) for person in people])
    placement = placement_of(uniportrait.adapter, people, tokens)
    return LoadedPlacement(placement, tuple(person.name for person in people), (uniportrait.attention,))


def _image_prompt_residual(branch: ImagePrompt | None, prompt: ImagePromptInput) -> ImagePromptResidual:
    if branch is None:
        raise InvalidSettingError(
            'An image prompt is connected, and "image_prompt" of Load UniPortrait is "none": choose an IP-Adapter file '
            "there (ip-adapter_sd15), or disconnect the image prompt."
        )
    tokens = branch.projection(prompt.embedding.to(next(branch.projection.parameters())))  # (M, 4, D)
    return ImagePromptResidual(
        attention=branch.attention,
        tokens=tokens.flatten(0, 1)[None],
        null_tokens=branch.projection.null(),
        strength=prompt.strength,
        mask=prompt.mask,
    )
