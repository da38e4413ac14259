"""`make bench`: run every program in benchmarks/, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from .caches import write_elsewhere
from .comfyui.folders import REPOSITORY, find_comfy_folders

FOLDER = REPOSITORY / "benchmarks"
NOT_HERE = 2  # status of a program that needs what this machine does not have


def main() -> int:
    """Run the programs with the newest ComfyUI found, which LIKENESS_COMFYUI names, or without one."""
    folders = find_comfy_folders()
    python = str(folders[0].python) if folders else sys.executable
    variables = write_elsewhere("benchmarks")
    if folders:
        variables["LIKENESS_COMFYUI"] = str(folders[0].path)
    failed: list[str] = []
    skipped: list[str] = []
    names = programs()
    for name in names:
        print(f"=== {name} ===", flush=True)
        started = time.monotonic()
        command = [python, "-m", f"likeness.benchmarks.{name}"]
        status = subprocess.run(command, cwd=FOLDER, env={**os.environ, **variables}, check=False).returncode
        if status:
            (skipped if status == NOT_HERE else failed).append(name)
        print(f"=== {name}: {time.monotonic() - started:.0f} s ===", flush=True)
    outcome = f"failed: {', '.join(failed)}" if failed else "all ran to the end"
    print(f"bench: {len(names)} programs, {outcome}{'; not for this machine: ' if skipped else ''}{', '.join(skipped)}")
    return 1 if failed else 0


def programs() -> list[str]:
    """Names of all programs below the folder, as Python imports them from there."""
    files = [file for file in FOLDER.rglob("*.py") if "__main__" in file.read_text(encoding="utf-8")]
    return sorted(".".join(file.relative_to(FOLDER).with_suffix("").parts) for file in files)


if __name__ == "__main__":
    sys.exit(main())
