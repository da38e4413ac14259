"""The world as a data set on disk, in the trainer's format (docs/training.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .captions import Caption
from .people.identity import numbers_of
from .scene import Scene
from .world import World

MANIFEST = "manifest.jsonl"
SPLITS = {"train": "train", "held out": "test"}  # by the part of the world
AT_ONCE = 32  # pictures whose masks are in memory together


def write_manifest(world: World, folder: Path, indices: Sequence[int], *, people: tuple[int, int] = (1, 1)) -> Path:
    """Write pictures, their maps and a manifest.

    Args:
        world: where the pictures are from.
        folder: is made; pictures of the same numbers are written over.
        indices: numbers of the pictures.
        people: fewest and most people in a picture.

    Returns:
        The manifest; one that was there is replaced.

    Raises:
        InvalidSettingError: see `World.scenes`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = replace(world, with_regions=True)
    path = folder / MANIFEST
    with path.open("w", encoding="utf-8") as manifest:
        for start in range(0, len(indices), AT_ONCE):
            some = indices[start : start + AT_ONCE]
            for row in _write_scene(world.scenes(some, people=people), some, folder):
                told = {"w": world.size, "h": world.size, "src": "miniature world", "split": SPLITS[world.split]}
                manifest.write(json.dumps({**row, **told}) + "\n")
    return path


def _write_scene(scene: Scene, indices: Sequence[int], folder: Path) -> Iterator[dict[str, Any]]:
    """Write the files of some pictures; yield what the manifest says of each."""
    classes, masks = scene.class_maps().numpy(), scene.instances.mul(255).round().byte().numpy()
    for place, (index, picture, caption) in enumerate(zip(indices, scene.arrays(), scene.captions, strict=True)):
        name = f"{index:06d}"
        Image.fromarray(picture).save(folder / f"{name}.png")
        people: list[dict[str, Any]] = []
        for person in range(len(caption.nouns)):
            maps = {"parse": f"{name}.parse{person}.png", "instance": f"{name}.instance{person}.png"}
            _with_palette(classes[place, person]).save(folder / maps["parse"])
            Image.fromarray(masks[place, person]).save(folder / maps["instance"])
            people.append({**_describe(scene, place, person), **maps})
        yield {
            "id": name,
            "image": f"{name}.png",
            "caption": caption.text,
            "nouns": _nouns(caption),
            "persons": people,
        }


def _nouns(caption: Caption) -> list[dict[str, Any]]:
    return [
        {"word": caption.text[slice(*span)], "span": span, "person": person}
        for person, span in enumerate(caption.nouns)
    ]


def _describe(scene: Scene, place: int, person: int) -> dict[str, Any]:
    """Return who somebody is and where, to a hundredth of a pixel."""
    return {
        "bbox": scene.person_boxes[place, person].tolist(),
        "face": scene.boxes[place, person].tolist(),
        "kps": [[round(x, 2), round(y, 2)] for x, y in scene.points[place, person].tolist()],
        "identity": f"drawn-{int(numbers_of(scene.codes[place, person])):05d}",
    }


def _with_palette(classes: np.ndarray) -> Image.Image:
    """Return a class per pixel, (S, S) uint8, as a palette picture."""
    image = Image.fromarray(classes)
    image.putpalette(np.arange(256, dtype=np.uint8).repeat(3).tobytes())
    return image
