"""UniPortrait's files: those that a loader's widgets mean, found by their content where they say auto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...models.errors import MissingModelFileError
from ...models.uniportrait.checkpoint import BACKBONE, FACEID, ROUTER, load, load_backbone
from ...models.weights.signatures import IMAGE_PROMPT
from ..encoders.backbone import manage_backbone
from ..encoders.image_encoder import find_clip_vision
from ..files import AUTO, choose_file, load_once, model_folder
from ..memory import attention_dtype
from .adapter import LoadedUniPortrait, clip_width, new_uniportrait

FOLDER = "uniportrait"
PUBLISHED = {
    FACEID: "uniportrait-faceid_sd15.bin",
    BACKBONE: "glint360k_curricular_face_r101_backbone.bin",
}


def choose_uniportrait(
    *,
    faceid: str = AUTO,
    router: str = AUTO,
    backbone: str = AUTO,
    clip_vision_file: str = AUTO,
    image_prompt: str = "none",
    clip_vision: Any = None,
) -> LoadedUniPortrait:
    """Load UniPortrait with all that it needs.

    Args:
        faceid, router, backbone: files of models/uniportrait, or "auto"; router may be "none".
        clip_vision_file: a file of models/clip_vision, or "auto": one of the width that the adapter was trained with.
        image_prompt: a file of models/ipadapter, or "none".
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file is not there; naming the published one and its folder.
        UnknownCheckpointError: if a named file is something else.
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
    """
    adapter = load(
        _required(faceid, FACEID),
        choose_file(router, FOLDER, ROUTER),
        image_prompt=choose_file(image_prompt, "ipadapter", IMAGE_PROMPT),
        dtype=attention_dtype(),
    )
    path = _required(backbone, BACKBONE)
    network = manage_backbone(load_once(path, "face backbone", lambda: load_backbone(path)))
    if clip_vision is None:
        clip_vision = find_clip_vision(clip_vision_file, width=clip_width(adapter, network))
    return new_uniportrait(adapter, network, clip_vision)


def _required(choice: str, kind: str) -> Path:
    path = choose_file(choice, FOLDER, kind)
    if path is None:
        raise MissingModelFileError(
            f"No {kind} file of UniPortrait was found in {model_folder(FOLDER)}; put one there (the published one is "
            f"{PUBLISHED[kind]}) and reload the page."
        )
    return path
