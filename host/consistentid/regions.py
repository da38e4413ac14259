"""ConsistentID's facial regions in ComfyUI: from photos to vectors that can be fused into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...models.clip.pixels import clip_pixels
from ...models.consistentid.identity import FacialRegion, FacialRegions, mean_regions
from ...models.errors import NoFaceFoundError
from ...models.face.facial_features import FEATURES, kept_regions, region_picture
from ...models.face.region_masks import filled_masks
from ...models.face.squares import square_around
from ...models.face.types import Face, FaceSet
from ...models.images.contact_sheet import contact_sheet
from ...models.images.layout import arrays_from_images, images_from_arrays
from ..encoders.image_encoder import image_tokens
from ..encoders.parser import LoadedFaceParser, parse_photo
from ..memory import loaded
from .adapter import LoadedConsistentID

PORTRAIT_MARGIN = 1.0  # face sizes on each side of a face that was picked out of a photo


@dataclass(frozen=True, eq=False, slots=True)
class EncodedRegions:
    """What the region node hands on.

    Attributes:
        regions: of this photo, and others' where this one has none.
        pictures: what was encoded of this photo, (H, W, 3) uint8 each: the photo, black outside the region.
        names: their labels, one per picture.
    """

    regions: FacialRegions
    pictures: tuple[np.ndarray, ...]
    names: tuple[str, ...]

    @property
    def preview(self) -> Tensor:
        """The pictures on one sheet, IMAGE (1, H, W, 3)."""
        return images_from_arrays([contact_sheet(self.pictures, self.names)])


def encode_regions(
    consistentid: LoadedConsistentID,
    clip_vision: Any,
    face_parser: LoadedFaceParser,
    photo: Tensor | FaceSet,
    strengths: Mapping[str, float],
    others: FacialRegions | None = None,
) -> EncodedRegions:
    """Encode the regions of a face.

    Args:
        consistentid: the adapter.
        clip_vision: a CLIP_VISION of the width that the adapter needs.
        face_parser: tells the regions apart.
        photo: pictures of one person, (B, H, W, C), or faces picked out of photos.
        strengths: from feature (face, ears, eyes, nose, mouth) to strength; a feature that is not named is switched off.
        others: regions of somebody else; taken for features that this photo does not show or that are switched off.

    Returns:
        The regions; none where no part of a face was found.
    """
    found: list[tuple[np.ndarray, str]] = []
    references: list[FacialRegions] = []
    for picture in pictures(consistentid, photo):
        masks = filled_masks(parse_photo(face_parser, picture, consistentid.flavour.parsing_size))
        names = [name for name in kept_regions(masks) if FEATURES[name] in strengths]
        shown = [region_picture(picture, masks[name]) for name in names]
        found += zip(shown, names, strict=True)
        references.append(_regions(consistentid, clip_vision, shown, names, strengths))
    regions = mean_regions(references)
    return EncodedRegions(
        regions if others is None else regions.with_others(others),
        tuple(picture for picture, _ in found),
        tuple(name for _, name in found),
    )


def require_regions(encoded: EncodedRegions) -> None:
    """Refuse a photo in which no region was found.

    Raises:
        NoFaceFoundError: saying what can be done.
    """
    if not encoded.names:
        raise NoFaceFoundError(
            "The face parser found none of the regions that are switched on; use a photo that shows the face larger, pick "
            'the face with Detect Faces, switch more regions on, or set on_no_face to "pass model through".'
        )


def region_vectors(consistentid: LoadedConsistentID, tokens: Tensor) -> Tensor:
    """Vectors of region pictures from their CLIP tokens, (R, Tv, Wv) → (R, D), on the CPU."""
    encoder = consistentid.adapter.facial_encoder
    with loaded(consistentid.encoder):
        return encoder.regions(tokens[None].to(next(encoder.parameters())))[0].to("cpu")


def pictures(
    consistentid: LoadedConsistentID, photo: Tensor | FaceSet, faces: FaceSet | None = None
) -> list[np.ndarray]:
    """What CLIP and the face parser look at: one picture per reference, (H, W, 3) uint8 RGB each.

    The published code looks at the first photo as a whole. In the corrected mode faces that were picked out of photos are
    looked at with their surroundings only, so that other people and distance do not matter.
    """
    if not consistentid.flavour.several_people:
        return [photo.images[0] if isinstance(photo, FaceSet) else arrays_from_images(photo[:1], "photo")[0]]
    if isinstance(photo, FaceSet) and photo.found:
        return [_portrait(face, photo.images[face.image_index]) for face in photo.faces]
    whole = list(photo.images) if isinstance(photo, FaceSet) else arrays_from_images(photo, "photo")
    return whole if faces is None or not faces.found else [whole[face.image_index] for face in faces.faces]


def _regions(
    consistentid: LoadedConsistentID,
    clip_vision: Any,
    shown: Sequence[np.ndarray],
    names: Sequence[str],
    strengths: Mapping[str, float],
) -> FacialRegions:
    if not names:
        return FacialRegions()
    pixels = torch.stack([clip_pixels(picture) for picture in shown])
    tokens = image_tokens(clip_vision, pixels, width=consistentid.image_width)
    vectors = region_vectors(consistentid, tokens)
    return FacialRegions.of(
        FacialRegion(name=name, vector=vector[None], strength=strengths[FEATURES[name]])
        for name, vector in zip(names, vectors, strict=True)
    )


def _portrait(face: Face, picture: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    rows, columns = square_around((x0, y0, x1, y1), face.image_size, PORTRAIT_MARGIN, None).inside
    return np.ascontiguousarray(picture[rows, columns])
