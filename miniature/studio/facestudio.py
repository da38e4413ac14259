"""FaceStudio's pictures, other people and another style in each: by its own weights, or by adapters beside a text."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import RunContext, guidance_pair
from ...diffusers_host.base import Base
from ...diffusers_host.key_values import replace_key_values
from ...diffusers_host.prompted import Prompted
from ...models.adapters.identity_attention import Acting, IdentityResidual
from ...models.facestudio.application import RegionalContexts
from ...models.facestudio.background import Background, Lent
from ...models.facestudio.checkpoint import FaceStudioAdapter
from ...models.facestudio.encode import Contexts, contexts
from ...models.facestudio.zero_shot import FACE_STRENGTH, STYLE_STRENGTH
from ...models.ip_adapter.application import PictureResidual
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.placement.placements import Everywhere, Placement
from ...models.port.attention import AttentionResidual, Run
from .drawing import Settings, draw_latents, draw_prompted
from .kept import Kept


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Guidance:
    """What B pictures are to be like.

    Attributes:
        style: of each, a picture's, a text's or a blend, (B, E); zeros for none.
        faces: of N people in each, of length 1, (B, N, V); zeros for nobody.
        placement: where the N people are; None is everywhere, which one person alone can be.
        background: who is lent the places of nobody.
    """

    style: Tensor
    faces: Tensor
    placement: Placement | None = None
    background: Background = "none"


@dataclass(frozen=True, eq=False, slots=True)
class Adapters:
    """FaceStudio without weights of its own.

    Attributes:
        style: a plain IP-Adapter, which reads the style.
        face: IP-Adapter FaceID.
    """

    style: IPAdapter
    face: IPAdapter


@torch.no_grad()
def draw_trained(
    base: Base,
    adapter: FaceStudioAdapter,
    guidance: Guidance,
    noise: Tensor,
    settings: Settings,
    *,
    kept: Kept | None = None,
) -> Tensor:
    """Draw pictures as latents, (B, C, h, w), by FaceStudio's own weights.

    Args:
        base: the miniature.
        adapter: whose keys, values and LoRA, or whole UNet, take the place of the UNet's own for the time.
        guidance: style and faces of all pictures.
        noise: standard normal, (B, C, h, w).
        settings: how.
        kept: what of other pictures stays as it is.
    """
    found = [
        contexts(adapter, style[None], faces, strengths=(1.0,) * len(faces), background=guidance.background)
        for style, faces in zip(guidance.style, guidance.faces, strict=True)
    ]
    people, placement = guidance.faces.shape[1], guidance.placement
    owners = () if placement is None else found[0].owners()
    text = torch.cat([_text(each, alone=placement is None) for each in found])
    null = found[0].null
    context = RunContext(polarities=guidance_pair, sigma=0.0, run=Run(), owners=owners)
    prompted = Prompted(base, text, null.repeat(1, text.shape[1] // null.shape[1], 1), context)
    regional = None if placement is None else RegionalContexts(_acting(people), _lent(guidance, placement))
    with _put_on(base.unet, adapter):
        return draw_prompted(prompted, noise, settings, residual=regional, lora=adapter.lora or None, kept=kept)


@torch.no_grad()
def draw_zero_shot(
    base: Base, adapters: Adapters, guidance: Guidance, prompts: Sequence[str], noise: Tensor, settings: Settings
) -> Tensor:
    """Draw pictures as latents, (B, C, h, w), by a plain IP-Adapter and FaceID beside a text.

    Args:
        base: the miniature.
        adapters: both.
        guidance: style and faces of all pictures; nobody is lent what is nobody's.
        prompts: one per picture.
        noise: standard normal, (B, C, h, w).
        settings: how.
    """
    shown, face = guidance.style, adapters.face
    people = guidance.faces.shape[1]
    residuals: list[AttentionResidual] = [
        PictureResidual(
            attention=adapters.style.attention,
            tokens=adapters.style.projection(shown)[:, None],
            null_tokens=adapters.style.projection(torch.zeros_like(shown[:1])),
            strength=STYLE_STRENGTH,
        )
    ]
    if guidance.faces.any():
        residuals.append(
            IdentityResidual(
                attention=face.attention,
                tokens=face.projection(guidance.faces.flatten(0, 1)).unflatten(0, guidance.faces.shape[:2]),
                null_tokens=face.projection(torch.zeros_like(guidance.faces[0, :1])),
                people=_acting(people, FACE_STRENGTH),
                placement=guidance.placement or Everywhere(people),
            )
        )
    lora = face.lora if guidance.faces.any() else None
    return draw_latents(base, prompts, noise, settings, residual=residuals, lora=lora)


@contextmanager
def _put_on(unet: nn.Module, adapter: FaceStudioAdapter) -> Generator[None, None, None]:
    """While it lasts, a UNet has the keys and values of an adapter, or all of its weights."""
    own = {key: tensor.clone() for key, tensor in unet.state_dict().items()} if adapter.unet else {}
    restore = replace_key_values(unet, adapter.attention)
    try:
        if own:
            unet.load_state_dict(adapter.unet)
        yield
    finally:
        restore()
        if own:
            unet.load_state_dict(own)


def _text(found: Contexts, *, alone: bool) -> Tensor:
    """What the UNet reads of one picture: the only person's context, or the background's and everybody's."""
    if not alone:
        return found.joined()
    if len(found.people) != 1:
        raise ValueError(f"{len(found.people)} people are everywhere; give their places.")
    return found.people


def _lent(guidance: Guidance, placement: Placement) -> Lent:
    return Lent(placement, guidance.faces.shape[1], guidance.background)


def _acting(people: int, strength: float = 1.0) -> tuple[Acting, ...]:
    return tuple(Acting(name=f"{number + 1}", strength=strength) for number in range(people))
