"""How a guidance finds people who have no mask and whom no placement places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from comfy.model_patcher import ModelPatcher

from ...models.omniportrait.attention_masks import AttentionMasks
from ...models.omniportrait.face_masks import FaceMasks, FaceOrder
from ...models.omniportrait.guided_person import MaskSource
from ...models.port.encoders import FaceDetector
from ..encoders.preview_faces import PreviewFaces


class Finding(Protocol):
    """A way to find people while sampling."""

    @property
    def how(self) -> str:
        """What a preview says of somebody who is found so."""
        ...

    def source(self, model: ModelPatcher, vae: Any) -> MaskSource | None:
        """What finds them in a MODEL's pictures; None where nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class ByWord:
    """Where the words of the prompt that stand for people are drawn."""

    how: str = "at their word"

    def source(self, model: ModelPatcher, vae: Any) -> MaskSource:
        """Masks made of the attention to the words."""
        del model, vae
        return AttentionMasks()


@dataclass(frozen=True, slots=True)
class ByFace:
    """Where a detector finds faces in a preview.

    Attributes:
        detector: gives it, with its files; asked only where somebody is to be found so.
        order: which face is whose.
    """

    detector: Callable[[], FaceDetector]
    order: FaceOrder = "left to right"
    how: str = "at their face"

    def source(self, model: ModelPatcher, vae: Any) -> MaskSource:
        """Masks around faces; a missing file is told now and not in the middle of a run."""
        return FaceMasks(PreviewFaces(vae, self.detector(), model.model), self.order)


@dataclass(frozen=True, slots=True)
class ByMaskAlone:
    """Nowhere: everybody needs a mask."""

    how: str = "mask"

    def source(self, model: ModelPatcher, vae: Any) -> None:
        """Nothing finds anybody."""
        del model, vae
