"""Command: check a manifest, or shards, and say how many rows can be trained on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..models.errors import LikenessError
from .check import check
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
        return _report(open_rows(options.data), ", ".join(options.data), as_json=options.json)
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


def _report(source: RowSource, name: str, *, as_json: bool) -> int:
    rows = usable = 0
    counts = {"error": 0, "warning": 0}
    listed: list[dict[str, object]] = []
    for checked in check(source):
        rows += 1
        usable += checked.usable
        for fault in checked.faults:
            counts[fault.level] += 1
            if as_json:
                listed.append(asdict(fault))
            else:
                sys.stdout.write(f"{fault}\n")
    if as_json:
        summary = {"rows": rows, "usable": usable, "errors": counts["error"], "warnings": counts["warning"]}
        sys.stdout.write(json.dumps({**summary, "faults": listed}, indent=2) + "\n")
    else:
        found = f"{counts['error']} errors, {counts['warning']} warnings"
        sys.stdout.write(f"{name}: {usable} of {rows} rows usable; {found}\n")
    return 0 if usable else 1


if __name__ == "__main__":
    sys.exit(main())
