"""People as OmniPortrait sees them: an embedding for the pivot, pictures with masks for the guidance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.region_masks import region_mask
from ..face.squares import cut_out, square_around
from ..face.types import Face
from ..images.layout import arrays_from_images, images_from_arrays
from ..people.person import Person, looked_at
from ..people.photo import Photo, weights_of
from ..placement.masks import ellipse
from ..port.encoders import FaceParser, ImageEncoder, LatentEncoder
from .guided_person import ReferencePicture
from .image_encoder import ImageEncoderConfig, prepare

CROP_SIZE = 224  # pixels; that of ViT-L/14
PARSED = 512  # pixels at which a face is parsed
# Around a face, on each side, in face sizes: 1.3 times the box for the pivot, twice the box for features.
CLOSE, WIDE = 0.15, 0.5
SMALLEST, LARGEST, STEP = 64, 2048, 64  # pixels of a reference's side


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceEncoders:
    """What looks at the references of the guidance.

    Attributes:
        latents: the VAE of the checkpoint.
        parser: finds a face's outline; None takes the ellipse in its box.
    """

    latents: LatentEncoder
    parser: FaceParser | None = None


def encode(person: Person, encoder: ImageEncoder, config: ImageEncoderConfig) -> Tensor:
    """The embedding of a person's face for the pivot.

    The mean over photos, by their weights; people who are mixed are added up, Σ β_i e_i, not renormalised.

    Args:
        person: with a face.
        encoder: the adapter's own; its class token is the projected embedding.
        config: of that encoder.

    Returns:
        (1, E) float32 on the CPU.

    Raises:
        InvalidSettingError: if no face is known of somebody.

    Reference: OmniPortrait, section 3.2; the mean and the sum are ours [choice].
    """
    parts = [factor * _mean_embedding(part, encoder, config) for part, factor in person.parts]
    return sum(parts[1:], parts[0])


def reference_pictures(person: Person, encoders: ReferenceEncoders, size: int) -> tuple[ReferencePicture, ...]:
    """The pictures of a person whose features are matched, one for each photo that shows their face.

    Those of people who are mixed count by their factors: the guidance pulls towards all of them at once.

    Args:
        person: with a face.
        encoders: look at the photos.
        size: side of the square around the face, pixels, a multiple of 64 from 64 to 2048.

    Raises:
        InvalidSettingError: if the size is another, or no face is known of somebody.
    """
    if not SMALLEST <= size <= LARGEST or size % STEP:
        raise InvalidSettingError(
            f"reference_size is {size}; choose a multiple of {STEP} from {SMALLEST} to {LARGEST}, or 0."
        )
    found: list[ReferencePicture] = []
    for part, factor in person.parts:
        if factor > 0:
            with looked_at(part) as seen:
                found += [_picture(photo, face, encoders, size, factor * photo.weight) for photo, face in _shown(seen)]
    return tuple(found)


def _mean_embedding(person: Person, encoder: ImageEncoder, config: ImageEncoderConfig) -> Tensor:
    with looked_at(person) as person:
        shown = list(_shown(person))
        crops = torch.cat([_square(photo, face, CLOSE, CROP_SIZE)[0] for photo, face in shown])
        tokens = encoder.tokens(prepare(rearrange(crops, "b h w c -> b c h w"), config))
    weights = torch.tensor(weights_of(photo for photo, _ in shown))
    return (weights / weights.sum())[None] @ tokens[:, 0]


def _picture(photo: Photo, face: Face, encoders: ReferenceEncoders, size: int, weight: float) -> ReferencePicture:
    crop, box = _square(photo, face, WIDE, size)
    outline = None if encoders.parser is None else _outline(encoders.parser, crop)
    mask = ellipse(box, (size, size)) if outline is None else outline
    return ReferencePicture(encoders.latents.latents(crop), mask, weight)


def _outline(parser: FaceParser, crop: Tensor) -> Tensor | None:
    """Where a crop (1, S, S, 3) shows the face, (512, 512) float32, 0 or 1; None where the parser sees none."""
    [picture] = arrays_from_images(crop)
    parsed = region_mask(parser.labels(picture, PARSED), "face")
    return torch.from_numpy(parsed.astype(np.float32)) if parsed.any() else None


def _square(photo: Photo, face: Face, margin: float, size: int) -> tuple[Tensor, Tensor]:
    """The square around a face, (1, size, size, 3), 0–1, and the face's box in it as shares, (4,)."""
    left, top, right, bottom = (float(edge) for edge in face.box)
    square = square_around((left, top, right, bottom), face.image_size, margin, None)
    crop = cut_out(images_from_arrays([photo.picture]), square, size)
    box = torch.tensor([left - square.left, top - square.top, right - square.left, bottom - square.top]) / square.side
    return crop, box


def _shown(person: Person) -> Iterator[tuple[Photo, Face]]:
    if not person.shown:
        raise InvalidSettingError(f'No face is known of "{person.name}"; use a photo that shows one.')
    yield from person.shown
