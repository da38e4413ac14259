"""Small folders of pictures with a manifest, and the same as shards."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 80, 64


def png(seed: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A picture of random colours that are alike in blocks of 8 pixels."""
    blocks = np.random.default_rng(seed).integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)
    return encode(Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)))


def class_map(value: int = 3, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A palette PNG with a class in the middle and 0 around."""
    classes = np.zeros((size[1], size[0]), np.uint8)
    classes[16:48, 24:56] = value
    image = Image.fromarray(classes, "L").convert("P")
    image.putdata(classes.reshape(-1).tolist())
    return encode(image)


def encode(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def vector(rows: int = 2, fill: float = 1) -> bytes:
    """A table of vectors as numpy stores it."""
    stream = io.BytesIO()
    np.save(stream, np.full((rows, 4), fill, np.float32))
    return stream.getvalue()


def person(x: float = 24, y: float = 16, side: float = 32, **changes: Any) -> dict[str, Any]:
    """A person whose face is a square with the points where a face has them."""
    points = [(0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82)]
    return {
        "bbox": [max(x - 8, 0), max(y - 8, 0), min(x + side + 8, WIDTH), HEIGHT],
        "face": [x, y, x + side, y + side],
        "kps": [[x + side * u, y + side * v] for u, v in points],
        **changes,
    }


def row(number: int, *persons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row whose picture is `png(number)`."""
    return {
        "id": f"{number:06d}",
        "image": f"img/{number:06d}.png",
        "w": WIDTH,
        "h": HEIGHT,
        "caption": f"a woman, number {number}",
        "persons": list(persons) or [person()],
        **changes,
    }


def write_manifest(folder: Path, rows: Sequence[dict[str, Any] | str | bytes], name: str = "manifest.jsonl") -> Path:
    """Write rows, or lines as they are."""
    lines = [
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in rows
    ]
    path = folder / name
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def write_pictures(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the pictures that rows name, by their ids."""
    for entry in rows:
        path = folder / entry["image"]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(int(entry["id"])))


def write_shard(path: Path, samples: Sequence[dict[str, bytes]]) -> Path:
    """Write samples, each as name → content."""
    with tarfile.open(path, "w") as archive:
        for sample in samples:
            for name, content in sample.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def sample(number: int, *persons: dict[str, Any], **changes: Any) -> dict[str, bytes]:
    """A sample of a shard: the picture and its row."""
    name = f"{number:06d}"
    entry = row(number, *persons, **{"image": f"{name}.png", **changes})
    return {f"{name}.png": png(number), f"{name}.json": json.dumps(entry).encode()}
