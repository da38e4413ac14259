"""Faces in a picture that is still being drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy import model_management
from torch import Tensor

from ...models.face.analysis import analyze
from ...models.face.selection import Selection
from ...models.images.layout import arrays_from_images
from ...models.port.encoders import FaceDetector

ALL = Selection(take="all")


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
