"""People where faces are found in a preview of the picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from ..errors import InvalidSettingError
from ..placement.ellipse import ellipse
from ..port.guidance import GuidedStep
from .correspondence import nearest, similarity
from .guided_person import GuidedPerson

EVERY = 5  # guided steps between two looks
FaceOrder = Literal["left to right", "most alike"]
MOST_FACES = 6  # of a picture that are tried out; the largest


@dataclass(frozen=True, eq=False, slots=True)
class FaceMasks:
    """Finds people by their faces.

    Attributes:
        look: from latents as the VAE takes them, (B, C, H, W), to the boxes of the faces of every picture, (F, 4) each:
            left, top, right, bottom as shares of width and height.
        order: who is who: the largest faces from left to right in the order of the people, or as their features fit best.
        every: guided steps between two looks.

    Raises:
        InvalidSettingError: if `every` is not positive.
    """

    look: Callable[[Tensor], Sequence[Tensor]]
    order: FaceOrder = "left to right"
    every: int = EVERY

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InvalidSettingError(f"every is {self.every}; choose at least 1.")

    @property
    def wants_attention(self) -> bool:
        """Never."""
        return False

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """See `MaskSource`; a picture in which fewer faces than people are found keeps what was found before."""
        count: int = step.memory.get((self, "count"), 0)
        step.memory[self, "count"] = count + 1
        if count % self.every == 0:
            for row, boxes in enumerate(self.look(step.denoised)):
                if len(boxes) >= len(people):
                    masks = torch.stack([ellipse(box, step.size) for box in boxes[_largest(boxes)]])
                    step.memory[self, row] = self._sort(masks.to(step.features.device), boxes, people, step, row)
        nobody = torch.zeros(len(people), *step.size, device=step.features.device)
        rows = [step.memory.get((self, row), nobody) for row in range(len(step.features))]
        return torch.stack(rows, dim=1)

    def _sort(self, masks: Tensor, boxes: Tensor, people: Sequence[GuidedPerson], step: GuidedStep, row: int) -> Tensor:
        """One mask per person, (N, H, W), of (F, H, W), the largest face first."""
        if self.order == "most alike":
            alike = torch.stack([_likeness(person, masks, step.features[row]) for person in people])
            choices = itertools.permutations(range(len(masks)), len(people))
            best = max(choices, key=lambda faces: sum(float(alike[n, face]) for n, face in enumerate(faces)))
            return masks[list(best)]
        middles = (boxes[:, 0] + boxes[:, 2])[_largest(boxes)][: len(people)]
        return masks[: len(people)][middles.argsort().to(masks.device)]


def _largest(boxes: Tensor) -> Tensor:
    """Places of the largest faces, the largest first."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area.argsort(descending=True)[:MOST_FACES]


@torch.no_grad()
def _likeness(person: GuidedPerson, masks: Tensor, features: Tensor) -> Tensor:
    """How alike the face in each mask is to somebody, (F,), 0–1."""
    if person.features is None:
        raise InvalidSettingError(f'The features of "{person.name}" were not read; prepare the guidance first.')
    reference = person.features.to(features.device)
    inside = adaptive_max_pool2d(masks[:, None], features.shape[-2:])[:, 0] > 0
    found = [features.flatten(1).T[mask.flatten()].float() for mask in inside]
    return torch.stack([similarity(reference, points[nearest(reference, points)]).mean() for points in found])
