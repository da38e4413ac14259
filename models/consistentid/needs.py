"""What ConsistentID needs."""

from __future__ import annotations

from dataclasses import replace

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR, FACE_PARSING, RECOGNISING
from ..weights.needs import CHECKPOINT, Needs, Want
from .checkpoint import CONSISTENTID, FOLDERS
from .known_files import CONSISTENTID_SD15, CONSISTENTID_SDXL

NEEDS = (
    Needs(
        name="ConsistentID",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            Want(
                purpose="adapter",
                kinds=(CONSISTENTID,),
                folders=FOLDERS,
                published=(CONSISTENTID_SD15, CONSISTENTID_SDXL),
            ),
            replace(PICTURES, reads_for="adapter"),
            FACE_PARSING,
            RECOGNISING,
            DETECTOR,
        ),
    ),
)
