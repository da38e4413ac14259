"""What a run has finished: pictures, each with what it was drawn from, and the values of each by metric."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..hosts.host import Wanted
from ..protocol.sections import PicturesConfig
from .whole_file import write_whole

PICTURES, VALUES = "pictures", "values"  # folders of a run
NOTE = "likeness"  # where a picture's file says what it was drawn from


@dataclass(frozen=True, eq=False, slots=True)
class Store:
    """The folder of a run.

    A picture counts only if its file says that it was drawn from what is wanted now, so that a protocol that was changed draws
    again what the change touches, and nothing else.

    Attributes:
        folder: of the run.
        pictures: how they are drawn.
        host: key of what draws.
    """

    folder: Path
    pictures: PicturesConfig
    host: str
    _photos: dict[Path, str] = field(default_factory=dict[Path, str])

    def path(self, wanted: Wanted) -> Path:
        """Where a picture lies."""
        return self.folder / PICTURES / f"{wanted.file}.png"

    def has_picture(self, wanted: Wanted) -> bool:
        """Whether a picture is finished."""
        return self._note(self.path(wanted)).get("id") == self.identity(wanted)

    def put_picture(self, wanted: Wanted, picture: np.ndarray) -> Path:
        """Keep a picture, (H, W, 3) uint8, with what it was drawn from; return its file."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        told, note = io.BytesIO(), PngInfo()
        note.add_itxt(NOTE, json.dumps({"id": self.identity(wanted), **self._origin(wanted)}))
        Image.fromarray(picture).save(told, "PNG", pnginfo=note)
        return write_whole(self.path(wanted), told.getvalue())

    def picture(self, wanted: Wanted) -> np.ndarray:
        """A finished picture, (H, W, 3) uint8."""
        from PIL import Image

        with Image.open(self.path(wanted)) as found:
            return np.asarray(found.convert("RGB"))

    def values(self, label: str, key: str, wanted: Wanted) -> dict[str, float] | None:
        """What a metric said of a picture; None where it did not yet, or of another picture, or by other weights."""
        try:
            found = _table(self._values_path(label, wanted).read_text(encoding="utf-8"))
            if found.get("id") != self.identity(wanted) or found.get("key") != key:
                return None
            return {name: float("nan") if value is None else float(value) for name, value in found["values"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put_values(self, label: str, key: str, wanted: Wanted, values: Mapping[str, float]) -> None:
        """Keep what a metric said of a picture."""
        known = {name: value if value == value else None for name, value in values.items()}
        told = {"id": self.identity(wanted), "key": key, "values": known}
        write_whole(self._values_path(label, wanted), json.dumps(told).encode())

    def identity(self, wanted: Wanted) -> str:
        """A hash of all that decides about a picture."""
        return hashlib.sha256(json.dumps(self._origin(wanted), sort_keys=True).encode()).hexdigest()

    def _values_path(self, label: str, wanted: Wanted) -> Path:
        return self.folder / VALUES / label / f"{wanted.file}.json"

    def _origin(self, wanted: Wanted) -> dict[str, Any]:
        drawn = self.pictures
        return {
            "people": [person.name for person in wanted.people],
            "photos": [[self._hash(photo) for photo in person.photos] for person in wanted.people],
            "prompt": wanted.prompt,
            "said": wanted.said,
            "seed": wanted.seed,
            "size": [drawn.width, drawn.height],
            "steps": drawn.steps,
            "guidance": drawn.guidance,
            "negative": drawn.negative,
            "host": self.host,
        }

    def _hash(self, photo: Path) -> str:
        if photo not in self._photos:
            self._photos[photo] = hashlib.sha256(photo.read_bytes()).hexdigest()
        return self._photos[photo]

    @staticmethod
    def _note(path: Path) -> dict[str, Any]:
        """What a picture's file says; empty where there is none that can be read to its end."""
        from PIL import Image

        try:
            with Image.open(path) as found:
                found.load()
                return _table(str(found.info.get(NOTE, "{}")))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return {}


def _table(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: if it is none.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return found
