"""People where a placement puts them, such as a router: read from the guided pass itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..placement.placements import Placement
from ..port.attention import AttentionCall, AttentionSite, Polarity
from ..port.guidance import GuidedStep
from ..records.placements import PlacementRecord
from .guided_person import GuidedPerson


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
