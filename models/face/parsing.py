"""Face parsing: which part of a face every pixel shows, by the published BiSeNet through facexlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..errors import InvalidSettingError
from ..images.layout import images_from_arrays
from ..images.resampling import require_rgb, resize
from ..packages import import_package
from ..weights.reading import Source, read_weights
from ..weights.signatures import FACE_PARSER
from ..weights.state_dict import load_strictly
from .squares import FaceSquare, square_around

# What ConsistentID's published code calls the labels; the index is the label. Four names are wrong, because they belong
# to another order: what the labels really show is in `region_masks.TRUE_NAMES`.
LABELS = (
    "Background",
    "Face",
    "Left_Eyebrow",
    "Right_Eyebrow",
    "Left_Eye",
    "Right_Eye",
    "Hair",
    "Left_Ear",
    "Right_Ear",
    "Mouth_External Contour",
    "Nose",
    "Mouth_Inner_Contour",
    "Upper_Lip",
    "Lower_Lip",
    "Neck",
    "Neck_Inner Contour",
    "Cloth",
    "Hat",
    "Earring",
)
PARSING_MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB
PARSING_STD = (0.229, 0.224, 0.225)
SMALLEST = 64  # pixels; below, the deepest map has less than two rows
OPACITY = 0.6  # of a colour over the photo, as ConsistentID's published preview has it
# RGB by label; neighbours in a face differ in hue or lightness. Background stays the photo.
COLOURS = (
    (0, 0, 0),
    (240, 170, 120),
    (150, 60, 20),
    (220, 110, 30),
    (30, 90, 250),
    (0, 190, 255),
    (250, 240, 60),
    (180, 60, 200),
    (240, 120, 220),
    (255, 255, 255),
    (60, 180, 75),
    (90, 10, 40),
    (250, 30, 60),
    (255, 130, 150),
    (0, 140, 130),
    (190, 255, 190),
    (90, 90, 160),
    (60, 40, 100),
    (140, 150, 30),
)


class FaceParser(nn.Module):
    """A network with 19 labels, always in float32.

    Args:
        network: normalised pictures (B, 3, S, S) to label scores (B, 19, S, S) of one or more heads, the main one first.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], name: str = "The face parser") -> FaceParser:
        """Build the published BiSeNet.

        Args:
            state_dict: the tensors under the published names; `num_batches_tracked` may lack.
            name: what a message calls the file.

        Raises:
            UnknownCheckpointError: naming all keys that do not fit.
            MissingPackageError: if facexlib is not there.

        Reference: BiSeNet (arXiv:1808.00897), trained on CelebAMask-HQ; file face_parsing.pth, also published as
        79999_iter.pth and as facexlib's parsing_bisenet.pth.
        """
        with torch.device("meta"):
            network = new_bisenet()
        return cls(load_strictly(network, state_dict, name)).eval()

    def logits(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The label scores of all heads.

        Args:
            pixels: output of `preprocess`, (B, 3, S, S).

        Returns:
            Main head and, of the BiSeNet, two deeper ones, (B, 19, S, S) each.
        """
        return self.network(pixels)

    def parse(self, image: np.ndarray, size: int) -> np.ndarray:
        """The label map that the published code gets.

        Args:
            image: (H, W, 3) uint8 RGB; its aspect is not kept.
            size: side of the square that the network sees, pixels; ConsistentID takes 512 for SD1.5, 1280 for SDXL.

        Returns:
            (size, size) uint8, an index of `LABELS` per pixel.
        """
        return self._scores(image, size).argmax(0).to("cpu", torch.uint8).numpy()

    def parse_picture(self, image: np.ndarray, size: int) -> np.ndarray:
        """The label map at the picture's own size, with edges as smooth as the scores allow.

        Args:
            image: (H, W, 3) uint8 RGB.
            size: side of the square that the network sees, pixels.

        Returns:
            (H, W) uint8.
        """
        return _largest(self._scores(image, size), (image.shape[0], image.shape[1]))

    def parse_around(
        self, image: np.ndarray, boxes: Sequence[tuple[float, float, float, float]], margin: float, size: int
    ) -> np.ndarray:
        """The label map of a picture in which faces are small: each face's surroundings are looked at by themselves.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes: x0 y0 x1 y1 of the faces, pixels.
            margin: added on each side of a face, in face sizes, 0–4.
            size: side of the square that the network sees, pixels.

        Returns:
            (H, W) uint8; background outside of all squares. Where squares overlap, a pixel belongs to the one whose
            middle is nearest, in units of its side.
        """
        labels = np.zeros(image.shape[:2], np.uint8)
        nearest = np.full(image.shape[:2], np.inf, np.float32)
        for box in boxes:
            region = square_around(box, (image.shape[0], image.shape[1]), margin, None)
            rows, columns = region.inside
            found = self.parse_picture(_square(image, region), size)
            found = found[rows.start - region.top :, columns.start - region.left :]
            found = found[: rows.stop - rows.start, : columns.stop - columns.start]
            distance = _distance(region)
            closer = distance < nearest[rows, columns]
            labels[rows, columns][closer] = found[closer]
            nearest[rows, columns][closer] = distance[closer]
        return labels

    def _scores(self, image: np.ndarray, size: int) -> Tensor:
        """Scores of the main head, (19, size, size)."""
        pixels = preprocess(image, size).to(next(self.parameters()))
        return self.logits(pixels)[0][0]


def new_bisenet() -> nn.Module:
    """An untrained BiSeNet.

    Raises:
        MissingPackageError: if facexlib is not there.
    """
    found: Any = import_package("facexlib.parsing.bisenet", "BiSeNet", purpose="Face parsing")
    return found.BiSeNet(num_class=len(LABELS))


def load(source: Source) -> FaceParser:
    """Read the face parser from its file or state dict.

    Raises:
        UnknownCheckpointError: if it is something else.
        MissingPackageError: if facexlib is not there.
    """
    weights, name = read_weights(source, FACE_PARSER)
    return FaceParser.from_state_dict(weights, name)


def preprocess(image: np.ndarray, size: int) -> Tensor:
    """What the network sees: the picture squeezed to a square, normalised.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: side of the square, pixels, at least 64.

    Returns:
        (1, 3, size, size) float32.

    Raises:
        BadImageError: if the picture has another shape or is not 8-bit.
        InvalidSettingError: if the size is too small.
    """
    require_rgb(image)
    if size < SMALLEST:
        raise InvalidSettingError(f"size is {size}; choose at least {SMALLEST} pixels.")
    resized = resize(image, (size, size), "bilinear")
    pixels = torch.from_numpy(resized).permute(2, 0, 1).float() / 255  # (3, S, S)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PARSING_MEAN, PARSING_STD))
    return ((pixels - mean) / std)[None]


def _largest(scores: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Label with the largest score at another size, (H, W) uint8; one label at a time, so that 8k pictures fit."""
    best, labels = scores.new_full(size, -torch.inf), torch.zeros(size, dtype=torch.uint8, device=scores.device)
    for label, plane in enumerate(scores):
        resized = interpolate(plane[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        labels[resized > best] = label
        best = torch.maximum(best, resized)
    return labels.cpu().numpy()


def _square(image: np.ndarray, region: FaceSquare) -> np.ndarray:
    """The region of a picture, its border repeated where the square leaves it, (side, side, 3)."""
    rows, columns = region.inside
    above, left = rows.start - region.top, columns.start - region.left
    below = region.side - above - (rows.stop - rows.start)
    right = region.side - left - (columns.stop - columns.start)
    return np.pad(image[rows, columns], ((above, below), (left, right), (0, 0)), mode="edge")


def _distance(region: FaceSquare) -> np.ndarray:
    """How far the pixels inside the picture are from the square's middle, in units of its side."""
    rows, columns = region.inside
    down = np.abs(np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5 - region.top - region.side / 2)
    across = np.abs(np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - region.left - region.side / 2)
    return np.hypot(down[:, None], across[None, :]) / region.side


def labels_tensor(images: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> Tensor:
    """Photos with their labels in colour as IMAGE.

    Args:
        images: (H, W, 3) uint8 RGB each, all of one size.
        labels: (H, W) uint8 each, see `parsing.LABELS`.

    Returns:
        (B, H, W, 3) float32, 0–1.
    """
    return images_from_arrays([_coloured(image, found) for image, found in zip(images, labels, strict=True)])


def _coloured(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shares = np.where(np.arange(len(COLOURS)) > 0, OPACITY, 0.0)[labels][..., None]  # (H, W, 1)
    colours = np.asarray(COLOURS, np.float32)[labels]  # (H, W, 3)
    return np.rint((1 - shares) * image + shares * colours).astype(np.uint8)
