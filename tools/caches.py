"""Where generated files are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LIKENESS_CACHE"


def cache_folder() -> Path:
    """Give the cache folder: LIKENESS_CACHE, else `likeness` in the user's cache folder (XDG_CACHE_HOME or ~/.cache)."""
    if named := os.environ.get(VARIABLE):
        folder = Path(named).expanduser()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "likeness"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_elsewhere(name: str) -> dict[str, str]:
    """Give the environment variables that keep Python and numba from writing beside the sources they import."""
    folder = cache_folder()
    return {"PYTHONPYCACHEPREFIX": str(folder / "bytecode" / name), "NUMBA_CACHE_DIR": str(folder / "numba" / name)}


if __name__ == "__main__":  # the Makefile asks
    print(cache_folder())
