"""From a style picture to its embedding: what CLIP sees of it, by which colours it is normalised, and the mean of several.

Preparation: the shorter side to 224 pixels, bicubic, and the middle square; a picture longer than 4:3 is shown whole between
bars of CLIP's mean colour, because the square would lose people at its edges (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..clip import CLIP_MEAN, CLIP_SIZE, CLIP_STD, clip_pixels, clip_statistics
from ..errors import InvalidSettingError
from ..images.layout import arrays_from_images, images_from_arrays
from ..images.resampling import require_rgb, resize
from ..ip_adapter.pictures import padded
from ..people.preview import WIDTH, people_strip
from ..port.encoders import ImageEmbedder
from .description import Colours
from .style import Space, Style

LONGEST = 4 / 3  # longer side over the shorter one of a picture whose middle square is enough
COLUMNS = 4  # of a preview of several pictures


@dataclass(frozen=True, eq=False, slots=True)
class StyleEncoder:
    """An `ImageEmbedder` with the colours by which its pictures are normalised.

    Attributes:
        embedder: what looks at pictures.
        mean, std: of red, green and blue, for values 0–1.
    """

    embedder: ImageEmbedder
    mean: Colours = CLIP_MEAN
    std: Colours = CLIP_STD

    @property
    def key(self) -> str:
        """The embedder's own: the pixels that it is given are normalised already."""
        return self.embedder.key

    @property
    def width(self) -> int:
        """The embedder's own."""
        return self.embedder.width

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, see `ImageEmbedder`."""
        return self.embedder.embeddings(pixels)


def colours_of(embedder: ImageEmbedder) -> tuple[Colours, Colours]:
    """Mean and standard deviation for an embedder: its own, or those of OpenAI's CLIP, which IP-Adapter takes too."""
    return (embedder.mean, embedder.std) if isinstance(embedder, StyleEncoder) else (CLIP_MEAN, CLIP_STD)


def style_square(picture: np.ndarray, mean: Sequence[float] = CLIP_MEAN) -> np.ndarray:
    """The square that CLIP sees of a picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mean: red, green and blue of the bars, 0–1.

    Returns:
        (224, 224, 3) uint8.

    Raises:
        BadImageError: if the picture has another shape or is not 8-bit.
        MissingPackageError: if pillow is not there.
    """
    require_rgb(picture)
    if max(picture.shape[:2]) > LONGEST * min(picture.shape[:2]):
        return padded(picture, mean)
    own_mean, own_std = clip_statistics()
    pixels = (clip_pixels(picture) * own_std + own_mean) * 255  # as they were before they were normalised
    return pixels.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def style_pixels(square: np.ndarray, mean: Sequence[float] = CLIP_MEAN, std: Sequence[float] = CLIP_STD) -> Tensor:
    """Normalise what CLIP sees.

    Args:
        square: (S, S, 3) uint8 RGB.
        mean, std: of red, green and blue, for values 0–1.

    Returns:
        (3, S, S) float32.
    """
    require_rgb(square)
    shown = torch.from_numpy(square).permute(2, 0, 1).float() / 255
    return (shown - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def encode_style(pictures: Sequence[np.ndarray], notes: Sequence[str], embedder: ImageEmbedder, space: Space) -> Style:
    """What CLIP says about style pictures.

    Args:
        pictures: (H, W, 3) uint8 RGB each, with their faces hidden; several give the mean of their embeddings.
        notes: how the faces of each were hidden, a sentence each.
        embedder: of the space.
        space: of the method.

    Returns:
        The style; `seen` shows the pictures side by side.

    Raises:
        InvalidSettingError: if there is no picture, or the embedder is of another space.
        BadImageError: if a picture has another shape or is not 8-bit.
    """
    if not pictures:
        raise InvalidSettingError("There is no style picture; connect at least one.")
    if embedder.width != space.width:
        raise InvalidSettingError(
            f"The encoder gives embeddings {embedder.width} wide, and the method reads the space of {space}; choose its own encoder."
        )
    mean, std = colours_of(embedder)
    squares = [style_square(picture, mean) for picture in pictures]
    found = embedder.embeddings(torch.stack([style_pixels(square, mean, std) for square in squares]))
    return Style(
        embedding=found.float().mean(dim=0, keepdim=True),
        space=space,
        source="picture",
        seen=np.concatenate(squares, axis=1),
        note=_joined(notes),
    )


def seen_images(style: Style) -> Tensor:
    """What the encoder saw of each of a style's pictures, as IMAGE (B, 224, 224, 3).

    Raises:
        InvalidSettingError: if the style is that of a text.
    """
    if style.seen is None:
        raise InvalidSettingError("A text's style shows no picture; give one that Encode Style made.")
    return images_from_arrays(np.split(style.seen, style.seen.shape[1] // CLIP_SIZE, axis=1))


def style_preview(style: Style) -> Tensor:
    """What the encoder saw of a style's pictures, in rows, above its note, as IMAGE (1, H, 512, 3).

    Raises:
        InvalidSettingError: if the style is that of a text.
    """
    pictures = arrays_from_images(seen_images(style))
    columns = min(len(pictures), COLUMNS)
    side = WIDTH // columns
    sheet = np.zeros((side * -(-len(pictures) // columns), WIDTH, 3), np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * side, place % columns * side
        sheet[top : top + side, left : left + side] = resize(picture, (side, side), "bicubic")
    strip = arrays_from_images(people_strip((), style.note))[0]
    return images_from_arrays([np.concatenate((sheet, strip))])


def _joined(notes: Sequence[str]) -> str:
    if len(notes) == 1:
        return notes[0]
    said = " ".join(f"{number}: {note}" for number, note in enumerate(notes, start=1))
    return f"Mean of {len(notes)} pictures. {said}"
