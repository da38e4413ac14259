"""Command: measure the miniature. `python -m likeness.miniature.kit PROTOCOL.toml`, or `--new FOLDER` to begin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ...evaluation.command import main as run
from .people import write_protocol

NEW, PEOPLE = "--new", 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a protocol that may name the miniature; with `--new FOLDER`, write people and a protocol of theirs there before.

    Returns:
        See `evaluation.command.main`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [NEW] and len(given) > 1:
        given = [str(write_protocol(Path(given[1]), PEOPLE)), *given[2:]]
    return run(given, home=f"{__package__}.built_in", program="python -m likeness.miniature.kit")


if __name__ == "__main__":
    sys.exit(main())
