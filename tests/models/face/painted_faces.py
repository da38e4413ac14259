"""Faces painted in the colours of their labels, and a parser that reads those colours: every region is where we put it."""

from __future__ import annotations

import numpy as np
import torch
from likeness.models.face.parsing import PARSING_MEAN, PARSING_STD, FaceParser
from likeness.models.face.region_masks import TRUE_NAMES
from torch import Tensor, nn

# Colours on a grid of four levels per channel, at least 85 grey levels apart; the index is the label.
COLOURS = np.array([(label % 4 * 85, label // 4 % 4 * 85, label // 16 * 170) for label in range(19)], np.uint8)
SIZE = 256  # pixels; side of a painted face


class ColourReader(nn.Module):
    """Scores a pixel by how near it is to the colour of each label."""

    def __init__(self) -> None:
        super().__init__()
        colours = torch.tensor(COLOURS).float() / 255
        self.colours = nn.Parameter((colours - torch.tensor(PARSING_MEAN)) / torch.tensor(PARSING_STD), False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        difference = pixels[:, None] - self.colours[None, :, :, None, None]  # (B, 19, 3, S, S)
        scores = -(difference**2).sum(2)
        return scores, scores, scores


def colour_parser() -> FaceParser:
    """A face parser that reads painted faces."""
    return FaceParser(ColourReader()).eval()


def label(name: str) -> int:
    """The label of a region by its true name."""
    return TRUE_NAMES.index(name)


def face_labels(*, without: tuple[str, ...] = (), sunglasses: bool = False) -> np.ndarray:
    """The label map of a frontal face with everything but hat, necklace and ear-ring, (256, 256) uint8.

    Args:
        without: regions that are left out; what lies behind shows instead.
        sunglasses: glasses cover both eyes.
    """
    labels = np.zeros((SIZE, SIZE), np.uint8)
    boxes = {  # x0 y0 x1 y1; later ones lie in front
        "hair": (60, 20, 196, 120),
        "neck": (100, 180, 156, 230),
        "clothes": (40, 226, 216, 256),
        "left_ear": (52, 110, 70, 150),
        "right_ear": (186, 110, 204, 150),
        "skin": (70, 60, 186, 200),
        "left_eyebrow": (84, 90, 116, 96),
        "right_eyebrow": (140, 90, 172, 96),
        "left_eye": (88, 104, 114, 116),
        "right_eye": (142, 104, 168, 116),
        "nose": (118, 110, 138, 146),
        "upper_lip": (104, 158, 152, 165),
        "mouth": (108, 165, 148, 171),
        "lower_lip": (104, 171, 152, 180),
    }
    for name, (x0, y0, x1, y1) in boxes.items():
        if name not in without:
            labels[y0:y1, x0:x1] = label(name)
    if sunglasses:
        labels[100:122, 76:180] = label("eyeglasses")
    return labels


def painted(labels: np.ndarray) -> np.ndarray:
    """The picture of a label map, (H, W, 3) uint8."""
    return COLOURS[labels]
