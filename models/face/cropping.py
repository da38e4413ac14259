"""Cropping one face for inpainting: which face, its square, the crop and the mask of the face in it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..errors import BadImageError, InvalidSettingError, NoFaceFoundError
from ..images.layout import rgb_images
from ..images.numbers import as_floats, require_size
from .squares import FaceSquare, cut_out, mask_box, most_covered, scaled_box, square_around
from .types import Face, FaceSet


class FaceCrop(NamedTuple):
    """A face cut out of a picture.

    Attributes:
        crop: (1 or B, size, size, 3) float32, 0–1.
        mask: (1, size, size) float32, 0–1: the face's box, or the mask that was given without faces.
        region: where the crop belongs.
    """

    crop: Tensor
    mask: Tensor
    region: FaceSquare


def crop_face(
    image: Tensor, faces: FaceSet | None, mask: Tensor | None, *, number: int, margin: float, size: int
) -> FaceCrop:
    """Cut one face out of a batch of pictures.

    With faces, `number` says which of those taken; with faces and a mask it is the face, among all that were found, whose
    box the mask covers most; with a mask alone its bounding box is the face, in every picture of the batch. Of several
    masks (one per person) `number` says which. The pictures may be enlargements of those the faces were found in.

    Args:
        image: (B, H, W, C), 0–1.
        faces: faces found in these pictures, or None.
        mask: (M, h, w) or (h, w), 0–1, of any size, or None.
        number: which face or mask, from 1.
        margin: added on each side of the face, in face sizes, 0–4.
        size: side of the crop, pixels.

    Raises:
        InvalidSettingError: if neither faces nor mask is there, or number or another setting is out of range.
        NoFaceFoundError: if there is no face, or the mask covers none.
        BadImageError: if the picture cannot be read or is not that of the faces.
    """
    if size < 1:
        raise InvalidSettingError(f"size is {size}; choose at least 1 pixel.")
    pictures = rgb_images(image)
    image_size = (pictures.shape[1], pictures.shape[2])
    chosen_mask = None if mask is None else _one_mask(mask, number)
    if faces is None:
        if chosen_mask is None:
            raise InvalidSettingError("Crop Face needs faces or a mask; connect at least one of them.")
        region = square_around(mask_box(chosen_mask, image_size), image_size, margin, None)
        where = interpolate(chosen_mask[None, None].float(), image_size, mode="bilinear")[0, 0]
    else:
        face = _one_face(faces, chosen_mask, number)
        box = scaled_box(face, image_size)
        region = square_around(box, image_size, margin, face.image_index)
        where = _box_mask(box, image_size)
    shown = cut_out(where.cpu()[None, :, :, None], replace(region, image_index=None), size)[..., 0]
    return FaceCrop(cut_out(pictures, region, size), shown, region)


def _one_mask(mask: Tensor, number: int) -> Tensor:
    mask = as_floats(mask, "mask")
    masks = mask[None] if mask.ndim == 2 else mask
    if masks.ndim != 3 or masks.numel() == 0:
        raise BadImageError(f"mask has shape {tuple(mask.shape)}, but (M, H, W) is needed; connect a MASK output.")
    require_size(masks, masks.shape[1], masks.shape[2], "mask")
    if not torch.isfinite(masks).all():
        raise BadImageError("mask contains NaN or infinity; connect another mask.")
    if masks.shape[0] == 1:
        return masks[0]
    if number > masks.shape[0]:
        raise InvalidSettingError(
            f"number is {number}, but there are {masks.shape[0]} masks; choose 1 to {masks.shape[0]}."
        )
    return masks[number - 1]


def _one_face(faces: FaceSet, mask: Tensor | None, number: int) -> Face:
    if not faces.found:
        raise NoFaceFoundError("faces is empty: nobody was found, so there is no face to crop; connect a mask instead.")
    if mask is not None:
        return most_covered(faces.candidates, mask)
    if number > len(faces.faces):
        raise InvalidSettingError(
            f'number is {number}, but faces holds {len(faces.faces)}; set take to "all" in Detect Faces, or choose 1 to '
            f"{len(faces.faces)}."
        )
    return faces.faces[number - 1]


def _box_mask(box: tuple[float, float, float, float], image_size: tuple[int, int]) -> Tensor:
    mask = torch.zeros(image_size)
    x0, y0, x1, y1 = (round(edge) for edge in box)
    mask[max(y0, 0) : max(y1, y0 + 1), max(x0, 0) : max(x1, x0 + 1)] = 1
    return mask
