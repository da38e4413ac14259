"""How strong the guidance should be: every strength mode from hardly to too much, for the node's default and its help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...diffusers_host.sigmas import level_at
from ...models.omniportrait.guidance_settings import StrengthMode
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from .arms import Arm
from .experiments import ON, PLAIN
from .guided_sweeps import SWEPT
from .guiding import Guiding

PAPERS_START = 0.4  # u = 0.6, the default of the node
OWN_SCALE, PAPERS_SCALE = 2.0, 7.5  # of classifier-free guidance: the miniature's, and OmniPortrait 4.2's
SIGNS: Mapping[StrengthMode, str] = {"relative": "s", "paper_mean": "mean, p", "paper_sum": "sum, p"}
# The paper's p is 8.5; how large the others have to be shows in how alike the features become.
STRENGTHS: Mapping[StrengthMode, tuple[float, ...]] = {
    "relative": (0.15, 0.5, 1.0, 1.5, 3.0, 6.0),
    "paper_mean": (8.5, 100.0, 1000.0),
    "paper_sum": (8.5, 100.0, 1000.0),
}
AT_PAPERS_SCALE = STRENGTHS["relative"][:4]


@dataclass(frozen=True, slots=True)
class Ladder:
    """One strength mode at rising strengths.

    Attributes:
        name: for the report.
        scale: of classifier-free guidance.
        unguided: the arm without guidance.
        arms: the weakest first.
    """

    name: str
    scale: float
    unguided: str
    arms: tuple[Arm, ...]


def ladders(shipped: UniPortraitAdapter, guiding: Guiding) -> tuple[Ladder, ...]:
    """Return every mode without ID tokens and on top of them, and "relative" at the paper's scale as well.

    Args:
        shipped: UniPortrait.
        guiding: what is changed in mode and strength; it begins where the paper does.
    """
    guiding = replace(guiding, start=level_at(PAPERS_START))
    found: list[Ladder] = []
    for mode, values in STRENGTHS.items():
        found += [_ladder(mode, values, OWN_SCALE, adapter, guiding) for adapter in (None, shipped)]
        if mode == "relative":
            found += [_ladder(mode, AT_PAPERS_SCALE, PAPERS_SCALE, adapter, guiding) for adapter in (None, shipped)]
    return tuple(found)


def _ladder(
    mode: StrengthMode, values: tuple[float, ...], scale: float, adapter: UniPortraitAdapter | None, guiding: Guiding
) -> Ladder:
    where = "by itself" if adapter is None else "on top of ID tokens"
    before = "" if adapter is None else "tokens, "
    arms = tuple(
        Arm(
            name=f"{before}{SIGNS[mode]} = {value:g}",
            adapter=adapter,
            guiding=replace(guiding, mode=mode, strength=value),
            pictures=SWEPT,
        )
        for value in values
    )
    return Ladder(f"{mode} {where}, cfg {scale:g}", scale, PLAIN if adapter is None else ON, arms)
