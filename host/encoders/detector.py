"""Face detectors in ComfyUI: the one that a widget names, with its files, the miniature's, and what they find in pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import numpy as np
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from torch import Tensor

from ...models.face.analysis import LARGEST, Selection, find_faces, pick
from ...models.face.detection import DetectorFiles, DetectorName, choose
from ...models.face.types import Detection, Face, FaceSet, OnNoFace
from ...models.images.layout import arrays_from_images
from ...models.miniature.files import FACES, read_face_networks
from ...models.miniature.finder import FaceFinder, FinderDetector
from ...models.people.remembered import RememberedDetector
from ...models.port.encoders import FaceDetector
from ..face_files import detector_files
from ..files import load_once
from ..memory import loaded, manage

DRAWN = "drawn faces (miniature)"
GIVEN = ("given region", "face crop")  # the user says where the faces are
WITHOUT_FILES = (*GIVEN, "mtcnn")

DetectorChoice = DetectorName | Literal["drawn faces (miniature)"]
CHOICES: tuple[DetectorChoice, ...] = (*get_args(DetectorName), DRAWN)
SEARCHING = tuple(choice for choice in CHOICES if choice not in GIVEN)  # those that look for faces by themselves


@dataclass(frozen=True, eq=False)
class DrawnFaces:
    """The miniature's detector under ComfyUI's memory management; a `FaceDetector`.

    Attributes:
        patcher: of the network.
        min_score: lowest score that counts, 0–1.
    """

    patcher: ModelPatcher
    min_score: float = 0.5

    @property
    def key(self) -> str:
        """The detector's own."""
        return self._detector.key

    def at_size(self, size: int) -> DrawnFaces:
        """Itself: it looks at one size."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first."""
        for picture in pictures:
            with loaded(self.patcher):
                [found] = self._detector.find([picture])
            yield found

    @property
    def _detector(self) -> FinderDetector:
        return FinderDetector(cast(FaceFinder, self.patcher.model), self.min_score)


def drawn_faces() -> DrawnFaces:
    """The miniature's detector, loaded once for all nodes that use it."""
    return load_once(FACES, "finder", lambda: DrawnFaces(manage(read_face_networks(FACES).finder)))


def choose_detector(
    choice: DetectorChoice,
    *,
    region: str = "",
    min_score: float = 0.5,
    refine_points: bool = True,
    given: FaceDetector | None = None,
    remembers: bool = True,
) -> FaceDetector:
    """The detector that a node means, with its model files.

    Args:
        choice: of the widget.
        region, min_score, refine_points: see `models.face.detection.choose`.
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
        detector = choose(name, files, region=region, min_score=min_score, refine_points=refine_points)
        if name in GIVEN:
            return detector
    return RememberedDetector(detector) if remembers else detector


def detect_faces(
    image: Tensor,
    detector: FaceDetector,
    *,
    selection: Selection = LARGEST,
    on_no_face: OnNoFace = "error",
    name: str = "image",
) -> FaceSet:
    """Find the faces of a batch of pictures; progress is shown, and cancelling ends it after a face or a picture.

    Args:
        image: (B, H, W, C), 0–1.
        detector: finds them.
        selection: which faces are taken.
        on_no_face: what a picture without a face means.
        name: what a message calls the picture.

    Raises:
        LikenessError: whatever is wrong with the pictures, the files or the settings.
    """
    images = arrays_from_images(image, name)
    bar = ProgressBar(len(images))
    faces: list[Face] = []
    go_on = model_management.throw_exception_if_processing_interrupted
    for done, found in enumerate(find_faces(images, detector, go_on=go_on), 1):
        faces += found
        bar.update_absolute(done, len(images))
        go_on()
    return pick(faces, tuple(images), selection, on_no_face)
