"""CLIP vision models from files, chosen by the width that an adapter needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.clip_vision

from ...models.errors import UnknownCheckpointError
from ...models.weights.signatures import CLIP_VISION
from ..files import load_once
from ..found_files import Shapes, choose_file

FOLDER = "clip_vision"
PATCHES = (
    "vision_model.embeddings.patch_embedding.weight",
    "visual.conv1.weight",
)  # in transformers' and open_clip's files


def find_clip_vision(choice: str, *, width: int) -> Any:
    """A CLIP_VISION, loaded once for all who use its file.

    Args:
        choice: a file of models/clip_vision, or "auto": the first by name whose tokens have the width.
        width: channels that the adapter was trained with.

    Returns:
        It, or None where "auto" finds none.

    Raises:
        MissingModelFileError: if a named file is not there.
        UnknownCheckpointError: if a named file is no CLIP vision model.
    """
    path = choose_file(choice, FOLDER, CLIP_VISION, lambda shapes: _width(shapes) == width)
    return None if path is None else load_once(path, "clip vision", lambda: _load(path))


def _load(path: Path) -> Any:
    found = comfy.clip_vision.load(str(path))
    if found is None:
        raise UnknownCheckpointError(
            f'The file "{path.name}" is no CLIP vision model that ComfyUI knows; choose another.'
        )
    return found


def _width(shapes: Shapes) -> int | None:
    patches = next((shapes[key] for key in PATCHES if key in shapes), None)
    return None if patches is None else int(patches.shape[0])
