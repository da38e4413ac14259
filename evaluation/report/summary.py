"""What a run came to: means with intervals, by person, and beside them what a paper prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..bootstrap import Estimate, estimate, mean
from ..hosts.host import Wanted
from ..kit import Kit
from ..metrics.metric import VALUE
from ..protocol.file import Protocol


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Measured:
    """What a metric said.

    Attributes:
        key: of the metric.
        better: "higher" or "lower".
        of_pictures: of every picture of the plan.
        of_set: of all together, where it is such a metric.
    """

    key: str
    better: str = "higher"
    of_pictures: tuple[Mapping[str, float], ...] = ()
    of_set: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a metric came to.

    Attributes:
        label: what reports call it.
        kind: of the metric.
        key: of the metric.
        better: "higher" or "lower".
        recogniser: who told faces apart, where somebody did.
        estimate: the mean, and its interval over subjects, or over pictures where there is one subject; without an interval
            for a set.
        pictures: how many count.
        left_out: how many say nothing.
        others: means of whatever else the metric says, over the pictures that say it.
        by_subject: means.
    """

    label: str
    kind: str
    key: str
    better: str
    recogniser: str
    estimate: Estimate
    pictures: int
    left_out: int
    others: Mapping[str, float]
    by_subject: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a paper: what it prints under our labels, and what is to be said about each."""

    name: str
    source: str
    values: Mapping[str, float]
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run.

    Attributes:
        name, source: of the protocol.
        host: what drew.
        host_key: what decided about pictures.
        pictures, prompts, seeds: how many.
        subjects: who was drawn.
        drawn: settings.
        columns: of every metric.
        papers: rows.
    """

    name: str
    source: str
    host: str
    host_key: str
    pictures: int
    prompts: int
    seeds: int
    subjects: tuple[str, ...]
    drawn: Mapping[str, Any]
    columns: tuple[Column, ...]
    papers: tuple[Row, ...]


def summarise(
    protocol: Protocol, plan: Sequence[Wanted], measured: Mapping[str, Measured], kit: Kit, *, host_key: str
) -> Summary:
    """Summarise a run; the same for the same values.

    Args:
        protocol: what was wanted.
        plan: all pictures.
        measured: by label.
        kit: knows the metrics.
        host_key: of what drew.
    """
    drawn = protocol.pictures
    return Summary(
        name=protocol.about.name,
        source=protocol.about.source,
        host=protocol.drawing.word,
        host_key=host_key,
        pictures=len(plan),
        prompts=len(protocol.prompts),
        seeds=len(drawn.seeds),
        subjects=tuple(dict.fromkeys(each.subject for each in plan)),
        drawn={name: getattr(drawn, name) for name in ("width", "height", "steps", "guidance", "negative")},
        columns=tuple(_column(label, said, plan, protocol, kit) for label, said in measured.items()),
        papers=tuple(_rows(protocol, kit)),
    )


def _column(label: str, said: Measured, plan: Sequence[Wanted], protocol: Protocol, kit: Kit) -> Column:
    chosen = protocol.metrics[label]
    kind = kit.metrics[chosen.word]
    by_subject: dict[str, list[float]] = {}
    for wanted, values in zip(plan, said.of_pictures, strict=False):
        by_subject.setdefault(wanted.subject, []).append(values.get(VALUE, float("nan")))
    means = {name: mean(values) for name, values in by_subject.items()}
    pictures = [value for values in by_subject.values() for value in values]
    counted = sum(value == value for value in pictures)
    if kind.is_of_set:
        whole = said.of_set[VALUE]
        found, counted, pictures = Estimate(whole, float("nan"), float("nan")), len(plan), list(plan)
    else:
        found = estimate(list(means.values()) if len(means) > 1 else pictures)
    return Column(
        label=label,
        kind=chosen.word,
        key=said.key,
        better=said.better,
        recogniser=_recogniser(chosen.config) if kind.by_recogniser else "",
        estimate=found,
        pictures=counted,
        left_out=len(pictures) - counted,
        others=_others(said),
        by_subject=means,
    )


def _others(said: Measured) -> dict[str, float]:
    rows = said.of_pictures or (said.of_set,)
    names = dict.fromkeys(name for row in rows for name in row if name != VALUE)
    return {name: mean([row[name] for row in rows if name in row]) for name in names}


def _rows(protocol: Protocol, kit: Kit) -> list[Row]:
    rows: list[Row] = []
    for paper in protocol.papers:
        values = {label: value for label, value in paper.values.items() if label in protocol.metrics}
        notes = {label: note for label, note in paper.notes.items() if label in values}
        for label in values:
            chosen = protocol.metrics[label]
            if kit.metrics[chosen.word].by_recogniser and paper.recogniser != _recogniser(chosen.config):
                theirs = paper.recogniser or "a recogniser that it does not name"
                said = f"; {notes[label]}" if label in notes else ""
                notes[label] = f"measured with {theirs}, here with {_recogniser(chosen.config)}: not comparable{said}"
        rows.append(Row(name=paper.name, source=paper.source, values=values, notes=notes))
    return rows


def _recogniser(config: Any) -> str:
    return str(config.recogniser)


def as_json(summary: Summary) -> dict[str, Any]:
    """A summary as JSON holds it: NaN is null."""
    return _plain(asdict(summary))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and value != value else value
