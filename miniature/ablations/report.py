"""The report: tables in Markdown and a strip of pictures for every experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ...models.images import arrays_from_images
from ..judge.scores import IDENTITY
from .arms import Values
from .bootstrap import estimate
from .experiments import EXPERIMENTS, Experiment
from .questions import Questions

SHOWN = 8  # pictures of every arm
SIDE = 128  # pixels
ONE = ("identity", *IDENTITY, "text", "copying")
TWO = ("identity", *IDENTITY, "text", "recognised", "blending")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Results:
    """What was drawn and judged.

    Attributes:
        values: by arm.
        entropies: of the routers, by arm.
        pictures: by arm, (P, 3, H, W), 0–1.
        limits: what the judge says of true pictures, by number of people.
        questions: by number of people.
    """

    values: Mapping[str, Values]
    entropies: Mapping[str, float]
    pictures: Mapping[str, Tensor]
    limits: Mapping[int, Values]
    questions: Mapping[int, Questions]


def write_report(folder: Path, results: Results, notes: list[str]) -> Path:
    """Write `miniature.md` and its pictures into a folder; gives the path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# UniPortrait's claims in the miniature", "", *notes, ""]
    for experiment in EXPERIMENTS:
        lines += _section(experiment, results)
        _save_strip(folder / f"{experiment.name}.png", experiment, results)
    path = folder / "miniature.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _section(experiment: Experiment, results: Results) -> list[str]:
    metrics = ONE if experiment.people == 1 else TWO
    lines = [f"## {experiment.name}", "", experiment.claim, ""]
    lines += ["| arm | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
    for name in experiment.arms:
        lines.append(f"| {name} | " + " | ".join(_cell(results.values[name], metric) for metric in metrics) + " |")
    limit = results.limits[experiment.people]
    lines.append("| *true pictures* | " + " | ".join(_cell(limit, metric) for metric in metrics) + " |")
    lines.append("")
    for claim in experiment.claims:
        found, verdict = claim.test(results.values)
        lines.append(
            f"- {claim.metric}: {claim.arm} minus {claim.other}: {found}; expected {claim.expected}: **{verdict}**"
        )
    if experiment.name == "U6":
        lines += [f"- {name}: entropy {results.entropies[name]:.3f} nats" for name in experiment.arms]
    rows = ["portraits", *experiment.arms]
    return [*lines, "", f"Rows: {', '.join(rows)}.", "", f"![{experiment.name}]({experiment.name}.png)", ""]


def _cell(values: Values, metric: str) -> str:
    return str(estimate(values[metric])) if metric in values else ""


def _save_strip(path: Path, experiment: Experiment, results: Results) -> None:
    """Portraits in the first row, then the same questions in every arm."""
    references = results.questions[experiment.people].references[:SHOWN]
    rows = [np.concatenate([_side_by_side(each) for each in references], 1)]
    rows += [
        np.concatenate(arrays_from_images(results.pictures[arm][:SHOWN].permute(0, 2, 3, 1)), 1)
        for arm in experiment.arms
    ]
    Image.fromarray(np.concatenate(rows)).save(path)


def _side_by_side(people: Tensor) -> np.ndarray:
    """All portraits of a question in one square, (SIDE, SIDE, 3)."""
    pictures = [Image.fromarray(array) for array in arrays_from_images(people.permute(0, 2, 3, 1))]
    width = SIDE // len(pictures)
    square = Image.new("RGB", (SIDE, SIDE))
    for place, picture in enumerate(pictures):
        square.paste(picture.resize((width, width)), (place * width, (SIDE - width) // 2))
    return np.asarray(square)
