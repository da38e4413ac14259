"""People of the miniature's world as a protocol finds them: a folder of portraits for each."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from ..world.people.identity import FACE, NOUNS
from ..world.world import World

SEED = 1_000_003  # of a world that nothing was trained on; its people are held out besides
FILE, FOLDER = "protocol.toml", "people"


def write_people(folder: Path, count: int) -> dict[str, str]:
    """Write a portrait of everybody into a folder of their own; return their nouns by name."""
    world, nouns = World(seed=SEED, split="held out"), dict[str, str]()
    scene = world.scenes(range(count), people=(1, 1))
    for number, portrait in enumerate(world.portraits(range(count)).arrays()):
        name = f"person-{number:03d}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(portrait).save(folder / name / "portrait.png")
        nouns[name] = NOUNS[int(scene.codes[number, 0, FACE])]
    return nouns


def write_protocol(folder: Path, count: int, base: str = "miniature") -> Path:
    """Write people and a protocol of theirs into a folder; return the protocol.

    Args:
        folder: is made.
        count: people.
        base: the protocol that says the rest.
    """
    nouns = write_people(folder / FOLDER, count)
    lines = [
        f"base = {json.dumps(base)}",
        "[protocol]",
        'output = "run"',
        "[people]",
        f'folder = "{FOLDER}"',
        "[people.nouns]",
        *(f"{name} = {json.dumps(noun)}" for name, noun in nouns.items()),
    ]
    path = folder / FILE
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path
