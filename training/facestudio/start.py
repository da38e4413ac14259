"""How large the shared layer's tokens are before it has learned: as large as what the UNet is used to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...diffusers_host.text_encoders import TextEncoder, encode_prompts

PROMPTS = (  # of ordinary lengths and contents
    "",
    "a photo of a woman",
    "a watercolour of a harbour at dusk",
    "two children playing football in the rain, black and white photograph",
    "portrait of an old man with a beard, oil on canvas, warm light, highly detailed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How large the shared layer's tokens are before it has learned.

    Attributes:
        style: E, width of the style embeddings.
        length: root mean square of the lengths of style embeddings.
        spread: standard deviation that tokens begin with; that of the base's text context, to which the UNet is used.
    """

    style: int
    length: float
    spread: float


def text_spread(encoders: Sequence[TextEncoder], prompts: Sequence[str] = PROMPTS) -> float:
    """Standard deviation of all values of the contexts that a base's text encoders make of some prompts."""
    return encode_prompts(encoders, prompts).tokens.float().std().item()


def root_mean_square_length(styles: Tensor) -> float:
    """Of style embeddings (K, E)."""
    return styles.float().square().sum(-1).mean().sqrt().item()
