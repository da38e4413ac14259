"""What OmniPortrait's two halves need."""

from __future__ import annotations

from dataclasses import replace

from ..face.needs import DETECTOR, FACE_PARSING
from ..weights.needs import CHECKPOINT, Needs, Want
from .checkpoint import FOLDERS, OMNIPORTRAIT

NEEDS = (
    Needs(
        name="OmniPortrait - guidance",
        bases=("SD1.5", "SDXL"),
        wants=(CHECKPOINT, replace(FACE_PARSING, optional="truer outlines of faces"), DETECTOR),
        note="Guidance has no weights of its own.",
    ),
    Needs(
        name="OmniPortrait - faces fused into nouns",
        bases=("SD1.5", "SDXL"),
        wants=(CHECKPOINT, Want(purpose="adapter", kinds=(OMNIPORTRAIT,), folders=FOLDERS), DETECTOR),
        note="No weights are published: the pack's trainer makes the adapter.",
    ),
)
