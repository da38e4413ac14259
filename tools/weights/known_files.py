"""The table of published files, in the order in which README shows it and workflows are written from it."""

from __future__ import annotations

from collections.abc import Iterable

from ...models.clip.needs import (
    CLIP_TEXT,
    IMAGE_ENCODER,
    IMAGE_ENCODER_BIGG,
    OPENAI_RN101,
    OPENAI_VIT_B,
    OPENAI_VIT_L,
    PRIOR_BIGG,
    PRIOR_VITL,
)
from ...models.consistentid.needs import CONSISTENTID_SD15, CONSISTENTID_SDXL
from ...models.face.needs import BUFFALO_DETECTOR, FACE_PARSER, RECOGNISER, YUNET
from ...models.ip_adapter.needs import (
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IMAGE_PROMPT,
    IP_ADAPTER_PLUS,
    IP_ADAPTER_SD15_BIGG,
    IP_ADAPTER_SDXL,
)
from ...models.similarity.needs import DINO
from ...models.uniportrait.needs import BACKBONE, FACEID, ROUTER
from ...models.weights.known_file import KnownFile
from ...models.weights.needs import CONTROL_NET, SD15, SDXL

KNOWN_FILES = (
    SD15,
    SDXL,
    FACEID,
    ROUTER,
    BACKBONE,
    IMAGE_ENCODER,
    CONSISTENTID_SD15,
    CONSISTENTID_SDXL,
    FACE_PARSER,
    RECOGNISER,
    YUNET,
    BUFFALO_DETECTOR,
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IP_ADAPTER_PLUS,
    IMAGE_PROMPT,
    IP_ADAPTER_SD15_BIGG,
    IP_ADAPTER_SDXL,
    IMAGE_ENCODER_BIGG,
    PRIOR_BIGG,
    PRIOR_VITL,
    CLIP_TEXT,
    CONTROL_NET,
    DINO,
    OPENAI_VIT_L,
    OPENAI_RN101,
    OPENAI_VIT_B,
)


def markdown_table(files: Iterable[KnownFile]) -> str:
    """Write a table of files, a row each: what it is with a link, folder, size and licence."""
    rows = [
        f"| {file.what}: [{file.name}]({file.url or file.page}) | `{file.folder}` | {file.size} | {file.licence} |"
        for file in files
    ]
    return "\n".join(("| file | folder | size | licence |", "|---|---|---|---|", *rows))
