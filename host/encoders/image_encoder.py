"""Image tokens from ComfyUI's CLIP vision models."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import comfy.model_management
import torch
from torch import Tensor

from ...models.errors import IncompatibleBaseModelError

_null_tokens: WeakKeyDictionary[Any, Tensor] = WeakKeyDictionary()


def image_tokens(clip_vision: Any, pixels: Tensor, *, width: int) -> Tensor:
    """The penultimate hidden state of a CLIP vision model, before the last norm.

    Args:
        clip_vision: a CLIP_VISION.
        pixels: already normalised pictures, (R, 3, 224, 224); ComfyUI's own preprocessing is not run.
        width: channels that the adapter was trained with, 1280 for ViT-H/14.

    Returns:
        (R, 257, width) float32 on the CPU: the class token, then the patches row by row.

    Raises:
        IncompatibleBaseModelError: if the model is of another size.
    """
    found = _width_of(clip_vision)
    if found != width or clip_vision.image_size != pixels.shape[-1]:
        raise IncompatibleBaseModelError(
            f"This CLIP vision model is {found} wide and takes {clip_vision.image_size} pixel pictures, the adapter "
            f"needs {width} and {pixels.shape[-1]}: load the image encoder that it was trained with "
            "(for the published adapters: OpenCLIP ViT-H/14)."
        )
    comfy.model_management.throw_exception_if_processing_interrupted()
    comfy.model_management.load_model_gpu(clip_vision.patcher)
    with torch.no_grad():
        hidden = clip_vision.model(pixel_values=pixels.to(clip_vision.load_device).float(), intermediate_output=-2)[1]
    return hidden.to("cpu", torch.float32)


def null_image_tokens(clip_vision: Any, *, width: int, size: int) -> Tensor:
    """Tokens of an all-zero normalised picture, (1, 257, width); computed once per loaded model."""
    if clip_vision not in _null_tokens:
        _null_tokens[clip_vision] = image_tokens(clip_vision, torch.zeros(1, 3, size, size), width=width)
    return _null_tokens[clip_vision]


def _width_of(clip_vision: Any) -> int | None:
    """Width of a CLIP vision transformer; None for other image encoders."""
    embeddings = getattr(getattr(clip_vision.model, "vision_model", None), "embeddings", None)
    patches = getattr(embeddings, "patch_embedding", None)
    return None if patches is None else int(patches.weight.shape[0])
