"""`python -m likeness.tests.fuzz`: damages everything in many ways, and writes a table of what came of it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases; 1 if the pack broke a promise."""
    import torch

    from .forked import run
    from .kinds import KINDS, cases_of
    from .regressions import REGRESSIONS
    from .table import table

    parser = argparse.ArgumentParser(prog="python -m likeness.tests.fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=300, help="cases, shared evenly between the kinds")
    parser.add_argument("--seed", type=int, default=0, help="the first seed of every kind")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=[kind.name for kind in KINDS],
        help="only this kind (several times: these)",
    )
    parser.add_argument("--jobs", type=int, default=2, help="children at a time")
    parser.add_argument("--table", type=Path, help="a Markdown file for the table")
    parser.add_argument("--json", type=Path, help="a file for all results")
    parser.add_argument("--regressions", action="store_true", help="the cases that once failed, and no others")
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    chosen = [kind for kind in KINDS if not given.kind or kind.name in given.kind]
    cases = REGRESSIONS if given.regressions else cases_of(chosen, given.n, given.seed)
    results = []
    for result in run(KINDS, cases, jobs=given.jobs):
        results.append(result)
        if not result.outcome.is_good:
            sys.stdout.write(f"{result}\n")
            sys.stdout.flush()
    results.sort(key=lambda result: (result.kind, result.seed))
    text = table(results)
    sys.stdout.write(f"\n{text}")
    if given.table:
        given.table.write_text(text, encoding="utf-8")
    if given.json:
        rows = [[each.kind, each.seed, each.outcome.name, each.said, each.damage] for each in results]
        given.json.write_text(json.dumps(rows, ensure_ascii=True), encoding="utf-8")
    return 0 if all(result.outcome.is_good for result in results) else 1


if __name__ == "__main__":
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):  # they count when libraries are imported
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
        os.execv(sys.executable, [sys.executable, "-m", "likeness.tests.fuzz", *sys.argv[1:]])
    sys.exit(main())
