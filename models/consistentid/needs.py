"""What ConsistentID needs, and its published files."""

from __future__ import annotations

from dataclasses import replace

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR, FACE_PARSING, RECOGNISING
from ..weights.known_file import HOST, KnownFile
from ..weights.needs import CHECKPOINT, Needs, Want
from .checkpoint import CONSISTENTID, FOLDERS

CONSISTENTID_PAGE = f"{HOST}JackAILab/ConsistentID"
CONSISTENTID_LICENCE = "the code says MIT and, elsewhere, Apache-2.0; no licence of the weights was found"

CONSISTENTID_SD15 = KnownFile(
    name="ConsistentID-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID-v1.bin",
    what="ConsistentID's adapter for SD1.5",
    size="0.4–0.7 GB",
    licence=CONSISTENTID_LICENCE,
    base="SD1.5",
    encoder="ViT-H",
    commercial="unclear",
)
CONSISTENTID_SDXL = KnownFile(
    name="ConsistentID_SDXL-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID_SDXL-v1.bin",
    what="ConsistentID's adapter for SDXL",
    size="1.7–3.5 GB",
    licence=CONSISTENTID_LICENCE,
    base="SDXL",
    encoder="ViT-H",
    commercial="unclear",
)

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
