"""What IP-Adapter needs, for faces and for pictures."""

from __future__ import annotations

from dataclasses import replace

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR, RECOGNISING
from ..weights.needs import CHECKPOINT, Needs, Want
from .files import FACEID, FACEID_LORA, FACEID_PLUS, FOLDERS, FULL_FACE, IMAGE_PROMPT, PLUS
from .known_files import (
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IP_ADAPTER_PLUS,
    IP_ADAPTER_SD15_BIGG,
    IP_ADAPTER_SDXL,
)
from .known_files import IMAGE_PROMPT as IMAGE_PROMPT_FILE

FACES = Want(
    purpose="face adapter",
    kinds=(FACEID_PLUS, FACEID),
    folders=FOLDERS,
    published=(FACEID_PLUS_SD15, FACEID_PLUS_SDXL),
)
PLAIN = Want(
    purpose="picture adapter",
    kinds=(IMAGE_PROMPT,),
    folders=FOLDERS,
    published=(IMAGE_PROMPT_FILE, IP_ADAPTER_SDXL, IP_ADAPTER_SD15_BIGG),
)
NEEDS = (
    Needs(
        name="IP-Adapter - faces",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            FACES,
            replace(PICTURES, reads_for=FACES.purpose),
            RECOGNISING,
            DETECTOR,
            Want(
                purpose="LoRA",
                kinds=(FACEID_LORA,),
                folders=("loras",),
                optional="FaceID files that do not hold it; the published .bin files do",
            ),
        ),
    ),
    Needs(
        name="IP-Adapter - pictures",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            replace(
                PLAIN,
                kinds=(PLUS, IMAGE_PROMPT, FULL_FACE),
                published=(IP_ADAPTER_PLUS, *PLAIN.published),
            ),
            replace(PICTURES, reads_for=PLAIN.purpose),
        ),
    ),
)
