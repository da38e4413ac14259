"""Face recognisers in ComfyUI: the one that a widget names."""

from __future__ import annotations

from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.ip_adapter.encoders import RECOGNISER
from ...models.miniature.files import FACES, read_face_networks
from ...models.port.encoders import FaceRecogniser
from ..face_files import recogniser_file
from ..files import AUTO, load_once
from ..memory import manage
from .backbone import ManagedBackbone
from .detector import DRAWN, DetectorChoice


def choose_recogniser(
    choice: str, detector: DetectorChoice = "auto", *, otherwise: str = "choose left to right"
) -> FaceRecogniser:
    """The face recogniser that a node means, with its file.

    Args:
        choice: an ONNX file of models/insightface, or "auto".
        detector: that finds the faces; "auto" of the miniature's is the miniature's own, which needs no file.
        otherwise: what to do without a recogniser, for the message.

    Raises:
        MissingModelFileError: if it is not there.
    """
    if choice == AUTO and detector == DRAWN:
        return drawn_recogniser()
    found = recogniser_file(choice, RECOGNISER)
    if found is None:
        raise MissingModelFileError(
            f"Nobody can tell whose face is whose: models/insightface has no {RECOGNISER}.onnx; put it there (part of insightface's "
            f"buffalo_l, non-commercial research only) and reload the page, or {otherwise}."
        )
    return ArcFace(found)


def drawn_recogniser() -> FaceRecogniser:
    """The miniature's own, loaded once for all nodes that use it."""
    return load_once(FACES, "recogniser", lambda: ManagedBackbone(manage(read_face_networks(FACES).backbone)))
