"""Run the core's own nodes beside every method in every ComfyUI found, and print a table for each.

    python -m likeness.tools.peers.core --methods uniportrait consistentid --nodes FreeU HyperTile

Everything runs through HTTP on the miniature, in seconds and without a file that is not in the pack. A field of the table is

- "equal": node and method act, and give the same latents whether the node stands before our Apply node or after it;
- "acts": both act; "acts / acts" where the two orders differ, and by which share of the latents' largest value;
- "keeps": a node that must change no picture changed none of the method's;
- "node does nothing here": it changes nothing on the miniature, with or without us;
- a sentence of ours, where the pack refuses what cannot be had;
- "FAULT: …" with what is wrong, which makes the command fail: an error that is no sentence of ours, NaN, a method or a node
  that no longer acts beside the other, a second run that differs;
- "not there": this ComfyUI has no such node.

What a model of 128 × 128 pixels cannot show is memory and speed, offloading, half precision on a GPU, SDXL's size
conditioning, and whether a picture is better: the table says that both act, not how well they look together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...comfyui.folders import ComfyFolder, find_comfy_folders, missing_line
from ...comfyui.server import ComfyServer
from . import model_nodes, prompt_nodes, sampler_nodes
from .bench import Bench, say
from .methods import METHODS
from .node import CoreNode
from .weights import make_files

NODES: dict[str, CoreNode] = {
    node.name: node for node in (*model_nodes.NODES, *prompt_nodes.NODES, *sampler_nodes.NODES)
}


def main() -> int:
    """Print the tables; 1 where a field is a fault, 2 where there is no ComfyUI."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="METHOD")
    parser.add_argument("--nodes", nargs="+", choices=list(NODES), default=list(NODES), metavar="NODE")
    options = parser.parse_args()
    folders = find_comfy_folders()
    if not folders:
        print(missing_line())
        return 2
    with tempfile.TemporaryDirectory(prefix="likeness-core-") as files:
        faults = [_print_table(folder, Path(files), options.methods, options.nodes) for folder in folders]
    return int(any(faults))


def _print_table(folder: ComfyFolder, files: Path, methods: Sequence[str], nodes: Sequence[str]) -> int:
    """Print a line for each node as soon as it is known; gives the number of faults."""
    with (
        tempfile.TemporaryDirectory(prefix="likeness-core-") as base,
        ComfyServer(folder, Path(base), models=make_files(files)) as server,
    ):
        bench = Bench(server)
        count = faults = 0
        print(f"\n## ComfyUI {folder.version}\n\n{row('node', *methods)}\n{row('---', *('---' for _ in methods))}")
        for name in nodes:
            found = [bench.cells(METHODS[method], NODES[name]) for method in methods]
            print(row(f"`{name}`", *(say(cells) for cells in found)), flush=True)
            count += sum(len(cells) for cells in found)
            faults += sum(cell.is_fault for cells in found for cell in cells)
        changed = bench.find_changed()
        print(f"\n{count} cells in {bench.count} runs, {faults} faults; the plain model ", end="")
        print(
            f"FAULT: gives other latents than at first in {changed} graphs" if changed else "is as it was", flush=True
        )
    return faults + changed


def row(*fields: str) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(field.replace('|', '∣') for field in fields)} |"


if __name__ == "__main__":
    sys.exit(main())
