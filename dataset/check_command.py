"""Command: check a manifest, or shards, and say how many rows can be trained on."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from ..models.errors import LikenessError
from .check import check
from .manifest import NOTES, Row
from .rows import ManifestRows, RowSource, ShardRows


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all faults and a summary to standard output.

    Args:
        arguments: the command line; that of the process by default.

    Returns:
        0 if at least one row can be used, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m likeness.dataset.check_command", description=__doc__)
    parser.add_argument(
        "data", nargs="+", help="a JSONL manifest, or one or more tar shards (* and {000..099} allowed)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    try:
        return report(open_rows(options.data), ", ".join(options.data), as_json=options.json)
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def open_rows(names: Sequence[str]) -> RowSource:
    """The rows of one manifest, or of shards if the names end in .tar.

    Raises:
        MissingModelFileError: if there is no such file.
    """
    if len(names) == 1 and not names[0].endswith(".tar"):
        return ManifestRows(Path(names[0]))
    return ShardRows(names)


def report(
    source: RowSource,
    name: str,
    *,
    reader: str = "any method",
    unread: Collection[str] = NOTES,
    refusal: Callable[[Row], str] | None = None,
    as_json: bool = False,
) -> int:
    """Write all faults and a summary to standard output.

    Args:
        source: the rows.
        name: of the data.
        reader: who is going to read them.
        unread: keys that the reader passes over, as in `Parsed.keys`; those that are given are told.
        refusal: why the reader does not take a usable row, or "" where it does; None takes all.
        as_json: whether one object is written instead of lines.

    Returns:
        0 if at least one row is used, else 1.
    """
    rows = usable = 0
    counts = {"error": 0, "warning": 0}
    passed_over, given = Counter[str](), Counter[str]()
    listed: list[dict[str, object]] = []
    for checked in check(source):
        rows += 1
        usable += checked.usable
        given.update(key for key in unread if key in checked.keys)
        if refusal and checked.row and (reason := refusal(checked.row)):
            passed_over[reason] += 1
        for fault in checked.faults:
            counts[fault.level] += 1
            if as_json:
                listed.append(asdict(fault))
            else:
                sys.stdout.write(f"{fault}\n")
    if as_json:
        summary = {"rows": rows, "usable": usable, "errors": counts["error"], "warnings": counts["warning"]}
        told = {"passed_over": passed_over, "not_read": {"by": reader, "keys": given}, "faults": listed}
        sys.stdout.write(json.dumps({**summary, **told}, indent=2) + "\n")
    else:
        if given:
            keys = ", ".join(f"{key} (of {count} rows)" for key, count in given.items())
            sys.stdout.write(f"{name}: not read by {reader}: {keys}\n")
        found = f"{counts['error']} errors, {counts['warning']} warnings"
        sys.stdout.write(f"{name}: {usable} of {rows} rows usable; {found}\n")
        if refusal:
            others = ", ".join(f"{count} {reason}" for reason, count in passed_over.items()) or "none"
            taken = usable - passed_over.total()
            sys.stdout.write(f"{name}: {reader} trains on {taken} of them; passed over: {others}\n")
    return 0 if usable > passed_over.total() else 1


if __name__ == "__main__":
    sys.exit(main())
