"""The command line of the kit; a room that brings more calls it with a kit of its own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..models.errors import LikenessError
from .running.run import run
from .running.work import find_kit
from .running.workers import RayWorkers, ThisProcess, Workers


def main(arguments: Sequence[str] | None = None, *, home: str, program: str) -> int:
    """Run a protocol.

    Args:
        arguments: the command line; that of the process by default.
        home: module that holds the `KIT`.
        program: what help calls the command.

    Returns:
        0 if the report is written, 1 after a fault that is told on standard error, 130 after an interruption.
    """
    parser = argparse.ArgumentParser(
        prog=program, description="Draw the pictures of a protocol, measure them, and write a report."
    )
    parser.add_argument("protocol", type=Path, help="TOML file, see docs/evaluation.md")
    parser.add_argument("--ray", action="store_true", help="divide the work among the processes of a Ray cluster")
    parser.add_argument("--workers", type=int, help="with --ray, into how many parts; by default GPUs, else cores")
    options = parser.parse_args(arguments)
    os.environ["HF_HUB_OFFLINE"] = "1"  # weights are files here, or the run stops with a sentence
    try:
        workers: Workers = RayWorkers.connect(home, options.workers) if options.ray else ThisProcess()
        report = run(options.protocol, find_kit(home), workers)
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on where it was.\n")
        return 130
    sys.stderr.write(f"The report: {report}\n")
    return 0
