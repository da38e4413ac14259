"""How a guidance finds people who have no mask and whom no placement places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.face.analysis import Selection, analyze
from ...models.images.layout import arrays_from_images
from ...models.omniportrait.guided_person import MaskSource
from ...models.omniportrait.mask_sources import AttentionMasks, FaceMasks, FaceOrder
from ...models.port.encoders import FaceDetector

ALL = Selection(take="all")


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


@dataclass(frozen=True, eq=False, slots=True)
class PreviewFaces:
    """Decodes a latent and looks for faces.

    Attributes:
        vae: decodes; a TAESD of Load VAE is fast.
        detector: looks at the decoded pictures; what it finds is not to be remembered.
        model: ComfyUI's BaseModel that is sampling; decoding may have pushed it out of memory.
    """

    vae: Any
    detector: FaceDetector
    model: Any

    def __call__(self, latents: Tensor) -> list[Tensor]:
        """The boxes of the faces of every picture, (F, 4) float32: left, top, right, bottom as shares of width and height."""
        with torch.inference_mode():
            pictures = arrays_from_images(self.vae.decode(latents))
            found = analyze(pictures, self.detector, ALL, "go on")
            model_management.load_models_gpu([self.model.current_patcher])
        boxes: list[Tensor] = []
        for number, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            edges = [face.box.tolist() for face in found.of_image(number)]
            boxes.append(torch.tensor(edges).reshape(-1, 4) / torch.tensor([width, height, width, height]))
        return boxes
