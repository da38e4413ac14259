"""The activation of a CLIP_VISION: ComfyUI chooses it by the shape of the weights, which does not tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...models.clip.towers import Activation
from ...models.errors import IncompatibleBaseModelError
from .image_encoder import ClipVisionEmbedder

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "quick_gelu": lambda values: values * torch.sigmoid(1.702 * values),
    "gelu": nn.functional.gelu,
}


@dataclass(frozen=True, eq=False)
class ActivatedEmbedder:
    """A CLIP_VISION whose activation is known; an `ImageEmbedder`.

    Attributes:
        embedder: the model.
        activation: which no weight tells.
    """

    embedder: ClipVisionEmbedder
    activation: Activation

    @property
    def key(self) -> str:
        """Hash of the weights, and the activation."""
        return f"{self.embedder.key} {self.activation}"

    @property
    def width(self) -> int:
        """Length of an embedding."""
        return self.embedder.width

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, see `ImageEmbedder`."""
        return self.embedder.embeddings(pixels)


def _layers(clip_vision: Any) -> list[Any]:
    """The feed-forward layers of a CLIP_VISION; none of image encoders of another kind."""
    encoder = getattr(getattr(clip_vision.model, "vision_model", None), "encoder", None)
    return [layer.mlp for layer in getattr(encoder, "layers", [])]


def activation_of(clip_vision: Any) -> Activation | None:
    """The activation that a CLIP_VISION runs with, told by what it does; None for any other."""
    layers = _layers(clip_vision)
    probe = torch.linspace(-4, 4, 33)
    for name, function in ACTIVATIONS.items():
        if layers and all(torch.allclose(layer.activation(probe), function(probe), atol=1e-6) for layer in layers):
            return name
    return None


def activated(clip_vision: Any, activation: Activation) -> Any:
    """A CLIP_VISION of one's own with an activation, whichever ComfyUI chose for its shape; the model itself is changed.

    Raises:
        IncompatibleBaseModelError: if it is an image encoder of another kind.
    """
    if activation_of(clip_vision) != activation:
        for layer in _layers(clip_vision):
            layer.activation = ACTIVATIONS[activation]
        require_activation(clip_vision, activation)
    return clip_vision


def require_activation(clip_vision: Any, activation: Activation) -> None:
    """Refuse a CLIP_VISION that runs with another activation.

    Raises:
        IncompatibleBaseModelError: naming both.
    """
    found = activation_of(clip_vision)
    if found != activation:
        raise IncompatibleBaseModelError(
            f"This CLIP vision model runs with the activation {found or 'of another kind'}, and the method was trained with "
            f"{activation}, which would give other numbers without a word; disconnect it and let the loader read the file."
        )
