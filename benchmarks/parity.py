"""Worst differences between our code and the stored outputs of the published code, case by case.

Usage: python -m likeness.benchmarks.parity [--path FOLDER_WITH_FULL_CASES]

Without a path (or the variable PARITY_PATH) the reduced cases of the test-suite are used. Exits 1 if a case fails.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch
from likeness.tests.parity.uniportrait import cases


@torch.no_grad()
def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, default=os.environ.get("PARITY_PATH", cases.HERE))
    folder = Path(parser.parse_args().path)
    failed, total = 0, 0
    print(f"{'case':<48}{'worst':>10}{'atol':>10}{'rtol':>10}{'share of tolerance':>20}")
    for run in cases.CASES:
        for comparison in run(folder):
            c, share = comparison, comparison.share_of_tolerance
            total += 1
            failed += not share <= 1
            print(
                f"{c.label:<48}{c.worst:>10.2e}{c.atol:>10.0e}{c.rtol:>10.0e}{share:>20.4f}{'' if share <= 1 else ' FAILED'}"
            )
    print(f"{total - failed} of {total} comparisons within their tolerance")
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
