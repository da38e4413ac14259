"""Faces of IMAGE tensors: progress and cancelling around models/face."""

from __future__ import annotations

from comfy import model_management
from comfy.utils import ProgressBar
from torch import Tensor

from ...models.face.analysis import LARGEST, analyze
from ...models.face.selection import Selection
from ...models.face.types import FaceSet, OnNoFace
from ...models.images.layout import arrays_from_images
from ...models.port.encoders import FaceDetector


def detect_faces(
    image: Tensor,
    detector: FaceDetector,
    *,
    selection: Selection = LARGEST,
    on_no_face: OnNoFace = "error",
    name: str = "image",
) -> FaceSet:
    """Find the faces of a batch of pictures.

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

    def progress(done: int, of: int) -> None:
        bar.update_absolute(done, of)
        model_management.throw_exception_if_processing_interrupted()

    return analyze(images, detector, selection, on_no_face, progress)
