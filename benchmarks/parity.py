"""Worst differences between our code and the stored outputs of the published code, case by case.

Usage: python -m likeness.benchmarks.parity [FOLDER]

FOLDER holds a folder of full cases for each method; without it (or the variable PARITY_PATH) the reduced cases of the
test-suite are used. Exits 1 if a case fails, and if a stored value is neither compared nor listed here with a reason.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from likeness.tests.parity.consistentid import cases as consistentid
from likeness.tests.parity.consistentid import face_cases, pipeline_cases
from likeness.tests.parity.folder import VARIABLE, Folder, explained
from likeness.tests.parity.ip_adapter import cases as ip_adapter
from likeness.tests.parity.ip_adapter import mask_cases
from likeness.tests.parity.prior import cases as prior
from likeness.tests.parity.recipe import Comparison
from likeness.tests.parity.uniportrait import cases as uniportrait
from likeness.tests.parity.uniportrait import context_cases


@dataclass(frozen=True, slots=True)
class Method:
    """The cases of one method.

    Attributes:
        reduced: folder of those that the test-suite has.
        cases: what compares them.
        not_compared: patterns of "case tensor", and why nothing is compared with these values.
    """

    reduced: Path
    cases: Sequence[Callable[[Folder], Iterator[Comparison]]]
    not_compared: Mapping[str, str]


METHODS = {  # by the name of their folder of full cases
    "uniportrait": Method(uniportrait.HERE, uniportrait.CASES + context_cases.CASES, uniportrait.NOT_COMPARED),
    "consistentid": Method(face_cases.HERE, consistentid.CASES + face_cases.CASES + pipeline_cases.CASES, {}),
    "ipadapter": Method(ip_adapter.HERE, ip_adapter.CASES + mask_cases.CASES, ip_adapter.NOT_COMPARED),
    "prior": Method(prior.HERE, prior.CASES, {}),
}
NOT_BUILT = {  # folders of cases of what this pack does not do
    "stylise": "style sharing and DDIM inversion",
}


@torch.no_grad()
def main() -> int:
    """Print the tables, then what was not compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get(VARIABLE))
    given = parser.parse_args().folder
    failed, total, unread = 0, 0, []
    print(f"{'case':<64}{'worst':>10}{'atol':>10}{'rtol':>10}{'share of tolerance':>20}")
    for name, method in METHODS.items():
        folder = Folder(Path(given) / name if given else method.reduced)
        for compare in method.cases:
            for c in compare(folder):
                total += 1
                failed += not c.is_within
                verdict = "" if c.is_within else " FAILED"
                print(
                    f"{c.label:<64}{c.worst:>10.2e}{c.atol:>10.0e}{c.rtol:>10.0e}{c.share_of_tolerance:>20.4f}{verdict}"
                )
        unread += _not_compared(name, explained(folder.not_compared(), method.not_compared))
    if given:
        unread += _other_folders(Path(given))
    print(
        f"{total - failed} of {total} comparisons within their tolerance; {len(unread)} stored values that no code reads"
    )
    return 1 if failed or unread else 0


def _not_compared(name: str, lines: Iterator[tuple[str, str | None]]) -> list[str]:
    """Print values that were left out, with their reasons; returns those that have none."""
    unread = []
    for line, reason in lines:
        print(f"not compared: {name} {line}: {reason or 'NO CODE READS IT'}")
        unread += [line] * (reason is None)
    return unread


def _other_folders(given: Path) -> list[str]:
    """Name the cases of what is not built; returns the folders that nobody knows."""
    unread = []
    for folder in sorted(path for path in given.iterdir() if path.is_dir() and path.name not in METHODS):
        names = Folder(folder).names() if folder.name in NOT_BUILT else [""]
        reason = f"{NOT_BUILT[folder.name]}: not built yet" if folder.name in NOT_BUILT else None
        unread += _not_compared(folder.name, ((name, reason) for name in names))
    return unread


if __name__ == "__main__":
    raise SystemExit(main())
