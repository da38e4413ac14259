"""The doctor's report for a reader: Markdown that is as readable in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..weights.known_file import KnownFile
from .checking import BaseState, WantState
from .looking import FoundFile
from .placing import megabytes
from .report import NO_ADVICE, Report, plain


def to_text(report: Report, *, command: str = "") -> str:
    """Write a report.

    Args:
        report: what was found.
        command: how a user downloads from where they are, up to the file's name; empty where the page has a button.
    """
    usable = [file for file in report.files if not file.seen.fault]
    sections = (
        (f"# Model files for {report.choice}", _methods(report.states)),
        ("## Missing", [_missing(file, command) for file in report.needed]),
        ("## Not there, and not needed", [_missing(file, command) for file in report.optional]),
        ("## Found", [_usable(file) for file in usable]),
        ("## Not usable", [f"- `{file.path}`: {file.seen.fault}" for file in report.files if file.seen.fault]),
    )
    shown = ["\n".join((head, "", *lines)) for head, lines in sections if lines]
    return "\n\n".join((*shown, NO_ADVICE)) + "\n"


def _methods(states: Sequence[BaseState]) -> list[str]:
    """A line for each method, its families together where the same is missing."""
    is_alone = len({state.needs.name for state in states}) == 1
    bases: dict[tuple[str, str], list[str]] = {}
    for state in states:
        missing = ", ".join(map(_wanted, state.missing))
        lacking = "; ".join(f"{_wanted(want)} (for {want.want.optional})" for want in state.lacking)
        said = f"**{f'missing: {missing}' if missing else 'ready'}**."
        if lacking and is_alone:
            said += f" Not there, and not needed: {lacking}."
        said = f"{said} {state.needs.note}".strip()
        bases.setdefault((state.needs.name, said), []).append(state.base)
    return [f"- {name}{_with(of)}: {said}" for (name, said), of in bases.items()]


def _with(bases: Sequence[str]) -> str:
    return f", {' and '.join(bases)}" if any(bases) else ""


def _wanted(state: WantState) -> str:
    named = f" {' or '.join(state.encoders)}" if state.encoders else ""
    called = f" called {state.want.stem}" if state.want.stem else ""
    return f"{state.want.purpose}{named}{called}"


def _missing(file: KnownFile, command: str) -> str:
    how = f"download: `{command} {file.name}`" if file.repository and command else f"from {file.url or file.page}"
    return f"- `{file.name}`: {plain(file.what)}; {file.size}, into `models/{file.folder}`, {how}. {_terms(file)}"


def _terms(file: KnownFile) -> str:
    return f"Licence: {plain(file.licence)}; commercial use: {file.commercial}."


def _usable(file: FoundFile) -> str:
    seen = file.seen
    said = [seen.description]
    if seen.base:
        said.append(f"for {seen.base}")
    if seen.encoder:
        said.append(f"{'is' if seen.kind == 'CLIP vision' else 'reads'} {seen.encoder}")
    line = f"- `{file.path}` ({megabytes(file.bytes)}): {', '.join(said)}."
    if seen.kind and file.folder not in file.belongs:
        line += f" It belongs into {' or '.join(f'models/{name}' for name in file.belongs) or 'another folder'}."
    if file.differs and file.known:
        line += f" The published file of this name has {file.known.bytes:,} bytes and this one {file.bytes:,}."
    return f"{line} {_terms(file.known) if file.known else 'Licence: not known here; commercial use: unclear.'}"
