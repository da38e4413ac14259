"""Face detectors in ComfyUI: the one that a widget names, with its files, and the miniature's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import numpy as np
from comfy.model_patcher import ModelPatcher

from ...models.face.detection import DetectorFiles, DetectorName, choose
from ...models.face.looking import look_twice
from ...models.face.types import Detection
from ...models.miniature.faces_file import read_face_networks
from ...models.miniature.finder import FaceFinder, find_faces
from ...models.miniature.folder import FACES
from ...models.people.remembered import RememberedDetector
from ...models.port.encoders import FaceDetector
from ...models.weights.fingerprint import fingerprint
from ..files import detector_files, load_once
from ..memory import loaded, manage

DRAWN = "drawn faces (miniature)"
WITHOUT_FILES = ("given region", "face crop")

DetectorChoice = DetectorName | Literal["drawn faces (miniature)"]
CHOICES: tuple[str, ...] = (*get_args(DetectorName), DRAWN)


@dataclass(frozen=True, eq=False)
class DrawnFaces:
    """The miniature's detector of drawn faces; a `FaceDetector`.

    Attributes:
        finder: patcher of the network.
        min_score: lowest score that counts, 0–1.
    """

    finder: ModelPatcher
    min_score: float = 0.5

    @property
    def key(self) -> str:
        """Hash of the weights with all that decides what is found."""
        return f"drawn faces {fingerprint(self.finder.model)} {self.min_score}"

    def at_size(self, size: int) -> DrawnFaces:
        """Itself: it looks at one size."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first."""
        return (look_twice(picture, self._look) for picture in pictures)

    def _look(self, picture: np.ndarray) -> list[Detection]:
        with loaded(self.finder) as network:
            return find_faces(cast(FaceFinder, network), picture, self.min_score)


def drawn_faces() -> DrawnFaces:
    """The miniature's detector, loaded once for all nodes that use it."""
    return load_once(FACES, "finder", lambda: DrawnFaces(manage(read_face_networks(FACES).finder)))


def choose_detector(
    choice: DetectorChoice,
    *,
    region: str = "",
    min_score: float = 0.5,
    given: FaceDetector | None = None,
    remembers: bool = True,
) -> FaceDetector:
    """The detector that a node means, with its model files.

    Args:
        choice: of the widget.
        region, min_score: see `models.face.detection.choose`.
        given: a detector from a socket, used instead of the choice, with its own settings.
        remembers: whether what it finds is kept in the store of encodings; not for pictures that are seen once.

    Raises:
        LikenessError: see `models.face.detection.choose`.
    """
    if given is not None:
        detector = given
    elif choice == DRAWN:
        detector = replace(drawn_faces(), min_score=min_score)
    else:
        name = cast(DetectorName, choice)
        files = DetectorFiles() if name in WITHOUT_FILES else detector_files()
        detector = choose(name, files, region=region, min_score=min_score)
        if name in WITHOUT_FILES:
            return detector
    return RememberedDetector(detector) if remembers else detector
