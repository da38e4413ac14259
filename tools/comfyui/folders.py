"""Where ComfyUI is: the folders named by COMFYUI_PATH, or the usual places."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
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


def missing_line() -> str:
    """Say in one line that there is no ComfyUI, how to install it and how to name it."""
    wrong = "".join(f" (it names {path}, where there is no main.py)" for path in wrong_paths())
    return f"needs ComfyUI: install it with `{INSTALL_COMMAND}`, or name its folder in {VARIABLE}{wrong}"


def wrong_paths() -> list[Path]:
    """Give the folders that COMFYUI_PATH names and that hold no ComfyUI."""
    return [path for path in _named() if read_version(path) is None]


def version_key(version: str) -> tuple[int, ...]:
    """Turn "0.3.64" into (0, 3, 64), so that versions sort as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _named() -> list[Path]:
    return [Path(part).expanduser() for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


def _candidates() -> list[Path]:
    if named := _named():
        return named
    around = REPOSITORY.parent
    if around.name == "custom_nodes" and read_version(around.parent):
        return [around.parent]
    home = Path.home() / "comfy"
    return [home / "ComfyUI", *sorted(home.glob("ComfyUI-*"))]
