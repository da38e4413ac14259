"""Reference-Based Guidance in ComfyUI: people, photos and settings become a MODEL that is guided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher

from ...models.errors import IncompatibleBaseModelError
from ...models.omniportrait.application import reference_guidance
from ...models.omniportrait.encode import ReferenceEncoders, reference_pictures
from ...models.omniportrait.guidance_settings import GuidanceSettings
from ...models.omniportrait.guided_person import ReferencePicture
from ...models.people.person import People, Person
from ...models.people.remembered import RememberedParser
from ...models.port.encoders import FaceParser
from ..encoders.latents import latent_encoder
from ..guidance.attach import guidable_unet, guide
from ..people import AppliedPeople, people_lines
from ..placement import LoadedPlacement
from ..sampling.runs import sigma_window
from ..unet.sites import Detail, choose_capture, picture_size
from .finding import find_guided


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceLook:
    """How the references are looked at.

    Attributes:
        vae: VAE of the checkpoint.
        parser: finds a face's outline; None takes the ellipse in its box.
        size: side of the square around a face, pixels, 64–2048; 0 is that of the pictures the model was trained with.
        detail: see `levels.choose_capture`.
    """

    vae: Any
    parser: FaceParser | None = None
    size: int = 0
    detail: Detail = "coarse"


def apply_guidance(
    model: ModelPatcher,
    people: People,
    settings: GuidanceSettings,
    *,
    look: ReferenceLook,
    where: LoadedPlacement | None = None,
) -> AppliedPeople:
    """Pull people's faces towards their references while a MODEL samples.

    Args:
        model: of noise or velocity prediction; stays as it is.
        people: everybody; those who are off or have no face do not count.
        settings: how strongly and when.
        look: how the references are looked at.
        where: how those are found who have no mask, see `find_guided`; None is at the faces of a preview.

    Returns:
        A clone that is guided; the model itself with strength 0, an empty window or without anybody who acts.

    Raises:
        IncompatibleBaseModelError: see `guide`, and if the VAE is one of another kind of model.
        InvalidSettingError: if the size is out of range, or nothing says where somebody is.
    """
    acting = {place: person for place, person in enumerate(people) if person.is_on and person.has_face}
    if not acting or settings.does_nothing:
        lines = people_lines(people, ["not pulled: strength 0 or empty window"] * len(acting))
        return AppliedPeople(model, False, tuple(replace(line, is_in=False) for line in lines))
    unet = guidable_unet(model)
    where = where or LoadedPlacement("faces")
    where.require_fit(model)
    masks = where.masks_of(list(acting.values()), list(acting))
    acting = {place: replace(person, mask=mask) for (place, person), mask in zip(acting.items(), masks, strict=True)}
    places = find_guided(model, acting, where, look.vae)
    guidance = reference_guidance(
        acting,
        _references(model, acting, look, look.size or picture_size(unet)),
        settings=settings,
        capture=choose_capture(unet, look.detail),
        source=places.source,
        window=partial(sigma_window, model),
    )
    return AppliedPeople(guide(places.watched(model), guidance), True, people_lines(people, places.states))


def _references(
    model: ModelPatcher, acting: Mapping[int, Person], look: ReferenceLook, size: int
) -> dict[int, tuple[ReferencePicture, ...]]:
    """Everybody's pictures; none that was encoded before is encoded again."""
    parser = None if look.parser is None else RememberedParser(look.parser)
    encoders = ReferenceEncoders(latents=latent_encoder(look.vae), parser=parser)
    channels: int = model.get_model_object("latent_format").latent_channels
    found: dict[int, tuple[ReferencePicture, ...]] = {}
    for place, person in acting.items():
        throw_exception_if_processing_interrupted()
        found[place] = reference_pictures(person, encoders, size)
        for picture in found[place]:
            if picture.latent.shape[1] != channels:
                raise IncompatibleBaseModelError(
                    f"This VAE makes latents of {picture.latent.shape[1]} channels, this model has {channels}; connect the "
                    "VAE of the checkpoint."
                )
    return found
