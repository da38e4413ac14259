"""People to what ConsistentID takes of them: ID tokens for the attention, and facial regions for the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..adapters.identity_attention import EncodedPeople
from ..clip import CLIP_SIZE, clip_pixels
from ..errors import InvalidSettingError
from ..people.person import People, Person, looked_at
from ..people.photo import Photo, weights_of
from .encoders import ConsistentIDEncoders
from .facial_encoder import FacialEncoder
from .facial_regions import FacialRegion, FacialRegions, mean_regions, mix_regions
from .features import FacialFeatures
from .flavour import Flavour
from .id_projection import IDProjection
from .region_pictures import region_pictures

S_SCALE = 1.0  # factor on what the resampler read, of all published pipelines


def encode_people(
    people: Sequence[Person], encoders: ConsistentIDEncoders, projection: IDProjection, flavour: Flavour
) -> EncodedPeople:
    """The ID tokens of some people, and of nobody, float32 on the CPU.

    Args:
        people: N of them, at least one.
        encoders: look at their photos.
        projection: vectors and picture features are moved to its device and type.
        flavour: the behaviour.

    Raises:
        InvalidSettingError: if the behaviour does not know such people, or there is no photo of somebody.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    flavour.check_people(people)
    return EncodedPeople(
        tokens=torch.cat([id_tokens(person, encoders, projection, flavour) for person in people]),
        null_tokens=null_tokens(encoders, projection, flavour),
    )


def id_tokens(person: Person, encoders: ConsistentIDEncoders, projection: IDProjection, flavour: Flavour) -> Tensor:
    """The ID tokens of one person, (1, T, D) float32 on the CPU.

    The mean over the photos that are looked at, each with its weight; people who are mixed are added up, Σ β_i tokens_i, not
    renormalised. A photo without a face has a vector of zeros, as in the published code.

    Raises:
        InvalidSettingError: if there is no photo.
        MissingModelFileError: if an encoder that is needed is not there.

    Reference: ConsistentID (arXiv:2404.16771), section 3.1; mixing is ours.
    """
    parts = [factor * _own_tokens(part, encoders, projection, flavour) for part, factor in person.parts]
    return sum(parts[1:], parts[0])


def null_tokens(encoders: ConsistentIDEncoders, projection: IDProjection, flavour: Flavour) -> Tensor:
    """The ID tokens of nobody, (1, T, D) float32 on the CPU: a vector of zeros and a picture of zeros."""
    vector = torch.zeros(1, projection.vector_width)
    return _project(vector, _empty_picture(encoders), projection, flavour)


def null_region(encoders: ConsistentIDEncoders, facial_encoder: FacialEncoder) -> Tensor:
    """The region vector of an empty picture, (1, D) float32 on the CPU, which the published code fuses into the negative."""
    return _region_vectors(_empty_picture(encoders), facial_encoder)


def regions(
    number: int,
    people: People,
    features: FacialFeatures,
    encoders: ConsistentIDEncoders,
    facial_encoder: FacialEncoder,
    flavour: Flavour,
) -> FacialRegions:
    """The facial regions of one person of a chain, and others' where this one lacks some or has switched them off.

    Args:
        number: of the person, from 1.
        people: the chain.
        features: the wishes about it; they fit the chain (`FacialFeatures.check`).
        encoders: look at the photos.
        facial_encoder: makes vectors of the regions.
        flavour: the behaviour.

    Returns:
        The regions; none where no part of a face was found.

    Raises:
        MissingModelFileError: if an encoder that is needed is not there.
    """
    choice = features.of(number)
    person = people[people.place_of(number)]
    own = _own_regions(person, choice.strengths, encoders, facial_encoder, flavour)
    if not choice.others_from:
        return own
    return own.with_others(regions(choice.others_from, people, features, encoders, facial_encoder, flavour))


def _own_tokens(person: Person, encoders: ConsistentIDEncoders, projection: IDProjection, flavour: Flavour) -> Tensor:
    with looked_at(person) as person:
        photos = flavour.photos(person)
        if not photos:
            raise InvalidSettingError(f'There is no photo of "{person.name}" to look at; connect one to Add Person.')
        vectors = torch.cat([_id_vector(photo, encoders, projection, flavour) for photo in photos])
        pixels = torch.stack([clip_pixels(flavour.portrait(photo)) for photo in photos])
        seen = encoders.tokens(pixels)
    tokens = _project(vectors, seen, projection, flavour)  # (R, T, D)
    weights = torch.tensor(weights_of(photos))[:, None, None]
    return (tokens * weights).sum(dim=0, keepdim=True) / weights.sum()


def _id_vector(photo: Photo, encoders: ConsistentIDEncoders, projection: IDProjection, flavour: Flavour) -> Tensor:
    """The recogniser's vector of a photo's face, of length 1, or zeros where there is no face, (1, W)."""
    found = flavour.find_face(photo)
    if found is None:
        return torch.zeros(1, projection.vector_width)
    return torch.nn.functional.normalize(encoders.vector(*found), dim=-1)


def _project(vectors: Tensor, tokens: Tensor, projection: IDProjection, flavour: Flavour) -> Tensor:
    """Vectors (R, W) and image tokens (R, Tv, Wv) → ID tokens (R, T, D) on the CPU."""
    like = next(projection.parameters())
    shortcut = flavour.pipeline.shortcut
    return projection(vectors.to(like), tokens.to(like), shortcut=shortcut, s_scale=S_SCALE).to("cpu")


def _empty_picture(encoders: ConsistentIDEncoders) -> Tensor:
    """Image tokens of normalised pixels that are all zero, (1, Tv, Wv)."""
    return encoders.tokens(torch.zeros(1, 3, CLIP_SIZE, CLIP_SIZE))


def _own_regions(
    person: Person,
    strengths: Mapping[str, float],
    encoders: ConsistentIDEncoders,
    facial_encoder: FacialEncoder,
    flavour: Flavour,
) -> FacialRegions:
    """The regions that are switched on, of the person's own photos: means over photos, mixed over people."""
    if not strengths:
        return FacialRegions()
    parts: list[FacialRegions] = []
    for part, _ in person.parts:
        with looked_at(part) as shown:
            photos = flavour.photos(shown)
            seen = [
                _of_photo(flavour.portrait(photo), strengths, encoders, facial_encoder, flavour) for photo in photos
            ]
        parts.append(mean_regions(seen, weights_of(photos)))
    return mix_regions(parts, [factor for _, factor in person.parts]) if person.mixed else parts[0]


def _of_photo(
    picture: np.ndarray,
    strengths: Mapping[str, float],
    encoders: ConsistentIDEncoders,
    facial_encoder: FacialEncoder,
    flavour: Flavour,
) -> FacialRegions:
    """The regions of one picture, (H, W, 3) uint8 RGB."""
    pictures = region_pictures(picture, strengths, encoders, flavour.pipeline.parsing_size)
    if not pictures:
        return FacialRegions()
    tokens = encoders.tokens(torch.stack([each.pixels for each in pictures]))
    return FacialRegions.of(
        FacialRegion(name=each.name, vector=vector[None], strength=strengths[each.feature], pictures=(each.shown,))
        for each, vector in zip(pictures, _region_vectors(tokens, facial_encoder), strict=True)
    )


def _region_vectors(tokens: Tensor, facial_encoder: FacialEncoder) -> Tensor:
    """Region vectors from image tokens, (R, Tv, Wv) → (R, D), on the CPU."""
    return facial_encoder.regions(tokens[None].to(next(facial_encoder.parameters())))[0].to("cpu")
