"""People to UniPortrait's identity tokens: what the encoders see of a face, and how people are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..people.person import Person
from ..port.encoders import FaceBackbone, ImageEncoder
from .features import CROP_SIZE, ReferenceFeatures, backbone_input, join_features, null_features, preprocess
from .id_embedding import IDEmbedding


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniPortraitEncoders:
    """What looks at people's faces.

    Attributes:
        clip: its penultimate hidden state is taken, without the class token.
        backbone: of face recognition.
    """

    clip: ImageEncoder
    backbone: FaceBackbone


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EncodedPeople:
    """Identity tokens of some people.

    Attributes:
        tokens: (N, T, D).
        null_tokens: of nobody, for the negative side of guidance, (1, T, D).
    """

    tokens: Tensor
    null_tokens: Tensor


def encode_people(
    people: Sequence[Person], encoders: UniPortraitEncoders, id_embedding: IDEmbedding, structure_scale: float
) -> EncodedPeople:
    """The tokens of some people, and of nobody.

    Args:
        people: N of them, at least one, each with a face.
        encoders: look at their faces.
        id_embedding: the module; features are moved to its device and type.
        structure_scale: see `IDEmbedding.forward`, 0–1; one value for all, so that nobody is the same for everybody.

    Raises:
        InvalidSettingError: if there is nobody, or somebody has no face.
    """
    if not people:
        raise InvalidSettingError('There is nobody to encode; put "Add Person" before it.')
    tokens = torch.cat([encode(person, encoders, id_embedding, structure_scale) for person in people])
    null = nobody_features(encoders, like=person_features(people[0].parts[0][0], encoders))
    return EncodedPeople(tokens=tokens, null_tokens=embed_features(id_embedding, null, structure_scale))


def encode(person: Person, encoders: UniPortraitEncoders, id_embedding: IDEmbedding, structure_scale: float) -> Tensor:
    """The tokens of one person, (1, T, D): people who are mixed are added up, Σ β_i E_i, not renormalised.

    Reference: UniPortrait (arXiv:2408.05939), identity interpolation, on the final tokens as in the published code.
    """
    parts = [
        factor * embed_features(id_embedding, person_features(part, encoders), structure_scale)
        for part, factor in person.parts
    ]
    return sum(parts[1:], parts[0])


def person_features(person: Person, encoders: UniPortraitEncoders) -> ReferenceFeatures:
    """The features of a person's faces, one photo after the other on the token axis, float32 on the CPU.

    Raises:
        InvalidSettingError: if no photo shows a face.
    """
    if not person.shown:
        raise InvalidSettingError(f'No face is known of "{person.name}"; use a photo that shows one.')
    pixels = preprocess(np.stack([face.crop for _, face in person.shown]))
    tokens = encoders.clip.tokens(pixels)[:, 1:]  # no class token
    return join_features(encoders.backbone.maps(backbone_input(pixels)), tokens)


def nobody_features(encoders: UniPortraitEncoders, like: ReferenceFeatures) -> ReferenceFeatures:
    """The features of nobody, see `null_features`; `like` are anybody's."""
    return null_features(encoders.clip.tokens(torch.zeros(1, 3, CROP_SIZE, CROP_SIZE))[:, 1:], like)


def embed_features(id_embedding: IDEmbedding, features: ReferenceFeatures, structure_scale: float) -> Tensor:
    """The tokens of one person's features, (1, T, D)."""
    latents = id_embedding.latents
    return id_embedding(features.intrinsic.to(latents), features.structure.to(latents), structure_scale)
