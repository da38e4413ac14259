"""How long training waits for pictures: the real command on a full-size SD1.5 with random weights, batch 1.

Usage: PYTHON -m likeness.benchmarks.training.waiting [--size 512] [--steps 4] [--workers 1]

Any interpreter with the trainer's packages will do. Twelve photos of 1024×1024 pixels are trained on three times: without a
cache, with an empty one and with a full one. The shares are the means that the log of the run holds, without its first
step. Before that, the speed of reading alone is told: pictures that one process decodes, frames and crops per second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from likeness.dataset.rows import ManifestRows
from likeness.tools.weights.write import BACKBONE, CHECKPOINT, CLIP_VISION, make
from likeness.training.batches.index import Wanted
from likeness.training.uniportrait.pictures import PictureDataset
from PIL import Image

PHOTOS, SIDE = 12, 1024
FACE = ((0.44, 0.38), (0.56, 0.38), (0.5, 0.45), (0.45, 0.52), (0.55, 0.52))  # five points as shares of the photo
MOST = 0.05  # share of the time that may be waited


def main() -> None:
    """Print the speed of reading, then one line per cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of the training picture, pixels")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder)
        print(f"reading: {pictures_per_second(folder, given.size):.1f} pictures per second in one process", flush=True)
        for cache in ("none", "empty", "full"):
            waiting, encoding, seconds = shares(folder, cache, given.size, given.steps, given.workers)
            verdict = "met" if waiting < MOST else "MISSED"
            print(
                f"cache {cache:<6} waiting {waiting:6.2%} (below {MOST:.0%}: {verdict}), encoding {encoding:6.2%}, "
                f"{seconds:.2f} s per step",
                flush=True,
            )


def write_photos(folder: Path) -> None:
    """A manifest with photos as large and as detailed as real ones."""
    rows = []
    for number in range(PHOTOS):
        coarse = np.random.default_rng(number).integers(0, 256, (SIDE // 16, SIDE // 16, 3), np.uint8)
        Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(
            folder / f"{number}.jpg", quality=92
        )
        person = {"bbox": [200, 200, 824, 1024], "kps": [[x * SIDE, y * SIDE] for x, y in FACE]}
        row = {"id": str(number), "image": f"{number}.jpg", "w": SIDE, "h": SIDE, "caption": "a photo"}
        rows.append(json.dumps({**row, "persons": [person]}))
    (folder / "manifest.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def pictures_per_second(folder: Path, size: int) -> float:
    """How fast one process reads, without a cache."""
    wanted = Wanted(split="train", size=size, fewest=1, most=1)
    dataset = PictureDataset(ManifestRows(folder / "manifest.jsonl"), wanted, seed=0)
    started = time.perf_counter()
    for position in range(PHOTOS):
        dataset[position]
    return PHOTOS / (time.perf_counter() - started)


def shares(folder: Path, cache: str, size: int, steps: int, workers: int) -> tuple[float, float, float]:
    """Shares of the time spent waiting and encoding, and seconds per step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output, kept = folder / f"run-{cache}", folder / "cache"
    config = f"""
        [run]
        output = "{output}"
        steps = {steps}
        log_every = 1
        [base]
        checkpoint = "{make(CHECKPOINT)}"
        clip_vision = "{make(CLIP_VISION)}"
        backbone = "{make(BACKBONE)}"
        [method]
        name = "uniportrait-stage1"
        swap_identity = 0.0
        [data]
        manifest = "manifest.jsonl"
        size = {size}
        batch_size = 1
        workers = {workers}
        cache = "{"none" if cache == "none" else kept}"
    """
    path = folder / f"{cache}.toml"
    path.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "likeness.training", str(path)]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stderr=subprocess.DEVNULL)
    [events] = (output / "logs").rglob("events.*")
    log = EventAccumulator(str(events.parent)).Reload()
    waiting, encoding, seconds = (
        float(np.mean([entry.value for entry in log.Scalars(name)][1:]))
        for name in ("waiting_for_data", "encoding", "seconds_per_step")
    )
    return waiting, encoding, seconds


if __name__ == "__main__":
    main()
