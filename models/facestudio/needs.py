"""What FaceStudio needs, from two IP-Adapters and from a file of its own."""

from __future__ import annotations

from dataclasses import replace

from ..clip.needs import OPENAI_RN101, OPENAI_VIT_B, OPENAI_VIT_L, PICTURES, TEXT_ENCODER, TEXTS
from ..face.needs import DETECTOR, RECOGNISING
from ..ip_adapter.needs import FACES, PLAIN
from ..weights.needs import CHECKPOINT, Needs, Want
from .checkpoint import FACESTUDIO, FOLDERS

NEEDS = (
    Needs(
        name="FaceStudio - from IP-Adapters",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            PLAIN,
            FACES,
            replace(PICTURES, purpose="image encoder of the picture adapter", reads_for=PLAIN.purpose),
            replace(PICTURES, purpose="image encoder of the face adapter", reads_for=FACES.purpose),
            RECOGNISING,
            DETECTOR,
            TEXTS,
            TEXT_ENCODER,
        ),
    ),
    Needs(
        name="FaceStudio - from a trained file",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            Want(purpose="FaceStudio file", kinds=(FACESTUDIO,), folders=FOLDERS),
            replace(PICTURES, published=(OPENAI_VIT_L, OPENAI_RN101, OPENAI_VIT_B, *PICTURES.published), encoder=""),
            RECOGNISING,
            DETECTOR,
            TEXTS,
            TEXT_ENCODER,
        ),
        note="No weights are published: the pack's trainer makes the file, which names the image encoder that it reads.",
    ),
)
