"""What it costs to apply people to a MODEL, to clone it, and to import the pack.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.apply_cost [--people 1 2 4] [--repeats 5]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from likeness.tests.people import crowd

from .clones import CLONES, growth
from .comfy_process import adapter_files, comfyui, load_adapter, load_model, parser

MOST_SECONDS, MOST_MEBIBYTES, MOST_IMPORT_SECONDS = 1.0, 1.0, 0.5
MEBIBYTE = 2**20
PACK = Path(__file__).resolve().parents[1]

# Everything that ComfyUI has imported when it comes to custom nodes, then this pack as ComfyUI loads it.
IMPORT_THE_PACK = """
import asyncio, sys, time
sys.path.insert(0, sys.argv[1])
sys.argv[1:], pack, base = [], sys.argv[2], sys.argv[3]
from comfy.cli_args import args
args.cpu, args.base_directory = True, base
import utils.extra_config  # before `nodes` puts a folder with another `utils` on the path
import nodes, server, execution
async def main():
    await nodes.init_builtin_extra_nodes()
    start = time.perf_counter()
    loaded = await nodes.load_custom_node(pack)
    print("seconds", time.perf_counter() - start if loaded else "failed")
asyncio.run(main())
"""


def main() -> None:
    """Print one line per figure beside its target."""
    arguments = parser(__doc__)
    arguments.add_argument("--people", type=int, nargs="+", default=[1, 2, 4])
    arguments.add_argument("--repeats", type=int, default=5)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (folder, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, {given.threads} threads, median of {given.repeats}")
        files = adapter_files()
        reading, adapter = _timed(lambda: load_adapter(*files))
        print(f"reading the three files (warm disk cache): {reading:.2f} s")
        model = load_model()
        for count in given.people:
            people = crowd(count)
            _apply(model, adapter, people)  # encodes the photos, once for all
            seconds = [_timed(lambda people=people: _apply(model, adapter, people))[0] for _ in range(given.repeats)]
            _print(f"apply {count} people", statistics.median(seconds), MOST_SECONDS, "s")
        _report_clones(_apply(model, adapter, crowd(2)))
    _print("import of the pack", statistics.median(_import_seconds(folder, given.repeats)), MOST_IMPORT_SECONDS, "s")


def _apply(model: Any, adapter: Any, people: Any) -> Any:
    from likeness.host.uniportrait.application import apply

    return apply(model, adapter, people, structure_scale=0.3, lora_strength=1.0).model


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def _report_clones(model: Any) -> None:
    for what, grown in zip(("tensors", "Python objects"), growth(model), strict=True):
        _print(f"{CLONES} chained clones, {what}", grown / MEBIBYTE, MOST_MEBIBYTES, "MiB")


def _import_seconds(folder: Path, repeats: int) -> list[float]:
    """Seconds that ComfyUI needs to load the pack, each in a process of its own; the first one warms the caches."""
    seconds: list[float] = []
    for _ in range(repeats + 1):
        with tempfile.TemporaryDirectory(prefix="likeness-bench-") as base:
            command = [sys.executable, "-c", IMPORT_THE_PACK, str(folder), str(PACK), base]
            environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            finished = subprocess.run(command, capture_output=True, text=True, cwd=base, env=environment, check=False)
        words = finished.stdout.split()
        if finished.returncode or "seconds" not in words or words[-1] == "failed":
            raise SystemExit(f"The pack did not load:\n{finished.stdout[-2000:]}{finished.stderr[-4000:]}")
        seconds.append(float(words[words.index("seconds") + 1]))
    return seconds[1:]


def _print(label: str, value: float, most: float, unit: str) -> None:
    print(f"{label:<36}{value:>9.3f} {unit:<4} at most {most:g}: {'met' if value <= most else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
