"""Whom a UNet in training is shown: a residual that is exchanged from batch to batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..models.adapters.identity_attention import Acting, IdentityResidual
from ..models.placement.placements import Placement
from ..models.port.attention import AttentionCall, AttentionSite

SOMEBODY = Acting(name="", strength=1.0)


@dataclass(eq=False, slots=True)
class ShownPeople:
    """The identities' part of every cross-attention layer, with other people in every batch and every row of it.

    What was shown last stays until the next batch, because gradient checkpointing asks again.

    Attributes:
        attention: a KeyValueProjection by site index.
        residual: of the batch that is shown; None before the first.
    """

    attention: nn.ModuleDict
    residual: IdentityResidual | None = None

    def show(self, tokens: Tensor, placement: Placement) -> None:
        """Show the people of the next batch.

        Args:
            tokens: of everybody, (B, N, T, D).
            placement: who is where.
        """
        self.residual = IdentityResidual(
            attention=self.attention,
            tokens=tokens,
            null_tokens=tokens[0, :1],  # in training every row is positive: nobody is a person like others
            people=(SOMEBODY,) * tokens.shape[1],
            placement=placement,
        )

    def wants(self, site: AttentionSite) -> bool:
        """Whether there are keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """Attention to the people shown, (B, L, C), or None before the first."""
        return None if self.residual is None else self.residual(site, call)
