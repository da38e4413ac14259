"""Where ComfyUI is: the folders named by COMFYUI_PATH, or the usual places."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

REPOSITORY = Path(__file__).resolve().parents[1]
VARIABLE = "COMFYUI_PATH"
INSTALL_COMMAND = "pip install comfy-cli && comfy install"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComfyFolder:
    """One ComfyUI checkout; nothing is ever written into it."""

    path: Path
    version: str

    @property
    def environment(self) -> Path:
        """The thin virtual environment that holds this version's own requirements."""
        return REPOSITORY / f".venv-comfy-{self.version}"

    @property
    def python(self) -> Path:
        """The interpreter of that environment."""
        folder = "Scripts" if os.name == "nt" else "bin"
        return self.environment / folder / "python"


def find_comfy_folders() -> list[ComfyFolder]:
    """Find ComfyUI checkouts, newest version first, one per version.

    COMFYUI_PATH, when set, decides alone: several folders, separated as in PATH. Otherwise the folder whose
    `custom_nodes` this pack lies in, else `~/comfy/ComfyUI` (comfy-cli's default) and its siblings `ComfyUI-*`.
    """
    by_version: dict[str, ComfyFolder] = {}
    for path in _candidates():
        version = read_version(path)
        if version is not None:
            by_version.setdefault(version, ComfyFolder(path=path, version=version))
    return sorted(by_version.values(), key=lambda found: version_key(found.version), reverse=True)


def read_version(path: Path) -> str | None:
    """Give the version of the ComfyUI in a folder, or None if there is no ComfyUI."""
    version_file = path / "comfyui_version.py"
    if not version_file.is_file() or not (path / "main.py").is_file():
        return None
    match = re.search(r"__version__\s*=\s*[\"']([^\"']+)", version_file.read_text(encoding="utf-8"))
    return match.group(1) if match else None


def version_key(version: str) -> tuple[int, ...]:
    """Turn "0.3.64" into (0, 3, 64), so that versions sort as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _candidates() -> list[Path]:
    if named := os.environ.get(VARIABLE):
        paths = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
        for path in paths:
            if read_version(path) is None:
                logger.warning("%s names %s, where there is no ComfyUI (no main.py).", VARIABLE, path)
        return paths
    around = REPOSITORY.parent
    if around.name == "custom_nodes" and read_version(around.parent):
        return [around.parent]
    home = Path.home() / "comfy"
    return [home / "ComfyUI", *sorted(home.glob("ComfyUI-*"))]
