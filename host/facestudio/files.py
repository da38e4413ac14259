"""The FaceStudio file that a loader means, with all that it needs."""

from __future__ import annotations

from typing import Any

from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.facestudio.checkpoint import FACESTUDIO, load
from ..encoders.style import style_embedder
from ..face_files import recogniser_file
from ..files import AUTO, choose_file, model_folder
from ..memory import attention_dtype
from .method import NAME
from .trained import TrainedFaceStudio, new_trained

FOLDER = "facestudio"


def choose_facestudio(
    *,
    facestudio: str = AUTO,
    recogniser: str = AUTO,
    clip_vision_file: str = AUTO,
    clip_vision: Any = None,
) -> TrainedFaceStudio:
    """Load a FaceStudio file with its encoders.

    Only the file itself must be there; each encoder is missed when it is needed.

    Args:
        facestudio: a file of models/facestudio, or "auto": the first by name that is one.
        recogniser: an ONNX file of models/insightface, or "auto": the one that the file was trained with.
        clip_vision_file: a file of models/clip_vision, or "auto": those that the file was trained with.
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file that is named, or FaceStudio's, is not there.
        UnknownCheckpointError: if a named file is something else.
        IncompatibleBaseModelError: if the CLIP vision model is another one.
    """
    path = choose_file(facestudio, FOLDER, FACESTUDIO)
    if path is None:
        raise MissingModelFileError(
            f"No {NAME} file was found in {model_folder(FOLDER)}; none is published, so train one (docs/training.md) and put it there, "
            "or use FaceStudio from IP-Adapters, which needs none."
        )
    adapter = load(path, dtype=attention_dtype())
    width = adapter.layer.style_width
    found = recogniser_file(recogniser, adapter.description.recogniser)
    return new_trained(
        adapter,
        embedder=style_embedder(adapter.description, width=width, choice=clip_vision_file, clip_vision=clip_vision),
        recogniser=None if found is None else ArcFace(found),
    )
