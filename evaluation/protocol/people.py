"""The people of a protocol: a folder of photos for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...models.config.values import listed
from .sections import PeopleConfig

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class PersonFolder:
    """Somebody to draw.

    Attributes:
        name: of the folder.
        noun: what prompts call them.
        photos: files, at least one, in the order of their names.
    """

    name: str
    noun: str
    photos: tuple[Path, ...]


def find_people(config: PeopleConfig) -> tuple[tuple[PersonFolder, ...], list[str]]:
    """The people in the order of their names, and what is wrong with them, one line each."""
    there = sorted(entry.name for entry in config.folder.iterdir() if entry.is_dir() and entry.name[0] != ".")
    names = [name for name in there if not config.only or name in config.only]
    missing = [name for name in config.only if name not in there]
    faults = [f"[people] only names {_quoted(missing)}, but {config.folder} has no such folder."] if missing else []
    people: list[PersonFolder] = []
    empty: list[str] = []
    for name in names:
        photos = sorted(path for path in (config.folder / name).iterdir() if path.suffix.lower() in ENDINGS)
        people.append(PersonFolder(name, config.nouns.get(name, config.noun), tuple(photos)))
        empty += [] if photos else [name]
    if empty:
        faults.append(
            f"[people] folder {config.folder} has no photo of {_quoted(empty)}; put one in, or leave them out."
        )
    if len(people) < config.together and not missing:
        faults.append(
            f"[people] folder {config.folder} has {len(people)} people, but together is {config.together}; add a folder of "
            "photos for each person."
        )
    return tuple(people), faults


def _quoted(names: Sequence[str]) -> str:
    return listed([f'"{name}"' for name in names])
