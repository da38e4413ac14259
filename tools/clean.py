"""`make clean`: remove what the other targets generated, except the virtual environments."""

from __future__ import annotations

import shutil

from .caches import cache_folder
from .comfyui.folders import REPOSITORY

NAMES = ("output", ".typings", ".pytest_cache", ".ruff_cache", ".hypothesis")


def main() -> None:
    """Remove the folders and say how much space came free."""
    folders = [REPOSITORY / name for name in NAMES] + [cache_folder()]
    freed = 0
    for folder in folders:
        freed += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
        shutil.rmtree(folder, ignore_errors=True)
    print(f"clean: removed {freed / 1e9:.1f} GB of generated files and caches")


if __name__ == "__main__":
    main()
