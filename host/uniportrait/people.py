"""UniPortrait's people in ComfyUI: from found faces to a chain of identities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...models.adapters.identity_attention import free_name
from ...models.face.types import FaceSet
from ...models.uniportrait.features import CROP_SIZE, ReferenceFeatures, describe, preprocess
from ...models.uniportrait.identity import Identities, Identity
from ..encoders.image_encoder import image_tokens, null_image_tokens
from ..memory import loaded
from .adapter import LoadedUniPortrait


def describe_faces(uniportrait: LoadedUniPortrait, clip_vision: Any, faces: FaceSet) -> ReferenceFeatures:
    """Features of all faces of a set, taken as references of one person."""
    pixels = preprocess(torch.stack([torch.from_numpy(face.crop) for face in faces.faces]))
    tokens = image_tokens(clip_vision, pixels, width=uniportrait.clip_width)[:, 1:]  # no class token
    with loaded(uniportrait.encoder):
        return describe(uniportrait.backbone, pixels, tokens)


def add_person(
    uniportrait: LoadedUniPortrait,
    clip_vision: Any,
    faces: FaceSet,
    identities: Identities | None,
    *,
    name: str = "",
    strength: float = 0.7,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    mask: Tensor | None = None,
) -> Identities:
    """A chain with one more person; without a face it is the chain as it was.

    Args:
        uniportrait: the adapter.
        clip_vision: a CLIP_VISION of the width the adapter needs.
        faces: references of this person.
        identities: the people before, or None.
        name: empty for "person N"; a name that is taken gets a number.
        strength, start_percent, end_percent, mask: see `Identity`.
    """
    if identities is None:
        tokens = null_image_tokens(clip_vision, width=uniportrait.clip_width, size=CROP_SIZE)[:, 1:]
        identities = Identities(people=(), null_clip_tokens=tokens)
    if not faces.found:
        return identities
    features = describe_faces(uniportrait, clip_vision, faces)
    return identities.add(
        Identity(
            name=free_name(
                name.strip() or f"person {len(identities.people) + 1}", [one.name for one in identities.people]
            ),
            features=features,
            strength=strength,
            start_percent=start_percent,
            end_percent=end_percent,
            mask=mask,
        )
    )


def mix_into_last(
    uniportrait: LoadedUniPortrait, clip_vision: Any, faces: FaceSet, identities: Identities, weight: float
) -> Identities:
    """A chain whose last person has other faces mixed in; each face gets an equal part of the weight."""
    for face in faces.faces:
        features = describe_faces(uniportrait, clip_vision, replace(faces, faces=(face,)))
        identities = identities.mix_into_last(features, weight / len(faces.faces))
    return identities
