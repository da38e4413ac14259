"""What UniPortrait needs."""

from __future__ import annotations

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR
from ..ip_adapter.files import FULL_FACE, IMAGE_PROMPT, PLUS
from ..ip_adapter.known_files import IMAGE_PROMPT as IMAGE_PROMPT_FILE
from ..weights.base_models import CONTROL_NET
from ..weights.needs import CHECKPOINT, Needs, Want
from ..weights.signatures import CONTROL_NET as CONTROL_NETS
from . import known_files as published
from .checkpoint import BACKBONE, FACEID, FOLDERS, ROUTER

NEEDS = (
    Needs(
        name="UniPortrait",
        bases=("SD1.5",),
        wants=(
            CHECKPOINT,
            Want(purpose="adapter", kinds=(FACEID,), folders=FOLDERS, published=(published.FACEID,)),
            Want(
                purpose="router",
                kinds=(ROUTER,),
                folders=FOLDERS,
                published=(published.ROUTER,),
                optional="two or more people without masks",
            ),
            Want(purpose="face backbone", kinds=(BACKBONE,), folders=FOLDERS, published=(published.BACKBONE,)),
            PICTURES,
            DETECTOR,
            Want(
                purpose="image prompt",
                kinds=(IMAGE_PROMPT, PLUS, FULL_FACE),
                folders=("ipadapter",),
                published=(IMAGE_PROMPT_FILE,),
                optional="following a picture as well",
            ),
            Want(
                purpose="ControlNet",
                kinds=(CONTROL_NETS,),
                folders=("controlnet",),
                published=(CONTROL_NET,),
                optional="given poses",
            ),
        ),
    ),
)
