"""Files that look at faces, as methods ask for them."""

from __future__ import annotations

from ..weights.needs import Want
from ..weights.signatures import FACE_PARSER as PARSER
from .known_files import BUFFALO_DETECTOR, FACE_PARSER, RECOGNISER, YUNET

DETECTOR = Want(
    purpose="face detector",
    kinds=("scrfd", "yunet"),
    folders=("insightface", "face_detection"),
    published=(YUNET, BUFFALO_DETECTOR),
    optional="taking another detector than MTCNN, which comes with the pack",
)
FACE_PARSING = Want(purpose="face parser", kinds=(PARSER,), folders=("face_parsing",), published=(FACE_PARSER,))
RECOGNISING = Want(
    purpose="face recogniser",
    kinds=("arcface",),
    folders=("insightface",),
    published=(RECOGNISER,),
    stem=RECOGNISER.name.rpartition(".")[0],
)
