"""DINO: how alike a picture is to photos as a whole, and FGIS, region by region of the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...models.config.rules import Number
from ...models.errors import NoFaceFoundError
from ...models.face.parsing import FaceParser
from ...models.face.parsing import load as load_parser
from ...models.face.region_masks import filled_masks
from ...models.similarity.dino import DINO, load
from ...models.similarity.fgis import ParsedPhoto, fgis
from ...models.weights.fingerprint import of_file
from ..protocol.sections import MetricConfig
from ..protocol.weights import WeightsFile
from .metric import VALUE, MetricKind, Shown
from .remembered import Remembered
from .whole_photos import LikePhotos

SIDE = 512  # pixels; what ConsistentID's published code shows the parser


@dataclass(frozen=True, slots=True, kw_only=True)
class DinoConfig(MetricConfig):
    """Which DINO looks."""

    weights: Annotated[WeightsFile, "of DINO, dino_deitsmall16_pretrain.pth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FgisConfig(DinoConfig):
    """What finds the regions of a face."""

    parser: Annotated[WeightsFile, "of the face parser, face_parsing.pth"]
    size: Annotated[int, Number(64, 2048, step=32), "side of the square that the parser sees, pixels"] = SIDE


@dataclass(frozen=True, eq=False, slots=True)
class DinoDirections:
    """DINO's class tokens; a `PictureEncoder`.

    Attributes:
        encoder: DINO.
        key: names its weights.
    """

    encoder: DINO
    key: str

    @torch.no_grad()
    def of_picture(self, picture: np.ndarray) -> Tensor:
        """The direction of a picture, (E,)."""
        return normalize(self.encoder.embed([picture])[0].double(), dim=0)


@dataclass(frozen=True, eq=False, slots=True)
class FineGrained:
    """FGIS with the photos of one person, the mean over them; a `Metric`.

    Attributes:
        encoder: DINO.
        parser: finds the regions.
        size: see `FgisConfig`.
        name: names both networks' weights.
    """

    encoder: DINO
    parser: FaceParser
    size: int
    name: str
    _photos: Remembered = field(default_factory=Remembered)

    @property
    def key(self) -> str:
        """Names weights and size."""
        return f"fgis {self.name} {self.size}"

    @torch.no_grad()
    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The similarity; NaN where picture and photos have no region in common."""
        picture, scores = self._parse(shown.picture), list[float]()
        for photo in shown.photos[0]:
            try:
                scores.append(fgis(self._photos.get(photo, self._parse), picture, self.encoder.embed).score)
            except NoFaceFoundError:
                continue
        return {VALUE: sum(scores) / len(scores) if scores else float("nan")}

    def _parse(self, picture: np.ndarray) -> ParsedPhoto:
        return ParsedPhoto(picture, filled_masks(self.parser.parse(picture, self.size)))


def _load_fgis(weights: Path, parser: Path, size: int) -> FineGrained:
    return FineGrained(load(weights), load_parser(parser), size, f"{of_file(weights)} {of_file(parser)}")


DINO_SIMILARITY = MetricKind(
    section=DinoConfig,
    make=lambda config, _: LikePhotos(DinoDirections(load(config.weights), of_file(config.weights)), "dino"),
)
FGIS = MetricKind(
    section=FgisConfig,
    make=lambda config, _: _load_fgis(config.weights, config.parser, config.size),
    most_people=1,
)
