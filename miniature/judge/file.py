"""The judge's file, and that of readers who know all styles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...models.miniature.finder import FaceFinder
from ...models.weights.reading import read_state_dict
from ...models.weights.state_dict import load_strictly, subset
from ..networks.weights_file import write_networks
from .judge import Judge
from .readers import new_backdrop_reader, new_person_reader, new_styled_backdrop_reader

FINDER, PERSONS, BACKDROPS = "finder.", "persons.", "backdrops."


def write_judge(path: Path, judge: Judge, metadata: Mapping[str, str]) -> None:
    """Write a judge in half precision."""
    networks = {FINDER: judge.finder, PERSONS: judge.persons, BACKDROPS: judge.backdrops}
    write_networks(path, networks, metadata)


def write_styled_readers(path: Path, judge: Judge, metadata: Mapping[str, str]) -> None:
    """Write the readers of a judge who knows all styles, in half precision; its detector is that of the other judge."""
    write_networks(path, {PERSONS: judge.persons, BACKDROPS: judge.backdrops}, metadata)


def read_styled_judge(judge: Path, readers: Path) -> Judge:
    """Read a judge who knows all styles; raises as `read_judge`.

    Args:
        judge: file of the other judge, whose detector is taken.
        readers: file of the readers.
    """
    weights = read_state_dict(readers)
    persons, backdrops = subset(weights, PERSONS), subset(weights, BACKDROPS)
    return Judge(
        finder=read_judge(judge).finder,
        persons=load_strictly(new_person_reader(), persons, f"{readers.name}, reader of persons,"),
        backdrops=load_strictly(new_styled_backdrop_reader(), backdrops, f"{readers.name}, reader of backdrops,"),
    )


def read_judge(path: Path) -> Judge:
    """Read a judge: float32, frozen, on the CPU.

    Raises:
        MissingModelFileError, CorruptModelFileError: if the file is not there or cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights = read_state_dict(path)
    return Judge(
        finder=load_strictly(FaceFinder(), subset(weights, FINDER), f"{path.name}, detector,"),
        persons=load_strictly(new_person_reader(), subset(weights, PERSONS), f"{path.name}, reader of persons,"),
        backdrops=load_strictly(
            new_backdrop_reader(), subset(weights, BACKDROPS), f"{path.name}, reader of backdrops,"
        ),
    )
