"""Files below folders of models, links followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path


def files_below(places: Iterable[str | Path], wanted: Callable[[str], bool]) -> Iterator[tuple[Path, Path]]:
    """All files below folders, sub-folders and links included, each once, in a stable order.

    Args:
        places: folders; those that do not exist hold nothing.
        wanted: whether a file's name is of interest.

    Yields:
        A folder of `places`, and a file below it.
    """
    found: set[str] = set()
    for top in places:
        visited: set[str] = set()
        for place, inner, names in os.walk(top, followlinks=True):
            real = os.path.realpath(place)
            if real in visited:  # a link back to a folder above
                inner.clear()
                continue
            visited.add(real)
            inner.sort()
            for name in sorted(filter(wanted, names)):
                path = Path(place, name)
                target = os.path.realpath(path)
                if target not in found:
                    found.add(target)
                    yield Path(top), path
