"""`make demo`: two drawn people and a sentence in, pictures with both of them out, and what a judge sees in them."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from ...miniature.judge.file import read_judge
from ...models.errors import LikenessError
from ...models.miniature.files import JUDGE
from ..comfyui.folders import REPOSITORY, find_comfy_folders, wrong_paths
from ..comfyui.server import ComfyRunError
from .comfy import draw_in_comfy
from .diffusers import draw_on_diffusers
from .report import about_the_grid, save_grid, score, table
from .scene import Scene, drawn_people, read_people, sentences

GRID = REPOSITORY / "output" / "demo.png"


def main() -> int:
    """Run the demo; 0 when the grid is there, 1 after a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", nargs=2, type=Path, metavar="FILE", help="two pictures of drawn people")
    parser.add_argument("--prompt", help="another sentence about two people")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `with` blocks stop what they started
    try:
        run(options.photos, options.prompt)
    except (LikenessError, ComfyRunError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(photos: list[Path] | None, prompt: str | None) -> None:
    """Draw, judge, save and print."""
    started = time.monotonic()
    judge = read_judge(JUDGE)
    references, codes = read_people(photos, judge) if photos else drawn_people()
    one, two = sentences(codes, prompt)
    scene = Scene(references=references, codes=codes, one=one, two=two)
    for path in wrong_paths():
        print(f"demo: there is no ComfyUI in {path}")
    folders = find_comfy_folders()
    if folders:
        print(
            f"demo: drawing in ComfyUI {folders[0].version}, {folders[0].path} (nothing is written there)", flush=True
        )
        pictures, maps = draw_in_comfy(scene, folders[0])
    else:
        print("demo: no ComfyUI was found (COMFYUI_PATH names it); drawing on diffusers, same weights", flush=True)
        pictures, maps = draw_on_diffusers(scene)
    lines = score(judge, scene, pictures)
    print(f"demo: {two}\n\n{table(lines, scene.pictures)}\n{about_the_grid(lines)}\n")
    save_grid(GRID, scene, pictures, maps)
    print(f"demo: saved {GRID.relative_to(REPOSITORY)} ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
