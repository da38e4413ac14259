"""CLIP_VISION_OUTPUT that holds the pooled embedding of pictures, and nothing else: reading it, and making it."""

from __future__ import annotations

from typing import Any

import comfy.clip_vision
import torch
from torch import Tensor

from ..models.errors import InvalidSettingError

OTHERS = ("last_hidden_state", "penultimate_hidden_states", "all_hidden_states", "mm_projected")


def embeddings_in(output: Any) -> Tensor:
    """The pooled and projected embeddings of a CLIP_VISION_OUTPUT, not normalised, (N, E) float32 on the CPU.

    Args:
        output: from CLIP Vision Encode, Predict Image Embedding or another node.

    Raises:
        InvalidSettingError: if there are none, as of an encoder without a projection.
    """
    embeddings = getattr(output, "image_embeds", None)
    if not isinstance(embeddings, torch.Tensor):
        raise InvalidSettingError(
            "This CLIP_VISION_OUTPUT holds no pooled embedding (image_embeds); take it from CLIP Vision Encode with a CLIP model "
            "that has a projection, or from Predict Image Embedding."
        )
    return embeddings.detach().to("cpu", torch.float32)


def as_clip_vision_output(embeddings: Tensor) -> Any:
    """A CLIP_VISION_OUTPUT with embeddings (N, E) alone: the pictures' tokens, which it also may hold, are None."""
    output = comfy.clip_vision.Output()
    for name in OTHERS:
        output[name] = None
    output["image_embeds"] = embeddings
    return output
