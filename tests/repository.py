"""What the repository holds, and what of it a release's archive holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IGNORE_FILE = ROOT / ".comfyignore"
GENERATED = {"__pycache__", "output", "node_modules"}  # and every folder whose name starts with a dot


def list_files() -> list[str]:
    """Return the paths of all tracked files below the root, or of the whole tree where there is no git folder."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        names = git("-C", str(ROOT), "ls-files", "-z").split("\0")
        return sorted(name for name in names if name and (ROOT / name).is_file())
    return sorted(_walk())


def find_ignored(names: Iterable[str], patterns: Sequence[str], scratch: Path) -> set[str]:
    """Return the paths that lines of a .gitignore leave out, without regard to the repository's own settings.

    Args:
        names: paths as git writes them.
        patterns: lines of a .gitignore at the root.
        scratch: a folder in which an empty repository is made to ask git.
    """
    git("init", "--quiet", str(scratch))
    (scratch / ".git" / "info" / "exclude").write_text("\n".join(patterns) + "\n", encoding="utf-8")
    asked = "\0".join(names)
    return set(git("-C", str(scratch), "check-ignore", "--no-index", "--stdin", "-z", text=asked).split("\0")) - {""}


def list_shipped(scratch: Path) -> list[str]:
    """Return the paths of all files that a release's archive holds."""
    names = list_files()
    ignored = find_ignored(names, IGNORE_FILE.read_text(encoding="utf-8").splitlines(), scratch)
    return [name for name in names if name not in ignored]


def copy_files(names: Iterable[str], target: Path) -> None:
    """Copy files of the repository into a folder, each at its own path."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def git(*arguments: str, text: str = "") -> str:
    """Run git, without the variables that a hook sets, and return what it prints; check-ignore ends with 1 for none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *arguments]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def _walk() -> Iterable[str]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED and not name.startswith(".")]
        yield from ((Path(folder) / name).relative_to(ROOT).as_posix() for name in files if not name.endswith(".pyc"))
