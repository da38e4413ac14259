"""The table of docs/reliability.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .outcome import Outcome, Result


def table(results: Iterable[Result]) -> str:
    """Markdown: a row for each kind, in the order in which kinds come, a column for each outcome, and the sum."""
    counts: dict[str, Counter[Outcome]] = {}
    for result in results:
        counts.setdefault(result.kind, Counter())[result.outcome] += 1
    columns = [outcome for outcome in Outcome if outcome is not Outcome.UNFIT]
    if any(row[Outcome.UNFIT] for row in counts.values()):
        columns.append(Outcome.UNFIT)
    lines = [
        f"| kind | tried | {' | '.join(outcome.value for outcome in columns)} |",
        f"|---|{'---|' * (len(columns) + 1)}",
        *(_row(kind, row, columns) for kind, row in counts.items()),
        _row("**all**", sum(counts.values(), Counter()), columns),
    ]
    return "\n".join(lines) + "\n"


def _row(kind: str, counts: Counter[Outcome], columns: Iterable[Outcome]) -> str:
    return f"| {kind} | {counts.total()} | {' | '.join(str(counts[outcome]) for outcome in columns)} |"
