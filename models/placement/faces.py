"""People around the faces that a detector finds in a preview of the running picture: head and shoulders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..packages import import_package
from .found import Memory, Regions

EVERY = 4  # noise levels between two looks
MOST_FACES = 6  # of a picture, more than people; the largest
FaceOrder = Literal["left to right", "most alike"]

# In widths and heights of a face's box, from its middle: half axes of the head with its hair, and of the shoulders below.
HEAD_MIDDLE, HEAD = -0.1, (0.95, 0.95)
SHOULDERS_MIDDLE, SHOULDERS = 1.25, (1.6, 0.85)


@dataclass(frozen=True, eq=False, slots=True)
class SeenFaces:
    """The faces of one picture.

    Attributes:
        boxes: (F, 4) float32: left, top, right, bottom as shares of width and height.
        likeness: of every person who is looked for to every face, (N, F), the higher the more alike; None where nobody asked.
    """

    boxes: Tensor
    likeness: Tensor | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceLook:
    """Finds people by their faces; a `Look`.

    Attributes:
        find: from denoised latents, (B, C, H, W), to the faces of every picture.
        places: of N people in the chain, in the order in which they are looked for.
        order: who is who: the largest faces from left to right in the order of the people, or as faces are most alike.
        every: noise levels between two looks.

    Raises:
        InvalidSettingError: if `every` is not positive.
    """

    find: Callable[[Tensor], Sequence[SeenFaces]]
    places: tuple[int, ...]
    order: FaceOrder = "left to right"
    every: int = EVERY

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InvalidSettingError(f"look_every is {self.every}; choose at least 1.")

    @torch.inference_mode(False)
    @torch.no_grad()
    def take(self, memory: Memory, sigma: float, denoised: Tensor) -> bool:
        """Look at what a step takes for the finished pictures, (S, C, H, W), if it is its turn; return whether it was."""
        state: _State = memory.setdefault(self, _State())
        if state.sigma == sigma:
            return False
        state.sigma = sigma
        state.count += 1
        if (state.count - 1) % self.every:
            return False
        height, width = denoised.shape[-2:]
        people = max(self.places) + 1
        before = state.regions
        if before is None or before.scores.shape != (len(denoised), people, height, width):
            before = Regions(
                torch.zeros(len(denoised), people, height, width, device=denoised.device),
                torch.zeros(len(denoised), people, dtype=torch.bool, device=denoised.device),
            )
        scores, found = before.scores.clone(), before.found.clone()
        for row, faces in enumerate(self.find(denoised)):
            for person, face in assign(faces, len(self.places), self.order).items():
                scores[row, self.places[person]] = head_and_shoulders(faces.boxes[face], (height, width)).to(scores)
                found[row, self.places[person]] = True
        state.regions = Regions(scores, found)
        return True

    def regions(self, memory: Memory, sigma: float) -> Regions | None:
        """See `Look`; a picture in which fewer faces than people are seen keeps what was found before."""
        del sigma
        state: _State | None = memory.get(self)
        return None if state is None else state.regions

    def resume(self, memory: Memory, regions: Regions) -> None:
        """See `Look`."""
        memory[self] = _State(regions=regions)


@dataclass(eq=False, slots=True)
class _State:
    """What a look has seen in one run."""

    sigma: float | None = None
    count: int = 0
    regions: Regions | None = field(default=None)


def assign(faces: SeenFaces, people: int, order: FaceOrder) -> dict[int, int]:
    """Which face is whose.

    Args:
        faces: of one picture.
        people: N of them.
        order: see `FaceLook`.

    Returns:
        Faces by person. From left to right it is everybody or nobody: with a face too few nothing tells who is missing.

    Raises:
        MissingPackageError: if scipy is not installed, for "most alike".
    """
    chosen = largest(faces.boxes)
    if order == "most alike":
        return _most_alike(faces, chosen)
    if len(chosen) < people:
        return {}
    chosen = chosen[:people]
    middles = (faces.boxes[:, 0] + faces.boxes[:, 2])[chosen]
    return dict(enumerate(chosen[middles.argsort()].tolist()))


def largest(boxes: Tensor) -> Tensor:
    """Places of the largest faces, the largest first, (F,) int64, at most `MOST_FACES`."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area.argsort(descending=True)[:MOST_FACES]


def _most_alike(faces: SeenFaces, chosen: Tensor) -> dict[int, int]:
    """The assignment whose likenesses have the largest sum; with fewer faces than people somebody has none."""
    if faces.likeness is None:
        raise InvalidSettingError(
            "Nothing tells whom the faces are like; choose left to right, or connect a recogniser."
        )
    if not len(chosen):
        return {}
    optimize: Any = import_package("scipy.optimize", "linear_sum_assignment", purpose="Telling whose face is whose")
    alike = faces.likeness[:, chosen.to(faces.likeness.device)].cpu().numpy()
    people, columns = optimize.linear_sum_assignment(alike, maximize=True)
    return {int(person): int(chosen[column]) for person, column in zip(people, columns, strict=True)}


def head_and_shoulders(box: Tensor, size: tuple[int, int]) -> Tensor:
    """Scores of the places around a face.

    Args:
        box: left, top, right, bottom as shares of width and height, (4,).
        size: (H, W) of the map.

    Returns:
        (H, W) float32, 1 in the middle, 0.5 at the edge of head and shoulders, towards 0 with the distance.
    """
    left, top, right, bottom = box.tolist()
    middle, across, down = (left + right) / 2, max(right - left, 1e-6), max(bottom - top, 1e-6)
    y = ((torch.arange(size[0]) + 0.5) / size[0] - (top + bottom) / 2)[:, None] / down
    x = ((torch.arange(size[1]) + 0.5) / size[1] - middle)[None] / across
    head = (x / HEAD[0]) ** 2 + ((y - HEAD_MIDDLE) / HEAD[1]) ** 2
    shoulders = (x / SHOULDERS[0]) ** 2 + ((y - SHOULDERS_MIDDLE) / SHOULDERS[1]) ** 2
    return 1 / (1 + torch.minimum(head, shoulders))
