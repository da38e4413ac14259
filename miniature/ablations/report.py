"""Reports: tables in Markdown and a strip of pictures for every experiment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ...evaluation.bootstrap import estimate
from ...models.images.layout import arrays_from_images
from .claims import REFUTED, Claim, Experiment
from .experiments import BY_FACES, BY_ROUTER, BY_WORDS, EXPERIMENTS, HALVES, PLACED
from .gallery import SHOWN, Gallery
from .judging import Values

SIDE = 128  # pixels
QUALITY = 90  # of JPEG
UNDECIDABLE = "not interpretable"


def write_report(folder: Path, gallery: Gallery, experiments: Sequence[Experiment] = EXPERIMENTS) -> Path:
    """Write `uniportrait.md` and its pictures into a folder; return the path.

    Args:
        folder: of the reports.
        gallery: what was drawn.
        experiments: whose sections are written; others that the file has stay.
    """
    lines = ["# UniPortrait's claims in the miniature", "", *notes(gallery), ""]
    limits = {people: gallery.limits(people) for people in gallery.questions}
    for experiment in experiments:
        lines += section(experiment, gallery.values, limits[experiment.people])
        if experiment.name == "U6":
            lines += [f"- {name}: entropy {gallery.drawn[name].entropy:.3f} nats" for name in experiment.arms]
        lines += strip(folder, experiment.name, gallery, experiment.people, experiment.arms)
    return write_lines(folder / "uniportrait.md", lines, keeps=len(experiments) < len(EXPERIMENTS))


def write_placed_report(folder: Path, gallery: Gallery) -> Path:
    """Write `ip_adapter.md` and its pictures into a folder; return the path."""
    lines = ["# IP-Adapter FaceID with two people in the miniature", "", *notes(gallery), ""]
    limits = gallery.limits(2)
    for experiment in PLACED:
        lines += section(experiment, gallery.values, limits)
        lines += [f"- {each}" for each in _behind(experiment, gallery.values)]
        lines += strip(folder, experiment.name, gallery, experiment.people, experiment.arms)
    return write_lines(folder / "ip_adapter.md", lines)


def _behind(experiment: Experiment, values: Mapping[str, Values]) -> list[str]:
    """How far words and faces are behind masks and the router, where all of them were drawn."""
    if not {BY_WORDS, BY_FACES, HALVES, BY_ROUTER} <= set(experiment.arms):
        return []
    claims = [
        Claim(metric, arm, other, "higher")
        for arm in (BY_WORDS, BY_FACES)
        for other in (HALVES, BY_ROUTER)
        for metric in ("identity", "recognised", "blending")
    ]
    return [f"{claim.difference}: {claim.test(values)[0]}" for claim in claims]


def notes(gallery: Gallery) -> list[str]:
    """Return what stands before every report: how pictures were drawn and what the numbers are."""
    settings, pictures = gallery.renderer.settings, len(gallery.questions[1])
    return [
        f"{pictures} pictures an arm, the same captions, noise and portraits in all of them; people and world are ones that "
        f"no network has seen. {settings.steps} steps of Euler, guidance {settings.guidance:g}. Means with bootstrap intervals "
        "of 95 %, differences paired; a claim holds if the interval of its difference lies on the expected side of 0, "
        "does not hold here if it lies on the other, and is undecided if 0 lies inside. Written by `make bench-miniature`; it says nothing about real models.",
        "",
        "*identity* is the mean of skin, hair colour and eyes (chance .19), *text* the share of what the caption says, "
        "*recognised* whether the judge picks everybody out of a line-up with 8 strangers, *blending* how far two faces agree "
        "beyond what the two people do, *copying* how often the mouth is open as on the portrait (rarely in true pictures: the "
        "world draws another expression than the portrait's).",
    ]


def section(
    experiment: Experiment, values: Mapping[str, Values], limits: Values | None, *, is_gated: bool = False
) -> list[str]:
    """Return an experiment's table and what became of its claims.

    Args:
        experiment: what was claimed.
        values: by arm.
        limits: of true pictures; None where there are none.
        is_gated: whether a gate is shut, so that nothing was decided.
    """
    lines = [f"## {experiment.name}", "", experiment.claim, ""]
    rows = {name: values[name] for name in experiment.arms} | ({"*true pictures*": limits} if limits else {})
    lines += table("arm", rows, experiment.metrics)
    for claim in experiment.claims:
        found, verdict = claim.test(values)
        said = UNDECIDABLE if is_gated else verdict
        why = f": {claim.why}" if said == REFUTED and claim.why else ""
        lines.append(f"- {claim.difference}: {found}; expected {claim.demand}: **{said}**{why}")
    return lines


def table(title: str, rows: Mapping[str, Values], metrics: Sequence[str]) -> list[str]:
    """Return the means with intervals, one row for each name."""
    lines = [f"| {title} | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(_cell(values, metric) for metric in metrics) + " |" for name, values in rows.items()
    ]
    return [*lines, ""]


def strip(folder: Path, name: str, gallery: Gallery, people: int, arms: Sequence[str]) -> list[str]:
    """Save portraits in the first row and the same questions in every arm below; return the lines that show it."""
    rows = {"portraits": portrait_row(gallery.questions[people].references)}
    return save_rows(folder, name, rows | {arm: picture_row(gallery.pictures[arm]) for arm in arms})


def portrait_row(references: Tensor) -> np.ndarray:
    """Return the portraits of the first questions, (P, N, 3, S, S), 0–1, beside each other, all of a question in one square."""
    return np.concatenate([_side_by_side(each) for each in references[:SHOWN]], 1)


def picture_row(pictures: Tensor) -> np.ndarray:
    """Return the first pictures, (P, 3, H, W), 0–1, beside each other."""
    return np.concatenate(arrays_from_images(pictures[:SHOWN].permute(0, 2, 3, 1)), 1)


def save_rows(folder: Path, name: str, rows: Mapping[str, np.ndarray]) -> list[str]:
    """Save rows of pictures by title as one picture, as wide as the shortest; return the lines that show it."""
    folder.mkdir(parents=True, exist_ok=True)
    width = min(row.shape[1] for row in rows.values())
    file = re.sub(r"\W+", "-", name) + ".jpg"  # links hold no spaces
    Image.fromarray(np.concatenate([row[:, :width] for row in rows.values()])).save(folder / file, quality=QUALITY)
    return ["", f"Rows: {'; '.join(rows)}.", "", f"![{name}]({file})", ""]


def write_lines(path: Path, lines: Sequence[str], *, keeps: bool = False) -> Path:
    """Write lines to a file; return its path.

    Args:
        path: of the file.
        lines: of the report.
        keeps: whether sections of a file that is there stay where the lines have none of their title.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _sections("\n".join(lines) + "\n")
    if keeps and path.exists():
        written = _sections(path.read_text("utf-8")) | written
    path.write_text("".join(written.values()), encoding="utf-8")
    return path


def _sections(text: str) -> dict[str, str]:
    """The sections of a report by their first line; what stands before the first heading is one."""
    parts = re.split(r"(?m)^(?=## )", text)
    return {"": parts[0], **{part.split("\n", 1)[0]: part for part in parts[1:]}}


def _cell(values: Values, metric: str) -> str:
    return str(estimate(values[metric])) if metric in values else ""


def _side_by_side(people: Tensor) -> np.ndarray:
    """Return all portraits of a question in one square, (SIDE, SIDE, 3)."""
    pictures = [Image.fromarray(array) for array in arrays_from_images(people.permute(0, 2, 3, 1))]
    width = SIDE // len(pictures)
    square = Image.new("RGB", (SIDE, SIDE), "white")
    for place, picture in enumerate(pictures):
        square.paste(picture.resize((width, width)), (place * width, (SIDE - width) // 2))
    return np.asarray(square)
