"""Draw the same with Apply IP-Adapter and with ComfyUI_IPAdapter_plus in every ComfyUI found, and print how far the latents differ.

    python -m likeness.tools.peers.equivalence --peer PATH/ComfyUI_IPAdapter_plus

Both run through HTTP on a full-size SD1.5 model with random weights and one file of each kind that follows pictures. That
pack patches the middle block under a name that ComfyUI never calls, so ours leaves it out; the negative side is its black
picture. Its nodes for FaceID ask insightface, whose models cannot be made at random: `additions` compares these kinds, and
what is added at every layer, in a process where one given face stands for what insightface would find.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..comfyui.folders import ComfyFolder, find_comfy_folders, missing_line
from ..comfyui.server import ComfyServer
from ..portraits import astronaut
from ..weights.write import CHECKPOINT, CLIP_VISION, IP_ADAPTER, IP_ADAPTER_PLUS, WeightFile, make_all
from .ip_adapter import BLOCKS
from .packs import SAMPLER, SAVED, Prompt, node, sampled, sampler
from .process import start

FILES: Mapping[str, WeightFile] = {"plain": IP_ADAPTER, "Plus": IP_ADAPTER_PLUS}
SIDE = 224  # pixels of the picture: neither pack has to resize or crop it
MOST = 1e-4  # difference of latents, as a share of their largest value
SETTINGS: Mapping[str, Mapping[str, Any]] = {  # by name: what both nodes are told
    "weight 0.8": {"weight": 0.8},
    "weight 1.3, second half": {"weight": 1.3, "start": 0.5},
    "weight 0.6, K+V": {"weight": 0.6, "scaling": "K+V"},
    "weight 0.6, K+V w/ C penalty": {"weight": 0.6, "scaling": "K+V w/ C penalty"},
    "weight 0.6, K+mean(V) w/ C penalty": {"weight": 0.6, "scaling": "K+mean(V) w/ C penalty"},
}


def main() -> int:
    """Print a line for each kind and setting; 1 where one differs by more than it may, 2 where there is no ComfyUI."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="folder of ComfyUI_IPAdapter_plus")
    options = parser.parse_args()
    folders = find_comfy_folders()
    if not folders:
        print(missing_line())
        return 2
    failed = False
    for folder in folders:
        print(f"ComfyUI {folder.version}", flush=True)
        failed |= _differs(folder, options.peer)
        failed |= start(folder, "additions", options.peer)
    return int(failed)


def _differs(folder: ComfyFolder, peer: Path) -> bool:
    models = make_all((CHECKPOINT, CLIP_VISION, *FILES.values()))
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="likeness-equivalence-") as base,
        ComfyServer(folder, Path(base), models=models, packs={peer.name: peer}) as server,
    ):
        astronaut().picture.resize((SIDE, SIDE)).save(server.base / "input" / "picture.png")
        plain = sampled(server, graph({}, ["checkpoint", 0]))
        for kind, file in FILES.items():
            for name, given in SETTINGS.items():
                ours, theirs = (sampled(server, make(file, given)) for make in (our_graph, their_graph))
                largest = float(ours.abs().max())
                apart, effect = (float((ours - other).abs().max()) / largest for other in (theirs, plain))
                failed |= apart > MOST or effect <= MOST
                print(
                    f"  {kind}, {name}: {apart:.1e} apart, {effect:.1e} from the plain model (shares of the latent's "
                    f"largest value, {largest:.1f})",
                    flush=True,
                )
    return failed


def our_graph(file: WeightFile, given: Mapping[str, Any]) -> Prompt:
    """A prompt with our nodes."""
    loader = node(
        "LikenessLoadIPAdapter", ip_adapter=file.name, version="auto", lora="none", recogniser="auto", clip_vision_file="auto",
        clip_vision=["vision", 0],
    )  # fmt: skip
    applied = node(
        "LikenessApplyIPAdapter", model=["checkpoint", 0], ip_adapter=["adapter", 0], picture=["picture", 0], strength=1.0,
        picture_strength=given["weight"], blocks="linear", block_weights=BLOCKS, structure_scale=1.0, lora_strength=1.0,
        negative="black", crop="centre", combine="concat", embeds_scaling=given.get("scaling", "V only"),
        start_percent=given.get("start", 0.0), end_percent=1.0,
    )  # fmt: skip
    return graph({"adapter": loader, "applied": applied}, ["applied", 0])


def their_graph(file: WeightFile, given: Mapping[str, Any]) -> Prompt:
    """The same with ComfyUI_IPAdapter_plus."""
    applied = node(
        "IPAdapterAdvanced", model=["checkpoint", 0], ipadapter=["adapter", 0], image=["picture", 0], clip_vision=["vision", 0],
        weight=given["weight"], weight_type="linear", combine_embeds="concat", start_at=given.get("start", 0.0), end_at=1.0,
        embeds_scaling=given.get("scaling", "V only"),
    )  # fmt: skip
    loader = node("IPAdapterModelLoader", ipadapter_file=file.name)
    return graph({"adapter": loader, "applied": applied}, ["applied", 0])


def graph(nodes: Prompt, model: list[Any]) -> Prompt:
    """A prompt that samples a MODEL in two steps, with some nodes in it."""
    return nodes | {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name=CHECKPOINT.name),
        "vision": node("CLIPVisionLoader", clip_name=CLIP_VISION.name),
        "picture": node("LoadImage", image="picture.png"),
        "positive": node("CLIPTextEncode", clip=["checkpoint", 1], text="a person on a bench"),
        "negative": node("CLIPTextEncode", clip=["checkpoint", 1], text="nsfw"),
        "latent": node("EmptyLatentImage", width=256, height=256, batch_size=1),
        SAMPLER: sampler(["positive", 0], ["negative", 0], model=model),
        SAVED: node("SaveLatent", samples=[SAMPLER, 0], filename_prefix="equivalence"),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
