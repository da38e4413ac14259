"""Pictures: ComfyUI's IMAGE tensors and lists of uint8 arrays, with every check that a picture needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import BadImageError
from .numbers import as_floats, require_size

STRIP = 64  # rows worked on at a time: an 8k picture in one go is slow and needs twice the memory


def rgb_images(image: Tensor | None, name: str = "image") -> Tensor:
    """Check an IMAGE and give it three channels.

    Grey is repeated. Alpha is dropped, as ComfyUI's own nodes do: the colours under it are kept as they are.

    Args:
        image: (B, H, W, C), C = 1, 3 or 4, values 0-1.
        name: what a message calls the picture.

    Returns:
        (B, H, W, 3) float32 on the same device; the input itself where nothing had to change.

    Raises:
        BadImageError: if it is missing, no tensor of numbers, not of rank 4, empty or absurdly large, has another number of
            channels, or contains NaN or infinity.
    """
    image = None if image is None else as_floats(image, name)
    if image is None or image.ndim != 4:
        seen = "no picture" if image is None else f"shape {tuple(image.shape)}"
        raise BadImageError(
            f"{name} has {seen}, but a batch of pictures (B, H, W, C) is needed; connect an IMAGE output."
        )
    batch, height, width, channels = image.shape
    if batch == 0 or height == 0 or width == 0:
        raise BadImageError(f"{name} is empty (shape {tuple(image.shape)}); connect at least one picture.")
    if channels not in (1, 3, 4):
        raise BadImageError(
            f"{name} has {channels} channels, but only grey (1), RGB (3) and RGBA (4) can be read; convert it to RGB."
        )
    require_size(image, height, width, name)
    for index, picture in enumerate(image):
        if not all(torch.isfinite(strip).all() for strip in picture.split(STRIP)):
            raise BadImageError(
                f"{name} {index + 1} of {batch} contains NaN or infinity, often the result of a VAE in half "
                "precision; decode it again in full precision (--fp32-vae)."
            )
    colours = image.expand(-1, -1, -1, 3) if channels == 1 else image[..., :3]
    return colours.to(torch.float32)


def arrays_from_images(image: Tensor | None, name: str = "image") -> list[np.ndarray]:
    """The pictures of an IMAGE as 8-bit arrays.

    Args:
        image: (B, H, W, C), see `rgb_images`; values outside 0-1 are clamped.
        name: what a message calls the picture.

    Returns:
        B arrays (H, W, 3) uint8 RGB, rounded to the nearest grey level, so that 8-bit files come back exactly.

    Raises:
        BadImageError: see `rgb_images`.
    """
    return [
        torch.cat([(strip * 255).round_().clamp_(0, 255).to(torch.uint8) for strip in picture.split(STRIP)])
        .cpu()
        .numpy()
        for picture in rgb_images(image, name)
    ]


def images_from_arrays(arrays: Sequence[np.ndarray]) -> Tensor:
    """8-bit pictures of one size as an IMAGE.

    Args:
        arrays: (H, W, 3) uint8 RGB each, all of one size, at least one.

    Returns:
        (B, H, W, 3) float32, 0-1.

    Raises:
        BadImageError: if there is none, or their sizes differ.
    """
    sizes = sorted({array.shape for array in arrays})
    if len(sizes) != 1:
        raise BadImageError(
            f"Pictures of one size are needed for a batch, but there are {len(sizes)} sizes {sizes}; resize them first."
        )
    return torch.from_numpy(np.stack(arrays)).to(torch.float32) / 255
