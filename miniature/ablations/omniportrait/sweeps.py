"""O5 and the settings that the paper does not have: the guidance at several values of one setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ....diffusers_host.noise_levels import share_behind
from ....models.uniportrait.checkpoint import UniPortraitAdapter
from ..arms import Arm
from ..experiments import ON, PLAIN
from ..guiding import Guiding

SWEPT = 64  # pictures of an arm
STRENGTHS = (0.15, 0.5, 1.5, 3.0, 6.0, 9.0, 12.0)
STARTS = (0.6, 1.3, 2.3, 4.2, 8.0, 19.0, 41.0, 5000.0)  # each just above the level of a step
REFERENCES = (0.1, 0.3, 0.57, 1.05, 2.28, 2.98, 5.4)
EVERY = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Sweep:
    """O5: one setting of the guidance at several values.

    Attributes:
        name: what is changed.
        claim: what the paper says of it.
        unguided: the arm without guidance.
        arms: from one end to the other.
    """

    name: str
    claim: str
    unguided: str
    arms: tuple[Arm, ...]


def sweeps(shipped: UniPortraitAdapter, guiding: Guiding, blocks: Sequence[int]) -> tuple[Sweep, ...]:
    """Return the sweeps of O5, and those of settings that the paper does not have.

    Args:
        shipped: UniPortrait.
        guiding: what is changed in one setting at a time.
        blocks: output blocks that are compared.
    """
    return (
        Sweep(
            "strength s",
            "Identity grows with the strength and falls where it is too strong; the text falls.",
            PLAIN,
            arms_at(guiding, "", "strength", [(f"s = {value:g}", value) for value in STRENGTHS]),
        ),
        Sweep(
            "strength s with ID tokens",
            "Likewise, on top of UniPortrait.",
            ON,
            arms_at(
                guiding, "tokens, ", "strength", [(f"s = {value:g}", value) for value in STRENGTHS[:5]], adapter=shipped
            ),
        ),
        Sweep(
            "start u",
            "Starting too late does nothing, starting too early loses the text; there is a best start between (the paper: 0.6).",
            PLAIN,
            arms_at(
                guiding, "", "start", [(f"σ ≤ {value:g} (u = {_share_ahead(value):.2f})", value) for value in STARTS]
            ),
        ),
        Sweep(
            "noise on the portraits, t0",
            "There is a best noise level for the portraits' features (the paper: t0 = 671, σ 2.98, on latents of 64² and more).",
            PLAIN,
            arms_at(guiding, "", "reference_sigma", [(f"portraits at σ {value:g}", value) for value in REFERENCES]),
        ),
        Sweep(
            "tap",
            "Features of one output block are better to match than those of others (reported only).",
            PLAIN,
            arms_at(guiding, "", "block", [(f"output block {block}", block) for block in blocks]),
        ),
        Sweep(
            "steps that share a gradient",
            "A gradient can serve several steps, which saves backward passes (reported only).",
            PLAIN,
            arms_at(guiding, "", "every", [(f"every = {every}", every) for every in EVERY]),
        ),
    )


def arms_at(
    guiding: Guiding,
    prefix: str,
    setting: str,
    values: Sequence[tuple[str, float]],
    adapter: UniPortraitAdapter | None = None,
) -> tuple[Arm, ...]:
    """Return an arm for each value of one setting.

    Args:
        guiding: what is changed in that setting.
        prefix: to the arms' names.
        setting: a field of `Guiding`.
        values: each with its name.
        adapter: None draws without UniPortrait.
    """
    return tuple(
        Arm(name=prefix + name, adapter=adapter, guiding=replace(guiding, **{setting: value}), pictures=SWEPT)
        for name, value in values
    )


def _share_ahead(sigma: float) -> float:
    """Return the paper's u: the share of the schedule that is still to come."""
    return 1 - share_behind(sigma)
