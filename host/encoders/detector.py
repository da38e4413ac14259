"""A loaded face detector on a socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from comfy.model_patcher import ModelPatcher

from ...models.face.types import Detection
from ...models.miniature.finder import FaceFinder, find_faces
from ..memory import loaded


@dataclass(frozen=True, eq=False, slots=True)
class LoadedFaceAnalysis:
    """A detector of drawn faces.

    Attributes:
        finder: patcher of the network.
    """

    finder: ModelPatcher

    def look(self, picture: np.ndarray, min_score: float) -> list[Detection]:
        """The faces of a picture (H, W, 3) uint8 RGB, the surest first."""
        with loaded(self.finder) as network:
            return find_faces(cast(FaceFinder, network), picture, min_score)
