"""A whole run: what is not finished is drawn and measured, then everything is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...models.partial import PARTIAL, remove_left_over
from ..kit import Kit
from ..metrics.metric import SetMetric
from ..report.summary import Measured, summarise
from ..report.writing import write_report
from .progress import Progress
from .work import Work
from .workers import Workers


def run(path: Path, kit: Kit, workers: Workers) -> Path:
    """Run a protocol to its end; return the report in Markdown.

    Args:
        path: the protocol.
        kit: what it may name.
        workers: who draws and measures.

    Raises:
        LikenessError: for everything that can be mended by the user.
    """
    work = Work.begin(path, kit)
    remove_left_over(work.store.folder.rglob(f"*{PARTIAL}"))
    undrawn = [number for number, each in enumerate(work.plan) if not work.store.has_picture(each)]
    if undrawn:
        work.check_metrics()
    _advance(work, workers, None, undrawn)
    measured: dict[str, Measured] = {}
    for label, chosen in work.protocol.metrics.items():
        kind, metric = kit.metrics[chosen.word], work.metric(label)
        better = kind.better_of(metric)
        if kind.is_of_set:
            measured[label] = Measured(key=metric.key, better=better, of_set=_measure_set(work, metric))
            continue
        values = [work.store.values(label, metric.key, each) for each in work.plan]
        _advance(work, workers, label, [number for number, each in enumerate(values) if each is None])
        found = [work.store.values(label, metric.key, each) or {} for each in work.plan]
        measured[label] = Measured(key=metric.key, better=better, of_pictures=tuple(found))
    summary = summarise(work.protocol, work.plan, measured, kit, host_key=work.drawer.key)
    return write_report(work.protocol.about.output, summary, work.plan, work.store.picture, work.photo)


def _advance(work: Work, workers: Workers, label: str | None, numbers: list[int]) -> None:
    total = len(work.plan)
    progress = Progress("drawing" if label is None else f"measuring {label}", total, total - len(numbers))
    if numbers:
        workers.run(work, label, numbers, progress.add)


def _measure_set(work: Work, metric: SetMetric) -> Mapping[str, float]:
    photos = (work.photo(photo) for person in work.protocol.people for photo in person.photos)
    return metric.measure_all((work.store.picture(each) for each in work.plan), photos)
