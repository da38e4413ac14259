"""Face recognisers in ComfyUI: the one that a widget names."""

from __future__ import annotations

from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.port.encoders import FaceRecogniser
from ..files import recogniser_file

PUBLISHED = "w600k_r50"  # of insightface's buffalo_l


def choose_recogniser(choice: str) -> FaceRecogniser:
    """The face recogniser that a node means, with its file.

    Args:
        choice: an ONNX file of models/insightface, or "auto".

    Raises:
        MissingModelFileError: if it is not there.
    """
    found = recogniser_file(choice, PUBLISHED)
    if found is None:
        raise MissingModelFileError(
            f"Nobody can tell whose face is whose: models/insightface has no {PUBLISHED}.onnx; put it there (part of insightface's "
            "buffalo_l, non-commercial research only) and reload the page, or choose left to right."
        )
    return ArcFace(found)
