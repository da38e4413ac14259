"""UniPortrait, stage II: routers and LoRA learn who is where; what stage I learned stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...diffusers_host.attention import RunContext, attach
from ...diffusers_host.base import Base
from ...models.port.attention import AttentionCall, AttentionSite
from ...models.uniportrait.encode import ReferenceFeatures
from ...models.uniportrait.id_routing import IDRouter
from ..adapter_networks import Weights
from ..batches.batch import Batch
from ..batches.draws import Draws
from ..denoising import denoising_loss
from ..shown_people import ShownPeople
from .networks import UniPortraitNetworks, router_weights
from .people import NOTHING_DROPPED, drop_faces, identity_tokens
from .routing_loss import RoutingForm, routing_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How routers are trained.

    Attributes:
        weight: λ of the regularisation.
        form: of the regularisation, see `routing_loss`; "sum" is the paper's.
        tau: temperature of the Gumbel softmax, above 0.
        drop_face: how often everybody becomes nobody, 0–1.
        has_noise: whether the choice is made with Gumbel noise, as in the paper; without, it is the likeliest.
    """

    weight: float = 0.1
    form: RoutingForm = "sum"
    tau: float = 1.0
    drop_face: float = 0.05
    has_noise: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class GumbelPlacement:
    """Every position of a batch goes to one person, chosen with noise; gradients pass as if it were the soft choice.

    Attributes:
        routers: IDRouter by site index.
        tau: temperature.
        tokens: of the batch, (B, N, T, D).
        present: which people are there, (B, N).
        draws: the noise; None chooses without, as at inference.
        has_noise: see `Routing`.
        seen: takes noise-free shares (B, L, N) and the layer's grid, by site.
    """

    routers: nn.ModuleDict
    tau: float
    tokens: Tensor
    present: Tensor
    draws: Draws | None = None
    has_noise: bool = True
    seen: dict[int, tuple[Tensor, tuple[int, int]]] = field(default_factory=dict)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """One-hot weights (B, L, N) with the gradient of the softmax (straight-through)."""
        router = cast(IDRouter, self.routers[str(site.index)])
        hidden = call.hidden.to(next(router.parameters()).dtype)
        logits = router.logits(hidden, self.tokens).float()
        logits = logits.masked_fill(~self.present[:, None, :], torch.finfo(torch.float32).min / 2)
        if self.draws is None:
            return one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(call.query.dtype)
        self.seen.setdefault(site.index, (logits.softmax(dim=-1), call.grid))  # checkpointing comes here twice
        # people first, so that those who are only filled up change nobody's numbers
        if self.has_noise:
            logits = logits + self.draws.gumbel(f"routing {site.index}", logits.shape[:0:-1]).mT.to(logits)
        soft = (logits / self.tau).softmax(dim=-1)
        hard = one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft)
        return (hard + soft - soft.detach()).to(call.query.dtype)


class StageTwo(nn.Module):
    """Stage II, attached to the base's UNet from the beginning.

    Args:
        base: the frozen base model.
        networks: of stage I, with routers; those and the LoRA are trained.
        null: the features of nobody.
        routing: how the routers are trained.
        seed: of the random numbers.
        power: of timesteps, see `denoising_loss`.

    Reference: UniPortrait (arXiv:2408.05939), sections 3.3 and 3.4, stage II.
    """

    def __init__(
        self,
        base: Base,
        networks: UniPortraitNetworks,
        null: ReferenceFeatures,
        *,
        routing: Routing,
        seed: int,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.networks, self.null, self.routing, self.seed = base, networks, null, routing, seed
        self.power = power
        self.routers, self.lora = networks.routers, networks.lora
        self.requires_grad_(True)
        self.frozen = (networks.id_embedding, networks.attention)  # in a tuple, so no checkpoint holds them
        for module in self.frozen:
            module.requires_grad_(False)
        self.shown = ShownPeople(networks.attention)
        self.detach = attach(base.unet, self.shown, lora=self.lora.pairs(), context=RunContext(sigma=0.0))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The denoising loss plus λ times the routing regularisation."""
        draws = Draws(self.seed, batch.positions)
        dropped = drop_faces(batch, draws, self.routing.drop_face)
        placement = self._show(batch, dropped, draws, is_drawn=True)
        denoising = denoising_loss(self.base, batch, draws, power=self.power)
        shown = batch.present & ~dropped[:, None]
        routing = routing_loss(placement.seen.values(), batch.boxes, shown, form=self.routing.form)
        return {"loss": denoising + self.routing.weight * routing, "denoising": denoising, "routing": routing}

    def trained(self) -> Iterator[nn.Parameter]:
        """Routers and LoRA."""
        return chain(self.routers.parameters(), self.lora.parameters())

    def show(self, batch: Batch, *, nobody: Tensor | None = None) -> Batch:
        """Show the people of a batch to the UNet, placed without noise, and nobody in some rows, (B,) bool; gives it."""
        hidden = torch.zeros_like(batch.present[:, 0]) if nobody is None else nobody
        self._show(batch, hidden, Draws(self.seed, batch.positions), is_drawn=False)
        return batch

    def weights(self) -> Weights:
        """The published router file's contents."""
        return router_weights(self.networks)

    def _show(self, batch: Batch, dropped: Tensor, draws: Draws, *, is_drawn: bool) -> GumbelPlacement:
        """Show the people of a batch, placed with the noise of `draws` or without; gives the placement."""
        embedding = self.networks.id_embedding
        tokens = identity_tokens(embedding, batch, self.null, dropped, draws, NOTHING_DROPPED)
        placement = GumbelPlacement(
            self.routers,
            self.routing.tau,
            tokens,
            batch.present,
            draws=draws if is_drawn else None,
            has_noise=self.routing.has_noise,
        )
        self.shown.show(tokens, placement)
        return placement
