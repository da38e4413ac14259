"""Finished pictures with everything that is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...models.errors import InvalidSettingError
from ...models.face.alignment import CROP_SIZE, align
from ...models.images.layout import arrays_from_images
from .captions import Caption
from .facts import Facts
from .plan import NOBODY, Plan


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scene:
    """Pictures; where N exceeds the people of a picture, masks, boxes and points are 0 and codes -1.

    Attributes:
        image: (B, 3, S, S) float32, RGB 0–1.
        plan: what was drawn: who, facts, pose, light.
        captions: one per picture.
        faces: share of each pixel that shows a face, without hair, ears and neck, (B, N, S, S) float32.
        instances: share of each pixel that shows the person, (B, N, S, S) float32.
        regions: the same by region, (B, N, 16, S, S) float32; they add up to `instances`. None unless asked for.
        boxes: of the faces, x0 y0 x1 y1 in pixels, (B, N, 4) float32.
        person_boxes: of the people, the same.
        points: left eye, right eye, nose, left and right corner of the mouth, x y in pixels with the middle of the
            first pixel at 0, as face detectors count, (B, N, 5, 2) float32.
    """

    image: Tensor
    plan: Plan
    captions: tuple[Caption, ...]
    faces: Tensor
    instances: Tensor
    regions: Tensor | None
    boxes: Tensor
    person_boxes: Tensor
    points: Tensor

    @property
    def facts(self) -> Facts:
        """Facts that the captions say."""
        return self.plan.facts

    @property
    def codes(self) -> Tensor:
        """Codes of those in the pictures, (B, N, 7) int64."""
        return self.plan.codes

    @property
    def present(self) -> Tensor:
        """Whether somebody is there, (B, N) bool."""
        return self.plan.codes[..., 0] != NOBODY

    def class_maps(self) -> Tensor:
        """Return the region that covers most of each pixel, 0 where most of it is not the person, (B, N, S, S) uint8.

        Raises:
            InvalidSettingError: if the world does not bring regions.
        """
        if self.regions is None:
            raise InvalidSettingError("These pictures have no regions; ask a World(with_regions=True) for them.")
        return self.regions.argmax(2).mul_(self.instances >= 0.5).byte()

    def arrays(self) -> list[np.ndarray]:
        """Return the pictures, (S, S, 3) uint8 RGB each."""
        return arrays_from_images(self.image.permute(0, 2, 3, 1))

    def crops(self) -> list[np.ndarray]:
        """Cut out everybody's face as face encoders see it, aligned by its true points, (224, 224, 3) uint8 RGB each.

        Returns:
            Those of the first picture first; nobody who is not there.

        Raises:
            MissingPackageError: if OpenCV is not installed.
        """
        return [
            align(picture, points.double().numpy(), CROP_SIZE)
            for picture, people, there in zip(self.arrays(), self.points, self.present, strict=True)
            for points in people[there]
        ]
