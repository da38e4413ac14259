"""ConsistentID's files: those that a loader's widgets mean, found by their content where they say auto."""

from __future__ import annotations

from typing import Any

from ...models.consistentid.checkpoint import CONSISTENTID, load
from ...models.consistentid.encoders import RECOGNISER
from ...models.consistentid.flavour import Purpose
from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.port.encoders import FaceParser
from ...models.weights.signatures import FACE_PARSER
from ..encoders.image_encoder import find_clip_vision
from ..encoders.parser import load_face_parser
from ..files import AUTO, choose_file, load_once, model_folder, recogniser_file
from ..memory import attention_dtype
from .adapter import Choice, LoadedConsistentID, new_consistentid

FOLDER, PARSERS = "consistentid", "face_parsing"


def choose_consistentid(
    *,
    consistentid: str = AUTO,
    mode: Choice = "auto",
    purpose: Purpose = "text to image",
    recogniser: str = AUTO,
    clip_vision_file: str = AUTO,
    face_parser_file: str = AUTO,
    clip_vision: Any = None,
    face_parser: FaceParser | None = None,
) -> LoadedConsistentID:
    """Load ConsistentID with all that it needs.

    Only the adapter's own file must be there; each encoder is missed when it is needed.

    Args:
        consistentid: a file of models/consistentid, or "auto".
        mode, purpose: see `new_consistentid`.
        recogniser: an ONNX file of models/insightface, or "auto": the one that the published adapters were trained with.
        clip_vision_file: a file of models/clip_vision, or "auto": one of the width that the adapter was trained with.
        face_parser_file: a file of models/face_parsing, or "auto".
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.
        face_parser: a parser that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file that is named, or the adapter's, is not there.
        UnknownCheckpointError: if a named file is something else.
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
        InvalidSettingError: if there is no such pipeline for the adapter.
    """
    path = choose_file(consistentid, FOLDER, CONSISTENTID)
    if path is None:
        raise MissingModelFileError(
            f"No ConsistentID file was found in {model_folder(FOLDER)}; put one there (published: ConsistentID-v1.bin for "
            "SD1.5, ConsistentID_SDXL-v1.bin for SDXL) and reload the page."
        )
    adapter = load(path, dtype=attention_dtype())
    found = recogniser_file(recogniser, RECOGNISER)
    if clip_vision is None:
        clip_vision = find_clip_vision(clip_vision_file, width=adapter.id_projection.image_width)
    return new_consistentid(
        adapter,
        clip_vision=clip_vision,
        face_parser=_find_parser(face_parser_file) if face_parser is None else face_parser,
        recogniser=None if found is None else ArcFace(found),
        mode=mode,
        purpose=purpose,
    )


def _find_parser(choice: str) -> FaceParser | None:
    path = choose_file(choice, PARSERS, FACE_PARSER)
    return None if path is None else load_once(path, "face parser", lambda: load_face_parser(path))
