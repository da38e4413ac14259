"""Worst differences between our code and the stored outputs of the published code, case by case.

Usage: python -m likeness.benchmarks.parity [--path UNIPORTRAIT_CASES] [--consistentid-path CONSISTENTID_CASES]

Without paths (or the variables PARITY_PATH and PARITY_CONSISTENTID_PATH) the reduced cases of the test-suite are used. Exits
1 if a case fails.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import torch
from likeness.tests.parity.consistentid import cases as consistentid
from likeness.tests.parity.consistentid import face_cases, pipeline_cases
from likeness.tests.parity.recipe import Comparison
from likeness.tests.parity.uniportrait import cases as uniportrait

CONSISTENTID = consistentid.CASES + face_cases.CASES + pipeline_cases.CASES


@torch.no_grad()
def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, default=os.environ.get("PARITY_PATH", uniportrait.HERE))
    parser.add_argument(
        "--consistentid-path", type=Path, default=os.environ.get("PARITY_CONSISTENTID_PATH", consistentid.HERE)
    )
    arguments = parser.parse_args()
    failed, total = 0, 0
    print(f"{'case':<64}{'worst':>10}{'atol':>10}{'rtol':>10}{'share of tolerance':>20}")
    for c in _compare(Path(arguments.path), Path(arguments.consistentid_path)):
        share = c.share_of_tolerance
        total += 1
        failed += not share <= 1
        verdict = "" if share <= 1 else " FAILED"
        print(f"{c.label:<64}{c.worst:>10.2e}{c.atol:>10.0e}{c.rtol:>10.0e}{share:>20.4f}{verdict}")
    print(f"{total - failed} of {total} comparisons within their tolerance")
    return min(failed, 1)


def _compare(uniportrait_folder: Path, consistentid_folder: Path) -> Iterator[Comparison]:
    for run in uniportrait.CASES:
        yield from run(uniportrait_folder)
    for run in CONSISTENTID:
        yield from run(consistentid_folder)


if __name__ == "__main__":
    raise SystemExit(main())
