"""Faces of IMAGE tensors: model files, progress and cancelling around models/face."""

from __future__ import annotations

from dataclasses import replace

from comfy import model_management
from comfy.utils import ProgressBar
from torch import Tensor

from ...models.face.analysis import LARGEST, analyze
from ...models.face.detection import DetectorFiles, DetectorName, DetectorSettings
from ...models.face.selection import Selection
from ...models.face.types import FaceSet, OnNoFace
from ...models.images.layout import arrays_from_images
from ..files import detector_files
from .detector import LoadedFaceAnalysis

WITHOUT_FILES = ("given region", "face crop")


def detect_faces(
    image: Tensor,
    *,
    detector: DetectorName = "auto",
    region: str = "",
    min_score: float = 0.5,
    size: int | None = None,
    selection: Selection = LARGEST,
    on_no_face: OnNoFace = "error",
    name: str = "image",
    analysis: LoadedFaceAnalysis | None = None,
) -> FaceSet:
    """Find the faces of a batch of pictures.

    Args:
        image: (B, H, W, C), 0–1.
        detector, region, min_score, size: see `models.face.detection.DetectorSettings`.
        selection: which faces are taken.
        on_no_face: what a picture without a face means.
        name: what a message calls the picture.
        analysis: a detector that is already loaded, used instead of `detector`.

    Raises:
        LikenessError: whatever is wrong with the pictures, the files or the settings.
    """
    settings = detector_settings(detector, region=region, min_score=min_score, analysis=analysis)
    settings = settings if size is None else replace(settings, size=size)
    images = arrays_from_images(image, name)
    bar = ProgressBar(len(images))

    def progress(done: int, of: int) -> None:
        bar.update_absolute(done, of)
        model_management.throw_exception_if_processing_interrupted()

    return analyze(images, settings, selection, on_no_face, progress)


def detector_settings(
    detector: DetectorName, *, region: str = "", min_score: float = 0.5, analysis: LoadedFaceAnalysis | None = None
) -> DetectorSettings:
    """A detector with its model files.

    Args:
        detector, region, min_score: see `models.face.detection.DetectorSettings`.
        analysis: a detector that is already loaded, used instead.
    """
    files = DetectorFiles() if analysis or detector in WITHOUT_FILES else detector_files()
    look = analysis.look if analysis else None
    return DetectorSettings(detector=detector, min_score=min_score, region=region, files=files, look=look)


def faces_from(photo: Tensor | FaceSet, on_no_face: OnNoFace) -> FaceSet:
    """The faces of a photo input that takes pictures as well as faces.

    Args:
        photo: faces, which are returned as they are, or (B, H, W, C) pictures, of which the largest face each is taken.
        on_no_face: what a picture without a face means; faces have their own setting.

    Raises:
        LikenessError: see `detect_faces`.
    """
    return photo if isinstance(photo, FaceSet) else detect_faces(photo, on_no_face=on_no_face, name="photo")
