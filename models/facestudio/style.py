"""A style on its way from an encoder or a prior to the guidance, and what a picture's and a text's come to together.

FaceStudio (arXiv:2312.02663), section 3.1: e_h of the style picture and e_T of the text lie in one space of CLIP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from ..errors import InvalidSettingError, require_range, require_shape
from .hybrid import SPACES, blend

Source = Literal["picture", "text"]


@dataclass(frozen=True, slots=True)
class Space:
    """A space of CLIP's picture embeddings.

    Attributes:
        name: of the CLIP models, as messages call it; empty where nobody knows more than the width.
        width: E of an embedding.
    """

    name: str
    width: int

    @classmethod
    def of_width(cls, width: int) -> Space:
        """The published space of a width, or one without a name."""
        return cls(SPACES.get(width, ""), width)

    def __str__(self) -> str:
        return f"{self.name} ({self.width})" if self.name else f"{self.width} wide"

    def fits(self, other: Space) -> bool:
        """Whether embeddings of both may be mixed, as far as is known."""
        return self.width == other.width and (self.name == other.name or not (self.name and other.name))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Style:
    """What a picture or a text says to CLIP.

    Attributes:
        embedding: projected, not normalised, (1, E) float32 on the CPU.
        space: in which it lies.
        source: a picture, or a text by the prior.
        seen: what the encoder saw of the picture, (H, W, 3) uint8 RGB; None for a text.
        note: a sentence on how it was made, such as what the faces were masked with; may be empty.

    Raises:
        ShapeError: if the embedding is not of its space.
    """

    embedding: Tensor
    space: Space
    source: Source
    seen: np.ndarray | None = None
    note: str = ""

    def __post_init__(self) -> None:
        require_shape("style embedding", self.embedding, (1, self.space.width))


@dataclass(frozen=True, eq=False, slots=True)
class HybridStyle:
    """The style that guides.

    Attributes:
        embedding: α·e_h + (1 − α)·e_T, (1, E) float32.
        alpha: what was taken: 1 without a text, 0 without a picture.
        note: a sentence where that is not what was asked for; else empty.
    """

    embedding: Tensor
    alpha: float
    note: str = ""


def hybrid_style(picture: Style | None, text: Style | None, alpha: float, wanted: Space) -> HybridStyle:
    """A picture's style and a text's as one.

    Args:
        picture, text: either may be missing, which forces alpha.
        alpha: 0 is the text alone, 1 the picture alone.
        wanted: the space that the method reads.

    Raises:
        InvalidSettingError: if alpha is out of its range, both are missing, or one lies in another space.
    """
    require_range("alpha", alpha, 1)
    for style, called in ((picture, "style"), (text, "text")):
        if style is not None:
            require_space(style, called, wanted)
    if picture is not None and text is not None:
        return HybridStyle(blend(picture.embedding, text.embedding, alpha), alpha)
    if picture is not None:
        return HybridStyle(picture.embedding, 1.0, _forced(alpha, 1.0, "no text is connected"))
    if text is not None:
        return HybridStyle(text.embedding, 0.0, _forced(alpha, 0.0, "no style picture is connected"))
    raise InvalidSettingError(
        "Nothing says what the picture is to look like: connect style from Encode Style, text from Predict Image Embedding, or both."
    )


def require_space(style: Style, called: str, wanted: Space) -> None:
    """Refuse a style of another space than the method reads.

    Args:
        style: the style.
        called: name of the input.
        wanted: what the method reads.

    Raises:
        InvalidSettingError: naming both spaces.
    """
    if not style.space.fits(wanted):
        raise InvalidSettingError(
            f'"{called}" is of the space {style.space} and the method reads {wanted}, which do not mix; take the '
            "encoder and the prior of one of them."
        )


def _forced(asked: float, taken: float, reason: str) -> str:
    return "" if asked == taken else f"alpha is {taken:g} and not {asked:g}: {reason}."
