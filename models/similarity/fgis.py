"""FGIS: how alike two faces are, region by region.

ConsistentID's paper defines it as the mean cosine of DINO embeddings of corresponding facial regions and leaves the rest
open. Here, by our own definition: the regions that ConsistentID takes, as far as both pictures show them; each black outside
its mask and cut to its bounding box; the mean over regions, then over pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import cosine_similarity

from ..errors import NoFaceFoundError
from ..face.facial_features import FEATURES, kept_regions, kind_of, region_picture
from ..images.layout import images_from_arrays
from ..images.resampling import resize

DARKEST = 10  # grey level that a pixel must exceed to count for the bounding box, as in the published helper

Embed = Callable[[Sequence[np.ndarray]], Tensor]
Crops = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class ParsedPhoto:
    """A photo with the masks of its facial regions.

    Attributes:
        photo: (H, W, 3) uint8 RGB.
        masks: see `face.region_masks.filled_masks`.
    """

    photo: np.ndarray
    masks: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FineGrainedSimilarity:
    """How alike two faces are.

    Attributes:
        score: mean over the regions, -1 to 1.
        per_region: cosine by region name.
        missing: kinds of region (Face, Eye, Ear, Nose, Lip) that could not be compared.
        crops: what was compared, reference and image, by region name; (h, w, 3) uint8 each.
    """

    score: float
    per_region: dict[str, float]
    missing: tuple[str, ...]
    crops: dict[str, Crops]


def fgis(reference: ParsedPhoto, image: ParsedPhoto, embed: Embed) -> FineGrainedSimilarity:
    """Compare the facial regions of two pictures.

    Args:
        reference: the person's photo.
        image: the generated picture.
        embed: gives (B, D) embeddings of B pictures (h, w, 3) uint8, such as `dino.DINO.embed`.

    Raises:
        NoFaceFoundError: if they have no region in common.

    Reference: ConsistentID (arXiv:2404.16771), fine-grained identity similarity; our definition, see the module.
    """
    shown = {name: _crops(reference, image, name) for name in set(reference.masks) & set(image.masks) & set(FEATURES)}
    crops = {name: pair for name, pair in shown.items() if pair is not None}
    names = kept_regions(crops)
    if not names:
        raise NoFaceFoundError(
            f"There is no facial region that both pictures show (reference: {_listed(reference)}; image: "
            f"{_listed(image)}); use pictures in which the face is large, or cut it out with Crop Face."
        )
    embedded = embed([picture for name in names for picture in crops[name]])
    cosines = cosine_similarity(embedded[0::2].double(), embedded[1::2].double()).tolist()
    kinds = dict.fromkeys(map(kind_of, FEATURES))
    return FineGrainedSimilarity(
        score=sum(cosines) / len(cosines),
        per_region=dict(zip(names, cosines, strict=True)),
        missing=tuple(kind for kind in kinds if kind not in map(kind_of, names)),
        crops={name: crops[name] for name in names},
    )


def tight_crop(picture: np.ndarray) -> np.ndarray | None:
    """Cut a region's picture to what is not black.

    Args:
        picture: (H, W, 3) uint8, black outside the region.

    Returns:
        The bounding box of all pixels with a grey level above 10, its last row and column left out as in the published
        helper; None if nothing is left.
    """
    grey = (picture @ np.array([19595, 38470, 7471], np.uint32) + 0x8000) >> 16  # Rec. 601 in 16-bit fixed point
    rows, columns = (np.flatnonzero((grey > DARKEST).any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return None
    crop = picture[rows[0] : rows[-1], columns[0] : columns[-1]]
    return crop if crop.size else None


def crops_tensor(results: Sequence[FineGrainedSimilarity], size: int) -> Tensor:
    """What was compared, as IMAGE: the regions of one comparison after the other, reference left, image right.

    Args:
        results: at least one.
        size: side of either half, pixels; stretched like the encoder's input.

    Returns:
        (regions, size, 2·size, 3) float32, 0–1.
    """
    pairs = [pair for result in results for pair in result.crops.values()]
    return images_from_arrays([np.hstack([resize(crop, (size, size), "bicubic") for crop in pair]) for pair in pairs])


def _crops(reference: ParsedPhoto, image: ParsedPhoto, name: str) -> Crops | None:
    """A region of both pictures; None if it is too small or too dark in one of them."""
    first, second = (tight_crop(region_picture(photo.photo, photo.masks[name])) for photo in (reference, image))
    return None if first is None or second is None else (first, second)


def _listed(photo: ParsedPhoto) -> str:
    return ", ".join(name for name in photo.masks if name in FEATURES) or "none"
