"""ComfyUI's CLIP vision models: as image encoders, and from files, chosen by the width that an adapter needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.clip_vision
import torch
from torch import Tensor

from ...models.errors import IncompatibleBaseModelError, UnknownCheckpointError
from ...models.people.remembered import RememberedEmbedder, RememberedImageEncoder
from ...models.port.encoders import ImageEmbedder, ImageEncoder
from ...models.weights.fingerprint import fingerprint
from ...models.weights.signatures import CLIP_VISION
from ..files import Shapes, choose_file, load_once
from ..memory import load

PENULTIMATE = -2  # layer whose hidden state is taken, before the last norm
FOLDER = "clip_vision"
PATCHES = (
    "vision_model.embeddings.patch_embedding.weight",
    "visual.conv1.weight",
)  # in transformers' and open_clip's files


@dataclass(frozen=True, eq=False)
class ClipVisionEncoder:
    """The penultimate hidden state of a CLIP vision model; an `ImageEncoder`.

    Attributes:
        clip_vision: a CLIP_VISION.
    """

    clip_vision: Any

    @property
    def key(self) -> str:
        """Hash of the weights and the layer that is taken."""
        return f"clip vision {fingerprint(self.clip_vision.model)} {PENULTIMATE}"

    @property
    def width(self) -> int:
        """Channels of its tokens."""
        return _width_of(self.clip_vision) or 0

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures.

        Args:
            pixels: already normalised, (R, 3, 224, 224) float32; ComfyUI's own preprocessing is not run.

        Returns:
            (R, 257, width) float32 on the CPU: the class token, then the patches row by row.
        """
        return _run(self.clip_vision, pixels, 1)


@dataclass(frozen=True, eq=False)
class ClipVisionEmbedder:
    """The pooled and projected embedding of a CLIP vision model, not normalised; an `ImageEmbedder`.

    Attributes:
        clip_vision: a CLIP_VISION.
    """

    clip_vision: Any

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"clip vision {fingerprint(self.clip_vision.model)} projected"

    @property
    def width(self) -> int:
        """Length of an embedding; 0 where the model has no projection."""
        return _projected(self.clip_vision) or 0

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, (R, width) float32 on the CPU; pixels as for `ClipVisionEncoder`."""
        return _run(self.clip_vision, pixels, 2)


def _run(clip_vision: Any, pixels: Tensor, place: int) -> Tensor:
    """One of the outputs: 1 is the penultimate hidden state, 2 the projected embedding."""
    load(clip_vision.patcher)
    shown = pixels.to(clip_vision.load_device).float()
    with torch.no_grad():
        found = clip_vision.model(pixel_values=shown, intermediate_output=PENULTIMATE)[place]
    return found.to("cpu", torch.float32)


def image_encoder(clip_vision: Any, *, width: int, size: int) -> ImageEncoder:
    """A CLIP_VISION as the image encoder of an adapter, which encodes no picture twice.

    Args:
        clip_vision: a CLIP_VISION.
        width: channels that the adapter was trained with, 1280 for ViT-H/14.
        size: side of the pictures that it is given, pixels.

    Raises:
        IncompatibleBaseModelError: if the model is of another size.
    """
    found = _width_of(clip_vision)
    if found != width or clip_vision.image_size != size:
        raise IncompatibleBaseModelError(
            f"This CLIP vision model is {found} wide and takes {clip_vision.image_size} pixel pictures, the adapter "
            f"needs {width} and {size}: load the image encoder that it was trained with "
            "(for the published adapters: OpenCLIP ViT-H/14)."
        )
    return RememberedImageEncoder(ClipVisionEncoder(clip_vision))


def image_embedder(clip_vision: Any, *, width: int, size: int) -> ImageEmbedder:
    """A CLIP_VISION as the image embedder of an adapter, which embeds no picture twice.

    Args:
        clip_vision: a CLIP_VISION.
        width: of the embeddings that the adapter was trained with: 1024 of ViT-H/14, 1280 of ViT-bigG/14.
        size: side of the pictures that it is given, pixels.

    Raises:
        IncompatibleBaseModelError: if the model gives others.
    """
    found = _projected(clip_vision)
    if found != width or clip_vision.image_size != size:
        raise IncompatibleBaseModelError(
            f"This CLIP vision model gives {f'embeddings {found} wide' if found else 'no projected embedding'} of "
            f"{clip_vision.image_size} pixel pictures, the adapter needs {width} of {size}: load the image encoder that it was "
            "trained with (1024: OpenCLIP ViT-H/14, 1280: OpenCLIP ViT-bigG/14)."
        )
    return RememberedEmbedder(ClipVisionEmbedder(clip_vision))


def _projected(clip_vision: Any) -> int | None:
    """Width of the projected embedding; None for a model without a projection."""
    weight = getattr(getattr(clip_vision.model, "visual_projection", None), "weight", None)
    return None if weight is None else int(weight.shape[0])


def _width_of(clip_vision: Any) -> int | None:
    """Width of a CLIP vision transformer; None for other image encoders."""
    embeddings = getattr(getattr(clip_vision.model, "vision_model", None), "embeddings", None)
    patches = getattr(embeddings, "patch_embedding", None)
    return None if patches is None else int(patches.weight.shape[0])


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
    path = choose_file(choice, FOLDER, CLIP_VISION, lambda shapes: _width_in(shapes) == width)
    return None if path is None else load_once(path, "clip vision", lambda: load_clip_vision(path))


def load_clip_vision(path: Path) -> Any:
    """A file as a CLIP_VISION of its own, which nobody else has.

    Raises:
        UnknownCheckpointError: if ComfyUI knows no such model.
    """
    found = comfy.clip_vision.load(str(path))
    if found is None:
        raise UnknownCheckpointError(
            f'The file "{path.name}" is no CLIP vision model that ComfyUI knows; choose another.'
        )
    return found


def _width_in(shapes: Shapes) -> int | None:
    patches = next((shapes[key] for key in PATCHES if key in shapes), None)
    return None if patches is None else int(patches.shape[0])
