"""People and pictures to an IP-Adapter's tokens, and the tokens of nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..adapters.id_projection import IDProjection
from ..adapters.identity_attention import EncodedPeople
from ..clip import clip_pixels
from ..errors import InvalidSettingError
from ..face.squares import square_around
from ..face.types import Face
from ..people.person import Person, looked_at
from ..people.photo import Photo, weights_of
from .checkpoint import IPAdapter
from .combination import Combination, combine, join
from .encoders import IPAdapterEncoders
from .kinds import Kind
from .photo_weights import JOINING, token_scores
from .pictures import Crop, negative_pixels, picture_pixels

MARGIN = 0.25  # around a face that CLIP is to see, in face sizes


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Looking:
    """How pictures are looked at.

    Attributes:
        crop: how a picture that is not square becomes so.
        s_scale: how much of the face's structure FaceID PlusV2 takes from CLIP, at least 0; the others know no such number.
        negative: what CLIP sees on the negative side, see `pictures.negative_pixels`.
        unwanted: the picture for that, (H, W, 3) uint8 RGB, where it is to be one.
    """

    crop: Crop = "centre"
    s_scale: float = 1.0
    negative: Literal["reference", "black", "picture"] = "reference"
    unwanted: np.ndarray | None = None


def encode_people(
    people: Sequence[Person], encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking
) -> EncodedPeople:
    """The tokens of some people, and of nobody.

    Args:
        people: N of them, at least one, each with a face.
        encoders: look at their photos.
        adapter: its projection; what it reads is moved to its device and type.
        looking: how pictures are looked at.

    Returns:
        Tokens (N, T, D). Somebody with fewer tokens than others (FaceID Portrait has 16 of each photo) has them repeated,
        which changes no attention. Scores (N, T) of FaceID Portrait's tokens where photos of somebody weigh differently.

    Raises:
        InvalidSettingError: if there is nobody, or no photo of somebody shows a face.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    if not people:
        raise InvalidSettingError('There is nobody to encode; put "Add Person" before it.')
    tokens = equally_long([person_tokens(person, encoders, adapter, looking) for person in people])
    return EncodedPeople(
        tokens=torch.cat(tokens),
        null_tokens=null_tokens(encoders, adapter, looking),
        scores=token_scores(people, adapter, tokens[0].shape[1]),
    )


def person_tokens(person: Person, encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking) -> Tensor:
    """The tokens of one person, (1, T, D).

    FaceID Portrait reads all photos behind one another, each by its weight, see `token_weights`. Every other adapter takes one: of several the mean of their tokens is
    taken, each with its weight. People who are mixed are added up, Σ β_i tokens_i, not renormalised, as in every method.

    Reference: the published IP-Adapter code for Portrait; the mean and mixing are ours.
    """
    own = equally_long([_own_tokens(part, encoders, adapter, looking) for part, _ in person.parts])
    parts = [factor * tokens for tokens, (_, factor) in zip(own, person.parts, strict=True)]
    return sum(parts[1:], parts[0])


def _own_tokens(person: Person, encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking) -> Tensor:
    with looked_at(person) as person:
        shown = person.shown
        if not shown:
            raise InvalidSettingError(f'No face is known of "{person.name}"; use a photo that shows one.')
        tokens = torch.cat([_photo_tokens(photo, face, encoders, adapter, looking) for photo, face in shown])
    if adapter.kind in JOINING:
        return join(tokens)
    weights = tokens.new_tensor(weights_of(photo for photo, _ in shown))
    return (tokens * (weights / weights.sum())[:, None, None]).sum(0, keepdim=True)


def _photo_tokens(
    photo: Photo, face: Face, encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking
) -> Tensor:
    needs = adapter.recognised.needs
    vector, seen = None, None
    if needs.face is not None:
        vector = encoders.vector(face, photo.picture)
        vector = normalize(vector, dim=-1) if needs.face == "normalised" else vector
    if needs.clip is not None:
        pixels = clip_pixels(face.crop) if needs.face else picture_pixels(_shown(photo, face, adapter), looking.crop)
        seen = _look(pixels[None], encoders, adapter)
    return project(adapter, vector, seen, looking)


def _shown(photo: Photo, face: Face, adapter: IPAdapter) -> np.ndarray:
    """What an adapter without face vectors is shown of a photo: a square around the face, or all of it."""
    if not adapter.recognised.is_of_faces:
        return photo.picture
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    rows, columns = square_around((x0, y0, x1, y1), photo.picture.shape[:2], MARGIN, None).inside
    return np.ascontiguousarray(photo.picture[rows, columns])


def picture_tokens(
    pictures: Sequence[np.ndarray],
    encoders: IPAdapterEncoders,
    adapter: IPAdapter,
    looking: Looking,
    *,
    how: Combination = "concat",
) -> Tensor:
    """The tokens of some pictures, (1, T, D): one softmax over those of all.

    Args:
        pictures: N of them, at least one, (H, W, 3) uint8 RGB.
        encoders, adapter, looking: see `encode_people`.
        how: they are combined.

    Raises:
        InvalidSettingError: if the adapter reads faces, or there is no picture.
        MissingModelFileError: without an image encoder.
    """
    if adapter.needs_face:
        raise InvalidSettingError(
            f"{adapter.recognised.version} reads faces and no pictures: connect people, or choose another IP-Adapter file."
        )
    if not pictures:
        raise InvalidSettingError("There is no picture to follow; connect one.")
    pixels = torch.stack([picture_pixels(picture, looking.crop) for picture in pictures])
    return join(project(adapter, None, combine(_look(pixels, encoders, adapter), how), looking))


def embedding_tokens(
    embeddings: Tensor, adapter: IPAdapter, looking: Looking, *, how: Combination = "concat"
) -> Tensor:
    """The tokens of what CLIP said, or a prior thinks that it would say, about some pictures, (1, T, D).

    Args:
        embeddings: N of them, pooled and projected, not normalised, (N, E).
        adapter, looking: see `encode_people`.
        how: they are combined.

    Raises:
        InvalidSettingError: if the adapter reads something else than pooled embeddings, or such of another width, or they hold
            no number.
    """
    if not adapter.reads_pooled:
        raise InvalidSettingError(
            f"{adapter.recognised.version} reads no pooled embedding of a picture, which is all that a picture_embedding holds: "
            "choose a plain IP-Adapter file, or connect a picture."
        )
    if embeddings.ndim != 2 or len(embeddings) == 0 or embeddings.shape[1] != adapter.image_width:
        raise InvalidSettingError(
            f"The picture_embedding has the shape {tuple(embeddings.shape)} and this IP-Adapter reads embeddings "
            f"{adapter.image_width} wide{_of(adapter)}; take an encoder or a prior of that space, or another IP-Adapter file."
        )
    if not embeddings.isfinite().all():
        raise InvalidSettingError("The picture_embedding holds NaN or infinity; look at the node that made it.")
    return join(project(adapter, None, combine(embeddings, how), looking))


def null_tokens(encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking) -> Tensor:
    """The tokens of the negative side, (1, T, D): of nobody, and of a picture of nothing.

    Reference: the published IP-Adapter code, which projects zeros and never feeds zero tokens.
    """
    vector = None if adapter.face_width is None else torch.zeros(1, adapter.face_width)
    seen = None
    if adapter.needs_clip:
        pixels = negative_pixels(adapter.kind, looking.negative, looking.unwanted, looking.crop)
        if pixels is not None:
            seen = _look(pixels[None], encoders, adapter)
        elif adapter.image_width is not None:
            seen = torch.zeros(1, adapter.image_width)
    return project(adapter, vector, seen, looking)


def _of(adapter: IPAdapter) -> str:
    return f" ({adapter.encoder})" if adapter.encoder else ""


def _look(pixels: Tensor, encoders: IPAdapterEncoders, adapter: IPAdapter) -> Tensor:
    return encoders.embeddings(pixels) if adapter.reads_pooled else encoders.tokens(pixels)


def project(adapter: IPAdapter, vector: Tensor | None, seen: Tensor | None, looking: Looking) -> Tensor:
    """Tokens (M, T, D) of M face vectors (M, V), of what CLIP saw of M pictures, (M, E) or (M, S, W), or of both."""
    projection = adapter.projection
    like = next(projection.parameters())
    vector, seen = (None if each is None else each.to(like) for each in (vector, seen))
    if isinstance(projection, IDProjection):
        return projection(vector, seen, shortcut=adapter.is_v2, s_scale=looking.s_scale)
    if adapter.kind is Kind.PORTRAIT_UNNORM and vector is not None:
        return projection(vector[:, None])  # a sequence of one face
    return projection(seen if vector is None else vector)


def equally_long(tokens: Sequence[Tensor]) -> list[Tensor]:
    """Repeat tokens (1, T_i, D) until all have one number; a softmax over repeated tokens gives what it gave before."""
    longest = lcm(*(each.shape[1] for each in tokens))
    return [each.repeat(1, longest // each.shape[1], 1) for each in tokens]
