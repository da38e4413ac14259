"""Make the virtual environments: `.venv` for development and one thin `.venv-comfy-<version>` per ComfyUI.

Runs on a bare Python (`python3 -m tools.setup_venv`): standard library only. A stamp in each environment holds the hash of what it was made from, so
that a second run only looks.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from .comfyui.folders import REPOSITORY, ComfyFolder, find_comfy_folders

ENVIRONMENT = REPOSITORY / ".venv"
STAMP = "likeness-stamp"
ALONE = "requirements-pyiqa.txt"  # installed without what its packages ask for
SOURCES = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-training.txt",
    "requirements-evaluation.txt",
    ALONE,
)


def main() -> int:
    """Make what is missing and say in one line what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comfy", action="store_true", help="also one thin environment per ComfyUI found")
    options = parser.parse_args()
    started = time.monotonic()
    made = [ENVIRONMENT.name] if make_environment() else []
    if options.comfy:
        made += [folder.environment.name for folder in find_comfy_folders() if make_comfy(folder)]
    found = f"made {', '.join(made)}" if made else "everything is there"
    print(f"setup: {found} ({time.monotonic() - started:.0f} s)")
    return 0


def make_environment() -> bool:
    """Make `.venv`: the pinned torch, requirements.txt, requirements-dev.txt, this pack, editable, and pyiqa alone.

    Returns:
        Whether anything had to be done.
    """
    stamp = _hash([REPOSITORY / name for name in SOURCES])
    if _is_made(ENVIRONMENT, stamp):
        return False
    python = _create(ENVIRONMENT)
    _pip(python, "-r", REPOSITORY / "requirements-dev.txt", "-r", REPOSITORY / "requirements.txt", "-e", REPOSITORY)
    _pip(python, "--no-deps", "-r", REPOSITORY / ALONE)
    (ENVIRONMENT / STAMP).write_text(stamp)
    return True


def make_comfy(folder: ComfyFolder) -> bool:
    """Make the thin environment of one ComfyUI: it sees `.venv` and adds only what that version's own pins ask for.

    Returns:
        Whether anything had to be done.
    """
    requirements = folder.path / "requirements.txt"
    stamp = _hash([requirements, ENVIRONMENT / STAMP])
    if _is_made(folder.environment, stamp):
        return False
    python = _create(folder.environment)
    # addsitedir, unlike a bare path, also runs the .pth files there, among them this pack's editable install.
    link = f"import site; site.addsitedir({str(_site_packages(ENVIRONMENT))!r})\n"
    (_site_packages(folder.environment) / "likeness-venv.pth").write_text(link)
    _pip(python, "-r", requirements)
    (folder.environment / STAMP).write_text(stamp)
    return True


def _create(environment: Path) -> Path:
    python = _python(environment)
    if not python.is_file():
        if sys.version_info < (3, 10):  # noqa: UP036 - whatever `python3` is runs this file
            raise SystemExit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}: {sys.executable}")
        print(f"setup: making {environment.name}", flush=True)
        venv.create(environment, with_pip=True)
    return python


def _pip(python: Path, *arguments: str | Path) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    print(f"setup: pip install {' '.join(_short(argument) for argument in arguments)}", flush=True)
    if subprocess.run([str(part) for part in command], check=False).returncode:
        raise SystemExit(f"setup: pip failed in {python.parents[1].name}; its message stands above.")


def _short(argument: str | Path) -> str:
    path = Path(argument)
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else str(argument)


def _python(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / "python"


def _site_packages(environment: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([str(_python(environment)), "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip())


def _is_made(environment: Path, stamp: str) -> bool:
    file = environment / STAMP
    return _python(environment).is_file() and file.is_file() and file.read_text() == stamp


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
