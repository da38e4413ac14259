"""The report of a run: a table in Markdown, the same as JSON, and a sheet of pictures for every subject."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ...models.images.contact_sheet import contact_sheet
from ..bootstrap import LEVEL
from ..hosts.host import Wanted
from ..running.whole_file import write_whole
from .summary import Column, Summary, as_json

JSON, MARKDOWN, SHEETS = "report.json", "report.md", "sheets"
SHOWN = 24  # pictures of a subject, besides the photos
QUALITY = 90  # of JPEG


def write_report(
    folder: Path,
    summary: Summary,
    plan: Sequence[Wanted],
    picture: Callable[[Wanted], np.ndarray],
    photo: Callable[[Path], np.ndarray],
) -> Path:
    """Write everything into a folder; return the file in Markdown.

    Args:
        folder: of the run.
        summary: what it came to.
        plan: all pictures.
        picture: gives a picture, (H, W, 3) uint8.
        photo: gives a photo, (H, W, 3) uint8.
    """
    sheets = {subject: _write_sheet(folder, some, picture, photo) for subject, some in _by_subject(plan)}
    told = json.dumps(as_json(summary), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(folder / JSON, f"{told}\n".encode())
    return write_whole(folder / MARKDOWN, "\n".join([*lines(summary), *_shown(sheets)]).encode())


def lines(summary: Summary) -> list[str]:
    """The report without its pictures."""
    columns = summary.columns
    drawn = ", ".join(f"{name} {value}" for name, value in summary.drawn.items() if value != "")
    text = [
        f"# {summary.name}",
        "",
        *([summary.source, ""] if summary.source else []),
        f"{summary.pictures} pictures: {len(summary.subjects)} subjects, {summary.prompts} prompts, {summary.seeds} seeds; drawn by "
        f"{summary.host} ({drawn}). Means with bootstrap intervals of {LEVEL} %, over the means of subjects, or over "
        "pictures where there is one subject. ↑ higher is better, ↓ lower.",
        "",
        "| | " + " | ".join(f"{each.label} {'↑' if each.better == 'higher' else '↓'}" for each in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        "| **this run** | " + " | ".join(map(_cell, columns)) + " |",
    ]
    for row in summary.papers:
        cells = [
            f"{row.values[each.label]:g}{_mark(row.notes, each)}" if each.label in row.values else ""
            for each in columns
        ]
        text.append(f"| {row.name} ({row.source}) | " + " | ".join(cells) + " |")
    notes = [f"- * {row.name}, {label}: {note}." for row in summary.papers for label, note in row.notes.items()]
    text += ["", *notes, *(f"- {each.label}: {_about(each)}" for each in columns)]
    return [*text, "", *_by_subject_table(summary)]


def _cell(column: Column) -> str:
    found = column.estimate
    return str(found) if found.low == found.low else f"{found.mean:.3f}"


def _mark(notes: object, column: Column) -> str:
    return " *" if isinstance(notes, dict) and column.label in notes else ""


def _about(column: Column) -> str:
    said = [f"{column.kind}, {column.pictures} pictures"]
    said += [f"{column.left_out} say nothing"] if column.left_out else []
    said += [f"recogniser {column.recogniser}"] if column.recogniser else []
    said += [f"{name} {value:.3f}" for name, value in column.others.items()]
    return ", ".join(said) + "."


def _by_subject_table(summary: Summary) -> list[str]:
    columns = [each for each in summary.columns if each.by_subject]
    if not columns:
        return []
    text = ["| subject | " + " | ".join(each.label for each in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for subject in summary.subjects:
        text.append(f"| {subject} | " + " | ".join(f"{each.by_subject[subject]:.3f}" for each in columns) + " |")
    return [*text, ""]


def _by_subject(plan: Iterable[Wanted]) -> list[tuple[str, list[Wanted]]]:
    found: dict[str, list[Wanted]] = {}
    for wanted in plan:
        found.setdefault(wanted.subject, []).append(wanted)
    return list(found.items())


def _write_sheet(
    folder: Path, some: Sequence[Wanted], picture: Callable[[Wanted], np.ndarray], photo: Callable[[Path], np.ndarray]
) -> Path:
    """Write a sheet: a photo of everybody, then pictures of as many prompts as there is room for, the first seeds first."""
    from PIL import Image

    shown = sorted(some, key=lambda each: (each.place[2], each.place[1]))[:SHOWN]
    cells = [(photo(person.photos[0]), person.name) for person in some[0].people]
    cells += [(picture(each), f"{each.said} ({each.seed})") for each in shown]
    sheet = contact_sheet([cell for cell, _ in cells], [caption for _, caption in cells])
    told = io.BytesIO()
    Image.fromarray(sheet).save(told, "JPEG", quality=QUALITY)
    return write_whole(folder / SHEETS / f"{some[0].place[0]:04d}.jpg", told.getvalue())


def _shown(sheets: dict[str, Path]) -> list[str]:
    text: list[str] = []
    for subject, path in sheets.items():
        text += [f"## {subject}", "", f"![{subject}]({SHEETS}/{path.name})", ""]
    return text
