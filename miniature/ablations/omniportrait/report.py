"""The report of OmniPortrait's experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ....evaluation.bootstrap import difference, estimate
from ..arms import PIVOT_STRENGTH
from ..claims import Experiment
from ..experiments import PLAIN
from ..gallery import Gallery
from ..guiding import WITH_PIVOT, WITH_TOKENS, Guiding
from ..heads import WIDENING
from ..judging import Values
from ..matching import GATE, Matches, passes
from ..report import notes, section, strip, table, write_lines
from .experiments import DRAWN, EXPERIMENTS, MEASURED, NO_STRENGTH, ONE
from .sweeps import SWEPT, Sweep


def write_guided_report(
    folder: Path,
    gallery: Gallery,
    gate: Sequence[Matches],
    measured: Mapping[str, Mapping[str, Values]],
    sweeps: Sequence[Sweep],
    guiding: Guiding,
    experiments: Sequence[Experiment] = EXPERIMENTS,
) -> Path:
    """Write `omniportrait.md` and its pictures into a folder; return the path.

    Args:
        folder: of the reports.
        gallery: what was drawn.
        gate: how features match, by block and noise level.
        measured: values of the experiments for which nothing is drawn, by experiment and arm.
        sweeps: of O5; without any, those that the file has stay.
        guiding: how pictures were guided where an arm does not say otherwise.
        experiments: whose sections are written; others that the file has stay.
    """
    is_gated = not passes(gate, guiding.block, guiding.reference_sigma)
    limits = {people: gallery.limits(people) for people in gallery.questions}
    sections: dict[str, list[str]] = {}
    for experiment in [each for each in experiments if each in MEASURED]:
        sections[experiment.name] = [*section(experiment, measured[experiment.name], None, is_gated=is_gated), ""]
    for experiment in [each for each in experiments if each in DRAWN]:
        lines = section(experiment, gallery.values, limits[experiment.people], is_gated=is_gated)
        if NO_STRENGTH in experiment.arms:
            same = torch.equal(gallery.drawn[NO_STRENGTH].latents, gallery.drawn[PLAIN].latents)
            lines.append(f"- Latents of {NO_STRENGTH} and {PLAIN}: {'' if same else 'not '}the same bit for bit")
        lines += strip(folder, experiment.name, gallery, experiment.people, experiment.arms)
        sections[experiment.name] = lines
    sections["O5"] = [line for sweep in sweeps for line in _sweep(folder, sweep, gallery)]
    ordered = sorted(sections, key=lambda name: (not name.startswith("O"), name))
    before = ["# OmniPortrait's claims in the miniature", "", *_notes(gallery, guiding), "", *_gate(gate, guiding)]
    lines = [*before, *(line for name in ordered for line in sections[name])]
    is_whole = len(experiments) == len(EXPERIMENTS) and bool(sweeps)
    return write_lines(folder / "omniportrait.md", lines, keeps=not is_whole)


def _gate(gate: Sequence[Matches], guiding: Guiding) -> list[str]:
    is_open = passes(gate, guiding.block, guiding.reference_sigma)
    verdict = "open" if is_open else 'shut: the verdicts below are "not interpretable"'
    lines = [
        "## Gate",
        "",
        "Does the nearest feature of an eye, the nose or a corner of the mouth lie within one cell of the same part in another "
        "drawing of the same person, at another place, in another size and light? Shares of right matches, over people whom "
        f"no arm is judged on. Guidance uses block {guiding.block} at σ {guiding.reference_sigma:g} and matches portraits with scenes; the "
        f"gate asks for {GATE:g} there and is {verdict}.",
        "",
        "| output block | σ | portrait → scene | left and right told apart | scene → scene | chance |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.block} | {each.sigma:g} | {each.portraits:.3f} | {each.same_side:.3f} | {each.scenes:.3f} | {each.chance:.3f} |"
        for each in gate
    ]
    return [*lines, ""]


def _sweep(folder: Path, sweep: Sweep, gallery: Gallery) -> list[str]:
    """Return a table, a strip, and whether the best value lies between the ends."""
    names = [arm.name for arm in sweep.arms]
    rows = {name: gallery.values[name] for name in names}
    best = max(names, key=lambda name: estimate(rows[name]["identity"]).mean)
    plain = {
        f"{sweep.unguided}, these {SWEPT}": {
            metric: values[:SWEPT] for metric, values in gallery.values[sweep.unguided].items()
        }
    }
    lines = [f"## O5: {sweep.name}", "", sweep.claim, "", *table(sweep.name, plain | rows, ONE)]
    lines.append(f"- Most identity at {best}.")
    for end in (names[0], names[-1]):
        if end != best:
            found = difference(rows[best]["identity"], rows[end]["identity"])
            lines.append(f"- identity: {best} minus {end}: {found}")
    return [*lines, *strip(folder, f"O5 {sweep.name}", gallery, 1, names)]


def _notes(gallery: Gallery, guiding: Guiding) -> list[str]:
    return [
        *notes(gallery),
        "",
        f"Unless an arm says otherwise: strength mode *relative* with s = {guiding.strength:g}, on top of ID tokens {WITH_TOKENS:g} and of PIE {WITH_PIVOT:g}, from σ {guiding.start:g} on, "
        f"features of output block {guiding.block}, one portrait a person, read at σ {guiding.reference_sigma:g} with four "
        "noises. Heads are where a detector finds a face in the preview of what the picture will be, looked for at every fifth "
        f"guided step, its box widened by {WIDENING:g} of its size on every side for the hair, the ellipse inside it taken: "
        "what a user has. The portraits' masks are the true ones. Tap and noise levels were chosen on pictures of another "
        f"world than the one that arms are judged on. Sweeps have {SWEPT} pictures an arm. *PIE* is the Pivot ID Encoder: one row of "
        f"the prompt is fused with the portrait, with strength {PIVOT_STRENGTH:g}, and nothing of the base is trained.",
        "",
        "*outside* is how far a picture differs from the unguided one with the same noise, outside of that one's heads, mean "
        "square times 1000; *likeness* how alike matched features are at the last guided step, (cos + 1) / 2.",
    ]
