"""How strong the guidance should be: every strength mode from hardly to too much, for the node's default, and the report on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from ....diffusers_host.noise_levels import level_at
from ....evaluation.bootstrap import Estimate, difference, estimate
from ....models.omniportrait.guidance_settings import DEFAULT_STRENGTH, StrengthMode
from ....models.uniportrait.checkpoint import UniPortraitAdapter
from ..arms import Arm
from ..experiments import ON, PLAIN
from ..gallery import Gallery
from ..guiding import Guiding
from ..judging import Values
from ..report import strip, write_lines
from .sweeps import SWEPT, arms_at

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
PRICES = ("text", "clear")  # what a picture may lose for likeness
COLUMNS = ("identity", "gain", "text", "change of text", "clear", "change of clear", "outside", "likeness")


@dataclass(frozen=True, slots=True)
class Ladder:
    """One strength mode at rising strengths.

    Attributes:
        name: for the report.
        scale: of classifier-free guidance.
        unguided: the same without guidance.
        arms: the weakest first.
    """

    name: str
    scale: float
    unguided: Arm
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
    where, before, unguided = ("by itself", "", PLAIN) if adapter is None else ("on top of ID tokens", "tokens, ", ON)
    named = [(f"{SIGNS[mode]} = {value:g}", value) for value in values]
    arms = arms_at(replace(guiding, mode=mode), before, "strength", named, adapter)
    return Ladder(f"{mode} {where}, cfg {scale:g}", scale, replace(arms[0], name=unguided, guiding=None), arms)


def write_ladder_report(folder: Path, galleries: Mapping[float, Gallery], ladders: Sequence[Ladder]) -> Path:
    """Write `guidance.md` and its pictures into a folder; return the path.

    Args:
        folder: of the reports.
        galleries: what was drawn, by scale of classifier-free guidance.
        ladders: every mode at rising strengths.
    """
    lines = ["# How strong the guidance should be, in the miniature", "", *_notes(next(iter(galleries.values()))), ""]
    for ladder in ladders:
        lines += _section(folder, galleries[ladder.scale], ladder)
    return write_lines(folder / "guidance.md", lines)


def gains(values: Mapping[str, Values], ladder: Ladder, metric: str) -> dict[str, Estimate]:
    """Return by how much a metric differs from the unguided pictures with the same noise, by arm."""
    plain = values[ladder.unguided.name][metric]
    return {arm.name: difference(values[arm.name][metric], plain) for arm in ladder.arms}


def _section(folder: Path, gallery: Gallery, ladder: Ladder) -> list[str]:
    values, names = gallery.values, [arm.name for arm in ladder.arms]
    gain = gains(values, ladder, "identity")
    prices = {metric: gains(values, ladder, metric) for metric in PRICES}
    lines = [f"## {ladder.name}", "", "| strength | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    plain = ladder.unguided.name
    before = {metric: estimate(found) for metric, found in values[plain].items()}
    lines.append(f"| {plain} | {before['identity']} | | {before['text']} | | {before['clear']} | | | |")
    for name in names:
        cells = [estimate(values[name]["identity"]), gain[name]]
        for metric in PRICES:
            cells += [estimate(values[name][metric]), prices[metric][name]]
        cells += [estimate(values[name][metric]) for metric in ("outside", "likeness")]
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    seen = [name for name in names if gain[name].low > 0]
    free = list(takewhile(lambda name: all(price[name].high >= 0 for price in prices.values()), names))
    best = max(names, key=lambda name: gain[name].mean)
    lines += [
        "",
        f"- Weakest whose gain is off 0: {seen[0] if seen else 'none'}.",
        f"- Most identity: {best}, {gain[best]}.",
        f"- Strongest up to which neither text nor clearness falls below 0 with its interval: {free[-1] if free else 'none'}.",
    ]
    return [*lines, *strip(folder, f"Guidance {ladder.name}", gallery, 1, [plain, *names])]


def _notes(gallery: Gallery) -> list[str]:
    settings = gallery.renderer.settings
    return [
        f"{SWEPT} pictures a strength, the same captions, noise and portraits in all of them, of people and a world that no "
        f"network has seen. {settings.steps} steps of Euler; guided from {PAPERS_START:.0%} of the sampling on, the paper's "
        f"u = {1 - PAPERS_START:g}. Means with bootstrap intervals of 95 %; gain and changes are paired differences from the same "
        "pictures unguided. Written by `make bench-miniature`; it says nothing about real models but how the modes compare.",
        "",
        "*identity* is the mean of skin, hair colour and eyes (chance .19), *text* the share of what the caption says, *clear* "
        "how sure the judge is of what it sees, mean probability of its answers, *outside* how far a picture differs from "
        "the unguided one outside of that one's heads, mean square times 1000, *likeness* how alike matched features are at the "
        "last guided step, (cos + 1) / 2.",
        "",
        "*relative* moves a face by s times what classifier-free guidance does there at that step; *paper_mean* and *paper_sum* "
        f"are Eq. 10 with the paper's p, which is 8.5. The node's default is *relative* with s = {DEFAULT_STRENGTH:g}.",
    ]
