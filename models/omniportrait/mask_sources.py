"""Where guided people are while a picture is drawn: where the prompt's words for them are (Eq. 6), where faces are found in a
preview, or where a placement such as a router puts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from ..errors import InvalidSettingError
from ..placement.faces import FaceOrder, SeenFaces, assign
from ..placement.masks import ellipse
from ..placement.placements import Placement
from ..placement.region_mask import clean_mask, is_credible, refine_with
from ..port.attention import AttentionCall, AttentionSite, Polarity
from ..port.guidance import GuidedStep
from ..records.placements import PlacementRecord
from .correspondence import nearest, similarity
from .guided_person import GuidedPerson

EVERY = 5  # guided steps between two looks


@dataclass(frozen=True, slots=True)
class AttentionMasks:
    """Finds people by their words.

    Attributes:
        gamma, alpha, beta: of Eq. 6, see `placement.region_mask.refine`.
    """

    gamma: int = 3
    alpha: float = 2.0
    beta: float = 0.5

    @property
    def wants_attention(self) -> bool:
        """Always."""
        return True

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """See `MaskSource`; where a mask cannot be a face, that of the step before stays.

        Raises:
            InvalidSettingError: if no word of the prompt stands for somebody.
        """
        return torch.stack([self._person(person, step) for person in people])

    def _person(self, person: GuidedPerson, step: GuidedStep) -> Tensor:
        attention = step.attention
        if attention is None or person.place not in attention.columns:
            raise InvalidSettingError(
                f'No word of the prompt stands for "{person.name}"; write @id{person.place + 1} behind a noun and encode it '
                "with Encode People Prompt, or give a mask."
            )
        cross = interpolate(attention.columns[person.place][:, None], attention.grid, mode="bilinear")[:, 0].flatten(1)
        rows: list[Tensor] = []
        for row, column in enumerate(cross):

            def spread(values: Tensor, row: int = row) -> Tensor:
                return attention.row(row).spread(values[None])[0]

            soft, hard = refine_with(column, spread, gamma=self.gamma, alpha=self.alpha, beta=self.beta)
            hard = clean_mask(hard.unflatten(0, attention.grid))
            key = (self, person.place, row)
            if is_credible(hard.flatten(), column):
                # the cells that cleaning added were below the threshold
                step.memory[key] = torch.where(hard, 0.5 + soft.unflatten(0, attention.grid) / 2, 0.0)
            rows.append(step.memory.get(key, torch.zeros(attention.grid, device=column.device)))
        return torch.stack(rows)


@dataclass(frozen=True, eq=False, slots=True)
class FaceMasks:
    """Finds people by their faces.

    Attributes:
        look: from latents as the VAE takes them, (B, C, H, W), to the faces of every picture.
        order: who is who, see `placement.faces.FaceLook`; "most alike" goes by the features that are matched.
        every: guided steps between two looks.

    Raises:
        InvalidSettingError: if `every` is not positive.
    """

    look: Callable[[Tensor], Sequence[SeenFaces]]
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
            for row, faces in enumerate(self.look(step.denoised)):
                if len(faces.boxes) >= len(people):
                    step.memory[self, row] = self._masks(faces, people, step, row)
        nobody = torch.zeros(len(people), *step.size, device=step.features.device)
        rows = [step.memory.get((self, row), nobody) for row in range(len(step.features))]
        return torch.stack(rows, dim=1)

    def _masks(self, faces: SeenFaces, people: Sequence[GuidedPerson], step: GuidedStep, row: int) -> Tensor:
        """One mask per person, (N, H, W)."""
        masks = torch.stack([ellipse(box, step.size) for box in faces.boxes]).to(step.features.device)
        if self.order == "most alike":
            alike = torch.stack([_likeness(person, masks, step.features[row]) for person in people])
            faces = replace(faces, likeness=alike)
        chosen = assign(faces, len(people), self.order)
        return masks[[chosen[person] for person in range(len(people))]]


@torch.no_grad()
def _likeness(person: GuidedPerson, masks: Tensor, features: Tensor) -> Tensor:
    """How alike the face in each mask is to somebody, (F,), 0–1."""
    if person.features is None:
        raise InvalidSettingError(f'The features of "{person.name}" were not read; prepare the guidance first.')
    reference = person.features.to(features.device)
    inside = adaptive_max_pool2d(masks[:, None], features.shape[-2:])[:, 0] > 0
    found = [features.flatten(1).T[mask.flatten()].float() for mask in inside]
    return torch.stack([similarity(reference, points[nearest(reference, points)]).mean() for points in found])


@dataclass(frozen=True, eq=False, slots=True)
class PlacedMasks:
    """Finds people where most layers of the guided pass place them; a `MaskSource`.

    It is a residual too, to be attached to the same UNet: as such it looks at guided passes alone and adds nothing.

    Attributes:
        placement: of N people.
        places: of these N in the chain of people.
    """

    placement: Placement
    places: tuple[int, ...]

    @property
    def wants_attention(self) -> bool:
        """Never."""
        return False

    def wants(self, site: AttentionSite) -> bool:
        """Whether the layer is one of cross-attention."""
        return site.kind == "cross"

    @torch.no_grad()
    def __call__(self, site: AttentionSite, call: AttentionCall) -> None:
        """Note the weights of a guided pass's positive rows."""
        if call.run.notes is None or call.polarity is not Polarity.POSITIVE:
            return
        seen: PlacementRecord = call.run.notes.setdefault(self, PlacementRecord())
        seen.record(tuple(map(str, self.places)), call, self.placement(site, call))

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """The positions that are mostly somebody's, 0 or 1, see `MaskSource`; nobody's where the pass was not seen."""
        seen: PlacementRecord | None = step.notes.pop(self, None)
        found = None if seen is None else seen.maps()
        if found is None:
            return torch.zeros(len(people), len(step.features), *step.size, device=step.features.device)
        owner = torch.where(found.maps.amax(1) > 0, found.maps.argmax(1), -1)  # (B, h, w)
        columns = [self.places.index(person.place) for person in people]
        return torch.stack([(owner == column).float() for column in columns]).to(step.features.device)
