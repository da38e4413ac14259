"""People and an adapter become what is attached to a UNet, the same in every host: routing people to places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ..adapters.weights import LoRA
from ..errors import InvalidSettingError, require_range
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.rule import By, place, ways
from ..placement.standing import Standing
from ..port.attention import AttentionCall, AttentionSite, Polarity
from .checkpoint import UniPortraitAdapter
from .choices import Choices
from .id_routing import IDRouter

STRENGTH = 0.7  # of the published code; a person's own strength is a factor on it
STRUCTURE_ONE, STRUCTURE_SEVERAL = 0.1, 0.3  # structure scales of the published code
LONGEST = 100  # noise levels from one choice of the routers to the next
AUTO = -1.0  # a structure scale below 0 is chosen by the number of people


@dataclass(frozen=True, eq=False, slots=True)
class Routed:
    """Every position belongs to the one person whom the site's router prefers.

    On negative rows all identities are the same null identity, so each gets an equal part there and no router runs.

    Attributes:
        routers: `IDRouter` by site index.
        tokens: (N, T, D) identity embeddings of the people to place.
        is_soft: whether people share a position by the softmax of the router's logits (Table 3) in place of the choice.
        every: noise levels from one choice to the next; in between the last one is kept.

    Reference: UniPortrait (arXiv:2408.05939), ID routing. Deviation: docs/parity.md.
    """

    routers: nn.ModuleDict
    tokens: Tensor
    is_soft: bool = False
    every: int = 1

    def __post_init__(self) -> None:
        require_range("route_every", self.every, LONGEST, lowest=1)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N), one-hot or soft on positive rows, 1/N on negative ones."""
        people = self.tokens.shape[0]
        if people == 1 or call.polarity is Polarity.NEGATIVE:
            rows, positions, _ = call.hidden.shape
            return call.hidden.new_full((1, 1, 1), 1 / people).expand(rows, positions, people)
        return self.standing(site, call).shares(call.hidden)

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """Who stands where; on negative rows one identity everywhere, as all are the same."""
        people = self.tokens.shape[0]
        if people == 1 or call.polarity is Polarity.NEGATIVE:
            return call.run.remember((self, "one"), lambda: Standing(people=1, is_kept=True))
        if self.every == 1 and call.run.recorder is None:
            return self._choose(site, call)
        choices: Choices = call.run.found.setdefault(self, Choices(self.every))
        return choices.at(site.index, call, lambda: self._choose(site, call))

    def _choose(self, site: AttentionSite, call: AttentionCall) -> Standing:
        people = self.tokens.shape[0]
        key = (self, site.index, call.hidden.dtype, call.hidden.device)
        router, folded, power = call.run.remember(key, lambda: self._prepare(site, call.hidden))
        if router.aggr_router.weight.device != call.hidden.device:  # somebody has taken its memory since
            router, folded, power = call.run.memo[key] = self._prepare(site, call.hidden)
        logits = router.folded_logits(call.hidden, folded)  # (B, L, N)
        if self.is_soft:
            return Standing(people=people, weights=(logits.float() * power).softmax(dim=-1).to(logits.dtype))
        return Standing(people=people, choice=logits.argmax(dim=-1))  # the first of equals wins

    def _prepare(self, site: AttentionSite, like: Tensor) -> tuple[IDRouter, Tensor, Tensor]:
        """The router in the type of the hidden states, and what tells people apart, worked out in float32."""
        own = cast(IDRouter, self.routers[str(site.index)])
        exact = _moved(own, like.float())
        folded, power = exact.fold_differences(self.tokens.to(like.device, torch.float32)[None])
        return _moved(own, like), folded.to(like), power


def _moved(router: IDRouter, like: Tensor) -> IDRouter:
    """A router in the type and on the device of a tensor."""
    weight = next(router.parameters())
    if (weight.dtype, weight.device) == (like.dtype, like.device):
        return router
    # a copy of the module would bring along what a host has put into its layers while a gradient is taken
    weights = {name: tensor.to(like) for name, tensor in router.state_dict().items()}
    return IDRouter.from_state_dict(weights).requires_grad_(False)


def structure_for(people: int, asked: float = AUTO) -> float:
    """The structure scale, 0–1: the one asked for, or where that is below 0, 0.1 for one person and 0.3 for several.

    Raises:
        InvalidSettingError: if it is above 1.
    """
    if asked < 0:
        return STRUCTURE_ONE if people < 2 else STRUCTURE_SEVERAL
    require_range("structure_scale", asked, 1)
    return asked


def lora_for(adapter: UniPortraitAdapter, people: int) -> LoRA | None:
    """One LoRA for one person, another for several, none for nobody.

    Raises:
        InvalidSettingError: if the router file is needed and was not loaded.
    """
    if people < 2:
        return adapter.single_lora if people else None
    if adapter.multi_lora is None:
        raise InvalidSettingError(
            f"{people} people need the router file, and Load UniPortrait has none: put it into models/uniportrait (the "
            "published one is uniportrait-router_sd15.bin) and choose it there."
        )
    return adapter.multi_lora


def placement_of(adapter: UniPortraitAdapter, people: Sequence[Person], tokens: Tensor, by: By = "router") -> Placement:
    """The placement of people by the adapter's own router.

    Args:
        adapter: its routers.
        people: N of them.
        tokens: of each, (N, T, D).
        by: see `placement.rule.ways`.
    """
    masks = [person.mask for person in people]
    chosen = ways([person.name for person in people], masks, by)
    return place(masks, chosen, lambda places: Routed(adapter.routers, tokens[list(places)]))
