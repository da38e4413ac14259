"""Data sets of UniPortrait over small pictures, and what tells their examples apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import write_manifest, write_pictures
from likeness.training.batches.examples import Example
from likeness.training.batches.index import Wanted
from likeness.training.uniportrait.pictures import PictureDataset

ONE = Wanted(split="train", size=64, fewest=1, most=1)


def dataset(folder: Path, rows, wanted: Wanted = ONE, *, seed: int = 0, **options) -> PictureDataset:
    write_pictures(folder, rows)
    return PictureDataset(ManifestRows(write_manifest(folder, rows)), wanted, seed=seed, **options)


def digest(example: Example) -> str:
    """Everything in an example as one number."""
    stream = hashlib.sha256()
    for one in example.people:
        for crop in (one.structure, one.intrinsic):
            stream.update(f"{crop.key}".encode() + (b"" if crop.pixels is None else crop.pixels.tobytes()))
        stream.update(f"{one.box}".encode() + one.points.tobytes())
    pixels = b"" if example.pixels is None else example.pixels.tobytes()
    stream.update(f"{example.position} {example.row_id} {example.key} {example.sizes}".encode() + pixels)
    return stream.hexdigest()


def epoch(data: PictureDataset, first: int = 0) -> list[Example]:
    return [data[first + place] for place in range(len(data))]
