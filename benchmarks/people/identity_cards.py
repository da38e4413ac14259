"""What an identity card costs: time to write and to read, and its size, with encodings of full size and random values.

Usage: python -m likeness.benchmarks.people.identity_cards [--photos 1] [--side 1024] [--folder FOLDER]

The encodings are those of SD1.5's published files: UniPortrait (CLIP ViT-H tokens and four maps), ConsistentID (a vector, the tokens
of the photo and of ten regions, the labels), a FaceID vector, and the latents of a reference of 512 pixels. Writing ends with fsync.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import get_args

import numpy as np
import torch
from likeness.models.face.types import Face
from likeness.models.people.card import Keeps, Key, Value, read_card, write
from likeness.models.people.encodings import EncodingKey
from likeness.models.people.person import Person
from likeness.models.people.photo import Photo

TIMES = 7
TOKENS = (1, 257, 1280)
MAPS = ((1, 64, 56, 56), (1, 128, 28, 28), (1, 256, 14, 14), (1, 512, 7, 7))
REGIONS = 10
POINTS = ((0.35, 0.4), (0.55, 0.4), (0.45, 0.5), (0.38, 0.6), (0.52, 0.6))  # of a face, shares of the side
METHODS = ("UniPortrait", "ConsistentID", "IP-Adapter", "guidance")


def person(photos: int, side: int) -> Person:
    """Somebody with random photos; those of a camera are smaller only as JPEG, and a card holds plain pixels."""
    generator = np.random.default_rng(0)
    found: list[Photo] = []
    for _ in range(photos):
        picture = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
        face = Face(
            box=np.array([0.3, 0.3, 0.6, 0.7], np.float32) * side,
            points=np.array(POINTS, np.float32) * side,
            score=0.9,
            crop=generator.integers(0, 256, (224, 224, 3), dtype=np.uint8),
            index=0,
            image_index=0,
            image_size=(side, side),
        )
        found.append(Photo(picture=picture, faces=(face,), taken=face))
    return Person(name="Anna", photos=tuple(found))


def encodings(photos: int, method: str) -> dict[Key, Value]:
    """What a method's encoders say of so many photos, random values of full size."""
    generator = torch.Generator().manual_seed(0)

    def values(*shapes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        return tuple(torch.randn(shape, generator=generator) for shape in shapes)

    found: dict[Key, Value] = {}
    for photo in range(photos):
        of_method: dict[str, tuple[torch.Tensor, ...]] = {
            "UniPortrait": {"tokens": values(TOKENS), "maps": values(*MAPS)},
            "ConsistentID": {
                "vector": values((1, 512)),
                "labels 512": (torch.zeros(512, 512, dtype=torch.uint8),),
                **{f"tokens {region}": values(TOKENS) for region in range(1 + REGIONS)},
            },
            "IP-Adapter": {"vector": values((1, 512))},
            "guidance": {"latents": values((1, 4, 64, 64))},
        }[method]
        found |= {EncodingKey(method, f"{photo:064}", output): value for output, value in of_method.items()}
    return found


def measure(folder: Path, photos: int, side: int, methods: tuple[str, ...], keeps: Keeps) -> tuple[float, float, int]:
    """Median milliseconds of writing and of reading, and the size in bytes; what was read is compared, bit for bit."""
    somebody = person(photos, side)
    said = {key: value for method in methods for key, value in encodings(photos, method).items()}
    path = folder / "anna.safetensors"
    written: list[float] = []
    read: list[float] = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        write(path, somebody, said, keeps=keeps)
        written.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        card = read_card(path)
        read.append(time.perf_counter() - begin)
        for key, value in said.items():
            found = card.encodings[key]
            if len(found) != len(value) or not all(torch.equal(*pair) for pair in zip(found, value, strict=True)):
                raise AssertionError(f"{key} came back as something else")
    return 1e3 * median(written), 1e3 * median(read), path.stat().st_size


def main() -> None:
    """Print one line for each kind of card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1, help="of the person")
    parser.add_argument("--side", type=int, default=1024, help="of a photo, pixels")
    parser.add_argument("--folder", type=Path, help="where cards are written; a temporary folder without it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(f"{given.photos} photo(s) of {given.side} pixels, median of {TIMES}, torch {torch.__version__}")
        for methods in (("UniPortrait",), METHODS):
            for keeps in get_args(Keeps):
                write_ms, read_ms, size = measure(Path(folder), given.photos, given.side, methods, keeps)
                listed = " + ".join(methods)
                print(f"{listed}, keeps {keeps}: write {write_ms:.1f} ms, read {read_ms:.1f} ms, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
