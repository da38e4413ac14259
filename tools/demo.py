"""`make demo`: the two-person workflow through a real ComfyUI, from two portraits to a picture and a routing map."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .comfy_folders import REPOSITORY, ComfyFolder, find_comfy_folders, missing_line
from .comfy_server import ComfyRunError, ComfyServer
from .installed_models import find_detectors, find_weights
from .portraits import astronaut, drawing
from .random_weights import BACKBONE, CHECKPOINT, CLIP_VISION, FACEID, ROUTER, WeightFile, make

WORKFLOW = REPOSITORY / "workflows" / "api" / "two-people.json"
OUTPUT = REPOSITORY / "output"
WEIGHTS = (CHECKPOINT, FACEID, ROUTER, BACKBONE, CLIP_VISION)
# Class and input of every file that the workflow names.
FILE_INPUTS: Mapping[tuple[str, str], WeightFile] = {
    ("CheckpointLoaderSimple", "ckpt_name"): CHECKPOINT,
    ("LikenessLoadUniPortrait", "faceid"): FACEID,
    ("LikenessLoadUniPortrait", "router"): ROUTER,
    ("LikenessLoadUniPortrait", "backbone"): BACKBONE,
    ("CLIPVisionLoader", "clip_name"): CLIP_VISION,
}
DRAWING_SEED = 4
Prompt = dict[str, dict[str, Any]]


class DemoError(RuntimeError):
    """The demo cannot run; the message says what to do."""


def main() -> int:
    """Run the demo; 0 when the picture is there, 2 without ComfyUI, 1 on any other failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", nargs=2, type=Path, metavar="FILE", help="two photos instead of the portraits")
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels")
    parser.add_argument("--steps", type=int, default=8, help="sampling steps")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `with` blocks stop what they started
    folders = find_comfy_folders()
    if not folders:
        print(missing_line())
        return 2
    try:
        run(folders[0], options.photos or write_portraits(), options.size, options.steps)
    except (DemoError, ComfyRunError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(folder: ComfyFolder, photos: Sequence[Path], size: int, steps: int) -> None:
    """Start ComfyUI, queue the workflow, save picture and map, print the shares."""
    installed = find_weights(folder)
    made = [weights for weights in WEIGHTS if weights not in installed]
    files = {weights: installed.get(weights) or make(weights) for weights in WEIGHTS}
    detectors = find_detectors(folder)
    models = {f"{weights.folder}/{file.name}": file for weights, file in files.items()}
    regions = [] if detectors else [read_region(photo) for photo in photos]
    names = [f"person-{number}{photo.suffix}" for number, photo in enumerate(photos, 1)]
    prompt = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    fill_in(prompt, files, names, regions, size, steps)
    print(f"demo: starting ComfyUI {folder.version} from {folder.path} (nothing is written there)", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="likeness-demo-", ignore_cleanup_errors=True) as base:
        with ComfyServer(folder, Path(base), models={**models, **detectors}) as server:
            for photo, name in zip(photos, names, strict=True):
                server.add_input(photo, name)
            print(f"demo: queued {WORKFLOW.name}: {size}x{size}, {steps} steps", flush=True)
            entry = server.run(prompt)
            picture, routing_map = save(server, prompt, entry)
        shares = read_shares(prompt, entry)
    report(photos, shares, made, has_detector=bool(detectors))
    print(
        f"demo: saved {picture.relative_to(REPOSITORY)} and {routing_map.relative_to(REPOSITORY)} "
        f"({time.monotonic() - started:.0f} s)"
    )


def write_portraits() -> list[Path]:
    """Write the two portraits of the demo, each with its points beside it."""
    portraits = {"astronaut.png": astronaut(), f"drawing-{DRAWING_SEED}.png": drawing(DRAWING_SEED)}
    for name, portrait in portraits.items():
        portrait.save(OUTPUT / "portraits" / name)
    return [OUTPUT / "portraits" / name for name in portraits]


def read_region(photo: Path) -> str:
    """Read the five points stored beside a photo, as Detect Faces takes them.

    Raises:
        DemoError: if there are none.
    """
    file = photo.with_suffix(".json")
    if not file.is_file():
        raise DemoError(
            f"No face detector is installed and {photo} has no {file.name} beside it; put a detector into "
            'models/insightface, or write {"points": [[x, y], ... five of them ...]} into that file.'
        )
    points = json.loads(file.read_text(encoding="utf-8"))["points"]
    return " ".join(f"{value:g}" for point in points for value in point)


def fill_in(
    prompt: Prompt,
    files: Mapping[WeightFile, Path],
    names: Sequence[str],
    regions: Sequence[str],
    size: int,
    steps: int,
) -> None:
    """Put the files that are there, the demo's size and its steps into the workflow."""
    for node in prompt.values():
        for (kind, name), weights in FILE_INPUTS.items():
            if node["class_type"] == kind:
                node["inputs"][name] = files[weights].name
    _one(prompt, "EmptyLatentImage")["inputs"].update(width=size, height=size)
    _one(prompt, "KSampler")["inputs"].update(steps=steps)
    loaders = ids_of(prompt, "LoadImage")
    for loader, name in zip(loaders, names, strict=True):
        prompt[loader]["inputs"]["image"] = name
    for detect in ids_of(prompt, "LikenessDetectFaces") if regions else ():
        inputs = prompt[detect]["inputs"]
        inputs.update(detector="given region", region=regions[loaders.index(inputs["image"][0])])


def save(server: ComfyServer, prompt: Prompt, entry: Mapping[str, Any]) -> tuple[Path, Path]:
    """Copy picture and routing map from ComfyUI's folders to `output/`."""
    OUTPUT.mkdir(exist_ok=True)
    [saved] = ids_of(prompt, "SaveImage")
    [picture] = server.output_files(entry, saved)
    [routing_map] = server.output_files(entry, _map_preview(prompt))
    return (
        Path(shutil.copyfile(picture, OUTPUT / "demo.png")),
        Path(shutil.copyfile(routing_map, OUTPUT / "demo-routing-map.png")),
    )


def read_shares(prompt: Prompt, entry: Mapping[str, Any]) -> dict[str, float]:
    """Read the share of positions of each person from what the workflow shows of Routing Map's `shares`."""
    [routing_map] = ids_of(prompt, "LikenessShowRoutingMap")
    for node_id in ids_of(prompt, "PreviewAny"):
        if prompt[node_id]["inputs"]["source"] == [routing_map, 2]:
            return json.loads(entry["outputs"][node_id]["text"][0])
    raise DemoError(f"{WORKFLOW.name} shows the routing map's shares in no PreviewAny node.")


def report(
    photos: Sequence[Path], shares: Mapping[str, float], made: Sequence[WeightFile], *, has_detector: bool
) -> None:
    """Say whom the positions went to and what is not real about the picture."""
    for photo, (name, share) in zip(photos, shares.items(), strict=True):
        print(f"demo: {name} ({photo.name}): {share:.1%} of all positions were routed to them")
    if made:
        names = ", ".join(weights.name for weights in made)
        print(f"demo: the picture is noise: these files are not installed, random ones stood in for them: {names}")
    if not has_detector:
        print("demo: no detector files are installed: the five face points stored beside each portrait were used")


def ids_of(prompt: Prompt, kind: str) -> list[str]:
    """Give the ids of all nodes of one class, in the order of the file."""
    return [node_id for node_id, node in prompt.items() if node["class_type"] == kind]


def _one(prompt: Prompt, kind: str) -> dict[str, Any]:
    [node_id] = ids_of(prompt, kind)
    return prompt[node_id]


def _map_preview(prompt: Prompt) -> str:
    [routing_map] = ids_of(prompt, "LikenessShowRoutingMap")
    [shown] = [key for key in ids_of(prompt, "PreviewImage") if prompt[key]["inputs"]["images"] == [routing_map, 1]]
    return shown


if __name__ == "__main__":
    sys.exit(main())
