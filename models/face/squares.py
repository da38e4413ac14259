"""The square around a face: choosing it, cutting it out of a picture and putting it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ..errors import BadImageError, InvalidSettingError, NoFaceFoundError
from .types import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSquare:
    """A square of a picture.

    Attributes:
        left, top: its corner, pixels; negative only where the square is longer than a side of the picture.
        side: its side, pixels.
        image_size: (height, width) of the picture it belongs to.
        image_index: place of the picture in its batch; None: the same square of every picture.
    """

    left: int
    top: int
    side: int
    image_size: tuple[int, int]
    image_index: int | None

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that the square covers."""
        height, width = self.image_size
        return (
            slice(max(self.top, 0), min(self.top + self.side, height)),
            slice(max(self.left, 0), min(self.left + self.side, width)),
        )


def square_around(
    box: tuple[float, float, float, float], image_size: tuple[int, int], margin: float, image_index: int | None
) -> FaceSquare:
    """The square around a box, kept inside the picture.

    Its side is the longer side of the box times (1 + 2·margin), at most the shorter side of the picture unless the box
    itself is longer; it is moved inwards where it would leave the picture.

    Args:
        box: x0 y0 x1 y1, pixels.
        image_size: (height, width), pixels.
        margin: added on each side, in box sizes.
        image_index: see `FaceSquare`.
    """
    if not 0 <= margin <= 4:
        raise InvalidSettingError(f"margin is {margin}; choose 0 to 4.")
    height, width = image_size
    x0, y0, x1, y1 = box
    longer = max(x1 - x0, y1 - y0)
    side = max(1, round(min(longer * (1 + 2 * margin), max(min(height, width), longer))))
    return FaceSquare(
        left=_placed((x0 + x1) / 2, side, width),
        top=_placed((y0 + y1) / 2, side, height),
        side=side,
        image_size=image_size,
        image_index=image_index,
    )


def scaled_box(face: Face, image_size: tuple[int, int]) -> tuple[float, float, float, float]:
    """A face's box in a picture of another size that shows the same, such as its enlargement."""
    scale_y, scale_x = image_size[0] / face.image_size[0], image_size[1] / face.image_size[1]
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    return x0 * scale_x, y0 * scale_y, x1 * scale_x, y1 * scale_y


def mask_box(mask: Tensor, image_size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The bounding box of a mask in a picture that may have another size.

    Args:
        mask: (H, W), 0–1; above one half counts.
        image_size: (height, width) of the picture.

    Raises:
        InvalidSettingError: if no value is above one half.
    """
    rows, columns = torch.nonzero(mask > 0.5, as_tuple=True)
    if rows.numel() == 0:
        raise InvalidSettingError("The mask is empty (no value above 0.5); draw one, or connect faces instead.")
    scale_y, scale_x = image_size[0] / mask.shape[0], image_size[1] / mask.shape[1]
    return (
        float(columns.min()) * scale_x,
        float(rows.min()) * scale_y,
        float(columns.max() + 1) * scale_x,
        float(rows.max() + 1) * scale_y,
    )


def most_covered(faces: tuple[Face, ...], mask: Tensor) -> Face:
    """The face whose box a mask covers to the largest share; of equal ones the first.

    Args:
        faces: at least one.
        mask: (H, W), 0–1, showing the picture of the faces at any size.

    Raises:
        NoFaceFoundError: if the mask touches no box.
    """
    shares = [_covered(face, mask) for face in faces]
    best = int(np.argmax(shares)) if shares else -1
    if best < 0 or shares[best] <= 0:
        raise NoFaceFoundError(
            f"The mask covers none of the {len(faces)} faces; draw it over the face, or disconnect it and use number."
        )
    return faces[best]


def cut_out(image: Tensor, region: FaceSquare, size: int) -> Tensor:
    """Cut a region out and resize it.

    Args:
        image: (B, H, W, C), 0–1.
        region: the square; where it leaves the picture the border is repeated.
        size: side of the crop, pixels.

    Returns:
        (1, size, size, C), or B of them where the region belongs to every picture; antialiased, 0–1.
    """
    pictures = _pictures(image, region)
    rows, columns = region.inside
    window = rearrange(pictures[:, rows, columns], "b h w c -> b c h w")
    padding = (
        columns.start - region.left,
        region.left + region.side - columns.stop,
        rows.start - region.top,
        region.top + region.side - rows.stop,
    )
    return rearrange(_resized(pad(window, padding, mode="replicate"), (size, size)), "b c h w -> b h w c")


def put_back(image: Tensor, crop: Tensor, region: FaceSquare, feather: int) -> Tensor:
    """Put a crop back where it was cut out.

    Args:
        image: (B, H, W, C), 0–1; not modified.
        crop: (1 or B, h, w, C), any size; resized to the region.
        region: where it belongs.
        feather: width of the ramp inside the crop's edge, pixels of the crop; edges that lie on the border of the
            picture have none.

    Returns:
        (B, H, W, C); every pixel outside the region is exactly that of `image`.

    Raises:
        BadImageError: if the sizes, channels or batches do not belong together.
        InvalidSettingError: if feather is negative.
    """
    if feather < 0:
        raise InvalidSettingError(f"feather is {feather}; choose 0 or more pixels.")
    pictures = _pictures(image, region)
    if crop.shape[-1] != image.shape[-1] or crop.shape[0] not in (1, pictures.shape[0]):
        raise BadImageError(
            f"The crop has shape {tuple(crop.shape)}, which does not fit pictures of shape {tuple(pictures.shape)}; "
            "connect the crop that was cut out of this image."
        )
    rows, columns = region.inside
    square = _resized(rearrange(crop, "b h w c -> b c h w").to(image), (region.side, region.side))
    window = rearrange(square, "b c h w -> b h w c")[
        :, rows.start - region.top : rows.stop - region.top, columns.start - region.left : columns.stop - region.left
    ]
    alpha = _feathered(region, feather * region.side / crop.shape[1]).to(image)[None, :, :, None]
    result = image.clone()
    chosen = slice(None) if region.image_index is None else slice(region.image_index, region.image_index + 1)
    result[chosen, rows, columns] = torch.lerp(
        pictures[:, rows, columns], window.expand_as(pictures[:, rows, columns]), alpha
    )
    return result


def _placed(centre: float, side: int, length: int) -> int:
    start = round(centre - side / 2)
    if side > length:
        return (length - side) // 2
    return min(max(start, 0), length - side)


def _covered(face: Face, mask: Tensor) -> float:
    x0, y0, x1, y1 = scaled_box(face, (mask.shape[0], mask.shape[1]))
    window = mask[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
    return float(window.mean()) if window.numel() else 0.0


def _pictures(image: Tensor, region: FaceSquare) -> Tensor:
    batch, height, width, _ = image.shape
    if (height, width) != region.image_size:
        raise BadImageError(
            f"The region belongs to a picture of {region.image_size[1]}×{region.image_size[0]} pixels, but the image "
            f"has {width}×{height}; connect the image that the crop was cut out of."
        )
    if region.image_index is None:
        return image
    if region.image_index >= batch:
        raise BadImageError(
            f"The face is in image {region.image_index + 1}, but the batch has {batch}; connect the images that the "
            "faces were found in."
        )
    return image[region.image_index : region.image_index + 1]


def _resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(picture.shape[-2:]) == size:
        return picture
    return interpolate(picture.float(), size, mode="bicubic", antialias=True).clamp_(0, 1)


def _feathered(region: FaceSquare, width: float) -> Tensor:
    """How much of the crop shows, (rows, columns) of the part inside the picture, 0–1."""
    rows, columns = region.inside
    return torch.minimum(
        _ramp(rows, region.image_size[0], width)[:, None], _ramp(columns, region.image_size[1], width)[None, :]
    )


def _ramp(covered: slice, length: int, width: float) -> Tensor:
    place = torch.arange(covered.stop - covered.start, dtype=torch.float32) + 0.5
    alpha = torch.ones_like(place)
    if width > 0 and covered.start > 0:
        alpha = torch.minimum(alpha, place / width)
    if width > 0 and covered.stop < length:
        alpha = torch.minimum(alpha, place.flip(0) / width)
    return alpha
