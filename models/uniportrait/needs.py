"""What UniPortrait needs, and its published files."""

from __future__ import annotations

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR
from ..ip_adapter.files import FULL_FACE, IMAGE_PROMPT, PLUS
from ..ip_adapter.needs import IMAGE_PROMPT as IMAGE_PROMPT_FILE
from ..weights.known_file import HOST, KnownFile
from ..weights.needs import CHECKPOINT, CONTROL_NET, Needs, Want
from ..weights.signatures import CONTROL_NET as CONTROL_NETS
from . import checkpoint

UNIPORTRAIT_PAGE = f"{HOST}Junjie96/UniPortrait"

FACEID = KnownFile(
    name="uniportrait-faceid_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-faceid_sd15.bin",
    what="UniPortrait's adapter for SD1.5",
    size="224 MB",
    licence="Apache-2.0",
    base="SD1.5",
    commercial="yes",
)
ROUTER = KnownFile(
    name="uniportrait-router_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-router_sd15.bin",
    what="UniPortrait's router, for two or more people",
    size="226 MB",
    licence="Apache-2.0",
    base="SD1.5",
    commercial="yes",
)
BACKBONE = KnownFile(
    name="glint360k_curricular_face_r101_backbone.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="glint360k_curricular_face_r101_backbone.bin",
    what="UniPortrait's face backbone",
    size="261 MB",
    licence="tagged Apache-2.0; the terms of its training data are not stated",
    commercial="unclear",
)

NEEDS = (
    Needs(
        name="UniPortrait",
        bases=("SD1.5",),
        wants=(
            CHECKPOINT,
            Want(purpose="adapter", kinds=(checkpoint.FACEID,), folders=checkpoint.FOLDERS, published=(FACEID,)),
            Want(
                purpose="router",
                kinds=(checkpoint.ROUTER,),
                folders=checkpoint.FOLDERS,
                published=(ROUTER,),
                optional="two or more people without masks",
            ),
            Want(
                purpose="face backbone", kinds=(checkpoint.BACKBONE,), folders=checkpoint.FOLDERS, published=(BACKBONE,)
            ),
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
